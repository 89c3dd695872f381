//! The one error of this module, and warnings: where, what was found, what is allowed, what to do.

use super::tree::{Sources, Span};
use std::fmt;

/// Why a scenario was refused.
///
/// It prints as `file:line:column: field.path: what is wrong`, followed by what is allowed, a suggestion
/// and the line in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(Box<Details>);

/// The parts of a [`ScenarioError`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Where in which source.
    pub place: Place,
    /// The field's path, such as `network.gossip.mesh`; empty for the file as a whole.
    pub path: String,
    /// What was found and why that is wrong, one sentence without a full stop.
    pub problem: String,
    /// What may stand there instead; empty when a list would not help.
    pub allowed: Vec<String>,
    /// The allowed name closest to the one found.
    pub suggestion: Option<String>,
    /// What to do about it, when that is not obvious.
    pub help: Option<String>,
}

/// A position in a source, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it, `preset "..."`, or `--set ...`.
    pub source: String,
    /// Line from 1; 0 when the source has no lines (a command-line argument, a file that cannot be read).
    pub line: u32,
    /// Column from 1, in characters; 0 as for `line`.
    pub column: u32,
    /// The text of the line.
    pub excerpt: String,
}

impl Place {
    /// A source without lines.
    pub fn whole(source: impl Into<String>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

impl ScenarioError {
    /// An error at a known place.
    pub fn new(place: Place, path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(Box::new(Details { place, path: path.into(), problem: problem.into(), ..Details::default() }))
    }

    /// An error at a span of one of `sources`.
    pub fn at(sources: &Sources, span: Span, path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(sources.place(span), path, problem)
    }

    /// Adds the list of what may stand there, and from it a suggestion for what was found.
    #[must_use]
    pub fn allowed<S: AsRef<str>>(mut self, found: &str, allowed: impl IntoIterator<Item = S>) -> Self {
        self.0.allowed = allowed.into_iter().map(|s| s.as_ref().to_owned()).collect();
        self.0.suggestion = closest(found, &self.0.allowed);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The parts.
    pub fn details(&self) -> &Details {
        &self.0
    }
}

impl std::error::Error for ScenarioError {}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { place, path, problem, allowed, suggestion, help } = &*self.0;
        write!(f, "{place}: ")?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(problem)?;
        if let Some(name) = suggestion {
            write!(f, "; did you mean `{name}`?")?;
        }
        if !allowed.is_empty() {
            let separator = if suggestion.is_some() { " " } else { "; " };
            write!(f, "{separator}allowed: {}", allowed.join(", "))?;
        }
        if place.line > 0 && !place.excerpt.is_empty() {
            write_excerpt(f, place)?;
        }
        if let Some(help) = help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Shows the line with a caret under the column; long lines are cut around it.
fn write_excerpt(f: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    const WIDTH: usize = 100;
    let column = place.column.max(1) as usize - 1;
    let skip = column.saturating_sub(WIDTH * 3 / 4);
    let shown: String =
        place.excerpt.chars().skip(skip).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    write!(f, "\n  {:>4} | {}\n       | {}^", place.line, shown.trim_end(), " ".repeat(column - skip))
}

/// The allowed name most like `found`, if any is close enough to be a slip of the pen.
pub fn closest(found: &str, allowed: &[String]) -> Option<String> {
    let wanted = found.to_lowercase();
    let likeness = |name: &String| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    allowed
        .iter()
        .map(|name| (likeness(name), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}

/// Something to check before trusting a result: a parameter without effect, an arm that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it was written.
    pub place: Place,
    /// The field's path.
    pub path: String,
    /// What is odd about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.path, self.message)
    }
}
