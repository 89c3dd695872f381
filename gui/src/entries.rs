//! The scenarios of a folder, as far as they can be read. No drawing here.

use sim_core::scenario::describe::{describe, differences};
use sim_core::scenario::{Scenario, reader};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder and what was found in it.
pub struct Folder {
    /// Where.
    pub path: PathBuf,
    /// Its scenario files by name, or why it cannot be listed.
    pub entries: Result<Vec<Entry>, String>,
}

/// A scenario file.
pub struct Entry {
    /// File name without its ending.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What its head comment says.
    pub head: Head,
    /// What the file means, or the whole message that says why not.
    pub meaning: Result<Meaning, String>,
}

/// The comment at the head of a scenario file, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What the scenario asks.
    pub question: Option<String>,
    /// What was expected before the first run.
    pub prediction: Option<String>,
    /// How long it takes.
    pub run_time: Option<String>,
    /// Everything else, a paragraph each.
    pub notes: Vec<String>,
}

/// A resolved scenario in words.
pub struct Meaning {
    /// Nodes and slots, ready to be shown.
    pub size: String,
    /// The base run: label and text.
    pub plan: Vec<(String, String)>,
    /// The other arms: name and what differs from the base.
    pub arms: Vec<(String, Vec<String>)>,
    /// Things to check before trusting a result.
    pub warnings: Vec<String>,
}

impl Folder {
    /// Reads a folder; what cannot be read is part of the result.
    pub fn read(path: PathBuf) -> Self {
        let entries = scenario_files(&path).map(|files| files.into_iter().map(Entry::read).collect());
        Self { entries: entries.map_err(|e| e.to_string()), path }
    }
}

fn scenario_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ron" || e == "json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Entry {
    fn read(path: PathBuf) -> Self {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let meaning = Scenario::load(&path);
        let head = match &meaning {
            Ok(_) => fs::read_to_string(&path).unwrap_or_default(),
            // A broken scenario still has a question; a huge or binary file does not.
            Err(_) => fs::metadata(&path)
                .ok()
                .filter(|m| m.len() <= reader::MAX_BYTES as u64)
                .and_then(|_| fs::read_to_string(&path).ok())
                .unwrap_or_default(),
        };
        let meaning = meaning.map(|s| Meaning::of(&s)).map_err(|e| e.to_string());
        Self { name, path, head: Head::of(&head), meaning }
    }

    /// The command that runs it.
    pub fn command(&self) -> String {
        let path = self.path.display().to_string();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
        let path = if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
        format!("cargo run --release -p headless -- run {path}")
    }
}

impl Head {
    /// Takes the head comment of `text` apart. Lines indented under a paragraph continue it.
    fn of(text: &str) -> Self {
        let mut paragraphs: Vec<String> = Vec::new();
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim_end);
        let comment =
            lines.skip_while(|l| l.trim().is_empty()).map_while(|l| l.trim_start().strip_prefix("//"));
        for line in comment {
            match paragraphs.last_mut() {
                Some(last) if line.starts_with("  ") => {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                _ => paragraphs.push(line.trim().to_owned()),
            }
        }
        let mut head = Self::default();
        for paragraph in paragraphs.into_iter().filter(|p| !p.is_empty()) {
            let (label, rest) = paragraph.split_once(':').unwrap_or(("", &paragraph));
            let place = match label {
                "Question" => &mut head.question,
                "Run time" => &mut head.run_time,
                l if l.starts_with("Prediction") => &mut head.prediction,
                _ => {
                    head.notes.push(paragraph);
                    continue;
                }
            };
            *place = Some(rest.trim().to_owned());
        }
        head
    }
}

impl Meaning {
    fn of(scenario: &Scenario) -> Self {
        let base = &scenario.base;
        let slots = u64::from(base.run.blocks) + u64::from(base.run.warm_up);
        let arms = match scenario.arms.len() {
            0 => String::new(),
            n => format!(" · {} runs", n + 1),
        };
        Self {
            size: format!("{} nodes · {} slots{arms}", thousands(base.nodes.count.into()), thousands(slots)),
            plan: describe(base).into_iter().map(|(l, text)| (l.trim().to_owned(), text)).collect(),
            arms: scenario.arms.iter().map(|arm| (arm.name.clone(), differences(base, arm))).collect(),
            warnings: scenario.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A number with commas.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comment_is_taken_apart() {
        let head = Head::of(
            "// Question: a?\n// Prediction, written before the first run: b\n//   and c.\n// Needs d.\n\
             // Run time: 1 s.\n(\n// not the head\n)",
        );
        assert_eq!(head.question.as_deref(), Some("a?"));
        assert_eq!(head.prediction.as_deref(), Some("b and c."));
        assert_eq!(head.run_time.as_deref(), Some("1 s."));
        assert_eq!(head.notes, ["Needs d."]);
        assert_eq!(Head::of("(version: 1)"), Head::default());
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
