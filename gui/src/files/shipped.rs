//! The scenarios that come with the program, compiled in: they are there wherever it is started.

use sim_core::scenario::{presets, question_of, reader};

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The one that runs at first.
pub const FIRST: &str = "quickstart";

/// What a new scenario starts from: a short text with every section explained.
pub const TEMPLATE: Shipped = Shipped { name: "untitled", text: presets::STARTER };

impl Shipped {
    /// All, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        SHIPPED.iter().map(|(name, text)| Self { name, text })
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|s| s.name == name)
    }

    /// The question it asks.
    pub fn question(self) -> Option<String> {
        question_of(&reader::head_comment(self.text)).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::check::check;
    use std::path::Path;

    #[test]
    fn what_comes_with_the_program_can_be_run_or_says_what_it_needs() {
        assert!(Shipped::named(FIRST).is_some());
        for shipped in Shipped::all().chain([TEMPLATE]) {
            let checked = check(shipped.text, Path::new(shipped.name));
            let refusal = checked.refusal.unwrap_or_default();
            let fine = checked.scenario.is_some() || refusal.contains("LIGHTCONE_DATA");
            assert!(fine, "{}: {refusal}", shipped.name);
        }
    }
}
