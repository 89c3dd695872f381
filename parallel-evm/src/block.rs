//! The input of an execution: a block and its rules.

use revm::{
    context::{BlockEnv, CfgEnv, TxEnv},
    primitives::hardfork::SpecId,
};

/// A block to execute: rules, environment, transactions in order.
///
/// Senders are given, not recovered: signatures are the caller's business.
#[derive(Clone, Debug)]
pub struct Block {
    /// The rules in force.
    pub spec: SpecId,
    /// The chain's id; a transaction that states another is invalid.
    pub chain_id: u64,
    /// Number, time, beneficiary, gas limit, base fee, ...
    pub env: BlockEnv,
    /// The transactions in block order.
    pub transactions: Vec<TxEnv>,
}

impl Block {
    pub(crate) fn cfg(&self) -> CfgEnv {
        let mut cfg = CfgEnv::new_with_spec(self.spec);
        cfg.chain_id = self.chain_id;
        // No transaction can carry more than a block may: six (EIP-4844), nine (EIP-7691). Since Osaka a limit of
        // its own holds, whatever a block may (EIP-7594).
        cfg.max_blobs_per_tx = Some(if self.spec == SpecId::PRAGUE { 9 } else { 6 });
        cfg
    }
}
