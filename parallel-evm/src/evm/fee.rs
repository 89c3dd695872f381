//! The beneficiary's fee, kept apart from the transaction so that fees commute.
//!
//! A transaction that has fetched the beneficiary's account for any reason pays the fee itself, exactly as
//! revm does; any other leaves it to whoever commits the transaction.

use super::{Ctx, TxEvm};
use crate::StateError;
use revm::{
    context::{
        Block, ContextTr, Transaction,
        result::{EVMError, HaltReason},
    },
    handler::{EvmTr, FrameResult, Handler, post_execution},
    primitives::{U256, hardfork::SpecId},
};
use std::marker::PhantomData;

/// revm's main-net handler with the beneficiary's fee kept apart.
#[derive(Default)]
pub(super) struct FeeApartHandler<'v>(PhantomData<&'v ()>);

impl<'v> Handler for FeeApartHandler<'v> {
    type Evm = TxEvm<'v>;
    type Error = EVMError<StateError>;
    type HaltReason = HaltReason;

    fn reward_beneficiary(&self, evm: &mut TxEvm<'v>, result: &mut FrameResult) -> Result<(), Self::Error> {
        let ctx: &mut Ctx<'v> = evm.ctx();
        if ctx.journaled_state.inner.state.contains_key(&ctx.block.beneficiary()) {
            return Ok(post_execution::reward_beneficiary(ctx, result.gas())?);
        }
        let base_fee = u128::from(ctx.block.basefee());
        let price = ctx.tx.effective_gas_price(base_fee);
        let tip =
            if ctx.cfg.spec().is_enabled_in(SpecId::LONDON) { price.saturating_sub(base_fee) } else { price };
        let gas = result.gas();
        let gas_paid = gas.used().saturating_sub(gas.reservoir());
        ctx.db_mut().fee = Some(U256::from(tip).saturating_mul(U256::from(gas_paid)));
        Ok(())
    }
}
