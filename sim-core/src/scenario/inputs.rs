//! Which values of two plans differ, by path. Plans are compared as the data they are, so that whatever can change
//! a result is compared.

use super::plan::Plan;
use serde_json::Value;

/// Numbers in a list of which single entries are told; longer lists (tables of latencies) are counted.
const LISTED: usize = 8;
/// Longest value that is told in full, characters.
const VALUE_MAX: usize = 60;

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where in the plan, such as `network.gossip.mesh`.
    pub path: String,
    /// In the first; `-` if it is not there.
    pub a: String,
    /// In the second.
    pub b: String,
}

/// What differs between two plans, in the order of their fields. The name of an arm decides nothing and is left out.
pub fn changed(a: &Plan, b: &Plan) -> Vec<Changed> {
    let data = |plan: &Plan| {
        let mut value = serde_json::to_value(plan).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("name");
        }
        value
    };
    let mut found = Vec::new();
    walk("", &data(a), &data(b), &mut found);
    found
}

fn walk(path: &str, a: &Value, b: &Value, found: &mut Vec<Changed>) {
    if a == b {
        return;
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            for (key, value) in x {
                walk(&below(key), value, y.get(key).unwrap_or(&Value::Null), found);
            }
            for (key, value) in y.iter().filter(|(key, _)| !x.contains_key(*key)) {
                walk(&below(key), &Value::Null, value, found);
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() && !is_table(x, y) => {
            for (n, (x, y)) in x.iter().zip(y).enumerate() {
                walk(&below(&n.to_string()), x, y, found);
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let pairs = || x.iter().zip(y).filter(|(x, y)| x != y);
            let first = pairs().next();
            let side = |value: Option<&Value>| {
                format!("{} of {} entries differ, the first: {}", pairs().count(), x.len(), told(value))
            };
            let (a, b) = (side(first.map(|f| f.0)), told(first.map(|f| f.1)));
            found.push(Changed { path: path.to_owned(), a, b });
        }
        _ => found.push(Changed { path: path.to_owned(), a: told(Some(a)), b: told(Some(b)) }),
    }
}

/// Long lists of plain numbers or of lists.
fn is_table(a: &[Value], b: &[Value]) -> bool {
    let plain = |v: &Value| !v.is_object();
    a.len() > LISTED && a.iter().chain(b).all(plain)
}

fn told(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.len() > LISTED => format!("{} entries", list.len()),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= VALUE_MAX {
        return text;
    }
    text.chars().take(VALUE_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(a: &Value, b: &Value) -> Vec<Changed> {
        let mut found = Vec::new();
        walk("", a, b, &mut found);
        found
    }

    #[test]
    fn every_changed_leaf_is_told_once_with_its_path() {
        let a = json!({"x": 1, "y": {"z": "old", "same": true}, "gone": 3, "list": [1, 2]});
        let b = json!({"x": 1, "y": {"z": "new", "same": true}, "list": [1, 5], "came": 4});
        let changed = found(&a, &b);
        let told: Vec<(&str, &str, &str)> =
            changed.iter().map(|c| (c.path.as_str(), c.a.as_str(), c.b.as_str())).collect();
        assert!(told.contains(&("y.z", "old", "new")) && told.contains(&("gone", "3", "-")), "{told:?}");
        assert!(told.contains(&("came", "-", "4")) && told.contains(&("list.1", "2", "5")), "{told:?}");
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn a_table_is_counted_and_not_listed() {
        let a = json!({"ns": (0..100).collect::<Vec<_>>()});
        let b = json!({"ns": (0..100).map(|n| n * 2).collect::<Vec<_>>()});
        let changed = found(&a, &b);
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (changed[0].a.as_str(), changed[0].b.as_str()),
            ("99 of 100 entries differ, the first: 1", "2")
        );
    }
}
