//! What the random blocks covered: not what the generator meant, but what receipts and reports tell.

use crate::random::{Kind, RandomBlock};
use parallel_evm::{BlockOutput, Location, Receipt, TxEnv, TxReport, WorkClass};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Coverage {
    /// Blocks that were invalid as drawn.
    pub invalid: u64,
    pub aborts: u64,
    pub waits: u64,
    blocks: u64,
    forks: BTreeSet<String>,
    kinds: BTreeMap<Kind, Times>,
}

/// How often transactions of a kind did what the kind is about.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    happened: u64,
    /// ... and depended on a lower transaction, or a higher one on them.
    in_conflict: u64,
}

impl Coverage {
    pub fn block(&mut self, random: &RandomBlock, output: &BlockOutput) {
        self.blocks += 1;
        self.forks.insert(format!("{:?}", random.block.spec));
        let conflicts = output.conflicts(&random.block, &random.state).unwrap();
        let mut conflicting: BTreeSet<usize> = conflicts.fine.lists().iter().flatten().copied().collect();
        let dependent = conflicts.fine.lists().iter().enumerate().filter(|(_, on)| !on.is_empty());
        conflicting.extend(dependent.map(|(index, _)| index));
        for (index, kinds) in random.kinds.iter().enumerate() {
            let tx = &random.block.transactions[index];
            let (receipt, report) = (&output.receipts[index], &output.transactions[index]);
            for kind in kinds.iter().filter(|kind| happened(**kind, tx, receipt, report)) {
                let times = self.kinds.entry(*kind).or_default();
                times.happened += 1;
                times.in_conflict += u64::from(conflicting.contains(&index));
            }
        }
    }

    /// Fails if something the generator is for hardly came up.
    pub fn suffices(&self, count: u64) {
        // Few blocks need not show everything.
        if count < 1_000 {
            return;
        }
        assert_eq!(self.forks.len(), crate::random::SPECS.len(), "{self:#?}");
        assert!(self.invalid > count / 20, "hardly any block was invalid as drawn: {self:#?}");
        assert!(self.aborts > count / 8 && self.waits > count / 100, "too little went wrong: {self:#?}");
        for kind in Kind::ALL {
            let times = self.kinds.get(&kind).copied().unwrap_or_default();
            // A kind is one of some twenty things that some sixteen transactions a block may do; those that need
            // a late fork come up in few of the fourteen.
            let enough = times.happened > count / 20 && times.in_conflict > count / 50;
            assert!(enough, "{kind:?} hardly came up: {times:?} in {count} blocks");
        }
    }
}

/// Whether the transaction did what its kind is about.
fn happened(kind: Kind, tx: &TxEnv, receipt: &Receipt, report: &TxReport) -> bool {
    let work = |class| report.work.get(class);
    let others = || report.balances.iter().filter(|usage| usage.address != tx.caller);
    match kind {
        Kind::Transfer => receipt.success && !tx.value.is_zero(),
        // Somebody was, or was not, found to be empty.
        Kind::Payout => others().any(|usage| usage.most.is_zero() || usage.least == usage.most || {
            usage.least == parallel_evm::U256::ONE
        }),
        Kind::Destruction => receipt.success && others().any(|usage| usage.vanishes || usage.is_exact()),
        Kind::Creation | Kind::Creation2 => work(WorkClass::Create) > 0,
        Kind::Revert => !receipt.success,
        Kind::DeepCall => work(WorkClass::Call) >= 100,
        Kind::Delegation => report
            .writes
            .iter()
            .any(|location| matches!(location, Location::Code(address) if report.writes.contains(&Location::Nonce(*address)))),
        Kind::Observer => others().any(|usage| usage.is_exact()),
        Kind::Precompile => {
            [WorkClass::Ecrecover, WorkClass::HashPrecompileWord, WorkClass::ModExpGas, WorkClass::PrecompileGas]
                .into_iter()
                .any(|class| work(class) > 0)
        }
        Kind::CoinbaseSends | Kind::Other => true,
        Kind::Token | Kind::Storage => {
            report.writes.iter().any(|location| matches!(location, Location::Slot(..)))
        }
        Kind::AccessList => !tx.access_list.0.is_empty(),
        Kind::Blob => !tx.blob_hashes.is_empty(),
        Kind::Whale => {
            report.reads.iter().any(|access| access.location.address().0[0] == 0xbb)
        }
    }
}
