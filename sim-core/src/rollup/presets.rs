//! Known designs of rollups, with the sources of their parameters: `sim-core/data/rollups/presets.ron`.

use super::params::{BatcherPlan, ProofPlan, RulesPlan};
use serde::Deserialize;

const TEXT: &str = include_str!("../../data/rollups/presets.ron");

/// A design.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Name in scenarios.
    pub name: String,
    /// Where its values come from.
    pub source: String,
    /// Blocks and fees.
    pub rules: RulesPlan,
    /// Posting.
    pub batcher: BatcherPlan,
    /// Proofs or assertions.
    pub proof: Option<ProofPlan>,
}

/// All designs.
pub fn all() -> Vec<Preset> {
    // A test reads the file, so a broken one cannot be committed.
    ron::from_str(TEXT).expect("data/rollups/presets.ron is sound")
}

/// A design by name.
pub fn named(name: &str) -> Option<Preset> {
    all().into_iter().find(|preset| preset.name == name)
}

/// Names of all designs.
pub fn names() -> Vec<String> {
    all().into_iter().map(|preset| preset.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_says_where_it_comes_from() {
        let presets = all();
        assert!(presets.len() >= 5);
        for preset in &presets {
            let rules = &preset.rules;
            assert!(rules.soft_ns > 0 && rules.block_ns % rules.soft_ns == 0, "{}", preset.name);
            assert!(preset.source.len() > 80, "{}", preset.name);
            assert_eq!(named(&preset.name).as_ref(), Some(preset));
        }
    }
}
