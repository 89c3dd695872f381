//! Searchers, welfare and half-lives on rollups; the market with liquidity in ranges.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::{Context, Result};
use parallel_evm::contracts::{amm, erc20, ranges};
use parallel_evm::{Address, Block, BlockEnv, Bytes, Executor, MemoryState, SpecId, TxEnv, TxKind, U256};
use sim_core::kernel::math;
use sim_core::kernel::random::{Purpose, draw, standard_normal};
use sim_core::observe::dispersion::half_life_steps;
use sim_core::observe::record::{Party, RunRecord};
use sim_core::observe::welfare;
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::num::NonZeroUsize;
use std::path::Path;

/// Where searchers' spam ends.
pub const SPENDING: Check = Check {
    name: "searchers-spend-what-they-take",
    family: "rollups",
    question: "Do searchers who send a probe while its chance times its gain is above its price end up spending on gas what they take?",
    expected: "fees over gains = 1 for every price of gas (the next probe just pays, so all of them together do); more probes where gas is cheaper",
    source: "free entry to a contest for a given rent dissipates it (Posner 1975, Tullock 1980); derived",
    tolerance: "40 %: a window's gains at the start are not spent and the last one's are spent later; with few, unequal gains a window's estimate lags by as much as it \
                varies",
    understood_miss: None,
    run: spending,
};

/// Everything goes somewhere.
pub const WELFARE: Check = Check {
    name: "welfare-adds-up",
    family: "rollups",
    question: "Is what people, arbitrageurs and searchers gain what pools lose, and are fees paid those received?",
    expected: "sum of surpluses over all swaps (from receipts and events) + change of the pools' own storage at values outside = 0; fees from receipts = base fees of blocks + \
               what beneficiaries' accounts gained",
    source: "accounting; both sides are taken from different places",
    tolerance: "surpluses: a unit (10^-24 of all liquidity) a valuation, two a swap and four a pool and block. Fees: none, integers",
    understood_miss: None,
    run: adds_up,
};

/// Half-lives.
pub const HALF_LIFE: Check = Check {
    name: "half-life",
    family: "rollups",
    question: "Is the half-life that is measured from prices that of the process behind them?",
    expected: "Ornstein-Uhlenbeck, x' = x exp(-k) + noise a step: ln 2 / k steps",
    source: "closed form of the process",
    tolerance: "6 %: by Bartlett's formula the autocorrelation at one half is good to 0.0065 at k = 0.02, 1.9 % of the half-life, and better for larger k; three \
                deviations. Straight lines between steps add 0.7 % at k = 0.2",
    understood_miss: None,
    run: half_life,
};

/// Concentrated liquidity.
pub const RANGES: Check = Check {
    name: "ranges-quotes",
    family: "execution",
    question: "Does the market with liquidity in ranges pay what x y = k over each stretch says, and is a narrow range as much deeper as it should be?",
    expected: "outputs to the unit, edges crossed; with the same tokens, a range of e edges to either side is 1 / (1 - 1.006^(-e/2)) times as deep as all prices, so a \
               small trade slips by that much less",
    source: "derived from x y = k between two prices; an integer reference in the executor's crate",
    tolerance: "outputs: none, by both engines. Depth: 1 % for a trade of a thousandth of the range's own depth",
    understood_miss: None,
    run: quotes,
};

fn simulate(base_fee: &str, blocks: u64) -> Result<RunRecord> {
    let text = format!(
        "(version: 1, seed: 6, run: (blocks: {blocks}, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [Fleet(count: 1, preset: \"base-like\", block: \"2 s\", order: FirstCome, liquidity: Equal, \
         sequencers: 1, followers: 0, proof: Off, base_fee: \"{base_fee}\", \
         market: (volatility: 0.05, arbitrageurs: 1, worth_eth: 5, searchers: (count: 3, window: \"10 s\")), \
         demand: (rate: \"4 tx/s\", mix: {{ \"swap\": 100 }}, instances: 2, accounts: 60, hot_spot: Uniform, \
         max_fee: \"4 gwei\", trade: (median: 0.0005, p90: 5)), batch: (max_delay: \"20 s\", compression: 1))])"
    );
    let path = Path::new("searchers.ron");
    let scenario = Scenario::parse(&text, path, &Library::default(), &Changes::default())?;
    let mut simulation = Simulation::new(scenario.base)?;
    simulation.run()?;
    Ok(simulation.finish())
}

fn spending(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut before = None;
    for base_fee in ["0.2 gwei", "0.06 gwei", "0.02 gwei"] {
        let record = simulate(base_fee, effort.pick(15, 60))?;
        let summary = welfare::summarise(&record, &record.rollups.fleets[0]).context("prices outside")?;
        let searchers = summary.party(Party::Searcher);
        let sample = format!("{} probes, {} of them found nothing", searchers.included, searchers.idle);
        let expected = Expected::Near { value: 1.0, tolerance: 0.4 };
        let ratio = searchers.fees_eth / searchers.surplus_eth;
        finding.rows.push(Row::new(
            format!("{base_fee}: fees over gains"),
            ratio,
            expected,
            "",
            sample.clone(),
        ));
        if let Some(before) = before.replace(searchers.included) {
            let more = searchers.included as f64 / before as f64;
            let case = format!("{base_fee}: probes over those at the next higher price");
            finding.rows.push(Row::new(case, more, Expected::AtLeast(1.0), "", sample));
        }
    }
    Ok(finding)
}

fn adds_up(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let record = simulate("0.02 gwei", effort.pick(5, 20))?;
    let fleet = &record.rollups.fleets[0];
    let books = fleet.books.context("prices outside")?;
    let swaps: Vec<_> = record.rollups.transactions.iter().flat_map(|tx| tx.swaps()).collect();
    let gained: i128 = swaps.iter().map(|trade| trade.surplus_units).sum();
    let most = (2 * swaps.len() + 8 * fleet.blocks as usize) as f64;
    let sample = format!("{} swaps in {} blocks", swaps.len(), fleet.blocks);
    let expected = Expected::Within { low: -most, high: most };
    let off = (gained + books.pools_units) as f64;
    finding.rows.push(Row::new("surpluses and pools", off, expected, "units", sample.clone()));
    let fees: u128 =
        record.rollups.transactions.iter().filter_map(|tx| tx.paid).map(|paid| paid.fee_wei()).sum();
    let received = books.base_wei + books.tips_wei;
    let off = fees.abs_diff(received) as f64;
    finding.rows.push(Row::new("fees paid less received", off, Expected::Exactly(0.0), "wei", sample));
    Ok(finding)
}

fn half_life(_: Effort) -> Result<Finding> {
    const STEPS: usize = 600;
    const PLACES: usize = 800;
    let mut finding = Finding::default();
    for (case, rate) in [0.02, 0.05, 0.2].into_iter().enumerate() {
        let kept = math::exp(-rate);
        let noise = math::sqrt(1.0 - kept * kept);
        let normal = |place: usize, step: usize| {
            let entity = (case * PLACES + place) as u64;
            standard_normal(draw(8, Purpose::STATISTICS, entity, step as u64))
        };
        let mut values: Vec<f64> = (0..PLACES).map(|place| normal(place, 0)).collect();
        let moments: Vec<Vec<f64>> = (1..=STEPS)
            .map(|step| {
                for (place, value) in values.iter_mut().enumerate() {
                    *value = *value * kept + noise * normal(place, step);
                }
                values.clone()
            })
            .collect();
        let found = half_life_steps(&moments).context("it halves")?;
        let value = std::f64::consts::LN_2 / rate;
        let expected = Expected::Near { value, tolerance: 0.06 * value };
        finding.rows.push(Row::new(format!("k = {rate}"), found, expected, "steps", "600 steps, 800 pools"));
    }
    Ok(finding)
}

const TOKENS: [Address; 2] = [Address::repeat_byte(0xA0), Address::repeat_byte(0xA1)];
const MARKET: Address = Address::repeat_byte(0xB0);
const TRADER: Address = Address::repeat_byte(0x77);

/// Executes calls of one sender as a block, by both engines; what each returned.
fn execute(calls: &[Bytes]) -> Result<Vec<U256>> {
    let mut state = MemoryState::new();
    state.insert_balance(TRADER, U256::from(10).pow(U256::from(24)));
    for token in TOKENS {
        let plenty = U256::from(1) << 120;
        erc20::place(&mut state, token, [(TRADER, plenty)], [(TRADER, MARKET, U256::MAX)]);
    }
    ranges::place(&mut state, MARKET, TOKENS, 0);
    let transactions = calls.iter().enumerate().map(|(nonce, call)| TxEnv {
        caller: TRADER,
        kind: TxKind::Call(MARKET),
        data: call.clone(),
        nonce: nonce as u64,
        gas_limit: 10_000_000,
        gas_price: 1,
        chain_id: Some(1),
        ..TxEnv::default()
    });
    let env = BlockEnv { gas_limit: 1 << 40, ..BlockEnv::default() };
    let block = Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions: transactions.collect() };
    let serial = Executor::serial().execute(&block, &state)?;
    let threads = NonZeroUsize::new(2).context("two is not zero")?;
    anyhow::ensure!(
        serial.same_results(&Executor::parallel(threads).execute(&block, &state)?),
        "the engines disagree"
    );
    anyhow::ensure!(serial.receipts.iter().all(|receipt| receipt.success), "a call was reverted");
    Ok(serial.receipts.iter().map(|receipt| U256::from_be_slice(&receipt.output[..32])).collect())
}

fn quotes(_: Effort) -> Result<Finding> {
    const SWAPS: u64 = 200;
    let mut finding = Finding::default();
    let depth = 1_u128 << 80;
    let mut market = ranges::Market::new(0).context("an edge")?;
    let mut calls = Vec::new();
    for (lower, upper, liquidity) in
        [(-1_000, 1_000, depth), (-10, 10, 20 * depth), (-2, 5, 50 * depth), (7, 8, 9 * depth)]
    {
        market.add(lower, upper, liquidity).context("room for it")?;
        calls.push(ranges::add(lower, upper, U256::from(liquidity)));
    }
    let (placed, mut expected, mut edges) = (calls.len(), Vec::new(), 0);
    for n in 0..SWAPS {
        let random = |field: u64| draw(8, Purpose::CONTENT, field, n);
        let zero_for_one = random(0) & 1 == 0;
        // Up to what moves the price over some fifty edges where only the widest range is.
        let amount = U256::from(depth / 1_000_000 * u128::from(1 + random(1) % 500_000));
        let from = market.at;
        expected.push(market.swap(zero_for_one, amount).context("liquidity that far")?);
        edges += from.abs_diff(market.at);
        calls.push(amm::swap(zero_for_one, amount, U256::ZERO));
    }
    let paid = execute(&calls)?;
    let wrong = paid[placed..].iter().zip(&expected).filter(|(paid, expected)| paid != expected).count();
    let sample = format!("{SWAPS} swaps over {edges} edges");
    finding.rows.push(Row::new(
        "outputs off the reference",
        wrong as f64,
        Expected::Exactly(0.0),
        "outputs",
        sample,
    ));
    for half in [5, 10, 20, 50] {
        // The same tokens in both: as much as all prices take at liquidity `depth`.
        let deeper = 1.0 / (1.0 - math::pow(1.006, -f64::from(half) / 2.0));
        let slipped = |lower: i32, upper: i32, liquidity: u128| -> Result<f64> {
            let amount = U256::from(depth / 1_000);
            let calls =
                [ranges::add(lower, upper, U256::from(liquidity)), amm::swap(true, amount, U256::ZERO)];
            let out = execute(&calls)?[1];
            Ok(1.0 - crate::pools::float(out) / (crate::pools::float(amount) * 0.997))
        };
        let ratio = slipped(-1_000, 1_000, depth)? / slipped(-half, half, (depth as f64 * deeper) as u128)?;
        let expected = Expected::Near { value: deeper, tolerance: 0.01 * deeper };
        let case = format!("{half} edges to either side: slippage at all prices over that here");
        finding.rows.push(Row::new(case, ratio, expected, "", "1 swap each, two engines"));
    }
    Ok(finding)
}
