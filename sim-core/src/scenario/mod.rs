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
//! * [`merge`]: presets, overrides and arms. [`intervention`]: changes while it runs.
//! * [`resolve`], [`library`], [`limits`]: defaults, names, files, bounds.
//! * [`save`]: interventions written back into a file. [`tokens`]: a text cut into its smallest parts.
//! * [`describe`]: a plan in words. [`estimate`]: what it will cost. [`explain`]: what a field means. [`warnings`]: what has no effect.
//!
//! Imports `net::data` (tables), `execution` (cost profiles) and plain data. What must never be true here: a
//! plan that depends on something not in it; reading a file or a variable while parsing; a panic on any
//! input, however malformed.

pub mod de;
pub mod describe;
pub mod error;
pub mod estimate;
pub mod explain;
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
pub mod tree;
pub mod units;
pub mod warnings;

pub use error::{ScenarioError, Warning};
pub use library::Library;

use error::Place;
use overrides::{Arm, Override};
use plan::Plan;
use std::path::{Path, PathBuf};
use tree::{Node, SourceKind, Sources, Value};

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
        let text = read_text(path)?;
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
        let mut sources = Sources::default();
        let source = sources.add(SourceKind::File, path.display().to_string(), text);
        let mut file = read_tree(&sources, source)?;
        check_version(&file, &sources)?;
        let compare = merge::take(&mut file, "compare").map(|e| e.value);
        let (preset, defaults) = base_preset(&file, &mut sources)?;
        merge::normalise(&mut file).map_err(|span| {
            let problem = "the latency is scaled twice: by `latency` and by `latency_scale`";
            ScenarioError::at(&sources, span, "network.latency_scale", problem)
        })?;
        let mut tree = merge::over(&defaults, &file);
        for text in changes.seed.map(|seed| format!("seed={seed}")).iter().chain(&changes.set) {
            Override::argument("--set", text, &mut sources)?.apply(&mut tree, &sources)?;
        }
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
        Ok(Self {
            path: path.to_path_buf(),
            comment: reader::head_comment(text),
            preset,
            base,
            arms: plans,
            warnings,
        })
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

fn read_text(path: &Path) -> Result<String, ScenarioError> {
    let refuse = |problem: String| ScenarioError::new(Place::whole(path.display().to_string()), "", problem);
    let length = std::fs::metadata(path).map(|m| m.len());
    if length.is_ok_and(|l| l > reader::MAX_BYTES as u64) {
        return Err(refuse("the file is too long for a scenario (over 4 MiB)".into()));
    }
    std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            refuse("there is no such file".into()).help("`headless list` shows the scenarios there are")
        }
        std::io::ErrorKind::InvalidData => refuse("the file is not a text (not UTF-8)".into()),
        _ => refuse(format!("the file cannot be read: {e}")),
    })
}

fn read_tree(sources: &Sources, source: u16) -> Result<Node, ScenarioError> {
    let node = reader::read(sources.text(source), source)
        .map_err(|e| ScenarioError::at(sources, e.span, "", e.problem))?;
    let node = match node.value {
        Value::Variant(name, Some(inner)) if matches!(name.as_str(), "Spec" | "Scenario") => *inner,
        _ => node,
    };
    if matches!(node.value, Value::Map(_)) {
        return Ok(node);
    }
    let problem = format!("found {}, expected a scenario: (version: 1, ...)", node.describe());
    Err(ScenarioError::at(sources, node.span, "", problem).help("`headless new` writes one to start from"))
}

fn check_version(file: &Node, sources: &Sources) -> Result<(), ScenarioError> {
    let Some(node) = file.get("version") else {
        let problem = "the version of the scenario format is missing";
        return Err(ScenarioError::at(sources, file.span, "version", problem).help("add `version: 1`"));
    };
    if node.value == Value::Number("1".into()) {
        return Ok(());
    }
    let problem = format!("found {}; this program reads version 1", node.describe());
    Err(ScenarioError::at(sources, node.span, "version", problem))
}

/// The preset named by `base`, as a tree.
fn base_preset(file: &Node, sources: &mut Sources) -> Result<(String, Node), ScenarioError> {
    let name = match file.get("base") {
        None => presets::DEFAULT,
        Some(node) => match &node.value {
            Value::Null => presets::DEFAULT,
            Value::Text(name) => name.as_str(),
            _ => {
                let problem = format!("found {}, expected the name of a preset in quotes", node.describe());
                let error = ScenarioError::at(sources, node.span, "base", problem);
                return Err(error.allowed("", presets::ALL.map(|p| p.name)));
            }
        },
    };
    let Some(preset) = presets::named(name) else {
        let span = file.nearest("base").span;
        let problem = format!("there is no preset `{}`", tree::shorten(name));
        let error = ScenarioError::at(sources, span, "base", problem);
        return Err(error.allowed(name, presets::ALL.map(|p| p.name)));
    };
    let source = sources.add(SourceKind::Preset, format!("preset \"{name}\""), preset.text);
    Ok((name.to_owned(), read_tree(sources, source)?))
}
