//! The bar at the top: menus, the open scenario, the palette's button.

use super::App;
use crate::command::{Command, Menu};
use crate::files::shipped::Shipped;
use crate::theme::{Tokens, size};
use eframe::egui::{Button, Frame, Label, Margin, MenuBar, Panel, RichText, Sense, Ui};

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
                self.open_file(ui, tokens, commands);
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

    /// What is open, whether it is saved, and what is being read or written.
    fn open_file(&mut self, ui: &mut Ui, tokens: &Tokens, commands: &mut Vec<Command>) {
        let document = &self.files.document;
        let mark = if document.is_dirty() { "* " } else { "" };
        let name = RichText::new(format!("{mark}{}", document.name())).color(tokens.ink).strong();
        let response = ui.add(Label::new(name).sense(Sense::click()));
        let saved = match &document.path {
            Some(path) => path.display().to_string(),
            None => "not saved as a file".to_owned(),
        };
        let unsaved = if document.is_dirty() { "\nwith changes that are not saved" } else { "" };
        if response.on_hover_text(format!("{saved}{unsaved}")).clicked() {
            commands.push(Command::Editor);
        }
        if let Some(what) = self.files.busy() {
            ui.spinner();
            ui.label(RichText::new(what).color(tokens.faint));
            if ui.small_button("Cancel").clicked() {
                commands.push(Command::Cancel);
            }
            return;
        }
        if document.has_run() {
            if let Some(question) = self.session.opened.as_ref().and_then(|o| o.scenario.question()) {
                ui.label(RichText::new(question).color(tokens.faint));
            }
        } else if let Some(opened) = &self.session.opened {
            let name = opened.scenario.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            ui.label(RichText::new(format!("is not what runs; that is {name}")).color(tokens.warning));
        }
    }

    fn menu(&mut self, ui: &mut Ui, menu: Menu, tokens: &Tokens, commands: &mut Vec<Command>) {
        ui.set_min_width(250.0);
        let listed = Command::listed(self);
        for command in Command::ALL.into_iter().filter(|c| c.info().menu == menu) {
            self.item(ui, command, tokens, commands);
            if command == Command::Open {
                for kind in [Command::OpenRecent(0), Command::OpenShipped(0)] {
                    let same = |c: &Command| std::mem::discriminant(c) == std::mem::discriminant(&kind);
                    let of_kind: Vec<Command> = listed.iter().copied().filter(same).collect();
                    ui.add_enabled_ui(!of_kind.is_empty(), |ui| {
                        ui.menu_button(kind.info().name, |ui| {
                            of_kind.iter().for_each(|c| self.item(ui, *c, tokens, commands));
                        });
                    });
                }
            }
        }
        if menu == Menu::File {
            ui.separator();
            let name = "Use the desktop's file dialogs";
            ui.checkbox(&mut self.settings.system_dialogs, name);
        }
        if menu == Menu::View {
            ui.separator();
            for (index, (_, title, mut shown)) in self.layout.list().into_iter().enumerate() {
                if ui.checkbox(&mut shown, title).clicked() {
                    commands.push(Command::TogglePanel(u8::try_from(index).unwrap_or(u8::MAX)));
                }
            }
        }
    }

    fn item(&self, ui: &mut Ui, command: Command, tokens: &Tokens, commands: &mut Vec<Command>) {
        let keys = RichText::new(command.keys_text(ui.ctx())).color(tokens.faint);
        let button = Button::new(command.title(self)).right_text(keys);
        let mut response = ui.add_enabled(command.is_enabled(self), button);
        if let Command::OpenShipped(n) = command
            && let Some(question) = Shipped::all().nth(usize::from(n)).and_then(Shipped::question)
        {
            response = response.on_hover_text(question);
        }
        if response.clicked() {
            commands.push(command);
            ui.close();
        }
    }
}
