//! `validation`: carries out all checks, prints the table, writes the page.
//!
//! Exit codes: 0 all as expected (understood misses included), 1 a check missed or could not run, 2 bad input.

use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use validation::check::{Effort, Outcome};
use validation::{console, page, registry, run, write};

/// Measured against theory: closed forms put to the real simulator.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder for the page (`index.html`) and the numbers (`results.json`). An earlier page is replaced.
    #[arg(long, default_value = "results/validation")]
    out: PathBuf,
    /// Only checks whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Small samples: seconds instead of minutes, with tolerances to match.
    #[arg(long)]
    quick: bool,
    /// Checks carried out at the same time. Never changes a number.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match go(&arguments) {
        Ok(code) => code,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

fn go(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut checks = registry::all();
    checks.retain(|check| check.name.contains(&arguments.only));
    if checks.is_empty() {
        let names: Vec<&str> = registry::all().iter().map(|check| check.name).collect();
        return Err(format!("no check is called `{}`; there are: {}", arguments.only, names.join(", ")));
    }
    write::check(&arguments.out).map_err(|e| e.to_string())?;
    let effort = if arguments.quick { Effort::Quick } else { Effort::Full };
    let start = Instant::now();
    let done = |outcome: &Outcome| {
        let seconds = start.elapsed().as_secs_f64();
        let _ = writeln!(
            std::io::stderr(),
            "[{seconds:6.1} s] {}: {}",
            outcome.check.name,
            outcome.verdict().words()
        );
    };
    let outcomes = run::all(&checks, effort, arguments.threads, done);
    // A reader that went away does not change the verdict.
    let _ = console::table(&mut std::io::stdout().lock(), &outcomes);
    let version = env!("CARGO_PKG_VERSION");
    let (html, json) = (page::html(&outcomes, version), page::json(&outcomes, version));
    write::page(&arguments.out, &html, &json).map_err(|e| e.to_string())?;
    let page = arguments.out.join("index.html");
    let _ = writeln!(std::io::stdout(), "The page: {}", page.display());
    let bad = outcomes.iter().any(|outcome| outcome.verdict().is_bad());
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
