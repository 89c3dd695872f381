//! Who gains and who pays on rollups with prices outside, party by party.
//!
//! Pure functions of records, over the whole run. A party's *surplus* is what its swaps bought less what they sold, at the
//! tokens' values outside when they were executed, in ether at the worth of liquidity that the plan states; without one
//! there is no summary. What traders gain, pools lose: the pools' result is theirs against
//! a portfolio that makes the same trades outside (rebalancing), fees included, and is taken from the pools' own
//! storage. *Loss versus rebalancing* is what those took who trade because prices are off (arbitrageurs, searchers).
//! Fees go to the rollup, which pays its L1. So everything sums to zero, but for rounding: [`Welfare::off_eth`]. What
//! people want their trades for is not known; their surplus is the price of trading, mostly.

use super::format::{count, percent, three_digits};
use super::record::{Fate, FleetRecord, Party, RunRecord};
use super::stats::ratio;
use super::{markets, provision, rollups};
use crate::workload::economy::RESERVE;

/// What became of what a party sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PartySummary {
    /// Transactions it sent.
    pub sent: u64,
    /// Of these: in a block.
    pub included: u64,
    /// Of these: reverted.
    pub reverted: u64,
    /// Of those in a block: swapped nothing, reverted ones included.
    pub idle: u64,
    /// Gas they used.
    pub gas: u64,
    /// What its swaps sold, at values outside, over all liquidity of a pool.
    pub sold: f64,
    /// Bought less sold at values outside, ether.
    pub surplus_eth: f64,
    /// Fees, ether.
    pub fees_eth: f64,
}

impl PartySummary {
    /// Surplus less fees, ether.
    pub fn net_eth(&self) -> f64 {
        self.surplus_eth - self.fees_eth
    }
}

/// A fleet's parties and where everything went.
#[derive(Clone, Debug, PartialEq)]
pub struct Welfare {
    /// In the order of [`Party::ALL`].
    pub parties: [PartySummary; Party::ALL.len()],
    /// What pools gained at values outside, ether; where all of it is providers', it is among their surplus and this is zero.
    pub pools_eth: f64,
    /// Base fees the rollups received, ether.
    pub base_eth: f64,
    /// Tips they received, ether.
    pub tips_eth: f64,
    /// What they paid to the L1, ether.
    pub l1_eth: f64,
    /// Transactions in batches on the L1.
    pub posted: u64,
    /// What the reserve that one pool with all liquidity holds of a token is worth, ether.
    pub reserve_eth: f64,
}

impl Welfare {
    /// One party.
    pub fn party(&self, party: Party) -> PartySummary {
        self.parties[party as usize]
    }

    /// Part of the gas that a party used.
    pub fn gas_share(&self, party: Party) -> f64 {
        ratio(self.party(party).gas, self.parties.iter().map(|p| p.gas).sum())
    }

    /// Part of the fees that a party paid.
    pub fn fee_share(&self, party: Party) -> f64 {
        let all: f64 = self.parties.iter().map(|p| p.fees_eth).sum();
        if all > 0.0 { self.party(party).fees_eth / all } else { 0.0 }
    }

    /// What arbitrageurs and searchers took from pools over what everybody sold: loss versus rebalancing over volume.
    pub fn lvr_over_volume(&self) -> Option<f64> {
        let taken = self.party(Party::Arbitrageur).surplus_eth + self.party(Party::Searcher).surplus_eth;
        let sold: f64 = self.parties.iter().map(|p| p.sold).sum();
        (sold > 0.0).then(|| taken / (sold * self.reserve_eth))
    }

    /// The rollups' result: fees less what they paid to the L1, ether.
    pub fn rollups_eth(&self) -> f64 {
        self.base_eth + self.tips_eth - self.l1_eth
    }

    /// Fees a transaction, ether.
    pub fn fee_eth(&self) -> Option<f64> {
        let included: u64 = self.parties.iter().map(|p| p.included).sum();
        (included > 0).then(|| (self.base_eth + self.tips_eth) / included as f64)
    }

    /// What a posted transaction cost on the L1, ether.
    pub fn l1_eth_each(&self) -> Option<f64> {
        (self.posted > 0).then(|| self.l1_eth / self.posted as f64)
    }

    /// By how much surpluses and fees do not add up to zero: rounding.
    pub fn off_eth(&self) -> f64 {
        let surplus: f64 = self.parties.iter().map(|p| p.surplus_eth).sum();
        let fees: f64 = self.parties.iter().map(|p| p.fees_eth).sum();
        let trade = surplus + self.pools_eth;
        let gas = self.base_eth + self.tips_eth - fees;
        if trade.abs() > gas.abs() { trade } else { gas }
    }
}

/// The parties of a fleet; `None` if there is no price outside, or the plan does not say what liquidity is worth.
pub fn summarise(run: &RunRecord, fleet: &FleetRecord) -> Option<Welfare> {
    let market = markets::plan(run, fleet)?.market.as_ref()?;
    let (books, reserve_eth) = (fleet.books?, market.worth_milli_eth? as f64 / 1e3);
    let of_fleet = || run.rollups.transactions.iter().filter(|tx| tx.chain == fleet.chain);
    let mut parties = [PartySummary::default(); Party::ALL.len()];
    let mut units = [0_i128; Party::ALL.len()];
    let mut fees = [0_u128; Party::ALL.len()];
    for tx in of_fleet() {
        let (party, which) = (&mut parties[tx.party as usize], tx.party as usize);
        party.sent += 1;
        let Some(paid) = tx.paid.filter(|_| tx.fate == Fate::Included) else { continue };
        party.included += 1;
        party.gas += paid.gas;
        party.reverted += u64::from(!paid.success);
        party.idle += u64::from(tx.moved.is_none() && tx.swaps().all(|trade| trade.cost_ppb.is_none()));
        units[which] += tx.moved.map_or(0, |moved| moved.surplus_units);
        fees[which] += paid.fee_wei();
        for trade in tx.swaps().filter(|trade| trade.cost_ppb.is_some()) {
            units[which] += trade.surplus_units;
            party.sold += trade.sold_units as f64 / RESERVE as f64;
        }
    }
    // What is in the pools is providers' as what they took out.
    let owned = fleet.provided_ppm.is_some();
    if owned {
        units[Party::Provider as usize] += books.pools_units;
    }
    let eth = |units: i128| units as f64 / RESERVE as f64 * reserve_eth;
    for ((party, units), fees) in parties.iter_mut().zip(units).zip(fees) {
        (party.surplus_eth, party.fees_eth) = (eth(units), fees as f64 / 1e18);
    }
    let posted = run.rollups.batches.iter().filter(|b| b.chain == fleet.chain && b.slot.is_some());
    Some(Welfare {
        parties,
        pools_eth: if owned { 0.0 } else { eth(books.pools_units) },
        base_eth: books.base_wei as f64 / 1e18,
        tips_eth: books.tips_wei as f64 / 1e18,
        l1_eth: rollups::data_cost_wei(run, fleet.chain) / 1e18,
        posted: posted.map(|b| u64::from(b.transactions)).sum(),
        reserve_eth,
    })
}

/// Who gained and who paid, in lines of the report; none where that is not known.
pub fn lines(run: &RunRecord, fleet: &FleetRecord) -> Vec<String> {
    let Some(welfare) = summarise(run, fleet) else { return Vec::new() };
    let eth = |eth: f64| format!("{} ETH", amount(eth));
    let each = |eth: Option<f64>| eth.map_or("-".to_owned(), |eth| format!("{} gwei", amount(eth * 1e9)));
    let mut lines: Vec<String> = Party::ALL
        .iter()
        .map(|party| (party, welfare.party(*party)))
        .filter(|(_, summary)| summary.sent > 0)
        .map(|(party, summary)| {
            format!(
                "    {}: {} transactions, {} of gas, {} of fees; {} swapped nothing, {} of them reverted; surplus {}, \
                 fees {}",
                party.name(),
                count(summary.included),
                percent(welfare.gas_share(*party)),
                percent(welfare.fee_share(*party)),
                percent(ratio(summary.idle, summary.included)),
                count(summary.reverted),
                eth(summary.surplus_eth),
                eth(summary.fees_eth),
            )
        })
        .collect();
    lines.extend(provision::line(run, fleet));
    lines.push(format!(
        "    pools against rebalancing {}, lost to those who trade on wrong prices {} of all volume; rollups {} of fees less {} \
         to the L1; a transaction paid {}, its data {}",
        eth(welfare.pools_eth + welfare.party(Party::Provider).surplus_eth),
        welfare.lvr_over_volume().map_or("-".to_owned(), percent),
        eth(welfare.base_eth + welfare.tips_eth),
        eth(welfare.l1_eth),
        each(welfare.fee_eth()),
        each(welfare.l1_eth_each()),
    ));
    lines
}

/// A number in three digits, in powers of ten where it is small.
fn amount(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.01 { format!("{value:.2e}") } else { three_digits(value) }
}

/// A line of the books: someone, and what they end up with.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Parties by their names; pools, rollups, the L1.
    pub name: &'static str,
    /// What became of what it sent; `None` for those who send nothing on rollups.
    pub sent: Option<PartySummary>,
    /// Part of all gas.
    pub gas_share: Option<f64>,
    /// Part of all fees.
    pub fee_share: Option<f64>,
    /// Won by trading at values outside, ether.
    pub surplus_eth: f64,
    /// Paid for gas or data (above 0) or received (below), ether.
    pub fees_eth: f64,
}

impl Entry {
    /// What it ends up with, ether. Over all entries this sums to zero.
    pub fn net_eth(&self) -> f64 {
        self.surplus_eth - self.fees_eth
    }
}

/// The books, line by line.
pub fn ledger(welfare: &Welfare) -> Vec<Entry> {
    let parties = Party::ALL.iter().map(|party| {
        let summary = welfare.party(*party);
        Entry {
            name: party.name(),
            sent: Some(summary),
            gas_share: Some(welfare.gas_share(*party)),
            fee_share: Some(welfare.fee_share(*party)),
            surplus_eth: summary.surplus_eth,
            fees_eth: summary.fees_eth,
        }
    });
    let other = |name, surplus_eth, fees_eth| Entry {
        name,
        sent: None,
        gas_share: None,
        fee_share: None,
        surplus_eth,
        fees_eth,
    };
    let rest = [
        other("pools", welfare.pools_eth, 0.0),
        other("rollups", 0.0, -welfare.rollups_eth()),
        other("L1", 0.0, -welfare.l1_eth),
    ];
    parties.chain(rest).collect()
}
