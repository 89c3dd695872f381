//! A finished sweep: a heat map over its first two axes, the numbers of a point, the way to its scenario.

use super::{Cx, Panel};
use crate::format;
use crate::sweeps::{Opened, Reading};
use crate::theme::{DARK, LIGHT, Tokens, sequential, size};
use eframe::egui::{
    Align2, Color32, ComboBox, FontId, Key, Label, Rect, RichText, Role, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::observe::format::three_digits;
use sim_core::observe::plot::table::DataTable;
use sim_core::sweep::figures;
use sim_core::sweep::stats::Intervals;
use sim_core::sweep::tables::CONFIDENCE;
use std::path::Path;

/// Room for the names of rows, points.
const NAMES: f32 = 90.0;
/// Height of a row, points.
const ROW: f32 = 40.0;
/// Points of one field that are listed, failed runs that are told.
const LISTED: usize = 12;
/// Points that are listed where they do not make a grid.
const POINTS: usize = 500;

/// The panel.
#[derive(Default)]
pub struct Sweep {
    path: String,
    reading: Option<Reading>,
    opened: Option<Opened>,
}

impl Panel for Sweep {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.entry(ui, cx);
        let Some(opened) = &mut self.opened else {
            let text =
                "A sweep is a folder with sweep.json and runs, for example results/sweeps/cores-x-bandwidth.";
            ui.add(Label::new(small(cx.tokens, text)).wrap());
            return;
        };
        ScrollArea::vertical().id_salt("sweep").auto_shrink(false).show(ui, |ui| {
            head(ui, cx.tokens, opened);
            if opened.grid.fields.iter().flatten().any(|field| !field.points.is_empty()) {
                heat_map(ui, cx.tokens, opened);
            } else {
                points(ui, cx.tokens, opened);
            }
            point(ui, cx, opened);
            failures(ui, cx.tokens, opened);
        });
    }
}

impl Sweep {
    fn entry(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let mut wanted = None;
        if let Some(folder) = cx.session.wanted_sweep.take() {
            self.path = folder.display().to_string();
            wanted = Some(folder);
        }
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut self.path).hint_text("a folder that a sweep has written");
            let field = ui.add(edit.desired_width(320.0));
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Sweep folder"));
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            if (ui.button("Open sweep").clicked() || entered) && !self.path.trim().is_empty() {
                wanted = Some(Path::new(self.path.trim()).to_owned());
            }
            if let Some(folder) = wanted {
                let context = ui.ctx().clone();
                self.reading = Some(Reading::start(&folder, move || context.request_repaint()));
            }
            if self.reading.is_some() {
                ui.spinner();
            }
        });
        match self.reading.as_ref().and_then(Reading::poll) {
            Some(Ok(opened)) => (self.opened, self.reading) = (Some(opened), None),
            Some(Err(reason)) => {
                cx.notices.error(reason);
                self.reading = None;
            }
            None => {}
        }
    }
}

fn small(tokens: &Tokens, text: &str) -> RichText {
    RichText::new(text).size(size::SMALL).color(tokens.faint)
}

/// What the sweep asks, how much of it is there, which metric is drawn.
fn head(ui: &mut Ui, tokens: &Tokens, opened: &mut Opened) {
    let question = opened.sweep.question().unwrap_or(&opened.sweep.name);
    ui.add(Label::new(RichText::new(question).color(tokens.ink).strong()).wrap());
    let runs: usize = opened.merged.points.iter().map(|p| p.runs.len()).sum();
    let failed = opened.merged.failed().len();
    let facts = format!(
        "{} · {} points, {runs} runs, {} missing, {failed} failed",
        opened.path.display(),
        opened.sweep.points.len(),
        opened.merged.missing.len()
    );
    ui.add(Label::new(small(tokens, &facts)).truncate());
    let mut metric = opened.metric;
    ui.horizontal(|ui| {
        ui.label(small(tokens, "Metric"));
        let names: Vec<String> = (0..opened.metrics.len()).map(|m| opened.named(m)).collect();
        let chosen = names.get(metric).cloned().unwrap_or_default();
        let combo = ComboBox::from_id_salt("sweep metric").selected_text(&chosen).width(260.0);
        let shown = combo.show_ui(ui, |ui| {
            for (at, name) in names.iter().enumerate() {
                ui.selectable_value(&mut metric, at, name);
            }
        });
        let name = format!("Metric: {chosen}");
        shown.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &name));
    });
    if metric != opened.metric {
        opened.choose(metric);
    }
}

/// The grid; a click on a field looks at its first point.
fn heat_map(ui: &mut Ui, tokens: &Tokens, opened: &mut Opened) {
    let grid = &opened.grid;
    let (rows, columns) = (grid.rows.len(), grid.columns.len());
    let (low, high) = grid.ends().unwrap_or_default();
    let two = opened.sweep.axes.len() > 1;
    let height = ROW * rows as f32 + 54.0;
    let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let font = FontId::proportional(size::SMALL);
    let painter = ui.painter_at(area).clone();
    let text =
        |at, anchor, text: &str, colour: Color32| _ = painter.text(at, anchor, text, font.clone(), colour);
    let field = vec2((area.width() - NAMES) / columns as f32, ROW);
    let mut clicked = None;
    for (y, row) in grid.rows.iter().enumerate() {
        let top = area.top() + 18.0 + ROW * y as f32;
        let middle = pos2(area.left() + NAMES - 8.0, top + ROW / 2.0);
        text(middle, Align2::RIGHT_CENTER, row, tokens.ink);
        for (x, column) in grid.columns.iter().enumerate() {
            let at = pos2(area.left() + NAMES + field.x * x as f32, top);
            let rect = Rect::from_min_size(at, field).shrink(1.0);
            let cell = &grid.fields[y][x];
            let Some(first) = cell.points.first().copied() else { continue };
            let response = ui.interact(rect, ui.scope_id().with(("sweep field", y, x)), Sense::click());
            let value = cell.mean().map_or_else(|| "no value".to_owned(), three_digits);
            let place = if two { format!("{row}, {column}") } else { column.clone() };
            let name = format!("{place}: {value}");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            let response = response.on_hover_text(&name);
            if response.clicked() {
                clicked = Some(first);
            }
            let chosen = opened.point.is_some_and(|point| cell.points.contains(&point));
            if chosen || response.hovered() || response.has_focus() {
                painter.rect_stroke(rect, 2.0, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
            }
            let Some(mean) = cell.mean() else {
                painter.rect_stroke(rect, 2.0, Stroke::new(1.0, tokens.faint), StrokeKind::Inside);
                text(rect.center(), Align2::CENTER_CENTER, "no value", tokens.faint);
                continue;
            };
            let share = if high > low { ((mean - low) / (high - low)) as f32 } else { 0.5 };
            painter.rect_filled(rect, 2.0, sequential(share));
            // Dark text on the light half of the scale: the scale's own ends have the contrast.
            let ink = if share > 0.55 { LIGHT.ink } else { DARK.ink };
            text(rect.center(), Align2::CENTER_CENTER, &value, ink);
        }
    }
    let bottom = area.top() + 18.0 + ROW * rows as f32;
    for (x, column) in grid.columns.iter().enumerate() {
        let middle = pos2(area.left() + NAMES + field.x * (x as f32 + 0.5), bottom + 8.0);
        text(middle, Align2::CENTER_CENTER, column, tokens.ink);
    }
    let axes = &opened.sweep.axes;
    if two {
        text(area.left_top(), Align2::LEFT_TOP, &axes[0].name, tokens.faint);
    }
    let below = pos2(area.left() + NAMES, bottom + 24.0);
    text(below, Align2::LEFT_CENTER, &axes[usize::from(two)].name, tokens.faint);
    ui.add(
        Label::new(small(tokens, &format!("Mean {}; dark is low, light is high.", opened.grid.over))).wrap(),
    );
    opened.point = clicked.or(opened.point);
}

/// The points one below the other, where the design makes no grid: one axis at a time, say.
fn points(ui: &mut Ui, tokens: &Tokens, opened: &mut Opened) {
    let metric = opened.metrics.get(opened.metric).copied();
    let mut intervals = Intervals::new(CONFIDENCE);
    for runs in opened.merged.points.iter().take(POINTS) {
        let mean = metric.and_then(|metric| intervals.of(&runs.values(metric)));
        let value = mean.map_or_else(|| "no value".to_owned(), |i| three_digits(i.mean));
        let name = format!("{}: {value}", opened.sweep.points[runs.point].describe(&opened.sweep.axes));
        ui.radio_value(&mut opened.point, Some(runs.point), name);
    }
    if opened.merged.points.len() > POINTS {
        ui.label(small(tokens, &format!("and {} more", opened.merged.points.len() - POINTS)));
    }
}

/// The runs that failed, and why; those of the point that is looked at first.
fn failures(ui: &mut Ui, tokens: &Tokens, opened: &Opened) {
    if opened.failed.is_empty() {
        return;
    }
    ui.add_space(size::GAP);
    ui.label(RichText::new("Failed runs").color(tokens.ink).strong());
    let (own, others): (Vec<_>, Vec<_>) = opened.failed.iter().partition(|f| Some(f.0) == opened.point);
    for (point, replication, error) in own.into_iter().chain(others).take(LISTED) {
        let values = opened.sweep.points[*point].describe(&opened.sweep.axes);
        let text = format!("Point {point} ({values}), replication {replication}: {error}");
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(tokens.ink)).wrap());
    }
    if opened.failed.len() > LISTED {
        ui.label(small(tokens, &format!("and {} more", opened.failed.len() - LISTED)));
    }
}

/// The point that is looked at, its numbers, its scenario.
fn point(ui: &mut Ui, cx: &mut Cx<'_>, opened: &mut Opened) {
    let tokens = cx.tokens;
    ui.add_space(size::GAP);
    let Some(point) = opened.point else {
        ui.label(small(tokens, "Click a field or a point to look at it."));
        return;
    };
    let axes = &opened.sweep.axes;
    let fields = opened.grid.fields.iter().flatten();
    let beside = fields.into_iter().find(|f| f.points.contains(&point)).map(|f| f.points.clone());
    let beside = beside.unwrap_or_default();
    if beside.len() > 1 {
        let mut chosen = point;
        for other in beside.iter().take(LISTED) {
            ui.radio_value(&mut chosen, *other, opened.sweep.points[*other].describe(axes));
        }
        if beside.len() > LISTED {
            ui.label(small(tokens, &format!("and {} more", beside.len() - LISTED)));
        }
        opened.point = Some(chosen);
    } else {
        let values = opened.sweep.points[point].describe(axes);
        ui.label(RichText::new(format!("Point {point}: {values}")).color(tokens.ink).strong());
    }
    if ui.button("Open the point's scenario").clicked() {
        match opened.scenario(point) {
            Ok(scenario) => _ = cx.session.start(scenario, true),
            Err(reason) => cx.notices.error(reason),
        }
    }
    if opened.sweep.pin_contents {
        let text = "The sweep's runs repeat block contents that they share; in the window the scenario makes its own.";
        ui.add(Label::new(small(tokens, text)).wrap());
    }
    for number in opened.numbers(point) {
        let Some(mean) = number.mean else { continue };
        let interval = match number.interval {
            Some((low, high)) => format!(" ({} to {})", three_digits(low), three_digits(high)),
            None => String::new(),
        };
        let runs = format::count(number.runs as u64);
        let text = format!("{}: {}{interval}, {runs} runs", number.name, three_digits(mean));
        ui.label(RichText::new(text).size(size::SMALL).color(tokens.ink));
    }
}

impl crate::export::Exportable for Sweep {
    fn stem(&self) -> &'static str {
        "sweep"
    }

    fn numbers(&self, _: &crate::session::Session) -> Option<DataTable> {
        let opened = self.opened.as_ref()?;
        let metric = *opened.metrics.get(opened.metric)?;
        figures::heat_map(&opened.sweep, &opened.merged, metric).map(|figure| figure.table)
    }

    fn drawing(&self, _: &crate::session::Session) -> Option<String> {
        let opened = self.opened.as_ref()?;
        let metric = *opened.metrics.get(opened.metric)?;
        figures::heat_map(&opened.sweep, &opened.merged, metric).map(|figure| figure.svg)
    }
}
