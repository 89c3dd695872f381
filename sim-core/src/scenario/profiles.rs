//! Built-in cost profiles by name.

use crate::scenario::plan::CostProfile;

/// Profiles kept as files: name and text (RON of [`CostProfile`]).
const FILES: [(&str, &str); 1] = [("reference", include_str!("../../data/presets/reference-profile.ron"))];

/// The names of the built-in cost profiles.
pub fn names() -> Vec<&'static str> {
    FILES.iter().map(|f| f.0).collect()
}

/// The built-in cost profile of that name.
pub fn named(name: &str) -> Option<CostProfile> {
    FILES.iter().find(|f| f.0 == name).and_then(|f| ron::from_str(f.1).ok())
}
