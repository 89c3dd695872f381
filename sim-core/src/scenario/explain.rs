//! What a field of the format means: read from the JSON Schema, which is made from the doc comments of
//! [`super::spec`]. Defaults are those of the preset used when a scenario names none.

use super::presets;
use super::reader;
use super::spec::Spec;
use super::tree::{Node, Span, Value as Written};
use super::units::Dimension;
use serde_json::Value;
use std::fmt;

/// The JSON Schema of scenario files, for editors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Spec).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), "Lightcone scenario".into());
    }
    schema
}

/// What a field means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Dotted path.
    pub path: String,
    /// What it is for, bounds and source included.
    pub meaning: String,
    /// What may be written: a kind of value and its units.
    pub form: String,
    /// Value in the default preset, in RON; `None` if it is not in the preset.
    pub default: Option<String>,
    /// For a choice: its names and what they mean.
    pub choices: Vec<(String, String)>,
    /// For a group: its fields and what they mean, in one sentence.
    pub fields: Vec<(String, String)>,
}

/// A key that is not a field, and those that look like it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field `{key}`{}", near(.nearest))]
pub struct UnknownKey {
    /// What was asked for.
    pub key: String,
    /// Fields it may have meant.
    pub nearest: Vec<String>,
}

fn near(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", nearest.join(" or ")) }
}

/// Explains a field, given by its dotted path or, where that is unambiguous, by its name alone.
///
/// # Errors
/// [`UnknownKey`] with the fields that look like it.
pub fn explain(key: &str) -> Result<Explanation, UnknownKey> {
    let schema = schema();
    let key = key.trim().trim_matches('.');
    if let Some(explanation) = at(&schema, key) {
        return Ok(explanation);
    }
    let keys = keys();
    let ends_with =
        |path: &&String| path.rsplit('.').next() == Some(key) || path.ends_with(&format!(".{key}"));
    let mut named: Vec<String> = keys.iter().filter(ends_with).cloned().collect();
    // `chain` and each of `chains` have the same fields: one explanation serves both.
    if named.iter().any(|path| !path.starts_with("chains.")) {
        named.retain(|path| !path.starts_with("chains."));
    }
    if let [only] = named.as_slice()
        && let Some(explanation) = at(&schema, only)
    {
        return Ok(explanation);
    }
    let nearest = if named.is_empty() {
        let last: Vec<String> = keys.iter().map(|k| k.rsplit('.').next().unwrap_or(k).to_owned()).collect();
        let by_name = super::error::closest(key, &last);
        let by_path = super::error::closest(key, &keys);
        let same = |name: String| keys.iter().filter(move |k| k.rsplit('.').next() == Some(&*name)).cloned();
        by_path.into_iter().chain(by_name.into_iter().flat_map(same)).take(4).collect()
    } else {
        named
    };
    Err(UnknownKey { key: super::tree::shorten(key), nearest })
}

/// What numbers a field takes.
#[derive(Clone, Copy, Debug)]
pub enum NumberKind {
    /// A quantity with a unit.
    Quantity(&'static Dimension),
    /// A whole number.
    Whole,
}

impl PartialEq for NumberKind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quantity(a), Self::Quantity(b)) => std::ptr::eq(*a, *b),
            (Self::Whole, Self::Whole) => true,
            _ => false,
        }
    }
}

impl NumberKind {
    /// Reads a written value into smallest units (ns, bit/s, bytes, ppm), exactly.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(self, node: &Node) -> Result<u64, String> {
        match (self, &node.value) {
            (Self::Quantity(dimension), Written::Text(text) | Written::Number(text)) => {
                dimension.parse(text).map_err(|e| e.to_string())
            }
            (Self::Whole, Written::Number(text) | Written::Text(text)) => {
                text.parse().map_err(|_| format!("found {}, expected a whole number", node.describe()))
            }
            _ => Err(format!("found {}, expected a number", node.describe())),
        }
    }

    /// Writes a value in smallest units so that reading it back gives the same.
    pub fn format(self, value: u64) -> String {
        match self {
            Self::Quantity(dimension) => dimension.format(value),
            Self::Whole => value.to_string(),
        }
    }

    /// A value in smallest units as if it had been written at `span`.
    pub fn node(self, value: u64, span: Span) -> Node {
        match self {
            Self::Quantity(_) => Node::new(Written::Text(self.format(value)), span),
            Self::Whole => Node::new(Written::Number(value.to_string()), span),
        }
    }

    /// The largest unit of which `least` is at least 1, or the smallest unit; without a name for plain numbers.
    pub fn unit_for(self, least: f64) -> String {
        let Self::Quantity(dimension) = self else { return String::new() };
        let fits = dimension.units.iter().rev().find(|(_, scale)| least >= *scale as f64);
        fits.or(dimension.units.first()).map_or_else(String::new, |(name, _)| (*name).to_owned())
    }

    /// Smallest units in one of `unit`.
    pub fn scale(self, unit: &str) -> u64 {
        let Self::Quantity(dimension) = self else { return 1 };
        dimension.units.iter().find(|(name, _)| *name == unit).map_or(1, |(_, scale)| *scale)
    }
}

/// What numbers the field at a dotted path takes; `None` if it is no field or does not take one number.
pub fn number_kind(path: &str) -> Option<NumberKind> {
    let schema = schema();
    let mut node = &schema;
    for key in path.split('.') {
        node = step(&schema, node, key)?;
    }
    for _ in 0..8 {
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            if let Some(dimension) = Dimension::named(name) {
                return Some(NumberKind::Quantity(dimension));
            }
            node = schema.pointer(reference.trim_start_matches('#'))?;
            continue;
        }
        match node.get("anyOf").and_then(Value::as_array) {
            Some(list) => node = list.iter().find(|a| !is_null(a))?,
            None => break,
        }
    }
    let whole = match node.get("type") {
        Some(Value::String(kind)) => kind == "integer",
        Some(Value::Array(kinds)) => kinds.iter().any(|k| k == "integer"),
        _ => false,
    };
    whole.then_some(NumberKind::Whole)
}

/// The paths of all fields, sorted. Fields of choices stand beside those of their alternatives.
pub fn keys() -> Vec<String> {
    let schema = schema();
    let mut found = Vec::new();
    collect(&schema, &schema, "", 0, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(root: &Value, node: &Value, prefix: &str, depth: u32, found: &mut Vec<String>) {
    if depth > 6 {
        return;
    }
    for (name, field) in fields(root, node) {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        found.push(path.clone());
        collect(root, field, &path, depth + 1, found);
    }
}

fn at(schema: &Value, path: &str) -> Option<Explanation> {
    if path.is_empty() {
        return None;
    }
    let mut node = schema;
    for key in path.split('.') {
        node = step(schema, node, key)?;
    }
    let target = resolve(schema, node);
    let own = text(node, "description");
    let meaning = if own.is_empty() { text(target, "description") } else { own };
    let choices = choices(schema, target);
    let fields: Vec<(String, String)> = fields(schema, node)
        .into_iter()
        .map(|(name, field)| {
            let own = text(field, "description");
            let text = if own.is_empty() { text(resolve(schema, field), "description") } else { own };
            (name, first_sentence(&text))
        })
        .collect();
    let form = form(target, &choices, &fields);
    Some(Explanation { path: path.to_owned(), meaning, form, default: default(path), choices, fields })
}

/// The schema of a field, by its name, a choice's name, or a position in a list.
fn step<'s>(root: &'s Value, node: &'s Value, key: &str) -> Option<&'s Value> {
    if let Some((_, field)) = fields(root, node).into_iter().find(|(name, _)| name == key) {
        return Some(field);
    }
    let target = resolve(root, node);
    for variant in variants(target) {
        if variant.get("const").and_then(Value::as_str) == Some(key) {
            return Some(variant);
        }
        if let Some(payload) = variant.get("properties").and_then(|p| p.get(key)) {
            // The variant carries the description, the payload the fields.
            return Some(if fields(root, payload).is_empty() { variant } else { payload });
        }
    }
    let numbered = key.parse::<usize>().is_ok();
    target.get("items").filter(|_| numbered)
}

/// Follows references, and `T or null` to T.
fn resolve<'s>(root: &'s Value, node: &'s Value) -> &'s Value {
    let mut node = node;
    for _ in 0..8 {
        if let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            let Some(target) = root.pointer(reference.trim_start_matches('#')) else { return node };
            node = target;
            continue;
        }
        let alternatives = node.get("anyOf").and_then(Value::as_array);
        match alternatives.map(|list| list.iter().filter(|a| !is_null(a)).collect::<Vec<_>>()) {
            Some(list) if list.len() == 1 => node = list[0],
            _ => return node,
        }
    }
    node
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn variants(target: &Value) -> Vec<&Value> {
    target.get("oneOf").and_then(Value::as_array).map(|list| list.iter().collect()).unwrap_or_default()
}

/// Fields of a group, of a list's items, and of all alternatives of a choice.
fn fields<'s>(root: &'s Value, node: &'s Value) -> Vec<(String, &'s Value)> {
    let target = resolve(root, node);
    let mut found: Vec<(String, &Value)> = Vec::new();
    if let Some(properties) = target.get("properties").and_then(Value::as_object) {
        found.extend(properties.iter().map(|(name, field)| (name.clone(), field)));
    }
    for variant in variants(target) {
        for payload in
            variant.get("properties").and_then(Value::as_object).into_iter().flat_map(|p| p.values())
        {
            found.extend(fields(root, payload));
        }
    }
    let items = target.get("items").filter(|i| !fields(root, i).is_empty());
    if let Some(items) = items {
        found.extend(fields(root, items));
    }
    // Shares by class: the fields of a class described in place.
    let inline = target.get("anyOf").and_then(Value::as_array);
    for alternative in inline.into_iter().flatten() {
        if let Some(values) = alternative.get("additionalProperties").filter(|v| v.is_object()) {
            for option in resolve(root, values).get("anyOf").and_then(Value::as_array).into_iter().flatten() {
                found.extend(fields(root, option));
            }
        }
    }
    found
}

fn choices(root: &Value, target: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for variant in variants(target) {
        let meaning = text(variant, "description");
        if let Some(name) = variant.get("const").and_then(Value::as_str) {
            found.push((name.to_owned(), meaning));
        } else if let Some((name, payload)) =
            variant.get("properties").and_then(Value::as_object).and_then(|p| p.iter().next())
        {
            let inside = fields(root, payload);
            let shown = if inside.is_empty() || inside.len() > 4 {
                format!("{name}(..)")
            } else {
                let names: Vec<_> = inside.iter().map(|(field, _)| format!("{field}: ..")).collect();
                format!("{name}({})", names.join(", "))
            };
            found.push((shown, meaning));
        }
    }
    if let Some(list) = target.get("enum").and_then(Value::as_array) {
        found.extend(list.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), String::new())));
    }
    found
}

fn form(target: &Value, choices: &[(String, String)], fields: &[(String, String)]) -> String {
    if !choices.is_empty() {
        return "one of the choices below".into();
    }
    let kind = match target.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().find_map(Value::as_str).unwrap_or(""),
        _ => "",
    };
    let described = text(target, "description");
    let quantity = fields.is_empty() && described.contains(" number");
    match kind {
        "string" | "number" if quantity => described,
        "boolean" => "true or false".into(),
        "integer" => "a whole number".into(),
        "string" => "a text in quotes".into(),
        "object" if !fields.is_empty() => "a group of fields: (field: value, ...)".into(),
        "object" => "a map: { \"name\": value, ... }".into(),
        "array" => "a list: [..]".into(),
        _ => "as described".into(),
    }
}

fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |i| i + 1);
    text[..end].trim_end_matches('.').to_owned()
}

fn default(path: &str) -> Option<String> {
    let preset = presets::named(presets::DEFAULT)?;
    let tree: Node = reader::read(preset.text, 0).ok()?;
    tree.find(path).map(Node::to_ron)
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.path)?;
        wrap(f, "  ", &self.meaning)?;
        writeln!(f)?;
        wrap(f, "  Form: ", &self.form)?;
        match &self.default {
            Some(value) => writeln!(f, "  In the preset \"{}\": {value}", presets::DEFAULT)?,
            None if self.meaning.contains("Default:") || !self.fields.is_empty() => {}
            None => writeln!(f, "  Not in the preset \"{}\".", presets::DEFAULT)?,
        }
        for (title, list) in [("Choices", &self.choices), ("Fields", &self.fields)] {
            if list.is_empty() {
                continue;
            }
            writeln!(f, "\n  {title}:")?;
            for (name, meaning) in list {
                writeln!(f, "    {name}")?;
                if !meaning.is_empty() {
                    wrap(f, "        ", meaning)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes words in lines of at most 100 characters.
fn wrap(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > 100 && line.trim() != "" {
            writeln!(f, "{}", line.trim_end())?;
            line = " ".repeat(indent.len());
        }
        line += word;
        line.push(' ');
    }
    writeln!(f, "{}", line.trim_end())
}
