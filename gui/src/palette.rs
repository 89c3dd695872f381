//! The command palette: type a few letters, press Enter.

use crate::command::Command;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, Area, Context, Frame, Id, Key, Margin, Order, RichText, ScrollArea, Stroke, TextEdit, vec2,
};

/// The palette.
#[derive(Debug, Default)]
pub struct Palette {
    open: bool,
    fresh: bool,
    query: String,
    chosen: usize,
}

/// A command as it is offered.
pub struct Entry {
    /// What it does.
    pub command: Command,
    /// Its name.
    pub title: String,
    /// Whether it can be done now.
    pub enabled: bool,
}

impl Palette {
    /// Opens or closes it.
    pub fn toggle(&mut self) {
        *self = Self { open: !self.open, fresh: true, ..Self::default() };
    }

    /// Keys without modifiers are its own as long as it is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws it; a command that was chosen.
    pub fn show(&mut self, context: &Context, tokens: &Tokens, entries: &[Entry]) -> Option<Command> {
        if !self.open {
            return None;
        }
        let (up, down, enter, escape) = context.input_mut(|i| {
            let mut pressed = |key| i.consume_key(Default::default(), key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Enter), pressed(Key::Escape))
        });
        let mut found = matches(&self.query, entries);
        found.sort_by_key(|e| !e.enabled);
        self.chosen = (self.chosen + usize::from(down)).saturating_sub(usize::from(up));
        self.chosen = self.chosen.min(found.len().saturating_sub(1));
        let mut run = enter.then(|| found.get(self.chosen).copied()).flatten();
        let area = Area::new(Id::unique("palette")).order(Order::Foreground);
        let shown = area.anchor(Align2::CENTER_TOP, vec2(0.0, 90.0)).show(context, |ui| {
            let frame = Frame::new()
                .fill(tokens.panel)
                .stroke(Stroke::new(1.0, tokens.line))
                .corner_radius(8)
                .inner_margin(Margin::same(10))
                .shadow(ui.visuals().window_shadow);
            frame.show(ui, |ui| {
                ui.set_width(460.0);
                let field = TextEdit::singleline(&mut self.query)
                    .hint_text("Find a command")
                    .desired_width(f32::INFINITY);
                let response = ui.add(field);
                if std::mem::take(&mut self.fresh) {
                    response.request_focus();
                }
                if response.changed() {
                    self.chosen = 0;
                }
                ui.add_space(6.0);
                ScrollArea::vertical().max_height(340.0).show(ui, |ui| {
                    for (index, entry) in found.iter().enumerate() {
                        let info = entry.command.info();
                        let keys = entry.command.keys_text(ui.ctx());
                        ui.add_enabled_ui(entry.enabled, |ui| {
                            ui.horizontal(|ui| {
                                let chosen = index == self.chosen;
                                let label = ui.selectable_label(chosen, &entry.title);
                                if chosen && (up || down) {
                                    label.scroll_to_me(None);
                                }
                                if label.clicked() {
                                    run = Some(*entry);
                                }
                                ui.with_layout(
                                    eframe::egui::Layout::right_to_left(eframe::egui::Align::Center),
                                    |ui| {
                                        ui.label(RichText::new(keys).size(size::SMALL).color(tokens.faint));
                                        ui.label(
                                            RichText::new(info.menu.name())
                                                .size(size::SMALL)
                                                .color(tokens.faint),
                                        );
                                    },
                                );
                            });
                        });
                    }
                    if found.is_empty() {
                        ui.label(RichText::new("No command has these letters.").color(tokens.faint));
                    }
                });
            });
        });
        let outside = context.input(|i| {
            i.pointer.any_pressed()
                && i.pointer.interact_pos().is_some_and(|p| !shown.response.rect.contains(p))
        });
        if run.is_some() || escape || outside {
            self.open = false;
        }
        run.filter(|e| e.enabled).map(|e| e.command)
    }
}

/// Commands whose names have the letters of `query` in order, best first.
fn matches<'e>(query: &str, entries: &'e [Entry]) -> Vec<&'e Entry> {
    let query = query.to_lowercase();
    let mut found: Vec<(usize, &Entry)> = entries
        .iter()
        .filter(|e| e.command != Command::Palette)
        .filter_map(|e| Some((score(&query, &e.title)?, e)))
        .collect();
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, e)| e).collect()
}

/// Letters skipped between the matched ones; `None` if one is missing.
fn score(query: &str, name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    if let Some(at) = name.find(query) {
        return Some(at);
    }
    let mut rest = name.chars();
    let mut skipped = 100;
    for wanted in query.chars().filter(|c| !c.is_whitespace()) {
        skipped += rest.by_ref().take_while(|c| *c != wanted).count();
        if rest.as_str().is_empty() && !name.ends_with(wanted) {
            return None;
        }
    }
    Some(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_a_command() {
        let entry =
            |command: Command| Entry { command, title: command.info().name.to_owned(), enabled: true };
        let all: Vec<Entry> = Command::ALL.into_iter().map(entry).collect();
        let found = |query: &str| matches(query, &all).iter().map(|e| e.command).collect::<Vec<_>>();
        assert_eq!(found("next bl")[0], Command::BlockForward);
        assert_eq!(found("undo")[0], Command::Undo);
        assert!(found("drk").contains(&Command::ToggleTheme));
        assert!(found("zzzz").is_empty());
        assert_eq!(found("").len(), Command::ALL.len() - 1);
    }
}
