//! The numbers of the compared runs, and by how much they differ from the base.

use super::{Cx, Panel, nothing};
use crate::compare::{Row, data, rows, words};
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{Color32, Grid, Label, RichText, ScrollArea, Ui};
use sim_core::observe::plot::table::DataTable;

/// The table.
#[derive(Default)]
pub struct Differences;

impl Panel for Differences {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some((names, rows)) = compared(cx.session) else {
            nothing(ui, tokens, "Appears with a comparison");
            return;
        };
        let names = names.into_iter().enumerate().map(|(lane, name)| (name, tokens.lane(lane)));
        table(ui, tokens, "differences", &names.collect::<Vec<_>>(), &rows);
    }
}

/// Names and numbers of the compared runs; `None` while there are none.
pub fn compared(session: &Session) -> Option<(Vec<String>, Vec<Row>)> {
    let comparison = session.comparison.as_ref().filter(|_| session.is_ready())?;
    let snapshots: Vec<_> = (0..comparison.lanes.len()).map(|n| session.snapshot_of(n)).collect();
    let slots: Vec<u64> = comparison.lanes.iter().map(|l| l.slot_ns).collect();
    let names = comparison.lanes.iter().map(|l| l.name.clone()).collect();
    let mut rows = rows(&snapshots, &slots);
    if !session.frame.outcomes.is_empty() {
        // The runs are over: what came of them, as the command line prints it.
        rows.push(words("digest", session.frame.outcomes.iter().map(|d| d.chars().take(12).collect())));
    }
    Some((names, rows))
}

/// A table of rows under the names of runs, each in its colour.
pub fn table(ui: &mut Ui, tokens: &Tokens, id: &str, names: &[(String, Color32)], rows: &[Row]) {
    ScrollArea::both().id_salt(id).auto_shrink(false).show(ui, |ui| {
        Grid::new(id).striped(true).spacing([14.0, 5.0]).show(ui, |ui| {
            ui.label("");
            for (name, colour) in names {
                ui.label(RichText::new(name).size(size::SMALL).color(*colour).strong());
            }
            ui.end_row();
            for row in rows {
                ui.label(RichText::new(&row.name).size(size::SMALL).color(tokens.faint));
                for cell in &row.cells {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = 5.0;
                        ui.add(Label::new(RichText::new(&cell.text).size(12.5).color(tokens.ink)).extend());
                        if let Some(change) = cell.change {
                            let text = RichText::new(crate::format::change(change)).size(size::SMALL);
                            ui.add(Label::new(text.color(tokens.accent)).extend());
                        }
                    });
                }
                ui.end_row();
            }
        });
    });
}

/// A table: it leaves the window as numbers, or as a picture.
impl crate::export::Exportable for Differences {
    fn stem(&self) -> &'static str {
        "differences"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        compared(session).map(|(names, rows)| data(&names, &rows))
    }

    fn drawing(&self, _: &Session) -> Option<String> {
        None
    }
}
