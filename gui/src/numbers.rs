//! The table of numbers beside a plot: sorted by a click on a column, copied with a button.

use crate::format;
use crate::theme::{Tokens, size};
use eframe::egui::{Align, Button, Label, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use sim_core::observe::plot::table::{Cell, DataTable};
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// Between two looks at the numbers while time passes: faster nobody reads.
const PAUSE: Duration = Duration::from_millis(250);

/// A table's state.
#[derive(Default)]
pub struct Numbers {
    /// Column and direction it is sorted by.
    sorted: Option<(usize, bool)>,
    table: Option<DataTable>,
    /// Rows in the order in which they are shown.
    order: Vec<usize>,
    made: Option<(Instant, u64)>,
}

impl Numbers {
    /// Draws it into all of `ui`. `make` is asked for the numbers when `state` (a number that changes with what
    /// is shown) is new, and then not for a while.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        tokens: &Tokens,
        title: &str,
        state: u64,
        make: impl FnOnce() -> Option<DataTable>,
    ) {
        let stale = self.made.is_none_or(|(at, was)| was != state && at.elapsed() >= PAUSE);
        if stale {
            self.table = make();
            self.made = Some((Instant::now(), state));
            self.sort();
        }
        let mut pressed = None;
        let Some(table) = self.table.as_ref().filter(|t| !t.rows.is_empty()) else {
            crate::panels::nothing(ui, tokens, "No numbers yet");
            return;
        };
        ui.horizontal(|ui| {
            let rows = format!("{} rows", format::count(table.rows.len() as u64));
            ui.label(RichText::new(rows).size(size::SMALL).color(tokens.faint));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = Button::new(RichText::new("Copy").size(size::SMALL));
                let copy = ui.add(copy).on_hover_text("Copy the table, for a spreadsheet");
                let name = format!("Copy the numbers of {title}");
                copy.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.clone()));
                if copy.clicked() {
                    ui.ctx().copy_text(tabbed(table, &self.order));
                }
            });
        });
        let (sorted, order) = (self.sorted, &self.order);
        ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            let builder = TableBuilder::new(ui)
                .id_salt(("numbers", title))
                .striped(true)
                .auto_shrink(false)
                .cell_layout(Layout::right_to_left(Align::Center))
                .columns(Column::initial(86.0).at_least(40.0).clip(true), table.columns.len());
            let table_ui = builder.header(34.0, |mut header| {
                for (column, name) in table.columns.iter().enumerate() {
                    header.col(|ui| {
                        let mark = match sorted {
                            Some((by, true)) if by == column => " v",
                            Some((by, false)) if by == column => " ^",
                            _ => "",
                        };
                        let text = RichText::new(format!("{name}{mark}")).size(10.5).color(tokens.faint);
                        let button = ui.add(Button::new(text).frame(false).wrap());
                        if button.on_hover_text(format!("Sort by {name}")).clicked() {
                            pressed = Some(column);
                        }
                    });
                }
            });
            table_ui.body(|body| {
                body.rows(17.0, order.len(), |mut row| {
                    let cells = &table.rows[order[row.index()]];
                    for cell in cells {
                        row.col(|ui| {
                            let text = RichText::new(shown(cell)).size(11.5).color(tokens.ink);
                            ui.add(Label::new(text).truncate());
                        });
                    }
                });
            });
        });
        if let Some(column) = pressed {
            // Largest first, then smallest first, then as it was.
            self.sorted = match self.sorted {
                Some((by, true)) if by == column => Some((column, false)),
                Some((by, false)) if by == column => None,
                _ => Some((column, true)),
            };
            self.sort();
        }
    }

    fn sort(&mut self) {
        let Some(table) = &self.table else {
            self.order.clear();
            return;
        };
        self.order = (0..table.rows.len()).collect();
        if let Some((column, down)) = self.sorted.filter(|(column, _)| *column < table.columns.len()) {
            self.order.sort_by(|a, b| {
                let order = compare(&table.rows[*a][column], &table.rows[*b][column]);
                if down { order.reverse() } else { order }
            });
        }
    }
}

/// Nothing first, then numbers, then names.
fn compare(a: &Cell, b: &Cell) -> Ordering {
    let number = |cell: &Cell| match cell {
        Cell::Int(value) => Some(*value as f64),
        Cell::Num(value) => Some(*value),
        _ => None,
    };
    match (a, b) {
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Text(_), _) => Ordering::Greater,
        (_, Cell::Text(_)) => Ordering::Less,
        _ => number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal),
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Num(value) => format::three_digits(*value),
        Cell::Int(value) if *value >= 10_000 => format::count(*value),
        other => other.plain(),
    }
}

/// The table in the order shown, with all digits, for a spreadsheet.
fn tabbed(table: &DataTable, order: &[usize]) -> String {
    let line = |cells: Vec<String>| cells.join("\t") + "\n";
    let rows = order.iter().map(|row| line(table.rows[*row].iter().map(Cell::plain).collect()));
    std::iter::once(line(table.columns.clone())).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_by_value_and_copied_as_shown() {
        let mut table = DataTable::new(["name", "time (ms)"]);
        for (name, time) in [("b", Cell::Num(9.25)), ("a", Cell::Empty), ("c", Cell::Num(10.5))] {
            table.push(vec![Cell::Text(name.to_owned()), time]);
        }
        let mut numbers = Numbers { table: Some(table.clone()), ..Numbers::default() };
        for (sorted, expected) in [
            (None, [0, 1, 2]),
            (Some((1, true)), [2, 0, 1]),
            (Some((1, false)), [1, 0, 2]),
            (Some((0, false)), [1, 0, 2]),
        ] {
            numbers.sorted = sorted;
            numbers.sort();
            assert_eq!(numbers.order, expected, "{sorted:?}");
        }
        assert_eq!(tabbed(&table, &[2, 1]), "name\ttime (ms)\nc\t10.5\na\t\n");
    }
}
