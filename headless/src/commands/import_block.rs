//! `import-block`: block files from a node, for `exec` and for scenarios that replay recorded blocks.

use crate::failure::Failure;
use crate::import::{ImportError, Patience, Source, import};
use crate::task::ImportTask;
use std::io::Write;

pub fn import_block(task: &ImportTask, out: &mut dyn Write) -> Result<(), Failure> {
    let source = Source {
        rpc: &task.rpc,
        fork: task.fork.as_deref(),
        blob_fee_fraction: task.blob_fee_fraction,
        patience: Patience { timeout: task.timeout, retries: task.retries },
    };
    if !task.dir.is_dir() {
        return Err(Failure::BadInput(format!("--dir {}: no such folder", task.dir.display())));
    }
    for number in &task.numbers {
        let path = task.dir.join(format!("{number}.json.gz"));
        if path.exists() {
            return Err(Failure::BadInput(format!("{}: exists already, not replaced", path.display())));
        }
        let imported = import(&source, *number, &path).map_err(|error| match error {
            ImportError::Usage(what) => Failure::BadInput(what),
            other => Failure::Failed(format!("block {number}: {other}")),
        })?;
        writeln!(
            out,
            "{}: {} transactions, {} gas, {} accounts, {} slots, {} requests, header verified, state {}",
            path.display(),
            imported.transactions,
            imported.gas_used,
            imported.accounts,
            imported.slots,
            imported.requests,
            if imported.proven { "proven" } else { "as the node tells it" },
        )?;
    }
    Ok(())
}
