//! Runs side by side on one clock: what to compare, and then a map for each.

use super::differences::compared;
use super::map::Map;
use super::{Cx, Panel};
use crate::command::Command;
use crate::compare::{Candidate, LANES_MAX, candidates, data};
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align, Button, Checkbox, Label, Layout, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextEdit,
    Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use sim_core::observe::plot::table::DataTable;
use sim_core::scenario::Scenario;
use std::collections::BTreeSet;
use std::path::Path;

/// The choice of runs, and their maps.
#[derive(Default)]
pub struct Compare {
    /// Names of candidates that are not wanted.
    unwanted: BTreeSet<String>,
    /// Other scenarios, as further runs.
    others: Vec<Candidate>,
    /// Path of one more.
    path: String,
    maps: Vec<Map>,
}

impl Panel for Compare {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if cx.session.comparison.is_some() {
            self.side_by_side(ui, cx);
        } else {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| self.choose(ui, cx));
        }
    }
}

impl Compare {
    fn choose(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let Some(base) = cx.session.opened.as_ref().map(|o| o.scenario.base.clone()) else {
            super::nothing(ui, tokens, "Open a scenario first");
            return;
        };
        ui.label(RichText::new("Run side by side").size(16.0).color(tokens.ink).strong());
        ui.add(Label::new(note(tokens, INTRODUCTION)).wrap());
        ui.add_space(size::GAP);
        let mut all = candidates(cx.session);
        all.extend(self.others.iter().cloned());
        let mut always = true;
        ui.add_enabled(false, Checkbox::new(&mut always, "base"));
        let mut chosen = Vec::new();
        for candidate in all {
            let name = candidate.plan.name.clone();
            let full = chosen.len() + 1 >= LANES_MAX;
            let mut wanted = !self.unwanted.contains(&name) && !full;
            if ui.add_enabled(!full, Checkbox::new(&mut wanted, name.as_str())).changed() {
                if wanted {
                    self.unwanted.remove(&name)
                } else {
                    self.unwanted.insert(name.clone())
                };
            }
            let what = match candidate.differences.len() {
                0 => "nothing is different".to_owned(),
                n if n <= 3 => candidate.differences.join("; "),
                n => format!("{}; and {} more", candidate.differences[..3].join("; "), n - 3),
            };
            ui.indent(&name, |ui| ui.add(Label::new(note(tokens, &what)).wrap()));
            if wanted {
                chosen.push(candidate.plan);
            }
        }
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut self.path).hint_text("path of another scenario");
            let field = ui.add(edit.desired_width(260.0));
            field
                .widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Another scenario"));
            let wanted = ui.button("Add").clicked();
            if wanted && !self.path.trim().is_empty() {
                self.add(&base, cx);
            }
        });
        ui.add_space(size::GAP);
        let ready = cx.session.is_ready() && !chosen.is_empty();
        if ui.add_enabled(ready, Button::new("Start the comparison")).clicked() {
            cx.session.compare(chosen);
        }
        if !ready {
            ui.label(note(tokens, "A comparison needs a run that is set up, and at least one arm."));
        }
    }

    fn add(&mut self, base: &sim_core::scenario::plan::Plan, cx: &mut Cx<'_>) {
        let path = self.path.trim().to_owned();
        match Scenario::load(&path) {
            Ok(other) => {
                let mut plan = other.base;
                let stem = Path::new(&path).file_stem().unwrap_or_default();
                plan.name = stem.to_string_lossy().into_owned();
                self.others.retain(|c| c.plan.name != plan.name);
                self.others.push(Candidate::new(base, plan));
                self.path.clear();
            }
            Err(error) => cx.notices.error(error.to_string()),
        }
    }

    fn side_by_side(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let lanes = cx.session.comparison.as_ref().map_or(0, |c| c.lanes.len());
        self.maps.resize_with(lanes, Map::default);
        bar(ui, cx);
        let area = ui.available_rect_before_wrap();
        let (before, columns) = (cx.session.lane(), columns(lanes, area));
        let rows = lanes.div_ceil(columns);
        let (wide, high) = (area.width() / columns as f32, area.height() / rows as f32);
        for (lane, map) in self.maps.iter_mut().enumerate() {
            let corner = area.min + vec2((lane % columns) as f32 * wide, (lane / columns) as f32 * high);
            let cell = Rect::from_min_size(corner, vec2(wide, high)).shrink(2.0);
            let head = Rect::from_min_max(cell.min, pos2(cell.right(), cell.top() + 20.0));
            title(ui, cx, head, lane, lane == before);
            let below = Rect::from_min_max(head.left_bottom(), cell.max);
            // The map draws whichever run is looked at.
            let chosen = cx.session.lane();
            cx.session.look_at(lane);
            ui.scope_builder(UiBuilder::new().max_rect(below).id_salt(("lane", lane)), |ui| map.show(ui, cx));
            cx.session.look_at(chosen);
            let colour = if lane == before { cx.tokens.lane(lane) } else { cx.tokens.line };
            ui.painter().rect_stroke(below, size::CORNER, Stroke::new(1.2, colour), StrokeKind::Inside);
        }
    }
}

const INTRODUCTION: &str = "Each arm is the scenario with its own changes, from the start, with the same seed. \
Where its workload is that of the base, it repeats the base's blocks; for that the base goes first, and its arms \
follow on the same clock. At the end an arm has the digest that `headless run` gives it. What runs now is put \
aside, and taken up again afterwards.";

fn note(tokens: &Tokens, text: &str) -> RichText {
    RichText::new(text).size(size::SMALL).color(tokens.faint)
}

/// As many columns as make the maps largest; a map is about twice as wide as high.
fn columns(lanes: usize, area: Rect) -> usize {
    let size = |columns: &usize| {
        let rows = lanes.div_ceil(*columns).max(1) as f32;
        (area.width() / *columns as f32 / 2.0).min(area.height() / rows - 20.0)
    };
    (1..=lanes.max(1)).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(1)
}

/// What can be done with the comparison.
fn bar(ui: &mut Ui, cx: &mut Cx<'_>) {
    let tokens = cx.tokens;
    let Some(comparison) = &cx.session.comparison else { return };
    let (lane, searching) = (cx.session.lane(), comparison.searching);
    let target = if lane == 0 { 1 } else { lane };
    let name = comparison.lanes.get(target).map_or_else(String::new, |l| l.name.clone());
    let found = comparison.lanes.get(target).and_then(|l| l.diverged.as_ref()).map(|found| {
        let block = found.block.map_or("no block".to_owned(), |b| format!("the block of slot {}", b.slot));
        format!(
            "parts from the base before second {}: at {}, node {}, {block}",
            found.second,
            crate::format::clock_ns(found.at_ns),
            found.nodes.first().copied().unwrap_or(0),
        )
    });
    let text = found.map_or_else(
        || "Click a name to see that run in the other panels".to_owned(),
        |found| format!("{name} {found}"),
    );
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button(Command::EndComparison.info().name).clicked() {
                cx.commands.push(Command::EndComparison);
            }
            let find = Button::new(format!("First difference of {name}"));
            if ui.add_enabled(!searching, find).clicked() {
                cx.session.find_divergence(target);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(note(tokens, &text)).truncate()).on_hover_text(&text);
            });
        });
    });
}

/// The name of a run, in its colour; a click shows it in the other panels.
fn title(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, lane: usize, chosen: bool) {
    let tokens = cx.tokens;
    let Some(comparison) = &cx.session.comparison else { return };
    let this = &comparison.lanes[lane];
    let response = ui.interact(rect, ui.scope_id().with(("title", lane)), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(eframe::egui::Role::RadioButton, true, chosen, format!("Show {}", this.name))
    });
    let painter = ui.painter_at(rect);
    let mark = Rect::from_center_size(rect.left_center() + vec2(8.0, 0.0), vec2(10.0, 10.0));
    painter.rect_filled(mark, 2, tokens.lane(lane));
    let colour = if chosen || response.hovered() { tokens.ink } else { tokens.faint };
    let font = eframe::egui::FontId::proportional(size::BODY);
    let at = mark.right_center() + vec2(7.0, 0.0);
    let name = painter.text(at, eframe::egui::Align2::LEFT_CENTER, &this.name, font, colour);
    let how = match (lane, this.paired) {
        (0, _) => "",
        (_, true) => "the base's blocks",
        (_, false) => "blocks of its own",
    };
    let font = eframe::egui::FontId::proportional(size::SMALL);
    let at = name.right_center() + vec2(10.0, 0.5);
    painter.text(at, eframe::egui::Align2::LEFT_CENTER, how, font, tokens.faint);
    if response.clicked() {
        cx.session.look_at(lane);
    }
}

/// The maps leave the window as a picture; their numbers are the differences.
impl crate::export::Exportable for Compare {
    fn stem(&self) -> &'static str {
        "side-by-side"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        compared(session).map(|(names, rows)| data(&names, &rows))
    }

    fn drawing(&self, _: &Session) -> Option<String> {
        None
    }
}
