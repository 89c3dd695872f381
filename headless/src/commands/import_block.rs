//! `import-block`: block files from a node, for `exec` and for scenarios that replay recorded blocks.

use crate::failure::Failure;
use crate::import::{ImportError, Importer, Patience, Source};
use crate::task::ImportTask;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const REDRAW: Duration = Duration::from_millis(100);

pub fn import_block(task: &ImportTask, out: &mut dyn Write) -> Result<(), Failure> {
    if !task.dir.is_dir() {
        return Err(Failure::BadInput(format!("--dir {}: no such folder", task.dir.display())));
    }
    let bar = bar(task);
    let watch = |requests: u64| bar.set_message(format!("{requests} requests"));
    let until = task.total_timeout.map(|total| Instant::now() + total);
    let source = Source {
        rpc: &task.rpc,
        fork: task.fork.as_deref(),
        blob_fee_fraction: task.blob_fee_fraction,
        patience: Patience { timeout: task.timeout, retries: task.retries, until },
        watch: &watch,
    };
    let mut importer = Importer::new(source).map_err(|error| Failure::BadInput(error.to_string()))?;
    let (mut refused, mut failed) = (Vec::new(), Vec::new());
    for (done, number) in task.numbers.iter().enumerate() {
        bar.set_prefix(format!("block {number}"));
        let path = task.dir.join(format!("{number}.json.gz"));
        if path.exists() {
            refused.push(format!("{}: exists already, not replaced", path.display()));
            bar.inc(1);
            continue;
        }
        match importer.import(*number, &path) {
            Ok(imported) => {
                let state = if imported.proven { "proven" } else { "as the node tells it" };
                let line = format!(
                    "{}: {} transactions, {} gas, {} accounts, {} slots, {} requests, header verified, state {state}",
                    path.display(),
                    imported.transactions,
                    imported.gas_used,
                    imported.accounts,
                    imported.slots,
                    imported.requests,
                );
                bar.suspend(|| writeln!(out, "{line}"))?;
            }
            Err(ImportError::Usage(what)) => refused.push(what),
            Err(error) => {
                failed.push(format!("block {number}: {error}"));
                let left = task.numbers.len() - done - 1;
                if error.is_silence() && left > 0 {
                    failed.push(format!("the {left} blocks after it were not tried"));
                    break;
                }
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    refused.dedup();
    match (failed.is_empty(), refused.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(Failure::BadInput(refused.join("\n"))),
        (false, _) => {
            failed.extend(refused);
            Err(Failure::Failed(failed.join("\n")))
        }
    }
}

fn bar(task: &ImportTask) -> ProgressBar {
    if task.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:28} {pos}/{len} {prefix}: {msg}, {elapsed}");
    let bar = ProgressBar::new(task.numbers.len() as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(REDRAW);
    bar
}
