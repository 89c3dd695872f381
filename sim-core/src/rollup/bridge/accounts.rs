//! Accounts and contracts of bridges: what they hold at genesis, and the transactions they send.
//!
//! **Captures.** On every rollup of the fleet one bridge contract of ours with a stock of every token that is not in
//! circulation there; accounts of travellers, who hold every token and have approved every pool and the bridge; of
//! operators (one at every sequencer's node, and the attester); of relayers with their inventories. All are in the genesis that the
//! rollups share, over which each has its own changes.
//!
//! **Leaves out.** Who deployed and approved all this. **Parameters** [`STOCK`], [`PURSE`], gas limits (checked
//! against what is used in `tests/rollup_bridges.rs`). **Source** `parallel-evm/contracts/Bridge.sol`.

use super::{Crossings, Message, Step};
use crate::chain::account::{AccountKind, address};
use crate::chain::block::EPOCH_S;
use crate::chain::transaction::{Transaction, TxId};
use crate::execution::state::WorldState;
use crate::rollup::bridge::params::BridgeKind;
use crate::rollup::fleet::Fleet;
use crate::rollup::liquidity::agents::TIPS;
use crate::rollup::users::Tx;
use crate::workload::economy::{Economy, RESERVE};
use crate::workload::params::TxKind;
use alloy_primitives::{KECCAK256_EMPTY, keccak256};
use parallel_evm::contracts::{amm, bridge, erc20};
use parallel_evm::{AccountChange, AccountFields, Address, StateDelta, TxKind as To, U256};

/// Accounts from this number on are of bridges and those who use them.
pub(in crate::rollup) const CROSSERS: u32 = 1 << 31;
/// Units of every token a bridge holds at genesis: more than is in circulation.
pub const STOCK: u128 = 1_000_000 * RESERVE;
/// Units of every token a traveller holds at genesis on every rollup.
const PURSE: u128 = 10 * RESERVE;
/// Wei everybody starts with.
const BALANCE_WEI: u128 = 1_000_000 * 1_000_000_000_000_000_000;
/// Number of the contract's address, apart from those of an economy.
const CONTRACT: u64 = 9 << 32;
/// Gas limits of the contract's calls.
pub(in crate::rollup) const SEND_GAS: u64 = 100_000;
pub(in crate::rollup) const ARRIVE_GAS: u64 = 160_000;
pub(in crate::rollup) const FILL_GAS: u64 = 130_000;

/// Roles a message has on a chain: numbers of the contract are four times the message's, and one of these.
pub(in crate::rollup) mod role {
    pub const ARRIVAL: u64 = 0;
    pub const REPAYMENT: u64 = 1;
    pub const REFUND: u64 = 2;
}

/// Address of the bridge contract, the same on every rollup.
pub fn contract() -> Address {
    address(AccountKind::Contract, CONTRACT)
}

/// Address of an account, of the economy or of those here.
pub(in crate::rollup) fn address_of(economy: &Economy, account: u32) -> Address {
    if account < CROSSERS { economy.person(account) } else { address(AccountKind::Person, account.into()) }
}

/// A message's number as the contract knows it.
fn number(message: &Message, role: u64) -> U256 {
    U256::from(message.name() * 4 + role)
}

impl Crossings {
    /// The genesis of a fleet with bridges, made from one without.
    pub(in crate::rollup) fn genesis(&self, genesis: &WorldState, economy: &Economy) -> WorldState {
        let mut delta = StateDelta::default();
        let bridge = contract();
        let code = bridge::runtime_code();
        let fields =
            |nonce, balance, code_hash| AccountChange::Updated(AccountFields { nonce, balance, code_hash });
        let account = delta.accounts.entry(bridge).or_default();
        account.info = fields(1, U256::ZERO, code.hash_slow());
        for operator in self.operators() {
            let slot = bridge::operator_slot(address_of(economy, operator));
            account.storage.insert(slot, U256::ONE);
        }
        delta.codes.insert(code.hash_slow(), code);
        let mut holders: Vec<(Address, U256, bool)> = Vec::new();
        let purses = self.travellers().map(|account| (account, U256::from(PURSE), true));
        let operators = self.operators().map(|account| (account, U256::ZERO, false));
        for (account, tokens, trades) in purses.chain(operators).chain(self.relayers()) {
            let address = address_of(economy, account);
            delta.accounts.entry(address).or_default().info =
                fields(0, U256::from(BALANCE_WEI), KECCAK256_EMPTY);
            holders.push((address, tokens, trades));
        }
        let tokens = economy.tokens();
        for (index, token) in tokens.iter().enumerate() {
            let storage = &mut delta.accounts.entry(*token).or_default().storage;
            let mut supply = genesis.slot(*token, erc20::TOTAL_SUPPLY_SLOT) + U256::from(STOCK);
            storage.insert(erc20::balance_slot(bridge), U256::from(STOCK));
            let before = (index + tokens.len() - 1) % tokens.len();
            for (holder, held, trades) in &holders {
                supply += *held;
                if !held.is_zero() {
                    storage.insert(erc20::balance_slot(*holder), *held);
                    storage.insert(erc20::allowance_slot(*holder, bridge), U256::MAX);
                }
                for pool in [index, before].iter().filter(|_| *trades) {
                    storage.insert(erc20::allowance_slot(*holder, economy.pools()[*pool]), U256::MAX);
                }
            }
            storage.insert(erc20::TOTAL_SUPPLY_SLOT, supply);
        }
        let mut id = genesis.id().to_vec();
        id.extend_from_slice(delta.digest().as_slice());
        genesis.apply(&delta, keccak256(id))
    }
}

impl Fleet {
    /// The body of a transaction of a bridge or of somebody who uses it; `None`: it is somebody else's.
    pub(in crate::rollup) fn crossing_body(&self, tx: &Tx) -> Option<Transaction> {
        let step = *self.crossings.steps.get(&(tx.gateway, tx.sequence))?;
        let (common, gateway) = (&self.common, &self.gateways[tx.gateway as usize]);
        let (economy, sender) = (&common.economy, gateway.account(tx.sequence));
        let message = |message: u32| &self.crossings.messages[message as usize];
        let token = |index: u32| economy.tokens()[index as usize];
        let person = |account: u32| address_of(economy, account);
        let (to, input, gas_limit) = match step {
            Step::Send(m) => {
                let of = message(m);
                let sent = number(of, role::ARRIVAL);
                (contract(), bridge::send(token(of.token), of.amount, sent), SEND_GAS)
            }
            Step::Arrive(m) => {
                let of = message(m);
                let (amount, number) = (of.amount - of.fee, number(of, role::ARRIVAL));
                let input = bridge::arrive(token(of.token), person(of.account), amount, of.fee, number);
                (contract(), input, ARRIVE_GAS)
            }
            Step::Fill(m) => {
                let of = message(m);
                let deadline = U256::from(EPOCH_S + of.deadline_ns / 1_000_000_000);
                let (amount, number) = (of.amount - of.fee, number(of, role::ARRIVAL));
                let input = bridge::fill(token(of.token), person(of.account), amount, number, deadline);
                (contract(), input, FILL_GAS)
            }
            Step::Repay(m) | Step::Refund(m) => {
                let of = message(m);
                let (who, role) = match step {
                    Step::Repay(_) => {
                        (self.gateways[self.crossings.relayer_gateway_of(m)].account(0), role::REPAYMENT)
                    }
                    _ => (of.account, role::REFUND),
                };
                let input =
                    bridge::arrive(token(of.token), person(who), of.amount, U256::ZERO, number(of, role));
                (contract(), input, ARRIVE_GAS)
            }
            Step::Swap(leg) => {
                let leg = &self.crossings.legs[leg as usize];
                let trip = &self.crossings.trips[leg.trip as usize];
                let input = amm::swap(trip.zero_for_one, leg.brought, leg.least);
                (economy.pools()[trip.pool as usize], input, economy.gas_limit(TxKind::Swap))
            }
        };
        let max_fee = common.plan.demand.max_fee_median_wei.saturating_mul(TIPS);
        Some(Transaction {
            id: TxId { producer: gateway.node.0, sequence: u64::from(tx.sequence) | u64::from(sender) << 32 },
            sender,
            from: person(sender),
            nonce: u64::from(tx.nonce),
            to: To::Call(to),
            value: U256::ZERO,
            input,
            gas_limit,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: max_fee / TIPS / 20,
            chain_id: self.chain_id(tx.rollup),
            access_list: Vec::new(),
        })
    }
}

impl Crossings {
    /// Accounts of travellers.
    pub(super) fn travellers(&self) -> impl Iterator<Item = u32> {
        (0..self.purses).map(|n| CROSSERS + n)
    }

    /// Accounts that may let tokens arrive.
    pub(super) fn operators(&self) -> impl Iterator<Item = u32> {
        let first = CROSSERS + self.purses;
        first..first + self.hosts as u32 + 1
    }

    /// Accounts of relayers, with what each has of every token; they do not trade.
    fn relayers(&self) -> impl Iterator<Item = (u32, U256, bool)> + '_ {
        let first = CROSSERS + self.purses + self.hosts as u32 + 1;
        let each = self.bridges.iter().flat_map(|bridge| match bridge.kind {
            BridgeKind::Intents { relayers, inventory_ppb, .. } => {
                vec![inventory(inventory_ppb, relayers); relayers as usize]
            }
            _ => Vec::new(),
        });
        each.enumerate().map(move |(n, held)| (first + n as u32, held, false))
    }
}

/// What one of several relayers has of a token on a rollup at first.
pub(super) fn inventory(all_ppb: u64, relayers: u32) -> U256 {
    U256::from(RESERVE / 1_000_000_000) * U256::from(all_ppb) / U256::from(relayers.max(1))
}
