//! The numbers behind a figure: what is drawn, written as CSV and shown beside it.

use crate::observe::format::{escape, three_digits};
use std::fmt::Write;

/// A value in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name.
    Text(String),
    /// A count.
    Int(u64),
    /// A measured quantity; written to six decimals.
    Num(f64),
    /// No value.
    Empty,
}

impl Cell {
    /// A quantity that may be missing.
    pub fn maybe(value: Option<f64>) -> Self {
        value.map_or(Self::Empty, Self::Num)
    }

    /// The text in CSV, unquoted.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            // Six places would leave nothing of it.
            Self::Num(value) if *value != 0.0 && value.abs() < 1e-4 => format!("{value:.4e}"),
            Self::Num(value) => {
                let rounded = (value * 1e6).round() / 1e6;
                // No negative zero.
                format!("{}", rounded + 0.0)
            }
            Self::Empty => String::new(),
        }
    }
}

/// Columns (units in their names) and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataTable {
    /// Column names, lower case, the unit last.
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl DataTable {
    /// A table without rows.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len(), "a row has a cell for every column");
        self.rows.push(row);
    }

    /// As CSV (RFC 4180 quoting, `\n` line ends).
    pub fn csv(&self) -> String {
        let mut text = String::new();
        let line = |cells: &mut dyn Iterator<Item = String>| {
            cells.map(|cell| csv_quoted(&cell)).collect::<Vec<_>>().join(",") + "\n"
        };
        text.push_str(&line(&mut self.columns.iter().cloned()));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(Cell::plain)));
        }
        text
    }

    /// As an HTML table, quantities to three digits.
    pub fn html(&self) -> String {
        let mut text = String::from("<table class=\"numbers\"><thead><tr>");
        for column in &self.columns {
            let _ = write!(text, "<th>{}</th>", escape(&column.replace('_', " ")));
        }
        text.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            text.push_str("<tr>");
            for cell in row {
                let _ = match cell {
                    Cell::Text(name) => write!(text, "<td class=\"name\">{}</td>", escape(name)),
                    Cell::Num(value) => write!(text, "<td>{}</td>", three_digits(*value)),
                    other => write!(text, "<td>{}</td>", other.plain()),
                };
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody></table>");
        text
    }
}

fn csv_quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut table = DataTable::new(["arm", "time_ms"]);
        table.push(vec![Cell::Text("a,\"b\"".to_owned()), Cell::Num(1.5)]);
        table.push(vec![Cell::Text("c".to_owned()), Cell::Empty]);
        table.push(vec![Cell::Text("d".to_owned()), Cell::Num(-0.000_000_123_456)]);
        assert_eq!(table.csv(), "arm,time_ms\n\"a,\"\"b\"\"\",1.5\nc,\nd,-1.2346e-7\n");
    }
}
