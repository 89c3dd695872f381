//! The window: scenarios on the left, the chosen one on the right.

use crate::entries::{Entry, Folder, Meaning};
use crate::style;
use eframe::egui::{
    self, CentralPanel, Frame, Grid, Key, Panel, RichText, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo,
};

/// The app.
pub struct Window {
    folder: Folder,
    chosen: usize,
}

impl Window {
    /// Shows `folder`, its first scenario chosen.
    pub fn new(folder: Folder) -> Self {
        Self { folder, chosen: 0 }
    }

    /// Draws everything.
    pub fn show(&mut self, ui: &mut Ui) {
        self.keys(ui);
        let pane = Frame::central_panel(ui.style()).inner_margin(style::PANE);
        let list = Panel::left("list").resizable(false).exact_size(style::LIST_WIDTH).frame(pane);
        list.show(ui, |ui| self.list(ui));
        CentralPanel::default().frame(pane).show(ui, |ui| match self.folder.entries.as_deref() {
            Ok(entries) => match entries.get(self.chosen) {
                Some(entry) => detail(ui, entry),
                None => nothing_here(ui),
            },
            Err(_) => nothing_here(ui),
        });
    }

    /// Arrow keys choose, F5 reads the folder again.
    fn keys(&mut self, ui: &Ui) {
        let (up, down, again) = ui
            .input(|i| (i.key_pressed(Key::ArrowUp), i.key_pressed(Key::ArrowDown), i.key_pressed(Key::F5)));
        if again {
            self.folder = Folder::read(self.folder.path.clone());
        }
        let last = self.folder.entries.as_ref().map_or(0, |e| e.len().saturating_sub(1));
        self.chosen = (self.chosen + usize::from(down)).saturating_sub(usize::from(up)).min(last);
    }

    fn list(&mut self, ui: &mut Ui) {
        ui.label(RichText::new("Lightcone").size(style::TITLE).strong());
        ui.label(RichText::new(format!("Scenarios in {}", self.folder.path.display())).weak());
        ui.add_space(style::SECTION);
        let entries = match &self.folder.entries {
            Ok(entries) => entries,
            Err(reason) => {
                ui.colored_label(style::error(ui), format!("This folder cannot be listed: {reason}"));
                return;
            }
        };
        if entries.is_empty() {
            ui.label("No scenario files here.");
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for (index, entry) in entries.iter().enumerate() {
                if row(ui, entry, index == self.chosen) {
                    self.chosen = index;
                }
            }
        });
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }
}

/// A scenario in the list; true when it was clicked.
fn row(ui: &mut Ui, entry: &Entry, chosen: bool) -> bool {
    let mut frame = Frame::new().inner_margin(style::ROW).corner_radius(style::CORNER).begin(ui);
    {
        let ui = &mut frame.content_ui;
        ui.set_width(ui.available_width());
        ui.style_mut().interaction.selectable_labels = false;
        ui.label(RichText::new(&entry.name).size(style::NAME).strong());
        if let Some(question) = &entry.head.question {
            ui.label(question);
        }
        match &entry.meaning {
            Ok(meaning) => {
                ui.label(RichText::new(&meaning.size).size(style::SMALL).weak());
                if let Some(run_time) = &entry.head.run_time {
                    ui.label(RichText::new(run_time).size(style::SMALL).weak());
                }
                if !meaning.warnings.is_empty() {
                    let text = counted(meaning.warnings.len(), "warning");
                    ui.label(RichText::new(text).size(style::SMALL).color(style::warning(ui)));
                }
            }
            Err(message) => {
                let first = message.lines().next().unwrap_or_default();
                ui.label(RichText::new(first).size(style::SMALL).color(style::error(ui)));
            }
        }
    }
    let rect = frame.allocate_space(ui).rect;
    let response = ui.interact(rect, ui.scope_id().with(&entry.path), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &entry.name));
    let visuals = ui.visuals();
    if chosen {
        frame.frame.fill = visuals.selection.bg_fill.gamma_multiply(0.35);
        frame.frame.stroke = Stroke::new(1.0, visuals.selection.bg_fill);
    } else if response.hovered() {
        frame.frame.fill = visuals.faint_bg_color;
    }
    frame.paint(ui);
    ui.add_space(2.0);
    response.clicked()
}

fn detail(ui: &mut Ui, entry: &Entry) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(style::TEXT_WIDTH.min(ui.available_width()));
        ui.label(RichText::new(entry.path.display().to_string()).weak());
        if let Some(question) = &entry.head.question {
            ui.heading(question);
        }
        if let Some(prediction) = &entry.head.prediction {
            section(ui, "Prediction, written before the first run");
            ui.label(prediction);
        }
        for note in &entry.head.notes {
            ui.add_space(style::UNDER_TITLE);
            ui.label(note);
        }
        match &entry.meaning {
            Ok(meaning) => {
                section(ui, "Run it");
                command(ui, &entry.command());
                if let Some(run_time) = &entry.head.run_time {
                    ui.label(RichText::new(format!("Run time: {run_time}")).weak());
                }
                plan(ui, meaning);
            }
            Err(message) => {
                section(ui, "This scenario cannot be run");
                boxed(ui, |ui| {
                    ui.label(RichText::new(message).monospace().color(style::error(ui)));
                });
            }
        }
    });
}

fn plan(ui: &mut Ui, meaning: &Meaning) {
    if !meaning.warnings.is_empty() {
        section(ui, "Check before trusting a result");
        for warning in &meaning.warnings {
            ui.colored_label(style::warning(ui), warning);
        }
    }
    section(ui, "The base run");
    pairs(ui, "plan", meaning.plan.iter().map(|(label, text)| (label.as_str(), text.clone())));
    if !meaning.arms.is_empty() {
        section(ui, "Compared with");
        pairs(ui, "arms", meaning.arms.iter().map(|(name, changes)| (name.as_str(), changes.join("\n"))));
    }
}

/// Two columns: a label and running text.
fn pairs<'a>(ui: &mut Ui, name: &str, rows: impl Iterator<Item = (&'a str, String)>) {
    const LABEL_WIDTH: f32 = 170.0;
    Grid::new(name).num_columns(2).spacing([16.0, 10.0]).show(ui, |ui| {
        for (label, text) in rows {
            ui.vertical(|ui| {
                ui.set_width(LABEL_WIDTH);
                ui.add(egui::Label::new(RichText::new(label).weak()).wrap());
            });
            ui.vertical(|ui| {
                ui.set_width((ui.available_width().min(style::TEXT_WIDTH) - LABEL_WIDTH).max(200.0));
                ui.add(egui::Label::new(text).wrap());
            });
            ui.end_row();
        }
    });
}

fn command(ui: &mut Ui, text: &str) {
    boxed(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(text).monospace());
            if ui.small_button("Copy").clicked() {
                ui.ctx().copy_text(text.to_owned());
            }
        });
    });
}

fn boxed(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let fill = ui.visuals().extreme_bg_color;
    Frame::new().inner_margin(style::ROW).corner_radius(style::CORNER).fill(fill).show(ui, |ui| {
        ui.set_width(ui.available_width());
        contents(ui);
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(style::SECTION);
    ui.label(RichText::new(title).strong());
    ui.add_space(style::UNDER_TITLE);
}

fn nothing_here(ui: &mut Ui) {
    ui.label("Start it where the scenarios are, or name their folder:");
    command(ui, "cargo run --release -p gui -- --dir DIR");
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Context, Pos2, RawInput, Rect, Shape, vec2};
    use std::path::PathBuf;

    /// All text drawn in one frame, with no window.
    fn drawn(window: &mut Window, events: Vec<egui::Event>) -> String {
        let context = Context::default();
        style::apply(&context);
        let mut text = String::new();
        // The first frame only measures.
        for events in [vec![], events, vec![]] {
            let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(1200.0, 4000.0)));
            let output =
                context.run_ui(RawInput { screen_rect, events, ..RawInput::default() }, |ui| window.show(ui));
            text.clear();
            for clipped in &output.shapes {
                collect(&clipped.shape, &mut text);
            }
            output.drop_without_applying_deltas();
        }
        text
    }

    fn collect(shape: &Shape, text: &mut String) {
        match shape {
            Shape::Text(t) => {
                text.push_str(t.galley.text());
                text.push('\n');
            }
            Shape::Vec(shapes) => shapes.iter().for_each(|s| collect(s, text)),
            _ => {}
        }
    }

    fn shipped() -> Window {
        Window::new(Folder::read(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"))))
    }

    #[test]
    fn the_shipped_scenarios_are_listed_with_what_they_ask() {
        let mut window = shipped();
        let text = drawn(&mut window, vec![]);
        let entries = window.folder.entries.as_ref().expect("the folder is there");
        for entry in entries {
            assert!(text.contains(&entry.name), "{}\n{text}", entry.name);
            assert!(text.contains(entry.head.question.as_ref().expect("a question")), "{text}");
        }
        let quickstart = entries.iter().position(|e| e.name == "quickstart").expect("it is shipped");
        let meaning = entries[quickstart].meaning.as_ref().expect("it is sound");
        assert!(meaning.size.starts_with("1,000 nodes"), "{}", meaning.size);
        assert!(text.contains(&meaning.size));
        window.chosen = quickstart;
        let text = drawn(&mut window, vec![]);
        assert!(
            text.contains("quickstart.ron") && text.contains("10x EVM") && text.contains("Block-STM"),
            "{text}"
        );
    }

    #[test]
    fn the_arrow_keys_choose() {
        let mut window = shipped();
        let down = egui::Event::Key {
            key: Key::ArrowDown,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: egui::Modifiers::NONE,
        };
        drawn(&mut window, vec![down]);
        assert_eq!(window.chosen, 1);
    }

    #[test]
    fn errors_are_shown_in_place() {
        let folder = std::env::temp_dir().join(format!("lightcone-gui-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        std::fs::write(folder.join("odd.ron"), "// Question: odd?\n(version: 1, nodes: (cuont: 5))")
            .expect("written");
        let text = drawn(&mut Window::new(Folder::read(folder.clone())), vec![]);
        std::fs::remove_dir_all(&folder).expect("removed");
        assert!(text.contains("odd?") && text.contains("cuont") && text.contains("cannot be run"), "{text}");
        let text = drawn(&mut Window::new(Folder::read(folder)), vec![]);
        assert!(text.contains("cannot be listed") && text.contains("--dir DIR"), "{text}");
    }
}
