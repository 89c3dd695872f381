//! Precompiles with their work counted.

use super::{Ctx, view::TxDb};
use crate::WorkClass;
use revm::{
    context::{Cfg, ContextTr, JournalTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    primitives::{Address, AddressSet, hardfork::SpecId},
};

/// The precompiles of the fork; counts their work if asked to.
pub(super) struct CountingPrecompiles {
    inner: EthPrecompiles,
    counting: bool,
}

impl CountingPrecompiles {
    pub(super) fn new(spec: SpecId, counting: bool) -> Self {
        Self { inner: EthPrecompiles::new(spec), counting }
    }
}

impl<'v> PrecompileProvider<Ctx<'v>> for CountingPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <<Ctx<'v> as ContextTr>::Cfg as Cfg>::Spec) -> bool {
        PrecompileProvider::<Ctx<'v>>::set_spec(&mut self.inner, spec)
    }

    fn run(&mut self, ctx: &mut Ctx<'v>, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        let result = self.inner.run(ctx, inputs)?;
        if let (true, Some(result)) = (self.counting, &result) {
            let input_len = inputs.input.len();
            count(ctx.journal_mut().db_mut(), inputs.bytecode_address, input_len, result.gas.used());
        }
        Ok(result)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.inner.warm_addresses()
    }
}

fn count(db: &mut TxDb<'_>, address: Address, input_len: usize, gas: u64) {
    let words = input_len.div_ceil(32) as u64;
    match address.into_word().0[30..] {
        [0, 1] => db.work.add(WorkClass::Ecrecover, 1),
        [0, 2..=4] => db.work.add_wide(WorkClass::HashPrecompileWord, words),
        [0, 5] => db.work.add_wide(WorkClass::ModExpGas, gas),
        // blake2f charges one gas a round.
        [0, 9] => db.work.add_wide(WorkClass::HashPrecompileWord, gas),
        _ => db.work.add_wide(WorkClass::PrecompileGas, gas),
    }
}
