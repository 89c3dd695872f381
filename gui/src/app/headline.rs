//! What limits the chain, in words, and the few numbers one looks for first.

use super::App;
use crate::format;
use crate::theme::{Tokens, size};
use eframe::egui::{Align, Frame, Label, Layout, Margin, Panel, RichText, Sense, Ui, vec2};

impl App {
    pub(super) fn headline(&mut self, ui: &mut Ui, tokens: &Tokens) {
        let frame =
            Frame::new().fill(tokens.window).inner_margin(Margin { left: 12, right: 12, top: 2, bottom: 4 });
        let panel = Panel::top("headline").exact_size(58.0).frame(frame).show_separator_line(false);
        panel.show(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.figures(ui, tokens);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.words(ui, tokens));
            });
        });
    }

    fn words(&self, ui: &mut Ui, tokens: &Tokens) {
        let found = self.session.verdict().filter(|_| self.session.is_ready());
        let (colour, headline, text) = match (&found, &self.session.failed) {
            (_, Some(reason)) => (tokens.error, "This run has stopped".to_owned(), reason.clone()),
            (Some(v), None) => (tokens.resource(v.resource), v.headline(), v.explanation()),
            (None, None) => {
                let what =
                    self.session.frame.busy.as_ref().map_or("No block has been executed yet", |b| b.what);
                (
                    tokens.faint,
                    what.to_owned(),
                    "The first verdict needs one block at two thirds of the stake.".to_owned(),
                )
            }
        };
        let (mark, _) = ui.allocate_exact_size(vec2(5.0, 40.0), Sense::hover());
        ui.painter().rect_filled(mark, 2, colour);
        ui.vertical(|ui| {
            ui.add_space(4.0);
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.label(RichText::new(headline).size(size::HEADLINE).color(tokens.ink).strong());
            ui.add(Label::new(RichText::new(&text).size(12.5).color(tokens.faint)).truncate())
                .on_hover_text(&text);
        });
    }

    fn figures(&self, ui: &mut Ui, tokens: &Tokens) {
        let snapshot = self.session.snapshot();
        let closed = snapshot.blocks.iter().rev().find(|b| b.final_ns[2].is_some());
        let values = [
            ("nodes", format::count(snapshot.nodes.into())),
            ("final at 95 %", format::maybe(closed.and_then(|b| b.final_ns[2]))),
            ("arrived at 95 %", format::maybe(closed.and_then(|b| b.network_ns[2]))),
            ("execution", closed.map_or_else(|| "-".to_owned(), |b| format::duration(b.execution_ns))),
        ];
        for (label, value) in values {
            ui.allocate_ui_with_layout(vec2(96.0, 44.0), Layout::top_down(Align::RIGHT), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.label(RichText::new(value).size(size::FIGURE).color(tokens.ink));
                ui.label(RichText::new(label).size(size::SMALL).color(tokens.faint));
            });
            ui.add_space(10.0);
        }
    }
}
