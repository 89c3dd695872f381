//! Notifications: what happened, in a corner, for a while. Errors stay until they are closed.

use crate::theme::Tokens;
use eframe::egui::{Align2, Area, Context, Frame, Id, Margin, Order, RichText, Sense, Stroke, vec2};

/// How important a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Something went well.
    Info,
    /// Something to check.
    Warning,
    /// Something is wrong.
    Error,
}

/// A notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// How important.
    pub grade: Grade,
    /// What happened.
    pub text: String,
    age_s: f32,
}

/// All notices that have not gone, oldest first.
#[derive(Debug, Default)]
pub struct Notices {
    list: Vec<Notice>,
}

/// How long what is no error stays, s.
const STAYS_S: f32 = 6.0;
/// More than this many are not shown.
const SHOWN_MAX: usize = 5;
/// Widest notice.
const WIDTH: f32 = 420.0;

impl Notices {
    /// Something went well.
    pub fn info(&mut self, text: impl Into<String>) {
        self.add(Grade::Info, text.into());
    }

    /// Something to check.
    pub fn warning(&mut self, text: impl Into<String>) {
        self.add(Grade::Warning, text.into());
    }

    /// Something is wrong.
    pub fn error(&mut self, text: impl Into<String>) {
        self.add(Grade::Error, text.into());
    }

    /// A file was written, or could not be.
    pub fn written(&mut self, written: Result<String, String>) {
        match written {
            Ok(what) => self.info(format!("Written: {what}")),
            Err(why) => self.error(format!("Not written: {why}")),
        }
    }

    /// Errors about what has been replaced since are gone.
    pub fn forget_errors(&mut self) {
        self.list.retain(|n| n.grade != Grade::Error);
    }

    fn add(&mut self, grade: Grade, text: String) {
        self.list.retain(|n| n.text != text);
        self.list.push(Notice { grade, text, age_s: 0.0 });
        let excess = self.list.len().saturating_sub(SHOWN_MAX);
        self.list.drain(..excess);
    }

    /// What is shown.
    #[cfg(test)]
    pub fn list(&self) -> &[Notice] {
        &self.list
    }

    /// Draws them above the transport bar.
    pub fn show(&mut self, context: &Context, tokens: &Tokens, above: f32) {
        let dt = context.input(|i| i.stable_dt.min(0.1));
        let mut closed = None;
        if self.list.is_empty() {
            return;
        }
        let area = Area::new(Id::unique("notices")).order(Order::Foreground);
        area.anchor(Align2::RIGHT_BOTTOM, vec2(-14.0, -above - 14.0)).show(context, |ui| {
            ui.set_max_width(WIDTH);
            for (index, notice) in self.list.iter_mut().enumerate() {
                notice.age_s += dt;
                let colour = match notice.grade {
                    Grade::Info => tokens.good,
                    Grade::Warning => tokens.warning,
                    Grade::Error => tokens.error,
                };
                let frame = Frame::new()
                    .fill(tokens.raised)
                    .stroke(Stroke::new(1.0, colour.gamma_multiply(0.7)))
                    .corner_radius(6)
                    .inner_margin(Margin::symmetric(12, 8));
                frame.show(ui, |ui| {
                    ui.horizontal_top(|ui| {
                        let (mark, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::hover());
                        ui.painter().circle_filled(mark.center(), 4.0, colour);
                        ui.vertical(|ui| {
                            ui.set_max_width(WIDTH - 80.0);
                            let text = RichText::new(&notice.text).color(tokens.ink);
                            // Excerpts of files point with columns.
                            let lines = notice.text.contains('\n');
                            ui.label(if lines { text.monospace().size(11.0) } else { text });
                        });
                        let close = ui.small_button(RichText::new("Close").color(tokens.faint));
                        if close.clicked() {
                            closed = Some(index);
                        }
                    });
                });
                ui.add_space(4.0);
            }
        });
        if let Some(index) = closed {
            self.list.remove(index);
        }
        let before = self.list.len();
        self.list.retain(|n| n.grade == Grade::Error || n.age_s < STAYS_S);
        if self.list.len() != before || !self.list.is_empty() {
            context.request_repaint_after(std::time::Duration::from_millis(250));
        }
    }
}
