//! A scenario's text as a tree in which every value remembers where it was written.
//!
//! Both notations (RON and JSON) become the same tree; presets, overrides and arms are merged in it, so
//! that an error found after merging still points at the file, preset or argument the value came from.

use super::error::Place;

/// Where a value was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index into [`Sources`].
    pub source: u16,
    /// Line from 1; 0 for none.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub span: Span,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `()`, `None` of JSON (`null`).
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written (underscores removed).
    Number(String),
    /// A string.
    Text(String),
    /// `[..]`, or a tuple.
    List(Vec<Node>),
    /// `{..}`, or `(field: ..)`.
    Map(Vec<Entry>),
    /// `Name` or `Name(..)`.
    Variant(String, Option<Box<Node>>),
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Key or field name.
    pub key: String,
    /// Where the key was written.
    pub span: Span,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// A value with a place.
    pub fn new(value: Value, span: Span) -> Self {
        Self { value, span }
    }

    /// The entry of a map, looking through an enum's name.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|e| e.key == key).map(|e| &e.value).or_else(|| match entries.as_slice() {
                    // JSON's form of an enum: {"Gossipsub": {..}}.
                    [only] if starts_upper(&only.key) => only.value.get(key),
                    _ => None,
                })
            }
            Value::Variant(name, Some(inner)) if name == key => Some(inner),
            Value::Variant(_, Some(inner)) => inner.get(key),
            Value::List(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
            _ => None,
        }
    }

    /// The entries of a map, or nothing.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The node at a dotted path, or the closest ancestor that was written.
    pub fn nearest(&self, path: &str) -> &Node {
        let mut node = self;
        let mut rest = path;
        while !rest.is_empty() {
            // A key may itself contain dots (a file name), so try the longest first.
            let found = cuts(rest).find_map(|cut| node.get(&rest[..cut]).map(|next| (next, cut)));
            let Some((next, cut)) = found else { break };
            node = next;
            rest = rest[cut..].trim_start_matches('.');
        }
        node
    }

    /// The node at a dotted path.
    pub fn find(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// What kind of thing this is, for messages.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Bool(b) => format!("`{b}`"),
            Value::Number(n) => format!("the number {n}"),
            Value::Text(t) => format!("the text \"{}\"", shorten(t)),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a group of fields".into(),
            Value::Variant(name, _) => format!("`{}`", shorten(name)),
        }
    }

    /// The text of a string, or the name of an enum value without payload.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(t) => Some(t),
            Value::Variant(name, None) => Some(name),
            _ => None,
        }
    }

    /// Writes the value on one line, in RON.
    pub fn to_ron(&self) -> String {
        let list = |items: &[Node]| items.iter().map(Node::to_ron).collect::<Vec<_>>().join(", ");
        match &self.value {
            Value::Null => "()".into(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.clone(),
            Value::Text(t) => format!("{t:?}"),
            Value::List(items) => format!("[{}]", list(items)),
            Value::Map(entries) => {
                let names = entries.iter().all(|e| is_identifier(&e.key));
                let field = |e: &Entry| {
                    let key = if names { e.key.clone() } else { format!("{:?}", e.key) };
                    format!("{key}: {}", e.value.to_ron())
                };
                let fields: Vec<_> = entries.iter().map(field).collect();
                let (open, close) = if names { ("(", ")") } else { ("{", "}") };
                format!("{open}{}{close}", fields.join(", "))
            }
            Value::Variant(name, None) => name.clone(),
            Value::Variant(name, Some(inner)) => match &inner.value {
                Value::Map(entries) if entries.iter().all(|e| is_identifier(&e.key)) => {
                    format!("{name}{}", inner.to_ron())
                }
                _ => format!("{name}({})", inner.to_ron()),
            },
        }
    }
}

fn is_identifier(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Byte offsets at which a dotted path may be cut, the longest first.
fn cuts(path: &str) -> impl Iterator<Item = usize> + '_ {
    std::iter::once(path.len()).chain(path.rmatch_indices('.').map(|(i, _)| i))
}

/// Whether a name looks like an enum's rather than a field's.
pub(super) fn starts_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// A text cut to what a message can bear.
pub(super) fn shorten(text: &str) -> String {
    const KEEP: usize = 60;
    if text.chars().count() <= KEEP {
        text.to_owned()
    } else {
        text.chars().take(KEEP).chain("...".chars()).collect()
    }
}

/// The texts a tree was read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    label: String,
    text: String,
    kind: SourceKind,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The scenario file.
    File,
    /// A built-in preset: its values are defaults, nobody wrote them into this scenario.
    Preset,
    /// A command-line argument.
    Argument,
}

impl Sources {
    /// Adds a text; its index goes into the spans of the nodes read from it.
    pub fn add(&mut self, kind: SourceKind, label: impl Into<String>, text: impl Into<String>) -> u16 {
        let index = u16::try_from(self.list.len()).unwrap_or(u16::MAX);
        self.list.push(Source { label: label.into(), text: text.into(), kind });
        index
    }

    /// The text of a source.
    pub fn text(&self, source: u16) -> &str {
        self.list.get(usize::from(source)).map_or("", |s| &s.text)
    }

    /// Whether a value at this place is a default rather than something written for this scenario.
    pub fn is_default(&self, span: Span) -> bool {
        self.list.get(usize::from(span.source)).is_some_and(|s| s.kind == SourceKind::Preset)
    }

    /// A span made readable.
    pub fn place(&self, span: Span) -> Place {
        let Some(source) = self.list.get(usize::from(span.source)) else { return Place::default() };
        if source.kind == SourceKind::Argument || span.line == 0 {
            return Place::whole(source.label.clone());
        }
        let excerpt = source.text.lines().nth(span.line as usize - 1).unwrap_or("").to_owned();
        Place { source: source.label.clone(), line: span.line, column: span.column, excerpt }
    }
}
