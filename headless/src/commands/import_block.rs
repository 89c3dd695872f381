//! `import-block`: block files from a node, for `exec` and for scenarios that replay recorded blocks.

use crate::failure::Failure;
use crate::import::{ImportError, import};
use crate::task::ImportTask;
use std::io::Write;

pub fn import_block(task: &ImportTask, out: &mut dyn Write) -> Result<(), Failure> {
    for number in &task.numbers {
        let path = task.dir.join(format!("{number}.json.gz"));
        if path.exists() {
            return Err(Failure::BadInput(format!("{}: exists already, not replaced", path.display())));
        }
        let imported =
            import(&task.rpc, *number, task.fork.as_deref(), &path).map_err(|error| match error {
                ImportError::Usage(what) => Failure::BadInput(what),
                other => Failure::Failed(format!("block {number}: {other}")),
            })?;
        writeln!(
            out,
            "{}: {} transactions, {} gas, {} accounts, {} slots, {} requests, header verified",
            path.display(),
            imported.transactions,
            imported.gas_used,
            imported.accounts,
            imported.slots,
            imported.requests
        )?;
    }
    Ok(())
}
