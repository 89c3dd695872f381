//! A few accounts, small programs, and the comparison of engines.

use parallel_evm::{
    AccountInfo, Address, BalanceUse, Block, BlockEnv, BlockOutput, Bytecode, Bytes, Conflicts, ExecuteError,
    Executor, MemoryState, PreState, SpecId, Stress, TxEnv, TxKind, U256,
};
use revm::primitives::hex;
use std::num::NonZeroUsize;

pub const RICH: u64 = 1_000_000_000;
pub const BENEFICIARY: Address = Address::repeat_byte(0xfe);
/// Passes the value of the call on to the address in the input and stores whether that worked in slot 0.
pub const PASSES_ON: &str = "6000600060006000346000355af160005500";
/// Destroys itself in favour of the address in the input.
pub const DESTROYS_ITSELF: &str = "600035ff";
/// Stores the balance of the address in the input in slot 0.
pub const LOOKS: &str = "6000353160005500";
/// Stores the code hash of the address in the input in slot 0.
pub const HASHES: &str = "6000353f60005500";

pub fn person(number: u8) -> Address {
    let mut address = Address::repeat_byte(0xa0);
    address.0[19] = number;
    address
}

pub fn wei(amount: u64) -> U256 {
    U256::from(amount)
}

pub fn word(address: Address) -> Bytes {
    address.into_word().to_vec().into()
}

pub struct World {
    pub state: MemoryState,
    pub spec: SpecId,
    pub beneficiary: Address,
    pub transactions: Vec<TxEnv>,
}

impl World {
    /// Persons 0 to 9 are rich.
    pub fn new() -> Self {
        let mut state = MemoryState::new();
        (0..10).for_each(|number| state.insert_balance(person(number), wei(RICH)));
        Self { state, spec: SpecId::OSAKA, beneficiary: BENEFICIARY, transactions: Vec::new() }
    }

    pub fn under(spec: SpecId) -> Self {
        Self { spec, ..Self::new() }
    }

    /// Places a program at an address that ends in `number`.
    pub fn program(&mut self, number: u8, code: &str) -> Address {
        let mut address = Address::repeat_byte(0xc0);
        address.0[19] = number;
        self.state.insert_contract(
            address,
            Bytecode::new_legacy(hex::decode(code.replace(' ', "")).unwrap().into()),
        );
        address
    }

    /// Adds a transaction; its nonce follows from the sender's earlier ones.
    pub fn send(&mut self, from: Address, to: Address, value: u64, data: Bytes) -> &mut TxEnv {
        let nonce = self.transactions.iter().filter(|tx| tx.caller == from).count() as u64;
        self.transactions.push(TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            value: wei(value),
            data,
            nonce,
            gas_limit: 300_000,
            gas_price: 1,
            chain_id: self.spec.is_enabled_in(SpecId::SPURIOUS_DRAGON).then_some(1),
            ..TxEnv::default()
        });
        self.transactions.last_mut().unwrap()
    }

    pub fn pay(&mut self, from: Address, to: Address, value: u64) -> &mut TxEnv {
        self.send(from, to, value, Bytes::new())
    }

    pub fn block(&self) -> Block {
        let env = BlockEnv {
            beneficiary: self.beneficiary,
            gas_limit: 100_000_000,
            prevrandao: Some(Default::default()),
            ..BlockEnv::default()
        };
        Block { spec: self.spec, chain_id: 1, env, transactions: self.transactions.clone() }
    }

    /// The error of a block that must be refused: the same from every engine, however disturbed.
    pub fn run_to_error(&self) -> ExecuteError {
        let block = self.block();
        let error = Executor::serial().execute(&block, &self.state).unwrap_err();
        for threads in [1, 2, 4] {
            let executor = Executor::parallel(NonZeroUsize::new(threads).unwrap());
            let quiet = executor.with_small_blocks_serial(false);
            assert_eq!(quiet.execute(&block, &self.state).unwrap_err(), error, "{threads} threads");
            for seed in 0..20 {
                let stress = Stress { seed, delays: 20, aborts: 10, pretend: seed % 2 == 0 };
                let stressed = executor.with_stress(stress).execute(&block, &self.state).unwrap_err();
                assert_eq!(stressed, error, "{threads} threads, {stress:?}");
            }
        }
        error
    }

    /// The serial output, after comparing it with that of every engine, however disturbed.
    pub fn run(&self) -> Ran {
        let block = self.block();
        let output = Executor::serial().execute(&block, &self.state).unwrap();
        for threads in [1, 2, 4] {
            let executor = Executor::parallel(NonZeroUsize::new(threads).unwrap());
            let quiet = executor.with_small_blocks_serial(false);
            assert!(quiet.execute(&block, &self.state).unwrap().same_results(&output), "{threads} threads");
            for seed in 0..60 {
                let stress =
                    Stress { seed, delays: 20, aborts: [0, 20][seed as usize % 2], pretend: seed % 3 > 0 };
                let stressed = executor.with_stress(stress).execute(&block, &self.state).unwrap();
                assert!(stressed.diagnostics.parallel);
                assert!(stressed.same_results(&output), "{threads} threads, {stress:?}");
            }
        }
        let conflicts = output.conflicts(&block, &self.state).unwrap();
        let mut after = self.state.clone();
        after.apply(&output.state);
        Ran { output, conflicts, after }
    }
}

pub struct Ran {
    pub output: BlockOutput,
    pub conflicts: Conflicts,
    pub after: MemoryState,
}

impl Ran {
    /// What transaction `index` depends on, by the fine definition.
    pub fn needs(&self, index: usize) -> &[usize] {
        &self.conflicts.fine.lists()[index]
    }

    pub fn succeeded(&self) -> Vec<bool> {
        self.output.receipts.iter().map(|receipt| receipt.success).collect()
    }

    /// An account after the block, if it exists.
    pub fn after_account(&self, address: Address) -> Option<AccountInfo> {
        self.after.account(address).unwrap()
    }

    /// Gas used by each transaction.
    pub fn gas(&self) -> Vec<u64> {
        self.output.receipts.iter().map(|receipt| receipt.gas_used).collect()
    }

    /// How transaction `index` depends on a balance.
    pub fn usage(&self, index: usize, address: Address) -> Option<BalanceUse> {
        let report = &self.output.transactions[index];
        report.balances.iter().find(|usage| usage.address == address).copied()
    }

    /// The range of balances transaction `index` admits, if it is bounded.
    pub fn range(&self, index: usize, address: Address) -> (U256, U256) {
        self.usage(index, address).map_or((U256::ZERO, U256::MAX), |usage| (usage.least, usage.most))
    }
}
