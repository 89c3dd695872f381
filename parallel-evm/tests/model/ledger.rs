//! Small transactions over the crate's own multi-version memory: accounts and slots, payments that fail for want of
//! funds, looks at balances, contracts that come and go.

use crate::{
    account::{Change, Reset, Shift},
    cells::Version,
    driver::{Check, Finished, Verdict, Work},
    evm::{AccountEffect, Effects, Loaded},
    memory::{AccountSeen, Handle, Memory, SlotSeen, Written},
    sync::{Mutex, lock},
};
use parallel_evm::{Address, Block, BlockEnv, MemoryState, PreState, SpecId, U256};
use revm::{primitives::Bytes, state::Bytecode};
use std::{collections::BTreeMap, sync::LazyLock};

/// What a transaction does. Accounts and slots are small numbers.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Pays if the balance covers the amount, else does nothing.
    Pay {
        from: u8,
        to: u8,
        amount: u64,
    },
    /// Rewrites a slot of an account that has code.
    Bump {
        of: u8,
        slot: u8,
    },
    /// Stores an exact balance in a slot of an account that has code.
    Look {
        at: u8,
        of: u8,
    },
    Destroy {
        of: u8,
    },
    /// Creates a contract with one slot set, unless there is one.
    Create {
        of: u8,
    },
}

/// Gets one wei for every transaction.
const BENEFICIARY: u8 = 2;
const ACCOUNTS: u8 = 5;
const SLOTS: u8 = 2;

fn address(number: u8) -> Address {
    Address::repeat_byte(number + 1)
}

fn code() -> Bytecode {
    Bytecode::new_raw(Bytes::from_static(&[0x5b, 0x00]))
}

fn bumped(value: U256, index: usize) -> U256 {
    value * U256::from(3) + U256::from(index + 1)
}

/// Users 0 and 1 hold little, 3 is a contract, 4 is absent.
static PRE: LazyLock<MemoryState> = LazyLock::new(|| {
    let mut state = MemoryState::new();
    state.insert_balance(address(0), U256::from(5));
    state.insert_balance(address(1), U256::from(1));
    state.insert_contract(address(3), code());
    state.insert_storage(address(3), U256::from(1), U256::from(7));
    state
});

#[derive(Default)]
struct Attempt {
    incarnation: u32,
    effects: Effects,
    loaded: Vec<Loaded>,
    accounts: Vec<(Handle, u32)>,
    slots: Vec<SlotSeen>,
    blocker: Option<usize>,
    written: Written,
}

pub struct Ledger {
    steps: Vec<Step>,
    memory: Memory<'static>,
    attempts: Vec<Mutex<Attempt>>,
    order: Mutex<Vec<usize>>,
}

impl Ledger {
    pub fn new(steps: Vec<Step>) -> Self {
        let env = BlockEnv { beneficiary: address(BENEFICIARY), ..BlockEnv::default() };
        let block = Block { spec: SpecId::PRAGUE, chain_id: 1, env, transactions: Vec::new() };
        let attempts = steps.iter().map(|_| Mutex::new(Attempt::default())).collect();
        Self { memory: Memory::new(&block, &*PRE), steps, attempts, order: Mutex::new(Vec::new()) }
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Compares the final state with that of plain maps.
    pub fn compare_with_serial(self) {
        let order = self.order.into_inner().unwrap();
        assert_eq!(order, (0..self.steps.len()).collect::<Vec<_>>(), "each once and in order");
        let mut state = PRE.clone();
        state.apply(&self.memory.into_delta());
        let expected = Plain::after(&self.steps);
        for number in 0..ACCOUNTS {
            let found = state.account(address(number)).unwrap().unwrap_or_default();
            assert_eq!(found.balance, expected.balance(number), "balance of {number}: {:?}", self.steps);
            let has_code = found.code_hash == code().hash_slow();
            assert_eq!(
                has_code,
                expected.contracts.contains_key(&number),
                "code of {number}: {:?}",
                self.steps
            );
            for slot in 0..SLOTS {
                let value = state.slot(address(number), U256::from(slot));
                assert_eq!(value, expected.slot(number, slot), "slot {slot} of {number}: {:?}", self.steps);
            }
        }
    }

    /// Executes on what the memory shows.
    fn attempt(&self, index: usize, attempt: &mut Attempt) {
        attempt.incarnation += 1;
        attempt.blocker = None;
        attempt.loaded.clear();
        attempt.accounts.clear();
        attempt.slots.clear();
        attempt.effects = Effects { fee: Some(U256::ONE), ..Effects::default() };
        match self.steps[index] {
            Step::Pay { from, to, amount } => {
                let amount = U256::from(amount);
                let payer = self.load(index, attempt, from);
                attempt.loaded[0].checked(payer.read.balance, amount);
                if payer.read.balance >= amount {
                    let payee = self.load(index, attempt, to);
                    change(attempt, from, &payer, Change { shift: Shift::Down(amount), ..NOTHING }, &[]);
                    change(attempt, to, &payee, Change { shift: Shift::Up(amount), ..NOTHING }, &[]);
                }
            }
            Step::Bump { of, slot } => {
                let contract = self.load(index, attempt, of);
                if attempt.loaded[0].has_code() {
                    let key = U256::from(slot);
                    let value = self.read(index, attempt, of, &contract, key);
                    change(attempt, of, &contract, NOTHING, &[(key, bumped(value, index))]);
                }
            }
            Step::Look { at, of } => {
                let contract = self.load(index, attempt, of);
                if attempt.loaded[0].has_code() {
                    let seen = self.load(index, attempt, at);
                    attempt.loaded[1].balance_seen();
                    change(attempt, of, &contract, NOTHING, &[(U256::ZERO, seen.read.balance)]);
                }
            }
            Step::Destroy { of } => {
                let contract = self.load(index, attempt, of);
                if attempt.loaded[0].has_code() {
                    change(attempt, of, &contract, Change { reset: Some(Reset::Destroyed), ..NOTHING }, &[]);
                }
            }
            Step::Create { of } => {
                let place = self.load(index, attempt, of);
                attempt.loaded[0].zero_nonce = true;
                if !attempt.loaded[0].has_code() && place.read.nonce == 0 {
                    let reset = Some(Reset::Created);
                    let code = Some((code().hash_slow(), code()));
                    let made = Change { reset, nonce: Some(1), code, ..NOTHING };
                    change(attempt, of, &place, made, &[(U256::ONE, U256::from(index + 100))]);
                }
            }
        }
    }

    fn load(&self, index: usize, attempt: &mut Attempt, number: u8) -> AccountSeen {
        let seen = self.memory.account(index, address(number), |_| true).unwrap();
        attempt.loaded.push(Loaded::new(address(number), seen.read));
        attempt.accounts.push((seen.handle, seen.stamp));
        attempt.blocker = attempt.blocker.max(seen.blocker);
        seen
    }

    fn read(&self, index: usize, attempt: &mut Attempt, of: u8, at: &AccountSeen, key: U256) -> U256 {
        let seen = self.memory.slot(index, address(of), at.handle.place(), key).unwrap();
        assert!(seen.version != Version::Voided { tx: index as u32 }, "nobody voids before itself");
        attempt.blocker = attempt.blocker.max(seen.blocker);
        attempt.slots.push(seen);
        seen.value
    }

    /// Whether what an attempt read still holds, and the highest estimate in the way.
    fn holds(&self, index: usize, attempt: &Attempt, committed: bool) -> (bool, Option<usize>) {
        let accounts = attempt.accounts.iter().zip(&attempt.loaded);
        let accounts = accounts.map(|(at, loaded)| self.memory.admits(index, *at, loaded, committed));
        let slots = attempt.slots.iter().map(|seen| self.memory.still_reads(index, seen));
        accounts.chain(slots).fold((true, None), |(all, most), (holds, by)| (all && holds, most.max(by)))
    }

    fn fold(&self, index: usize, attempt: &mut Attempt, recorded: bool) -> Option<usize> {
        let Attempt { incarnation, effects, written, .. } = attempt;
        let (_, disturbed) = self.memory.fold(index, *incarnation, effects, written, recorded).unwrap();
        let mut order = lock(&self.order);
        assert_eq!(order.len(), index, "out of order");
        order.push(index);
        disturbed
    }
}

const NOTHING: Change = Change { reset: None, shift: Shift::NONE, nonce: None, code: None };

fn change(attempt: &mut Attempt, number: u8, seen: &AccountSeen, change: Change, slots: &[(U256, U256)]) {
    let given = seen.read;
    let expected = { given }.apply(&change, true);
    let (address, place) = (address(number), seen.handle.place());
    let effect = AccountEffect { address, place, given, change, slots: slots.len(), expected };
    attempt.effects.accounts.push(effect);
    attempt.effects.slots.extend_from_slice(slots);
}

impl Work<()> for Ledger {
    fn execute(&self, (): &mut (), index: usize, definite: bool, arrived: &dyn Fn() -> bool) -> Finished {
        let mut attempt = lock(&self.attempts[index]);
        self.attempt(index, &mut attempt);
        if definite {
            return Finished::Committed { disturbed: self.fold(index, &mut attempt, false) };
        }
        if arrived() {
            return match self.holds(index, &attempt, true).0 {
                true => Finished::Committed { disturbed: self.fold(index, &mut attempt, false) },
                false => Finished::Stale,
            };
        }
        let Attempt { incarnation, effects, written, blocker, .. } = &mut *attempt;
        let disturbed = self.memory.record(index, *incarnation, effects, written).unwrap();
        Finished::Recorded { blocker: *blocker, disturbed }
    }

    fn check(&self, index: usize) -> Check {
        match self.holds(index, &lock(&self.attempts[index]), false) {
            (_, Some(by)) => Check::Blocked(by),
            (true, None) => Check::Holds,
            (false, None) => Check::Stale,
        }
    }

    fn retract(&self, index: usize) {
        self.memory.retract(index, &lock(&self.attempts[index]).written);
    }

    fn commit(&self, (): &mut (), index: usize) -> Verdict {
        let mut attempt = lock(&self.attempts[index]);
        if !self.holds(index, &attempt, true).0 {
            return Verdict::Stale;
        }
        self.fold(index, &mut attempt, true);
        Verdict::Committed
    }
}

/// The same steps, one after the other, on maps.
struct Plain {
    balances: BTreeMap<u8, U256>,
    contracts: BTreeMap<u8, BTreeMap<u8, U256>>,
}

impl Plain {
    fn after(steps: &[Step]) -> Self {
        let balances = BTreeMap::from([(0, U256::from(5)), (1, U256::ONE)]);
        let contracts = BTreeMap::from([(3, BTreeMap::from([(1, U256::from(7))]))]);
        let mut plain = Self { balances, contracts };
        for (index, step) in steps.iter().enumerate() {
            plain.step(index, *step);
            *plain.balances.entry(BENEFICIARY).or_default() += U256::ONE;
        }
        plain
    }

    fn balance(&self, number: u8) -> U256 {
        self.balances.get(&number).copied().unwrap_or_default()
    }

    fn slot(&self, number: u8, slot: u8) -> U256 {
        self.contracts.get(&number).and_then(|slots| slots.get(&slot)).copied().unwrap_or_default()
    }

    fn step(&mut self, index: usize, step: Step) {
        match step {
            Step::Pay { from, to, amount } => {
                let amount = U256::from(amount);
                if self.balance(from) >= amount {
                    self.balances.insert(from, self.balance(from) - amount);
                    self.balances.insert(to, self.balance(to) + amount);
                }
            }
            Step::Bump { of, slot } => {
                let value = bumped(self.slot(of, slot), index);
                self.contracts.entry(of).and_modify(|slots| _ = slots.insert(slot, value));
            }
            Step::Look { at, of } => {
                let balance = self.balance(at);
                self.contracts.entry(of).and_modify(|slots| _ = slots.insert(0, balance));
            }
            Step::Destroy { of } => {
                if self.contracts.remove(&of).is_some() {
                    self.balances.remove(&of);
                }
            }
            Step::Create { of } => {
                let slots = BTreeMap::from([(1, U256::from(index + 100))]);
                self.contracts.entry(of).or_insert(slots);
            }
        }
    }
}
