//! The same block on plain revm: its own handler, its own database, fees credited at once.

#[path = "../support/plain.rs"]
mod plain;

use crate::random::RandomBlock;
use parallel_evm::{AccountChange, AccountInfo, BlockOutput, PreState};
use plain::Pre;
use revm::{
    Context, Database, ExecuteCommitEvm, MainBuilder, MainContext, context::CfgEnv, database::CacheDB,
};

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
