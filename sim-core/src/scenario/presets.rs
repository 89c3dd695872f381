//! The presets a scenario can start from. Compiled in: a preset is part of the program's version.

/// A complete set of values under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name, as given to `base`.
    pub name: &'static str,
    /// Its text: a scenario without arms that gives every field of every section.
    pub text: &'static str,
}

/// The preset used when a scenario names none.
pub const DEFAULT: &str = "ethereum-2026";

/// All presets, by name.
pub const ALL: [Preset; 2] = [
    Preset { name: "broadcast", text: include_str!("../../data/presets/broadcast.ron") },
    Preset { name: "ethereum-2026", text: include_str!("../../data/presets/ethereum-2026.ron") },
];

/// A commented scenario to start from, for `new`.
pub const STARTER: &str = include_str!("../../data/presets/starter.ron");

/// The preset of that name.
pub fn named(name: &str) -> Option<Preset> {
    ALL.into_iter().find(|p| p.name == name)
}

impl Preset {
    /// What it is, from the comment at its head.
    pub fn description(&self) -> String {
        super::reader::head_comment(self.text).join(" ")
    }
}
