//! A dialog for paths in the window itself: a field that completes, and what is in the folder. For where the
//! desktop has none of its own.

use crate::theme::{Tokens, size};
use eframe::egui::{
    Button, Context, Id, Key, Modal, Modifiers, RichText, ScrollArea, TextEdit, Ui, WidgetInfo, vec2,
};
use std::path::{Component, Path, PathBuf};

/// Most entries of a folder that are shown.
const ENTRIES_MAX: usize = 2_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A scenario to open, or a folder with results.
    Open,
    /// A place to save to.
    Save,
}

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Which.
    pub folder: PathBuf,
    /// Names, folders first, with whether they are folders; or why it cannot be looked into.
    pub entries: Result<Vec<(String, bool)>, String>,
}

/// Looks into a folder: other folders, and what may be a scenario.
pub fn list(folder: &Path) -> Listing {
    let read = || {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Through links.
            let is_folder = entry.path().is_dir();
            let known = Path::new(&name).extension().is_some_and(|e| e == "ron" || e == "json");
            if !name.starts_with('.') && (is_folder || known) {
                entries.push((name, is_folder));
            }
        }
        entries.sort_by_cached_key(|(name, is_folder)| (!is_folder, name.to_lowercase()));
        entries.truncate(ENTRIES_MAX);
        Ok(entries)
    };
    let entries = read().map_err(|e: std::io::Error| format!("{}: {e}", folder.display()));
    Listing { folder: folder.to_path_buf(), entries }
}

/// The dialog.
pub struct Chooser {
    /// What it asks for.
    pub purpose: Purpose,
    field: String,
    listing: Option<Listing>,
    asked: Option<PathBuf>,
    chosen: Option<usize>,
    fresh: bool,
}

/// What came of drawing it.
pub enum Outcome {
    /// It stays.
    Open,
    /// It was closed.
    Cancelled,
    /// This path.
    Chosen(PathBuf),
}

impl Chooser {
    /// Opens in a folder, with a name proposed.
    pub fn new(purpose: Purpose, folder: &Path, name: &str) -> Self {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let mut field = folder.display().to_string();
        if !field.ends_with(std::path::MAIN_SEPARATOR) {
            field.push(std::path::MAIN_SEPARATOR);
        }
        field.push_str(name);
        Self { purpose, field, listing: None, asked: None, chosen: None, fresh: true }
    }

    /// The folder to be listed, if it is another one than was asked for before.
    pub fn wants(&mut self) -> Option<PathBuf> {
        let folder = self.folder();
        (self.asked.as_ref() != Some(&folder)).then(|| {
            self.asked = Some(folder.clone());
            folder
        })
    }

    /// A folder was looked into.
    pub fn listed(&mut self, listing: Listing) {
        if self.asked.as_ref() == Some(&listing.folder) {
            self.listing = Some(listing);
        }
    }

    fn split(&self) -> (&str, &str) {
        let at = self.field.rfind(std::path::is_separator).map_or(0, |at| at + 1);
        self.field.split_at(at)
    }

    /// The folder that is written in the field.
    fn folder(&self) -> PathBuf {
        let (folder, _) = self.split();
        expanded(folder)
    }

    /// Entries that begin as what is written after the folder.
    fn matching(&self) -> Vec<(String, bool)> {
        let (_, typed) = self.split();
        let typed = typed.to_lowercase();
        let entries = self.listing.as_ref().filter(|l| l.folder == self.folder());
        let Some(Ok(entries)) = entries.map(|l| &l.entries) else { return Vec::new() };
        let all = self.purpose == Purpose::Save;
        entries.iter().filter(|(name, _)| all || name.to_lowercase().starts_with(&typed)).cloned().collect()
    }

    /// Puts an entry into the field; true if that is a file, so that it is chosen.
    fn take(&mut self, (name, is_folder): &(String, bool)) -> bool {
        let (folder, _) = self.split();
        self.field = format!("{folder}{name}");
        if *is_folder {
            self.field.push(std::path::MAIN_SEPARATOR);
        }
        self.chosen = None;
        !is_folder
    }

    /// Writes as much as all matching entries have in common.
    fn complete(&mut self) {
        let (folder, typed) = self.split();
        let (folder, typed) = (folder.to_owned(), typed.to_owned());
        let lower = typed.to_lowercase();
        let mut found = self.matching();
        found.retain(|(name, _)| name.to_lowercase().starts_with(&lower));
        if let [only] = found.as_slice() {
            self.take(&only.clone());
        } else if let Some(((first, _), rest)) = found.split_first() {
            let common = |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
            let length = rest.iter().map(|(name, _)| common(first, name)).min().unwrap_or(0);
            let shared: String = first.chars().take(length).collect();
            if shared.chars().count() > typed.chars().count() {
                self.field = format!("{folder}{shared}");
            }
        }
    }

    fn up(&mut self) {
        let folder = self.folder();
        if let Some(parent) = folder.parent() {
            let name = if self.purpose == Purpose::Save { self.split().1.to_owned() } else { String::new() };
            *self = Self { fresh: true, ..Self::new(self.purpose, parent, &name) };
        }
    }

    /// Draws it.
    pub fn show(&mut self, context: &Context, tokens: &Tokens) -> Outcome {
        let (up, down, tab, enter) = context.input_mut(|i| {
            let mut pressed = |key| i.consume_key(Modifiers::NONE, key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Tab), pressed(Key::Enter))
        });
        let found = self.matching();
        if down {
            self.chosen = Some(self.chosen.map_or(0, |c| c + 1));
        }
        if up {
            self.chosen = self.chosen.and_then(|c| c.checked_sub(1));
        }
        self.chosen = self.chosen.map(|c| c.min(found.len().saturating_sub(1))).filter(|_| !found.is_empty());
        if tab {
            self.complete();
        }
        let mut accepted = enter;
        if enter && let Some(entry) = self.chosen.and_then(|c| found.get(c)) {
            accepted = self.take(entry);
        }
        let mut cancelled = false;
        let modal = Modal::new(Id::unique("chooser")).show(context, |ui| {
            ui.set_width(620.0);
            let title = match self.purpose {
                Purpose::Open => "Open a scenario",
                Purpose::Save => "Save the scenario as",
            };
            ui.label(RichText::new(title).size(size::HEADLINE).color(tokens.ink));
            self.path_row(ui, tab);
            self.entries(ui, tokens, &found, &mut accepted);
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                let name = if self.purpose == Purpose::Open { "Open" } else { "Save" };
                let button = Button::new(RichText::new(name).color(tokens.on_accent)).fill(tokens.accent);
                accepted |= ui.add_enabled(!self.split().1.is_empty(), button).clicked();
                cancelled = ui.button("Cancel").clicked();
                let hint = "Tab completes, arrows choose";
                ui.label(RichText::new(hint).size(size::SMALL).color(tokens.faint));
            });
        });
        if cancelled || modal.should_close() {
            return Outcome::Cancelled;
        }
        let (_, name) = self.split();
        if !accepted || name.is_empty() && self.purpose == Purpose::Save {
            return Outcome::Open;
        }
        let path = expanded(&self.field);
        let is_folder = self.matching().iter().any(|(n, is_folder)| n == name && *is_folder);
        if is_folder {
            self.field.push(std::path::MAIN_SEPARATOR);
            return Outcome::Open;
        }
        Outcome::Chosen(if self.purpose == Purpose::Save { with_ending(path) } else { path })
    }

    fn path_row(&mut self, ui: &mut Ui, completed: bool) {
        ui.horizontal(|ui| {
            if ui.button("Parent folder").clicked() {
                self.up();
            }
            let width = ui.available_width();
            let mut output = TextEdit::singleline(&mut self.field).desired_width(width).show(ui);
            output.response.widget_info(|| {
                let mut info = WidgetInfo::text_edit(true, &self.field, &self.field, "");
                info.label = Some("Path".to_owned());
                info
            });
            if std::mem::take(&mut self.fresh) || completed {
                output.response.request_focus();
                let end = eframe::egui::text::CCursor::new(self.field.chars().count());
                let range = eframe::egui::text_selection::CCursorRange::one(end);
                output.state.cursor.set_char_range(Some(range));
                output.state.store(ui.ctx(), output.response.id);
            }
            if output.response.changed() {
                self.chosen = None;
            }
        });
    }

    fn entries(&mut self, ui: &mut Ui, tokens: &Tokens, found: &[(String, bool)], accepted: &mut bool) {
        let area = ScrollArea::vertical().max_height(340.0).min_scrolled_height(340.0).auto_shrink(false);
        area.show(ui, |ui| match self.listing.as_ref().filter(|l| l.folder == self.folder()) {
            None => _ = ui.spinner(),
            Some(Listing { entries: Err(why), .. }) => {
                ui.label(RichText::new(why).color(tokens.error));
            }
            Some(_) if found.is_empty() => {
                ui.label(RichText::new("No scenario and no folder here.").color(tokens.faint));
            }
            Some(_) => {
                for (index, entry) in found.iter().enumerate() {
                    let name = if entry.1 { format!("{}/", entry.0) } else { entry.0.clone() };
                    let colour = if entry.1 { tokens.faint } else { tokens.ink };
                    let button =
                        Button::selectable(self.chosen == Some(index), RichText::new(name).color(colour))
                            .min_size(vec2(ui.available_width(), 20.0));
                    let response = ui.add(button);
                    if self.chosen == Some(index) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() && self.take(entry) {
                        // A file to save over is not yet agreed to.
                        *accepted |= self.purpose == Purpose::Open;
                    }
                }
            }
        });
    }
}

/// A path as it was typed: `~` is the home folder; `.` and `..` are followed.
fn expanded(typed: &str) -> PathBuf {
    let path = match (typed.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(if typed.is_empty() { "." } else { typed }),
    };
    let mut plain = PathBuf::new();
    for part in std::path::absolute(&path).unwrap_or(path).components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// A file name without an ending gets one.
pub fn with_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() { path } else { path.with_extension("ron") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooser(purpose: Purpose, folder: &Path) -> Chooser {
        let mut chooser = Chooser::new(purpose, folder, "");
        let wanted = chooser.wants().expect("a folder to list");
        chooser.listed(list(&wanted));
        chooser
    }

    #[test]
    fn it_lists_what_may_be_a_scenario_and_completes_names() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["quick-a.ron", "quick-b.ron", "other.json", "picture.png", ".hidden.ron"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        std::fs::create_dir(folder.path().join("Sub")).expect("a folder");
        let mut chooser = chooser(Purpose::Open, folder.path());
        let names: Vec<String> = chooser.matching().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Sub", "other.json", "quick-a.ron", "quick-b.ron"]);
        chooser.field.push('q');
        chooser.complete();
        assert!(chooser.field.ends_with("/quick-"), "{}", chooser.field);
        chooser.field.push('b');
        chooser.complete();
        assert!(chooser.field.ends_with("/quick-b.ron"), "{}", chooser.field);
        chooser.field = format!("{}/su", folder.path().display());
        chooser.complete();
        assert!(chooser.field.ends_with("/Sub/"), "{}", chooser.field);
        assert_eq!(chooser.wants(), Some(folder.path().join("Sub")));
        chooser.up();
        assert_eq!(chooser.folder(), folder.path());
    }

    #[test]
    fn what_cannot_be_listed_says_why_and_paths_are_read_as_typed() {
        let listing = list(Path::new("/no/such/folder"));
        assert!(listing.entries.is_err_and(|why| why.contains("/no/such/folder")));
        assert_eq!(expanded("/a/./b/../c.ron"), Path::new("/a/c.ron"));
        assert_eq!(with_ending("/a/b".into()), Path::new("/a/b.ron"));
        assert_eq!(with_ending("/a/b.json".into()), Path::new("/a/b.json"));
    }
}
