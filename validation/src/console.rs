//! The table on the terminal.

use crate::check::{Expected, Outcome, Row, Verdict};
use std::io::{self, Write};

/// A number with as many digits as are of use.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        value.to_string()
    } else if value == value.trunc() && size < 1e15 {
        format!("{value}")
    } else if (1e-3..1e6).contains(&size) {
        format!("{value:.5}")
    } else {
        format!("{value:.4e}")
    }
}

/// What is accepted, in words.
pub fn expected(expected: &Expected) -> String {
    match *expected {
        Expected::Exactly(value) => format!("= {}", number(value)),
        Expected::Near { value, tolerance } => format!("{} +- {}", number(value), number(tolerance)),
        Expected::AtLeast(low) => format!(">= {}", number(low)),
        Expected::AtMost(high) => format!("<= {}", number(high)),
        Expected::Within { low, high } => format!("{} .. {}", number(low), number(high)),
    }
}

/// Prints the table: a line a check, a line a number.
///
/// # Errors
/// The terminal is gone.
pub fn table(out: &mut impl Write, outcomes: &[Outcome]) -> io::Result<()> {
    for outcome in outcomes {
        writeln!(out, "\n{} [{}]: {}", outcome.check.name, outcome.check.family, outcome.verdict().words())?;
        match &outcome.finding {
            Err(error) => writeln!(out, "    {error}")?,
            Ok(finding) => {
                for row in &finding.rows {
                    writeln!(out, "{}", line(row))?;
                }
                for note in &finding.notes {
                    writeln!(out, "    note: {note}")?;
                }
            }
        }
        if let Some(why) = outcome.check.understood_miss {
            writeln!(out, "    recorded as an understood miss: {why}")?;
        }
    }
    let count = |wanted: Verdict| outcomes.iter().filter(|o| o.verdict() == wanted).count();
    writeln!(
        out,
        "\n{} checks: {} hold, {} understood misses, {} skipped, {} bad.",
        outcomes.len(),
        count(Verdict::Holds),
        count(Verdict::UnderstoodMiss),
        count(Verdict::Skipped),
        outcomes.iter().filter(|o| o.verdict().is_bad()).count()
    )
}

fn line(row: &Row) -> String {
    let mark = if row.holds() { "  " } else { "! " };
    let measured = format!("{} {}", number(row.measured), row.unit);
    format!("  {mark}{:<66} {:>24}   {}", row.case, measured, expected(&row.expected))
}
