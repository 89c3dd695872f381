//! Which transactions of an executed block depend on which, and what that leaves to gain.
//!
//! A dependence is on the last lower transaction that made a value what it was: schedules that respect these,
//! and nothing else, yield the serial result. Two ways to define a conflict are compared. **Coarse**: whole
//! accounts; who touches an account that a lower one changed depends on it. **Fine**: code, nonce, each slot
//! and the balance apart; a sender's own nonce is known beforehand; shifts of a balance commute, and a check of
//! it depends on the transaction since which the balance has been in the range the check needed. The fee to the
//! beneficiary is left out of the coarse definition, or every block would be a chain.

use crate::{BalanceUse, Block, BlockOutput, Location, PreState, StateError, TxReport};
use revm::{
    context::Transaction,
    primitives::{Address, HashMap, U256, hardfork::SpecId},
};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

/// The dependencies of a block by two definitions of conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflicts {
    /// By whole accounts.
    pub coarse: Dependencies,
    /// By exact locations, with commutative shifts of balances and checks as predicates.
    pub fine: Dependencies,
}

/// For every transaction the lower ones it depends on, sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies(Vec<Vec<usize>>);

/// A transaction cannot depend on itself or on a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction {index} cannot depend on transaction {on}, which is not lower")]
pub struct NotLower {
    /// The transaction.
    pub index: usize,
    /// What it was said to depend on.
    pub on: usize,
}

impl Dependencies {
    /// From lists of any order.
    ///
    /// # Errors
    /// The lowest transaction that is said to depend on one that is not lower.
    pub fn new(lists: Vec<Vec<usize>>) -> Result<Self, NotLower> {
        for (index, list) in lists.iter().enumerate() {
            if let Some(on) = list.iter().copied().find(|on| *on >= index) {
                return Err(NotLower { index, on });
            }
        }
        Ok(Self(lists.into_iter().map(sorted).collect()))
    }

    /// The list of every transaction, in order.
    pub fn lists(&self) -> &[Vec<usize>] {
        &self.0
    }

    /// All methods that take costs panic alike if they are not those of the same block.
    #[track_caller]
    fn expect_one_each(&self, costs: &[u64]) {
        assert_eq!(costs.len(), self.0.len(), "one cost for every transaction");
    }

    /// How many transactions depend on another.
    pub fn dependent(&self) -> usize {
        self.0.iter().filter(|on| !on.is_empty()).count()
    }

    /// The most transactions that depend on each other in a row; 1 if all are independent.
    pub fn longest_chain(&self) -> usize {
        self.critical_path(&vec![1; self.0.len()]) as usize
    }

    /// The largest sum of costs along a chain of dependencies: no schedule that respects them is shorter.
    ///
    /// `costs` are those of the transactions in order, in any one unit (nanoseconds, gas).
    ///
    /// # Panics
    /// If there is not one cost for every transaction.
    #[track_caller]
    pub fn critical_path(&self, costs: &[u64]) -> u64 {
        self.expect_one_each(costs);
        let mut ends: Vec<u64> = Vec::with_capacity(self.0.len());
        for (on, cost) in self.0.iter().zip(costs) {
            let start = on.iter().map(|lower| ends[*lower]).max().unwrap_or(0);
            ends.push(start.saturating_add(*cost));
        }
        ends.into_iter().max().unwrap_or(0)
    }

    /// The time of a list schedule in block order on so many cores, without any overhead: what an executor
    /// that foresaw all dependencies could reach. In the unit of `costs`. No cores count as one.
    ///
    /// # Panics
    /// If there is not one cost for every transaction.
    #[track_caller]
    pub fn list_schedule(&self, costs: &[u64], cores: usize) -> u64 {
        self.expect_one_each(costs);
        let mut ends: Vec<u64> = Vec::with_capacity(self.0.len());
        let mut started = vec![false; costs.len()];
        ends.resize(costs.len(), u64::MAX);
        // Cores by the time they are free; at every step the lowest transaction that can start does.
        let mut free = vec![0_u64; cores.max(1)];
        for _ in 0..costs.len() {
            free.sort_unstable();
            let mut best: Option<(u64, usize)> = None;
            for index in (0..costs.len()).filter(|index| !started[*index]) {
                let ready = self.0[index].iter().map(|lower| ends[*lower]).max().unwrap_or(0);
                let start = ready.max(free[0]);
                if ready != u64::MAX && best.is_none_or(|(earliest, _)| start < earliest) {
                    best = Some((start, index));
                }
                if best.is_some_and(|(earliest, _)| earliest == free[0]) {
                    break;
                }
            }
            let Some((start, index)) = best else { break };
            started[index] = true;
            ends[index] = start.saturating_add(costs[index]);
            free[0] = ends[index];
        }
        ends.into_iter().max().unwrap_or(0)
    }

    /// The time of an optimistic execution on so many cores that foresees nothing and costs nothing besides the
    /// executions: the zero-overhead replay. In the unit of `costs`.
    ///
    /// Cores claim transactions in block order. An execution is in vain if, when it began, something that the
    /// transaction depends on was not finished for good; it costs its full time all the same. Then the
    /// transaction waits until all it depends on is finished, and is executed once more; those go first. No cores
    /// count as one.
    ///
    /// # Panics
    /// If there is not one cost for every transaction.
    #[track_caller]
    pub fn optimistic_replay(&self, costs: &[u64], cores: usize) -> u64 {
        self.expect_one_each(costs);
        let count = costs.len();
        let mut finished = vec![false; count];
        let mut waiting = vec![false; count];
        let mut ready: BTreeSet<usize> = BTreeSet::new();
        let (mut next, mut now) = (0, 0_u64);
        // When each busy core ends what, and whether that was in vain.
        let mut busy: BinaryHeap<Reverse<(u64, usize, bool)>> = BinaryHeap::new();
        loop {
            while busy.len() < cores.max(1) {
                let index = ready.pop_first().unwrap_or(next);
                if index == count {
                    break;
                }
                next = next.max(index + 1);
                let in_vain = !self.0[index].iter().all(|lower| finished[*lower]);
                busy.push(Reverse((now.saturating_add(costs[index]), index, in_vain)));
            }
            let Some(Reverse((end, ..))) = busy.peek() else { return now };
            now = *end;
            while busy.peek().is_some_and(|Reverse((end, ..))| *end == now) {
                let Some(Reverse((_, index, in_vain))) = busy.pop() else { break };
                finished[index] = !in_vain;
                waiting[index] = in_vain;
            }
            let free = |index: &usize| waiting[*index] && self.0[*index].iter().all(|lower| finished[*lower]);
            let freed: Vec<_> = (0..next).filter(free).collect();
            freed.iter().for_each(|index| waiting[*index] = false);
            ready.extend(freed);
        }
    }
}

impl BlockOutput {
    /// What depends on what. Needs the reports of the execution.
    ///
    /// # Errors
    /// The pre-state fails to tell a balance.
    ///
    /// # Panics
    /// If the execution made no reports, or `block` is another block.
    pub fn conflicts<P: PreState + ?Sized>(&self, block: &Block, pre: &P) -> Result<Conflicts, StateError> {
        assert_eq!(
            self.transactions.len(),
            block.transactions.len(),
            "an execution with reports of this block"
        );
        let coarse = Dependencies(coarse(block, &self.transactions));
        let fine = Dependencies(fine(block, &self.transactions, pre)?);
        Ok(Conflicts { coarse, fine })
    }
}

fn coarse(block: &Block, reports: &[TxReport]) -> Vec<Vec<usize>> {
    let mut writers: HashMap<Address, usize> = HashMap::default();
    let mut all = Vec::with_capacity(reports.len());
    for (index, (tx, report)) in block.transactions.iter().zip(reports).enumerate() {
        let read = report.reads.iter().map(|access| access.location.address());
        let written: Vec<_> = report.writes.iter().map(Location::address).chain([tx.caller]).collect();
        let touched = read.chain(written.iter().copied());
        all.push(sorted(touched.filter_map(|address| writers.get(&address).copied()).collect()));
        writers.extend(written.into_iter().map(|address| (address, index)));
    }
    all
}

fn fine<P: PreState + ?Sized>(
    block: &Block,
    reports: &[TxReport],
    pre: &P,
) -> Result<Vec<Vec<usize>>, StateError> {
    let clearing = block.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON);
    let mut writers: HashMap<Location, usize> = HashMap::default();
    let mut balances: HashMap<Address, Balance> = HashMap::default();
    let mut all = Vec::with_capacity(reports.len());
    for (index, (tx, report)) in block.transactions.iter().zip(reports).enumerate() {
        let exact = report.reads.iter().map(|access| access.location);
        let exact = exact.filter(|location| !matches!(location, Location::Balance(_)));
        let mut on: Vec<usize> = exact.filter_map(|location| writers.get(&location).copied()).collect();
        let mut fee = Some(fee(block, index, report.gas_used));
        for usage in &report.balances {
            let balance = Balance::of(&mut balances, usage.address, pre)?;
            on.extend(balance.admitted_since(usage));
            balance.change(index, usage);
            if usage.address == block.env.beneficiary && usage.changes() {
                // Paid already, as part of the use.
                fee = None;
            }
        }
        if let Some(fee) = fee.filter(|fee| !fee.is_zero()) {
            Balance::of(&mut balances, block.env.beneficiary, pre)?.credit(index, fee);
        }
        let is_write = |location: &&Location| match location {
            Location::Balance(_) => false,
            Location::Nonce(address) => *address != tx.caller || report.reads_nonce(*address),
            // Existence alone follows from the balance, which has been dealt with.
            Location::Code(address) => {
                !clearing || report.writes.binary_search(&Location::Nonce(*address)).is_ok()
            }
            Location::Slot(..) => true,
        };
        all.push(sorted(on));
        writers.extend(report.writes.iter().filter(is_write).map(|location| (*location, index)));
        // Others may read the sender's nonce even if its own next transaction need not.
        writers.insert(Location::Nonce(tx.caller), index);
    }
    Ok(all)
}

impl TxReport {
    fn reads_nonce(&self, address: Address) -> bool {
        self.reads.binary_search_by_key(&Location::Nonce(address), |access| access.location).is_ok()
    }
}

fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// What the beneficiary gets for a transaction.
fn fee(block: &Block, index: usize, gas_used: u64) -> U256 {
    let base = u128::from(block.env.basefee);
    let price = block.transactions[index].effective_gas_price(base);
    let burns = block.spec.is_enabled_in(SpecId::LONDON);
    U256::from(if burns { price.saturating_sub(base) } else { price }).saturating_mul(U256::from(gas_used))
}

/// A balance after each transaction that changed it.
struct Balance {
    initial: U256,
    after: Vec<(usize, U256)>,
}

impl Balance {
    fn of<'b, P: PreState + ?Sized>(
        all: &'b mut HashMap<Address, Self>,
        address: Address,
        pre: &P,
    ) -> Result<&'b mut Self, StateError> {
        use revm::primitives::hash_map::Entry;
        Ok(match all.entry(address) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(gap) => {
                let initial = pre.account(address)?.map(|account| account.balance).unwrap_or_default();
                gap.insert(Self { initial, after: Vec::new() })
            }
        })
    }

    fn now(&self) -> U256 {
        self.after.last().map_or(self.initial, |(_, balance)| *balance)
    }

    /// The transaction since which the balance has been in the range that a use needs; none if it always was.
    fn admitted_since(&self, usage: &BalanceUse) -> Option<usize> {
        let admits = |balance: &U256| usage.least <= *balance && *balance <= usage.most;
        let before = std::iter::once(&self.initial).chain(self.after.iter().map(|(_, balance)| balance));
        let last_unfit = before.enumerate().filter(|(_, balance)| !admits(balance)).last();
        last_unfit.and_then(|(at, _)| self.after.get(at)).map(|(index, _)| *index)
    }

    fn change(&mut self, index: usize, usage: &BalanceUse) {
        if usage.vanishes {
            self.after.push((index, U256::ZERO));
        } else if usage.changes() {
            let balance = self.now().saturating_add(usage.credit).saturating_sub(usage.debit);
            self.after.push((index, balance));
        }
    }

    fn credit(&mut self, index: usize, amount: U256) {
        let balance = self.now().saturating_add(amount);
        self.after.push((index, balance));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_path_is_the_dearest_chain() {
        let dependencies = Dependencies(vec![vec![], vec![0], vec![], vec![1, 2]]);
        assert_eq!(dependencies.critical_path(&[3, 4, 100, 5]), 105);
        assert_eq!((dependencies.longest_chain(), dependencies.dependent()), (3, 2));
        assert_eq!(Dependencies::default().critical_path(&[]), 0);
    }

    #[test]
    fn dependencies_point_down_and_come_sorted() {
        let made = Dependencies::new(vec![vec![], vec![0], vec![1, 0, 1]]).unwrap();
        assert_eq!(made.lists(), [vec![], vec![0], vec![0, 1]]);
        assert_eq!(Dependencies::new(vec![vec![], vec![1]]), Err(NotLower { index: 1, on: 1 }));
        assert_eq!(Dependencies::new(vec![vec![7]]), Err(NotLower { index: 0, on: 7 }));
    }

    #[test]
    fn costs_of_another_block_are_refused_by_every_method() {
        let pair = Dependencies(vec![vec![], vec![0]]);
        type Method = fn(&Dependencies, &[u64]) -> u64;
        // The replay executes the second twice.
        let methods: [(Method, u64); 3] = [
            (Dependencies::critical_path, 3),
            (|pair, costs| pair.list_schedule(costs, 2), 3),
            (|pair, costs| pair.optimistic_replay(costs, 2), 4),
        ];
        for (method, expected) in methods {
            assert_eq!(method(&pair, &[1, 2]), expected);
            for costs in [&[][..], &[1], &[1, 2, 3]] {
                let refused = std::panic::catch_unwind(|| method(&pair, costs)).unwrap_err();
                let message = refused.downcast_ref::<String>().expect("a message");
                assert!(message.contains("one cost for every transaction"), "{message}");
            }
        }
        assert_eq!((pair.list_schedule(&[1, 2], 0), pair.optimistic_replay(&[1, 2], 0)), (3, 3));
    }

    #[test]
    fn a_list_schedule_respects_cores_and_dependencies() {
        let free = Dependencies(vec![vec![]; 4]);
        assert_eq!((free.list_schedule(&[5; 4], 1), free.list_schedule(&[5; 4], 2)), (20, 10));
        let chain = Dependencies(vec![vec![], vec![0], vec![], vec![]]);
        // The third takes the second core while the second waits for the first.
        assert_eq!(chain.list_schedule(&[4, 4, 4, 4], 2), 8);
        assert_eq!(chain.list_schedule(&[4, 4, 1, 1], 8), 8);
    }

    #[test]
    fn an_optimistic_replay_gains_nothing_on_a_chain_and_everything_without_conflicts() {
        let free = Dependencies(vec![vec![]; 4]);
        assert_eq!((free.optimistic_replay(&[5; 4], 1), free.optimistic_replay(&[5; 4], 2)), (20, 10));
        let chain = Dependencies(vec![vec![], vec![0], vec![1], vec![2]]);
        assert_eq!((chain.optimistic_replay(&[5; 4], 1), chain.optimistic_replay(&[5; 4], 2)), (20, 20));
        // The second is executed in vain beside the first, then again beside the third.
        let pair = Dependencies(vec![vec![], vec![0], vec![], vec![]]);
        assert_eq!(pair.optimistic_replay(&[4, 4, 4, 4], 2), 12);
        // The last waits for the slow first, not for its core.
        let late = Dependencies(vec![vec![], vec![], vec![0]]);
        assert_eq!(late.optimistic_replay(&[9, 2, 2], 2), 11);
        assert_eq!(Dependencies::default().optimistic_replay(&[], 2), 0);
    }

    #[test]
    fn a_check_depends_on_who_made_it_pass_and_an_exact_look_on_the_last_change() {
        let usage = |least: u64, most: u64| BalanceUse {
            address: Address::ZERO,
            least: U256::from(least),
            most: U256::from(most),
            credit: U256::ZERO,
            debit: U256::ZERO,
            vanishes: false,
        };
        let mut balance = Balance { initial: U256::from(10), after: Vec::new() };
        balance.credit(3, U256::from(10));
        balance.credit(5, U256::from(10));
        assert_eq!(balance.admitted_since(&usage(7, u64::MAX)), None);
        assert_eq!(balance.admitted_since(&usage(15, u64::MAX)), Some(3));
        assert_eq!(balance.admitted_since(&usage(30, 30)), Some(5));
    }
}
