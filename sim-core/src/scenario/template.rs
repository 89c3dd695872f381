//! A scenario laid over its preset and not yet resolved: what changes by path are made to, once or many times.

use super::error::{Place, ScenarioError, Warning};
use super::library::Library;
use super::overrides::Override;
use super::plan::Plan;
use super::tree::{Node, SourceKind, Sources, Value, shorten};
use super::{merge, presets, reader, resolve};
use std::path::Path;

/// A scenario as a tree, every preset filled in. Cheap to resolve again and again with other values.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) tree: Node,
    pub(super) sources: Sources,
    /// The arms as written.
    pub(super) compare: Option<Node>,
    /// Name of the preset it starts from.
    pub preset: String,
    /// The comment at the head of the file, line by line.
    pub comment: Vec<String>,
    library: Library,
}

impl Template {
    /// Reads a scenario file; `sources` may already hold the texts that later changes come from.
    ///
    /// # Errors
    /// Anything wrong with the file's form, with its place; see [`ScenarioError`].
    pub fn load(path: &Path, sources: Sources) -> Result<Self, ScenarioError> {
        Self::parse(&read_text(path)?, path, &Library::of(path), sources)
    }

    /// As [`Template::load`], from a text.
    ///
    /// # Errors
    /// As [`Template::load`].
    pub fn parse(
        text: &str,
        path: &Path,
        library: &Library,
        mut sources: Sources,
    ) -> Result<Self, ScenarioError> {
        let source = sources.add(SourceKind::File, path.display().to_string(), text);
        let mut file = read_tree(&sources, source)?;
        check_version(&file, &sources)?;
        let compare = merge::take(&mut file, "compare").map(|e| e.value);
        let (preset, defaults) = base_preset(&file, &mut sources)?;
        merge::normalise(&mut file).map_err(|span| {
            let problem = "the latency is scaled twice: by `latency` and by `latency_scale`";
            ScenarioError::at(&sources, span, "network.latency_scale", problem)
        })?;
        let tree = merge::over(&defaults, &file);
        let comment = reader::head_comment(text);
        Ok(Self { tree, sources, compare, preset, comment, library: library.clone() })
    }

    /// Makes a change written as `path=value`; `option` is what messages call it.
    ///
    /// # Errors
    /// The change is malformed or has nowhere to go.
    pub fn set(&mut self, option: &str, text: &str) -> Result<(), ScenarioError> {
        let change = Override::argument(option, text, &mut self.sources)?;
        change.apply(&mut self.tree, &self.sources)
    }

    /// Makes a change for good.
    ///
    /// # Errors
    /// The change has nowhere to go.
    pub fn change(&mut self, change: &Override) -> Result<(), ScenarioError> {
        change.apply(&mut self.tree, &self.sources)
    }

    /// The plan with further changes, called `name`, and what to check before trusting it.
    ///
    /// # Errors
    /// Anything wrong with the values or with what they name, with its place.
    pub fn resolve(&self, name: &str, changes: &[Override]) -> Result<(Plan, Vec<Warning>), ScenarioError> {
        let mut tree = self.tree.clone();
        for change in changes {
            change.apply(&mut tree, &self.sources)?;
        }
        resolve::resolve(name, &tree, &self.sources, &self.library)
    }

    /// The texts all values come from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }
}

/// Text of a scenario or sweep file.
///
/// # Errors
/// It cannot be read, or is too long to be one.
pub fn read_text(path: &Path) -> Result<String, ScenarioError> {
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
        let problem = format!("there is no preset `{}`", shorten(name));
        let error = ScenarioError::at(sources, span, "base", problem);
        return Err(error.allowed(name, presets::ALL.map(|p| p.name)));
    };
    let source = sources.add(SourceKind::Preset, format!("preset \"{name}\""), preset.text);
    Ok((name.to_owned(), read_tree(sources, source)?))
}
