//! Laying one tree over another: a file over its preset, `--set` and arms over the file.
//!
//! The rule: fields of the sections (`run`, `nodes`, `network`, `chain`, `execution`) replace one by one;
//! everything else, lists and choices above all, replaces as a whole.

use super::tree::{Entry, Node, Span, Value, starts_upper};
use super::units::Factor;

/// Parts of a scenario whose fields are merged one by one.
const SECTIONS: [&str; 5] = ["run", "nodes", "network", "chain", "execution"];

/// Lays `top` over `base`.
pub fn over(base: &Node, top: &Node) -> Node {
    let mut merged = base.clone();
    for entry in top.entries() {
        let section = SECTIONS.contains(&entry.key.as_str());
        match slot(&mut merged, &entry.key) {
            Some(old) if section && matches!(entry.value.value, Value::Map(_)) => {
                old.value = fields_over(&old.value, &entry.value);
                old.span = entry.span;
            }
            Some(old) if section && matches!(entry.value.value, Value::Null) => old.span = entry.span,
            Some(old) => *old = entry.clone(),
            None => push(&mut merged, entry.clone()),
        }
    }
    merged.span = top.span;
    merged
}

fn fields_over(base: &Node, top: &Node) -> Node {
    let mut merged = base.clone();
    for entry in top.entries() {
        put(&mut merged, entry.clone());
    }
    merged.span = top.span;
    merged
}

fn slot<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Entry> {
    match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|e| e.key == key),
        _ => None,
    }
}

fn push(node: &mut Node, entry: Entry) {
    match &mut node.value {
        Value::Map(entries) => entries.push(entry),
        other => *other = Value::Map(vec![entry]),
    }
}

/// Adds an entry to a map, or replaces the one with its key.
fn put(node: &mut Node, entry: Entry) {
    match slot(node, &entry.key) {
        Some(old) => *old = entry,
        None => push(node, entry),
    }
}

/// Removes and returns a field.
pub fn take(node: &mut Node, key: &str) -> Option<Entry> {
    match &mut node.value {
        Value::Map(entries) => entries.iter().position(|e| e.key == key).map(|index| entries.remove(index)),
        _ => None,
    }
}

/// `latency: "0.5x"` keeps the table and scales it: turns it into `latency_scale`.
///
/// The error is the place of a second, contradicting scale.
pub fn normalise(root: &mut Node) -> Result<(), Span> {
    let Some(network) = slot(root, "network") else { return Ok(()) };
    let scales = network.value.get("latency").is_some_and(is_scale);
    if !scales {
        return Ok(());
    }
    if let Some(scale) = slot(&mut network.value, "latency_scale") {
        return Err(scale.span);
    }
    if let Some(entry) = slot(&mut network.value, "latency") {
        entry.key = "latency_scale".to_owned();
    }
    Ok(())
}

fn is_scale(node: &Node) -> bool {
    match &node.value {
        Value::Number(_) => true,
        // "-2x" is a scale too: a refused one.
        Value::Text(text) => Factor::parse(text.trim().trim_start_matches('-')).is_ok(),
        _ => false,
    }
}

/// Puts `value` at a dotted path, stepping through choices: `network.gossip.mesh` changes the field inside
/// `Gossipsub(..)`. Fields that do not exist are created; reading the result into types refuses them.
pub fn set(root: &mut Node, path: &str, span: Span, value: Node) -> Result<(), String> {
    let path = if path == "network.latency" && is_scale(&value) { "network.latency_scale" } else { path };
    let mut keys = path.split('.').peekable();
    let mut node = root;
    let mut walked: Vec<&str> = Vec::new();
    loop {
        let Some(key) = keys.next() else { return Err("the path is empty".into()) };
        if key.is_empty() {
            return Err(format!("`{path}` is not a path; write it as `section.field`"));
        }
        node = inside(node, key);
        let here = || if walked.is_empty() { "the scenario".to_owned() } else { walked.join(".") };
        if keys.peek().is_none() {
            if let Value::List(items) = &mut node.value {
                let length = items.len();
                *item(items, key).ok_or_else(|| no_item(&here(), key, length))? = value;
                return Ok(());
            }
            if !matches!(node.value, Value::Map(_)) {
                return Err(format!("{} is {} and has no field `{key}`", here(), node.describe()));
            }
            put(node, Entry { key: key.to_owned(), span, value });
            return Ok(());
        }
        let description = node.describe();
        node = match &mut node.value {
            Value::Map(entries) => {
                let index = entries.iter().position(|e| e.key == key).unwrap_or_else(|| {
                    let value = Node::new(Value::Map(Vec::new()), span);
                    entries.push(Entry { key: key.to_owned(), span, value });
                    entries.len() - 1
                });
                &mut entries[index].value
            }
            Value::List(items) => {
                let length = items.len();
                item(items, key).ok_or_else(|| no_item(&here(), key, length))?
            }
            _ => return Err(format!("{} is {description} and has no field `{key}`", here())),
        };
        walked.push(key);
    }
}

/// The payload of a choice, made a map if there is none yet; everything else as it is.
fn inside<'n>(node: &'n mut Node, key: &str) -> &'n mut Node {
    let span = node.span;
    match &mut node.value {
        Value::Null => node.value = Value::Map(Vec::new()),
        Value::Text(name) if starts_upper(name) => node.value = Value::Variant(name.clone(), None),
        _ => {}
    }
    let json_choice = matches!(&node.value, Value::Map(entries)
        if entries.len() == 1 && starts_upper(&entries[0].key) && entries[0].key != key);
    if !json_choice && !matches!(node.value, Value::Variant(..)) {
        return node;
    }
    match &mut node.value {
        Value::Variant(_, payload) => {
            payload.get_or_insert_with(|| Box::new(Node::new(Value::Map(Vec::new()), span)))
        }
        Value::Map(entries) => &mut entries[0].value,
        _ => unreachable!("only choices are left"),
    }
}

/// An item of a list by its position, or by its `name`.
fn item<'n>(items: &'n mut [Node], key: &str) -> Option<&'n mut Node> {
    let index = match key.parse::<usize>() {
        Ok(index) => index,
        Err(_) => {
            items.iter().position(|n| n.get("name").and_then(Node::as_text).is_some_and(|t| t == key))?
        }
    };
    items.get_mut(index)
}

fn no_item(list: &str, key: &str, length: usize) -> String {
    format!("{list} has no item `{key}`: it has {length}, counted from 0")
}
