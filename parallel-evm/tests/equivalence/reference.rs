//! The same block on plain revm: its own handler, its own database, fees credited at once.

use crate::random_block::RandomBlock;
use parallel_evm::{AccountChange, AccountInfo, BlockOutput, Bytecode, MemoryState, PreState, StateError};
use revm::{
    Context, Database, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    context::CfgEnv,
    database::CacheDB,
    database_interface::DBErrorMarker,
    primitives::{Address, B256, U256},
};

struct Pre<'s>(&'s MemoryState);

#[derive(Debug)]
struct Failed(#[allow(dead_code, reason = "shown when a test fails")] StateError);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}
impl DBErrorMarker for Failed {}

impl DatabaseRef for Pre<'_> {
    type Error = Failed;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Failed> {
        self.0.account(address).map_err(Failed)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Failed> {
        self.0.code(hash).map_err(Failed)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Failed> {
        self.0.storage(address, slot).map_err(Failed)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Failed> {
        self.0.block_hash(number).map_err(Failed)
    }
}

/// Compares receipts, and the state of every account that the block changed or is known to have met.
pub fn compare(seed: u64, random: &RandomBlock, output: &BlockOutput) {
    let block = &random.block;
    let mut cfg = CfgEnv::new_with_spec(block.spec);
    cfg.chain_id = block.chain_id;
    let mut evm = Context::mainnet()
        .with_db(CacheDB::new(Pre(&random.state)))
        .with_cfg(cfg)
        .with_block(block.env.clone())
        .build_mainnet();
    for (index, tx) in block.transactions.iter().enumerate() {
        let result = evm.transact_commit(tx.clone()).unwrap();
        let receipt = &output.receipts[index];
        assert_eq!(receipt.gas_used, result.tx_gas_used(), "block {seed}, transaction {index}");
        assert_eq!(receipt.success, result.is_success(), "block {seed}, transaction {index}");
        assert_eq!(receipt.logs, result.logs(), "block {seed}, transaction {index}");
    }
    let db = &mut evm.ctx.journaled_state.database;
    let mut after = random.state.clone();
    after.apply(&output.state);
    let known = random.addresses.iter().chain([&block.env.beneficiary]);
    for address in output.state.accounts.keys().chain(known) {
        let plain = db.basic(*address).unwrap().unwrap_or_default();
        let ours = after.account(*address).unwrap().unwrap_or_default();
        let fields = |info: &AccountInfo| (info.nonce, info.balance, info.code_hash);
        assert_eq!(fields(&ours), fields(&plain), "block {seed}, account {address}");
    }
    for (address, change) in &output.state.accounts {
        let gone = matches!(change.info, AccountChange::Deleted);
        for (slot, value) in &change.storage {
            assert!(!gone, "block {seed}: a deleted account has storage");
            assert_eq!(db.storage(*address, *slot).unwrap(), *value, "block {seed}, {address}, slot {slot}");
        }
    }
}
