//! What is asked before something could be lost.

use super::recovery::Kept;
use super::shipped::Shipped;
use crate::theme::{Tokens, size};
use eframe::egui::{Button, Context, Id, Modal, RichText, Ui};
use std::path::PathBuf;

/// Something that takes the place of what is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Close the window.
    Quit,
    /// Open a file.
    Open(PathBuf),
    /// Open what comes with the program.
    Shipped(Shipped),
    /// Back to what is saved.
    Revert,
    /// Go on with work of a window that is gone.
    Restore(Kept),
}

/// A question.
#[derive(Debug)]
pub enum Question {
    /// There is unsaved work, and something else is to take its place.
    Unsaved(Intent),
    /// A file would be replaced: why that matters, and what comes after.
    Replace { path: PathBuf, why: &'static str, then: Option<Intent> },
    /// There is unsaved work of windows that are gone.
    Found(Vec<Kept>),
}

/// An answer.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// Save, then go on.
    Save,
    /// Go on without.
    Discard,
    /// Leave all as it is.
    Cancel,
    /// Replace the file.
    Replace,
    /// Save under another name.
    SaveAs,
    /// Go on with this work.
    Restore(usize),
    /// Delete this work.
    Forget(usize),
}

impl Question {
    /// Draws it; the answer, once there is one.
    pub fn show(&self, context: &Context, tokens: &Tokens, name: &str) -> Option<Reply> {
        let mut reply = None;
        let modal = Modal::new(Id::unique("question")).show(context, |ui| {
            ui.set_width(440.0);
            match self {
                Self::Unsaved(intent) => unsaved(ui, tokens, name, intent, &mut reply),
                Self::Replace { path, why, .. } => replace(ui, tokens, path, why, &mut reply),
                Self::Found(list) => found(ui, tokens, list, &mut reply),
            }
        });
        reply.or_else(|| modal.should_close().then_some(Reply::Cancel))
    }
}

fn heading(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).size(size::HEADLINE).color(tokens.ink));
    ui.add_space(4.0);
}

fn main_button(ui: &mut Ui, tokens: &Tokens, name: &str) -> bool {
    let button = Button::new(RichText::new(name).color(tokens.on_accent)).fill(tokens.accent);
    ui.add(button).clicked()
}

fn unsaved(ui: &mut Ui, tokens: &Tokens, name: &str, intent: &Intent, reply: &mut Option<Reply>) {
    heading(ui, tokens, &format!("Save the changes to {name}?"));
    let what = match intent {
        Intent::Quit => "The window is about to close.",
        Intent::Open(_) | Intent::Shipped(_) | Intent::Restore(_) => {
            "Another scenario is about to be opened."
        }
        Intent::Revert => "The text is about to be as it was saved.",
    };
    let text = format!("{what} Text and interventions that are not saved would be lost.");
    ui.label(RichText::new(text).color(tokens.faint));
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        if *intent != Intent::Revert && main_button(ui, tokens, "Save") {
            *reply = Some(Reply::Save);
        }
        if ui.button("Don't save").clicked() {
            *reply = Some(Reply::Discard);
        }
        if ui.button("Cancel").clicked() {
            *reply = Some(Reply::Cancel);
        }
    });
}

fn replace(ui: &mut Ui, tokens: &Tokens, path: &std::path::Path, why: &str, reply: &mut Option<Reply>) {
    heading(ui, tokens, "Replace the file?");
    ui.label(RichText::new(path.display().to_string()).color(tokens.ink));
    ui.label(RichText::new(format!("{why} What is in it would be lost.")).color(tokens.faint));
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        if ui.button("Replace").clicked() {
            *reply = Some(Reply::Replace);
        }
        if main_button(ui, tokens, "Save as...") {
            *reply = Some(Reply::SaveAs);
        }
        if ui.button("Cancel").clicked() {
            *reply = Some(Reply::Cancel);
        }
    });
}

fn found(ui: &mut Ui, tokens: &Tokens, list: &[Kept], reply: &mut Option<Reply>) {
    heading(ui, tokens, "Unsaved work was found");
    let text = "A window of this program ended before its work was saved.";
    ui.label(RichText::new(text).color(tokens.faint));
    ui.add_space(8.0);
    for (index, kept) in list.iter().enumerate() {
        ui.horizontal(|ui| {
            if main_button(ui, tokens, "Restore") {
                *reply = Some(Reply::Restore(index));
            }
            if ui.button("Delete").clicked() {
                *reply = Some(Reply::Forget(index));
            }
            ui.label(RichText::new(&kept.work.name).color(tokens.ink));
            let age = RichText::new(ago(kept.age.as_secs())).size(size::SMALL).color(tokens.faint);
            ui.label(age);
        });
    }
    ui.add_space(10.0);
    if ui.button("Not now").clicked() {
        *reply = Some(Reply::Cancel);
    }
}

/// A time in words.
fn ago(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => return "a moment ago".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_words() {
        let said = [5, 60, 150, 7_200, 90_000, 200_000].map(ago);
        let expected =
            ["a moment ago", "1 minute ago", "2 minutes ago", "2 hours ago", "1 day ago", "2 days ago"];
        assert_eq!(said, expected);
    }
}
