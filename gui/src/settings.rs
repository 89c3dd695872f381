//! What is remembered between starts: theme, text size, recent files. The layout is remembered beside it.

use eframe::egui::{Context, Theme, ThemePreference};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Key under which they are stored.
pub const KEY: &str = "settings";

/// Recent files that are kept.
const RECENT_MAX: usize = 10;
/// Least and greatest text size, relative.
const TEXT_RANGE: (f32, f32) = (0.6, 2.5);

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark or light; `None`: as the system has it.
    pub dark: Option<bool>,
    /// Text size, relative.
    pub text: f32,
    /// Scenario files, newest first.
    pub recent: Vec<PathBuf>,
    /// Files are chosen in the desktop's own dialogs, where it has any; else in the window's.
    pub system_dialogs: bool,
    /// The crossover chart shows both times over the slots.
    pub over_time: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { dark: Some(true), text: 1.0, recent: Vec::new(), system_dialogs: true, over_time: false }
    }
}

impl Settings {
    /// Makes them hold.
    pub fn apply(&self, context: &Context) {
        context.set_theme(match self.dark {
            Some(true) => ThemePreference::Dark,
            Some(false) => ThemePreference::Light,
            None => ThemePreference::System,
        });
        context.set_zoom_factor(self.text.clamp(TEXT_RANGE.0, TEXT_RANGE.1));
    }

    /// The other theme.
    pub fn toggle_theme(&mut self, context: &Context) {
        self.dark = Some(context.theme() == Theme::Light);
        self.apply(context);
    }

    /// Text `factor` times as large.
    pub fn scale_text(&mut self, context: &Context, factor: f32) {
        self.text = (self.text * factor).clamp(TEXT_RANGE.0, TEXT_RANGE.1);
        self.apply(context);
    }

    /// Text as it was.
    pub fn normal_text(&mut self, context: &Context) {
        self.text = 1.0;
        self.apply(context);
    }

    /// Remembers a file as the newest.
    pub fn remember(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(RECENT_MAX);
    }

    /// A file that cannot be read is no longer offered.
    pub fn forget(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_files_are_newest_first_and_few() {
        let mut settings = Settings::default();
        for n in 0..20 {
            settings.remember(Path::new(&format!("{}.ron", n % 12)));
        }
        assert_eq!(settings.recent.len(), RECENT_MAX);
        assert_eq!(settings.recent[0], Path::new("7.ron"));
    }
}
