//! Scenario files: spec (as written) -> plan (as meant).
//!
//! ```text
//! text --reader--> tree --merge (preset < file < --set < arm)--> tree --de--> Spec --resolve--> Plan
//! ```
//!
//! * [`plan`]: the contract with the simulation: one run, fully described.
//! * [`spec`]: what may be written; its doc comments are the documentation of the format.
//! * [`units`]: quantities with units, read exactly into integers.
//! * [`reader`], [`tree`], [`de`]: text to tree to types; every value remembers its line.
//! * [`template`]: a file over its preset, ready to be changed by path. [`merge`]: presets, overrides and arms. [`intervention`]: changes while it runs.
//! * [`resolve`], [`library`], [`limits`]: defaults, names, files, bounds.
//! * [`save`]: interventions written back into a file. [`tokens`]: a text cut into its smallest parts.
//! * [`describe`]: a plan in words. [`estimate`]: what it will cost. [`explain`]: what a field means. [`warnings`]: what has no effect. [`inputs`]: which values of two plans differ.
//!
//! Imports `net::data` (tables), `execution` (cost profiles) and plain data. What must never be true here: a
//! plan that depends on something not in it; reading a file or a variable while parsing; a panic on any
//! input, however malformed.

pub mod de;
pub mod describe;
pub mod error;
pub mod estimate;
pub mod explain;
pub mod inputs;
pub mod intervention;
pub mod library;
pub mod limits;
pub mod merge;
pub mod overrides;
pub mod plan;
pub mod presets;
pub mod reader;
pub mod resolve;
pub mod save;
pub mod spec;
pub mod tokens;
pub mod template;
pub mod tree;
pub mod units;
pub mod warnings;

pub use error::{ScenarioError, Warning};
pub use library::Library;
pub use template::Template;

use overrides::{Arm, Override};
use plan::Plan;
use std::path::{Path, PathBuf};
use tree::Sources;

/// A scenario, resolved: the base run and the arms it is compared with.
///
/// Every arm is the base with its overrides and nothing else changed, same seed included, so that arms run
/// paired: they draw the same random numbers and, where the overrides leave the workload alone, the same
/// transactions.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Where it was read from.
    pub path: PathBuf,
    /// The comment at the head of the file: the question it asks, line by line.
    pub comment: Vec<String>,
    /// Name of the preset it starts from.
    pub preset: String,
    /// The base run, named `base`.
    pub base: Plan,
    /// The other arms, in the order of `compare`, then of `--vs`.
    pub arms: Vec<Plan>,
    /// Things to check before trusting a result.
    pub warnings: Vec<Warning>,
}

/// What is changed from outside when a scenario is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// `path=value` applied to the base, and so to every arm (`--set`).
    pub set: Vec<String>,
    /// `path=value`, each a further arm (`--vs`).
    pub vs: Vec<String>,
    /// Replaces the seed (`--seed`).
    pub seed: Option<u64>,
}

impl Scenario {
    /// Reads and resolves a scenario file, RON or JSON.
    ///
    /// # Errors
    /// Anything wrong with the file or with what it names, with its place; see [`ScenarioError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        Self::load_with(path, &Changes::default())
    }

    /// Reads and resolves a scenario file with changes from outside.
    ///
    /// # Errors
    /// As [`Scenario::load`]; the place of an error may be a change.
    pub fn load_with(path: impl AsRef<Path>, changes: &Changes) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let text = template::read_text(path)?;
        Self::parse(&text, path, &Library::of(path), changes)
    }

    /// Resolves a scenario's text; `path` is shown in messages, `library` is what relative paths and
    /// `${LIGHTCONE_DATA}` refer to.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn parse(
        text: &str,
        path: &Path,
        library: &Library,
        changes: &Changes,
    ) -> Result<Self, ScenarioError> {
        let mut template = Template::parse(text, path, library, Sources::default())?;
        for text in changes.seed.map(|seed| format!("seed={seed}")).iter().chain(&changes.set) {
            template.set("--set", text)?;
        }
        let Template { tree, mut sources, compare, preset, comment, .. } = template;
        let mut arms = overrides::arms(compare.as_ref(), &sources)?;
        for text in &changes.vs {
            let change = Override::argument("--vs", text, &mut sources)?;
            arms.push(Arm { name: text.trim().to_owned(), span: change.span, changes: vec![change] });
        }
        overrides::check_names(&arms, &sources)?;

        let (base, mut warnings) = resolve::resolve("base", &tree, &sources, library)?;
        let (mut plans, mut of_arms) = (Vec::new(), Vec::new());
        for arm in &arms {
            let mut changed = tree.clone();
            for change in &arm.changes {
                change.apply(&mut changed, &sources)?;
            }
            let (plan, own) = resolve::resolve(&arm.name, &changed, &sources, library)?;
            // What has an effect in one arm was not written in vain.
            warnings.retain(|w| own.contains(w));
            let by_arm =
                |w: &Warning| arm.changes.iter().any(|change| sources.place(change.value.span) == w.place);
            of_arms.extend(own.into_iter().filter(by_arm));
            warnings::compare_arm(&base, &plan, arm, &sources, &mut of_arms);
            plans.push(plan);
        }
        warnings.extend(of_arms);
        Ok(Self { path: path.to_path_buf(), comment, preset, base, arms: plans, warnings })
    }

    /// The base and the arms.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.base).chain(&self.arms)
    }

    /// The line of the head comment that starts with `Question:`, without that word.
    pub fn question(&self) -> Option<&str> {
        question_of(&self.comment)
    }
}

/// The question among the lines of a head comment.
pub fn question_of(comment: &[String]) -> Option<&str> {
    comment.iter().find_map(|line| line.strip_prefix("Question:")).map(str::trim)
}
