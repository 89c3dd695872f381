//! Finished result folders: their plots over each other, their numbers, the way back to their scenarios.

use super::differences::table;
use super::overlay::{self, Curve};
use super::{Cx, Panel};
use crate::results::{Folder, Run, rows};
use crate::theme::{Tokens, size};
use eframe::egui::{
    Button, CollapsingHeader, Label, ProgressBar, RichText, ScrollArea, TextEdit, Ui, WidgetInfo,
};
use sim_core::observe::plot::table::DataTable;
use std::path::Path;

/// The list of folders and their plots.
#[derive(Default)]
pub struct Results {
    path: String,
    /// What is drawn, for leaving the window.
    leaving: Vec<Curve>,
}

/// Least height of the plots, points.
const PLOTS: f32 = 260.0;

impl Panel for Results {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.entry(ui, cx);
        ScrollArea::vertical().id_salt("results").auto_shrink(false).show(ui, |ui| {
            let mut act = None;
            for (at, folder) in cx.results.folders.iter().enumerate() {
                let running = cx.results.running().filter(|(path, _)| *path == folder.path);
                if let Some(wanted) = head(ui, cx.tokens, folder, running.map(|(_, share)| share)) {
                    act = Some((at, wanted));
                }
            }
            match act {
                Some((at, Act::Close)) => _ = cx.results.folders.remove(at),
                Some((at, Act::Again)) => {
                    let context = ui.ctx().clone();
                    cx.results.run_again(at, move || context.request_repaint());
                }
                Some((_, Act::Cancel)) => cx.results.cancel(),
                Some((at, Act::Open)) => {
                    if let Some(scenario) = cx.results.folders[at].scenario() {
                        cx.session.start(scenario, true);
                    }
                }
                Some((at, Act::Show(run, shown))) => cx.results.show(at, run, shown),
                None => {}
            }
            self.leaving = compared(ui, cx);
        });
    }
}

/// What was asked for of a folder.
enum Act {
    Close,
    Again,
    Cancel,
    Open,
    Show(usize, bool),
}

impl Results {
    fn entry(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut self.path).hint_text("a folder that a run has written");
            let field = ui.add(edit.desired_width(320.0));
            field.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Result folder"));
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(eframe::egui::Key::Enter));
            if (ui.button("Open folder").clicked() || entered) && !self.path.trim().is_empty() {
                let context = ui.ctx().clone();
                let path = self.path.trim().to_owned();
                cx.results.open(Path::new(&path), move || context.request_repaint());
            }
            if cx.results.is_reading() {
                ui.spinner();
            }
        });
        if cx.results.folders.is_empty() && !cx.results.is_reading() {
            let text = "Finished runs are folders with manifest.json and tables, for example results/quickstart. \
                        Several can be laid over each other.";
            ui.add(Label::new(small(cx.tokens, text)).wrap());
        }
    }
}

fn small(tokens: &Tokens, text: &str) -> RichText {
    RichText::new(text).size(size::SMALL).color(tokens.faint)
}

/// A folder, and what can be done with it.
fn head(ui: &mut Ui, tokens: &Tokens, folder: &Folder, running: Option<f32>) -> Option<Act> {
    let mut act = None;
    let title = RichText::new(&folder.name).color(tokens.ink).strong();
    CollapsingHeader::new(title).id_salt(&folder.path).default_open(true).show(ui, |ui| {
        ui.add(Label::new(RichText::new(&folder.answer).color(tokens.ink)).wrap());
        let facts = format!("{} · version {}", folder.path.display(), folder.manifest.version);
        ui.add(Label::new(small(tokens, &facts)).truncate());
        ui.horizontal_wrapped(|ui| {
            for (at, run) in folder.runs.iter().enumerate() {
                let mut shown = run.shown;
                if ui.checkbox(&mut shown, &run.summary.name).changed() {
                    act = Some(Act::Show(at, shown));
                }
            }
        });
        ui.horizontal_wrapped(|ui| {
            if ui.button("Open its scenario").clicked() {
                act = Some(Act::Open);
            }
            match running {
                Some(share) => {
                    ui.add(ProgressBar::new(share).desired_width(120.0).text("Running it again"));
                    if ui.button("Stop").clicked() {
                        act = Some(Act::Cancel);
                    }
                }
                None => {
                    let again = ui.add(Button::new("Reproduce"));
                    if again.on_hover_text("Run it again and compare the digests").clicked() {
                        act = Some(Act::Again);
                    }
                }
            }
            if ui.button("Close folder").clicked() {
                act = Some(Act::Close);
            }
            let (text, colour) = match &folder.again {
                Some(Ok(equal)) if equal.iter().all(|e| *e) => ("reproduced: equal digests", tokens.good),
                Some(Ok(_)) => ("a digest differs", tokens.error),
                Some(Err(reason)) => (reason.as_str(), tokens.warning),
                None => ("", tokens.faint),
            };
            ui.label(RichText::new(text).color(colour));
        });
    });
    act
}

/// The runs that are chosen, over each other.
fn compared(ui: &mut Ui, cx: &mut Cx<'_>) -> Vec<Curve> {
    let tokens = cx.tokens;
    let shown = cx.results.shown();
    if shown.is_empty() {
        return Vec::new();
    }
    let several = cx.results.folders.len() > 1;
    let name = |folder: &Folder, run: &Run| {
        let run = &run.summary.name;
        if several { format!("{}: {run}", folder.name) } else { run.clone() }
    };
    let curve = |(lane, (folder, run)): (usize, &(&Folder, &Run))| Curve {
        name: name(folder, run),
        lane,
        crossover: run.crossover.clone(),
        waits: run.waits.clone(),
        gas: run.gas.clone(),
        spent: run.spent,
    };
    let curves: Vec<Curve> = shown.iter().enumerate().map(curve).collect();
    ui.add_space(size::GAP);
    let wide = ui.available_width();
    ui.allocate_ui(eframe::egui::vec2(wide, PLOTS.max(wide / 4.5)), |ui| {
        overlay::plots(ui, tokens, &curves, ["verified: mean time", "gas by slot, Mgas"]);
    });
    ui.add_space(size::GAP);
    let names: Vec<_> = curves.iter().map(|c| (c.name.clone(), tokens.lane(c.lane))).collect();
    let summaries: Vec<_> = shown.iter().map(|(_, run)| &run.summary).collect();
    table(ui, tokens, "results table", &names, &rows(&summaries));
    curves
}

impl crate::export::Exportable for Results {
    fn stem(&self) -> &'static str {
        "results"
    }

    fn numbers(&self, _: &crate::session::Session) -> Option<DataTable> {
        overlay::figure::numbers(&self.leaving, "Mgas")
    }

    fn drawing(&self, _: &crate::session::Session) -> Option<String> {
        overlay::figure::drawing(&self.leaving, "Mgas")
    }
}
