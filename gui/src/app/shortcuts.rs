//! All keys at a glance.

use super::App;
use crate::command::{Command, Menu};
use crate::theme::{Tokens, size};
use eframe::egui::{Context, Grid, Id, Modal, RichText, ScrollArea, Ui};

impl App {
    /// Draws them over the window, if they were asked for.
    pub(super) fn show_shortcuts(&mut self, context: &Context, tokens: &Tokens) {
        if !self.shortcuts {
            return;
        }
        let modal = Modal::new(Id::unique("shortcuts")).show(context, |ui| {
            ui.set_width(720.0);
            ui.label(RichText::new("Keys and pointer").size(size::HEADLINE).color(tokens.ink));
            ui.add_space(6.0);
            ScrollArea::vertical().max_height(620.0).show(ui, |ui| {
                ui.columns(2, |columns| {
                    // The longest menu is that of time; it has a column of its own.
                    let halves = [&[Menu::File, Menu::Edit, Menu::View][..], &[Menu::Run]];
                    for (ui, menus) in columns.iter_mut().zip(halves) {
                        menus.iter().for_each(|menu| of_menu(ui, tokens, *menu));
                    }
                    pointer(&mut columns[1], tokens);
                });
            });
            ui.add_space(8.0);
            ui.button("Close").clicked()
        });
        if modal.inner || modal.should_close() {
            self.shortcuts = false;
        }
    }
}

fn heading(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.add_space(4.0);
    ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint).strong());
}

fn row(ui: &mut Ui, tokens: &Tokens, keys: &str, what: &str) {
    ui.label(RichText::new(keys).monospace().color(tokens.accent));
    ui.label(RichText::new(what).color(tokens.ink));
    ui.end_row();
}

fn of_menu(ui: &mut Ui, tokens: &Tokens, menu: Menu) {
    heading(ui, tokens, menu.name());
    Grid::new(("keys", menu.name())).num_columns(2).spacing([16.0, 3.0]).show(ui, |ui| {
        for command in Command::ALL.into_iter().filter(|c| c.info().menu == menu) {
            let info = command.info();
            let keys: Vec<String> = info.keys.iter().map(|k| ui.ctx().format_shortcut(k)).collect();
            if !keys.is_empty() {
                row(ui, tokens, &keys.join("  "), info.name);
            }
        }
    });
}

fn pointer(ui: &mut Ui, tokens: &Tokens) {
    heading(ui, tokens, "Pointer");
    Grid::new("keys of the pointer").num_columns(2).spacing([16.0, 3.0]).show(ui, |ui| {
        row(ui, tokens, "drag the timeline", "Go anywhere in time");
        row(ui, tokens, "click", "Inspect a node, a link, a block");
        row(ui, tokens, "drag over the map", "Choose nodes, in every panel");
        row(ui, tokens, "wheel, right drag", "Zoom and move the map");
        row(ui, tokens, "drop a file", "Open a scenario");
        row(ui, tokens, "drop a folder", "Open results of a run");
    });
}
