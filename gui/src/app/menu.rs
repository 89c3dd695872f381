//! The bar at the top: menus, the open scenario, the palette's button.

use super::App;
use crate::command::{Command, Menu};
use crate::theme::{Tokens, size};
use eframe::egui::{Button, Frame, Margin, MenuBar, Panel, RichText, Ui};

impl App {
    pub(super) fn menu_bar(&mut self, ui: &mut Ui, tokens: &Tokens, commands: &mut Vec<Command>) {
        let frame =
            Frame::new().fill(tokens.window).inner_margin(Margin { left: 12, right: 12, top: 6, bottom: 4 });
        Panel::top("menu").frame(frame).show_separator_line(false).show(ui, |ui| {
            MenuBar::new().ui(ui, |ui| {
                ui.label(RichText::new("Lightcone").size(16.0).color(tokens.ink).strong());
                ui.add_space(6.0);
                for menu in Menu::ALL {
                    ui.menu_button(menu.name(), |ui| self.menu(ui, menu, tokens, commands));
                }
                ui.add_space(10.0);
                if let Some(opened) = &self.session.opened {
                    let file =
                        opened.scenario.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    ui.label(RichText::new(file).color(tokens.ink).strong());
                    if let Some(question) = opened.scenario.question() {
                        ui.label(RichText::new(question).color(tokens.faint));
                    }
                }
                ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                    let theme = RichText::new(if tokens.is_dark() { "Light" } else { "Dark" })
                        .size(size::SMALL)
                        .color(tokens.faint);
                    if ui.button(theme).on_hover_text(Command::ToggleTheme.info().name).clicked() {
                        commands.push(Command::ToggleTheme);
                    }
                    let keys = Command::Palette.keys_text(ui.ctx());
                    let find = Button::new(
                        RichText::new(format!("Find a command   {keys}"))
                            .size(size::SMALL)
                            .color(tokens.faint),
                    );
                    if ui.add(find).clicked() {
                        commands.push(Command::Palette);
                    }
                });
            });
        });
    }

    fn menu(&mut self, ui: &mut Ui, menu: Menu, tokens: &Tokens, commands: &mut Vec<Command>) {
        ui.set_min_width(230.0);
        for command in Command::ALL.into_iter().filter(|c| c.info().menu == menu) {
            let keys = RichText::new(command.keys_text(ui.ctx())).color(tokens.faint);
            let button = Button::new(command.info().name).right_text(keys);
            if ui.add_enabled(command.is_enabled(self), button).clicked() {
                commands.push(command);
                ui.close();
            }
        }
        if menu == Menu::View {
            ui.separator();
            for (id, title, mut shown) in self.layout.list() {
                if ui.checkbox(&mut shown, title).clicked() {
                    self.layout.toggle(id);
                }
            }
        }
    }
}
