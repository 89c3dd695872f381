//! Changes by path: `--set path=value`, `--vs path=value`, and the arms of `compare`.

use super::error::{Place, ScenarioError};
use super::limits;
use super::merge;
use super::reader;
use super::tree::{Node, SourceKind, Sources, Span, Value, shorten};

/// One change: a value put at a dotted path.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The path, such as `network.gossip.mesh`.
    pub path: String,
    /// Where the path was written.
    pub span: Span,
    /// The new value.
    pub value: Node,
}

/// An arm: a name and what it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Name, unique in the scenario.
    pub name: String,
    /// Where it was written.
    pub span: Span,
    /// What it changes, in order.
    pub changes: Vec<Override>,
}

/// Fields that decide how the rest is read and so cannot be changed afterwards.
const FIXED: [&str; 3] = ["version", "base", "compare"];

impl Override {
    /// Reads `path=value` of a command-line option; the value is RON, or a text that needs no quotes.
    pub fn argument(option: &str, text: &str, sources: &mut Sources) -> Result<Self, ScenarioError> {
        let label = format!("{option} {}", quote(text));
        let Some((path, written)) = text.split_once('=') else {
            let problem = "there is no `=`; write it as path=value";
            let error = ScenarioError::new(Place::whole(label), "", problem);
            return Err(error.help(format!("for example {option} execution.cores=4")));
        };
        let (path, written) = (path.trim(), written.trim());
        let source = sources.add(SourceKind::Argument, label, text);
        let span = Span { source, line: 1, column: 1 };
        if path.is_empty() || written.is_empty() {
            let what = if path.is_empty() { "path before" } else { "value after" };
            return Err(ScenarioError::at(sources, span, path, format!("there is no {what} the `=`")));
        }
        let bare = || Node::new(Value::Text(written.to_owned()), span);
        let value = match reader::read(written, source) {
            // A single word is a name or a choice; which one, the field knows.
            Ok(Node { value: Value::Variant(_, None), .. }) => bare(),
            Ok(node) => node,
            // Something with brackets or quotes is meant as RON, so its error is worth telling.
            Err(e) if written.contains(['(', '[', '{', '"']) => {
                return Err(ScenarioError::at(sources, span, path, e.problem));
            }
            Err(_) => bare(),
        };
        Ok(Self { path: path.to_owned(), span, value })
    }

    /// Makes the change.
    pub fn apply(&self, tree: &mut Node, sources: &Sources) -> Result<(), ScenarioError> {
        let refuse = |problem: String| ScenarioError::at(sources, self.span, self.path.clone(), problem);
        let first = self.path.split('.').next().unwrap_or("");
        if FIXED.contains(&first) {
            return Err(refuse(format!("`{first}` cannot be changed from outside or by an arm")));
        }
        merge::set(tree, &self.path, self.span, self.value.clone()).map_err(refuse)
    }
}

/// Quotes an argument for a message if a shell would need it.
fn quote(text: &str) -> String {
    let text = shorten(text);
    if text.contains(|c: char| !(c.is_ascii_alphanumeric() || "=._-/:%+".contains(c))) {
        format!("'{text}'")
    } else {
        text
    }
}

/// Reads the arms of `compare`.
pub fn arms(compare: Option<&Node>, sources: &Sources) -> Result<Vec<Arm>, ScenarioError> {
    const FORM: &str =
        "an arm is a name and what it changes: (\"2x bandwidth\", { \"network.bandwidth\": \"2x\" })";
    let Some(compare) = compare else { return Ok(Vec::new()) };
    let items = match &compare.value {
        Value::List(items) => items.as_slice(),
        Value::Null => &[],
        _ => {
            let problem = format!("found {}, expected a list of arms", compare.describe());
            return Err(ScenarioError::at(sources, compare.span, "compare", problem).help(FORM));
        }
    };
    if items.len() > limits::ARMS_MAX {
        let problem = format!("{} arms are too many; at most {}", items.len(), limits::ARMS_MAX);
        return Err(ScenarioError::at(sources, compare.span, "compare", problem));
    }
    let mut arms = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("compare.{index}");
        let malformed = |node: &Node, expected: &str| {
            let problem = format!("found {}, expected {expected}", node.describe());
            ScenarioError::at(sources, node.span, path.clone(), problem).help(FORM)
        };
        let Value::List(parts) = &item.value else {
            return Err(malformed(item, "an arm"));
        };
        let [name, changes] = parts.as_slice() else {
            return Err(malformed(item, "two things, a name and changes"));
        };
        let Value::Text(name_text) = &name.value else {
            return Err(malformed(name, "the arm's name in quotes"));
        };
        let Value::Map(entries) = &changes.value else {
            return Err(malformed(changes, "changes by path"));
        };
        let changes = entries
            .iter()
            .map(|e| Override { path: e.key.clone(), span: e.span, value: e.value.clone() })
            .collect();
        arms.push(Arm { name: name_text.trim().to_owned(), span: name.span, changes });
    }
    Ok(arms)
}

/// Refuses empty, overlong and repeated names.
pub fn check_names(arms: &[Arm], sources: &Sources) -> Result<(), ScenarioError> {
    const LONGEST: usize = 80;
    for (index, arm) in arms.iter().enumerate() {
        let refuse = |problem: String| Err(ScenarioError::at(sources, arm.span, "compare", problem));
        if arm.name.is_empty() {
            return refuse("the arm's name is empty".into());
        }
        if arm.name.chars().count() > LONGEST || arm.name.chars().any(char::is_control) {
            return refuse(format!("the arm's name is not one line of at most {LONGEST} characters"));
        }
        if arm.name == "base" {
            return refuse("`base` is the name of the run the arms are compared with".into());
        }
        if arms[..index].iter().any(|other| other.name == arm.name) {
            return refuse(format!("two arms are called `{}`", arm.name));
        }
    }
    Ok(())
}
