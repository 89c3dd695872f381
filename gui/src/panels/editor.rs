//! The scenario's text: in colours, with what is wrong at its line while it is written, what the field under the
//! cursor means, and a way to run it.

mod colours;
mod place;

use super::{Cx, Panel};
use crate::command::Command;
use crate::files::check::Problem;
use crate::theme::{Tokens, size};
use eframe::egui::text::{CCursor, LayoutJob};
use eframe::egui::text_edit::TextEditOutput;
use eframe::egui::text_selection::CCursorRange;
use eframe::egui::{
    Align, Align2, Button, FontId, Galley, Id, Layout, Rect, RichText, ScrollArea, Sense, Stroke, TextBuffer,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// A longer text is not edited here, bytes: laying it out at every letter would take too long.
const LONG: usize = 256 << 10;
/// Height of what stands below the text.
const BELOW: f32 = 116.0;
/// Type size of the text.
const TYPE: f32 = 12.5;

/// The editor.
#[derive(Default)]
pub struct Editor {
    /// The text as it was last laid out, and in which theme.
    laid_out: Option<(String, bool, LayoutJob)>,
    /// Number of the document that is shown.
    number: Option<u64>,
    /// Where to put the cursor.
    jump: Option<std::ops::Range<usize>>,
    /// Character at which the cursor stood last.
    cursor: Option<usize>,
}

impl Panel for Editor {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let problems = cx.files.checked().map(|c| c.problems.clone()).unwrap_or_default();
        let id = Id::unique("scenario text");
        if self.number != Some(cx.files.document.number()) {
            // Another text: what was typed in the last one cannot be taken back here.
            self.number = Some(cx.files.document.number());
            TextEdit::store_state(ui.ctx(), id, Default::default());
            (self.laid_out, self.cursor) = (None, None);
            let first = problems.iter().find(|p| p.fatal && p.line > 0);
            self.jump = first.map(|p| place::word(cx.files.document.text(), p.line, p.column));
        }
        state(ui, cx, &problems);
        if cx.files.document.text().len() > LONG {
            let text = "This text is too long to be edited here. It can be run; another program can edit it.";
            ui.label(RichText::new(text).color(tokens.faint));
            return;
        }
        let height = (ui.available_height() - BELOW).max(80.0);
        let area = ScrollArea::both().id_salt(("text", self.number)).max_height(height).auto_shrink(false);
        area.show(ui, |ui| self.text(ui, id, cx, &problems));
        ui.add_space(4.0);
        self.below(ui, cx, &problems);
    }
}

/// Leaves the window as a picture; as text it is the scenario's file.
impl crate::export::Exportable for Editor {
    fn stem(&self) -> &'static str {
        "scenario"
    }

    fn numbers(&self, _: &crate::session::Session) -> Option<sim_core::observe::plot::table::DataTable> {
        None
    }

    fn drawing(&self, _: &crate::session::Session) -> Option<String> {
        None
    }
}

impl Editor {
    fn text(&mut self, ui: &mut Ui, id: Id, cx: &mut Cx<'_>, problems: &[Problem]) {
        let tokens = cx.tokens;
        let font = FontId::monospace(TYPE);
        let lines = cx.files.document.text().split('\n').count();
        let digits = lines.max(10).to_string().len();
        let gutter = 18.0 + digits as f32 * 7.5;
        let dark = tokens.is_dark();
        let laid_out = &mut self.laid_out;
        let mut layouter = |ui: &Ui, text: &dyn TextBuffer, _: f32| -> Arc<Galley> {
            let text = text.as_str();
            let job = match laid_out {
                Some((known, theme, job)) if known == text && *theme == dark => job.clone(),
                _ => {
                    let job = colours::coloured(text, &FontId::monospace(TYPE), tokens);
                    *laid_out = Some((text.to_owned(), dark, job.clone()));
                    job
                }
            };
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let start = ui.cursor().min;
        let rest = Rect::from_min_max(start + vec2(gutter, 0.0), ui.max_rect().max);
        let mut output = ui
            .scope_builder(UiBuilder::new().max_rect(rest).layout(Layout::top_down(Align::Min)), |ui| {
                TextEdit::multiline(cx.files.document.text_mut())
                    .id(id)
                    .font(font.clone())
                    .frame(eframe::egui::Frame::NONE)
                    .lock_focus(true)
                    .desired_width(f32::INFINITY)
                    .min_size(rest.size())
                    .layouter(&mut layouter)
                    .show(ui)
            })
            .inner;
        if output.response.changed() {
            cx.files.document.edited();
        }
        let value = cx.files.document.text().to_owned();
        output
            .response
            .widget_info(|| named(WidgetInfo::text_edit(true, &value, &value, ""), "Scenario text"));
        if let Some(range) = self.jump.take() {
            let cursor = CCursorRange::two(CCursor::new(range.start), CCursor::new(range.end));
            output.state.cursor.set_char_range(Some(cursor));
            output.state.clone().store(ui.ctx(), output.response.id);
            output.response.request_focus();
            let at = output.galley.pos_from_cursor(CCursor::new(range.start));
            ui.scroll_to_rect(at.translate(output.galley_pos.to_vec2()), Some(Align::Center));
        }
        self.cursor = output.cursor_range.map(|range| range.primary.index.into()).or(self.cursor);
        numbers(ui, tokens, &output, start.x, gutter, problems);
        marks(ui, tokens, &output, &value, problems);
    }

    /// What is wrong, and what the field under the cursor means.
    fn below(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, problems: &[Problem]) {
        let tokens = cx.tokens;
        let area = ScrollArea::vertical().id_salt("below").max_height(BELOW - 8.0).auto_shrink(false);
        area.show(ui, |ui| {
            for problem in problems {
                self.problem(ui, cx, problem);
            }
            let field = self.cursor.and_then(|at| place::field(cx.files.document.text(), at));
            let Some(found) = field.and_then(|path| cx.files.meaning(&path).cloned()) else {
                if problems.is_empty() {
                    let text = "Nothing is wrong. Put the cursor on a field to see what it means.";
                    ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
                }
                return;
            };
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.label(RichText::new(&found.path).monospace().color(tokens.accent));
                ui.label(RichText::new(&found.meaning).size(12.0).color(tokens.ink));
                ui.label(RichText::new(format!("Form: {}.", found.form)).size(12.0).color(tokens.faint));
                if let Some(default) = &found.default {
                    let text = format!("Preset: {default}");
                    ui.label(RichText::new(text).size(12.0).color(tokens.faint));
                }
            });
            for (name, meaning) in found.choices.iter().chain(&found.fields) {
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(name).monospace().size(size::SMALL).color(tokens.ink));
                    ui.label(RichText::new(meaning).size(size::SMALL).color(tokens.faint));
                });
            }
        });
    }

    fn problem(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, problem: &Problem) {
        let tokens = cx.tokens;
        ui.horizontal_wrapped(|ui| {
            let colour = if problem.fatal { tokens.error } else { tokens.warning };
            if problem.line > 0 {
                let name = format!("line {}", problem.line);
                let button = Button::new(RichText::new(name).size(size::SMALL).color(colour));
                if ui.add(button).on_hover_text("Go there").clicked() {
                    let text = cx.files.document.text();
                    self.jump = Some(place::word(text, problem.line, problem.column));
                }
            }
            if let Some(meant) = &problem.meant {
                let name = format!("Write `{meant}`");
                if ui.add(Button::new(RichText::new(name).size(size::SMALL))).clicked() {
                    let text = place::mended(cx.files.document.text(), problem.line, problem.column, meant);
                    *cx.files.document.text_mut() = text;
                    cx.files.document.edited();
                }
            }
            ui.label(RichText::new(&problem.text).size(12.0).color(colour));
        });
    }
}

/// With a name for screen readers.
fn named(mut info: WidgetInfo, name: &str) -> WidgetInfo {
    info.label = Some(name.to_owned());
    info
}

/// How the text stands to what runs and to what is saved, and what can be done about it.
fn state(ui: &mut Ui, cx: &mut Cx<'_>, problems: &[Problem]) {
    let tokens = cx.tokens;
    let document = &cx.files.document;
    let wrong = problems.iter().any(|p| p.fatal);
    let (text, colour) = match (document.is_running(), document.has_run()) {
        _ if document.is_apart() => {
            ("interventions made in the window are not in this text: its list was edited", tokens.warning)
        }
        (true, _) => ("this text runs", tokens.good),
        _ if wrong && cx.session.opened.is_none() => ("cannot be run as it is", tokens.error),
        _ if wrong => ("cannot be run as it is; what ran goes on", tokens.error),
        (false, true) => ("edited since it was started", tokens.warning),
        (false, false) => ("not what runs", tokens.warning),
    };
    ui.horizontal(|ui| {
        let mark = if document.is_dirty() { "* " } else { "" };
        ui.label(RichText::new(format!("{mark}{}", document.name())).color(tokens.ink).strong());
        ui.label(RichText::new(text).size(size::SMALL).color(colour));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (command, enabled) in [(Command::Save, document.is_dirty()), (Command::RunText, !wrong)] {
                let keys = command.keys_text(ui.ctx());
                let button = Button::new(command.info().name);
                if ui.add_enabled(enabled, button).on_hover_text(keys).clicked() {
                    cx.commands.push(command);
                }
            }
        });
    });
    ui.add_space(4.0);
}

/// Numbers of the lines, and marks at those with problems.
fn numbers(ui: &Ui, t: &Tokens, output: &TextEditOutput, left: f32, width: f32, problems: &[Problem]) {
    let painter = ui.painter();
    let font = FontId::monospace(size::SMALL);
    let visible = ui.clip_rect();
    let (mut line, mut begins) = (0, true);
    for row in &output.galley.rows {
        if begins {
            line += 1;
            let middle = output.galley_pos.y + row.pos.y + row.row.size.y / 2.0;
            if visible.y_range().expand(20.0).contains(middle) {
                let here = problems.iter().filter(|p| p.line == line);
                let worst = here.clone().max_by_key(|p| p.fatal);
                let colour = worst.map_or(t.faint, |p| if p.fatal { t.error } else { t.warning });
                let at = pos2(left + width - 12.0, middle);
                painter.text(at, Align2::RIGHT_CENTER, line, font.clone(), colour);
                if worst.is_some() {
                    painter.circle_filled(pos2(left + 5.0, middle), 3.5, colour);
                }
            }
        }
        begins = row.ends_with_newline;
    }
}

/// Waves under words that are wrong; the message when the pointer is there.
fn marks(ui: &mut Ui, t: &Tokens, output: &TextEditOutput, text: &str, problems: &[Problem]) {
    for problem in problems.iter().filter(|p| p.line > 0) {
        let range = place::word(text, problem.line, problem.column);
        let place = |at: usize| {
            output.galley.pos_from_cursor(CCursor::new(at)).translate(output.galley_pos.to_vec2())
        };
        let (from, to) = (place(range.start), place(range.end));
        let right = if to.min.y > from.min.y || to.min.x <= from.min.x { from.min.x + 8.0 } else { to.min.x };
        let rect = Rect::from_min_max(from.min, pos2(right, from.max.y));
        let colour = if problem.fatal { t.error } else { t.warning };
        let wave: Vec<_> = (0..)
            .map(|n| (rect.left() + n as f32 * 2.0, n % 2))
            .take_while(|(x, _)| *x <= rect.right())
            .map(|(x, up)| pos2(x, rect.bottom() - 0.5 - 1.5 * up as f32))
            .collect();
        ui.painter().line(wave, Stroke::new(1.2, colour));
        let id = ui.scope_id().with(("problem", problem.line, problem.column));
        let response = ui.interact(rect, id, Sense::hover());
        response.widget_info(|| {
            WidgetInfo::labeled(eframe::egui::Role::Label, true, format!("Problem in line {}", problem.line))
        });
        response.on_hover_text(&problem.text);
    }
}
