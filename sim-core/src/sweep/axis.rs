//! Axes: fields by path with typed values. A value knows the change it makes, how it is written and, where it is
//! a number, how large it is.

use super::spec::{AxisSpec, ScaleSpec};
use crate::kernel::math;
use crate::scenario::ScenarioError;
use crate::scenario::error::closest;
use crate::scenario::explain::{self, NumberKind};
use crate::scenario::overrides::Override;
use crate::scenario::tree::{Node, Sources, Span, Value};

/// Values an axis takes from a range if it does not say.
const STEPS: u64 = 5;
/// Most values of one axis.
const VALUES_MAX: u64 = 1_000;

/// One value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// As written: `"2x"`, `8`, `BlockStm`, or a level's name.
    pub label: String,
    /// Size in smallest units (ns, bit/s, bytes, ppm); `None` for what is not a number.
    pub number: Option<f64>,
    /// What it changes in the scenario.
    pub changes: Vec<Override>,
}

/// A field that is varied.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it is called.
    pub name: String,
    /// The field's path; `None` for levels.
    pub path: Option<String>,
    /// Unit of the values' numbers, such as `Mbit/s`; empty for plain numbers and for names.
    pub unit: String,
    /// Distances between values are ratios.
    pub log: bool,
    /// The values a grid takes, in order.
    pub values: Vec<AxisValue>,
    pub(super) span: Span,
    kind: Option<NumberKind>,
    /// Both ends of a range, in smallest units.
    range: Option<(u64, u64)>,
    /// Where the value of a range was written.
    value_span: Span,
}

/// Refusals of one axis.
struct Refuse<'a> {
    sources: &'a Sources,
    path: String,
}

impl Refuse<'_> {
    fn at(&self, span: Span, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::at(self.sources, span, self.path.clone(), problem)
    }
}

impl Axis {
    /// Reads an axis; `node` is where it was written.
    pub(super) fn read(
        index: usize,
        spec: &AxisSpec,
        node: &Node,
        sources: &Sources,
    ) -> Result<Self, ScenarioError> {
        let refuse = Refuse { sources, path: format!("axes.{index}") };
        let ways = [spec.values.is_some(), spec.levels.is_some(), spec.from.is_some() || spec.to.is_some()];
        if ways.iter().filter(|given| **given).count() != 1 {
            let problem = "an axis has either `values`, or `from` and `to`, or `levels`";
            return Err(refuse.at(node.span, problem).help(
                "for example (path: \"network.bandwidth\", from: \"0.5x\", to: \"8x\", steps: 5, scale: Log)",
            ));
        }
        let span = node.get("path").map_or(node.span, |n| n.span);
        let mut axis = Self {
            name: spec.name.clone().or_else(|| spec.path.clone()).unwrap_or_default(),
            path: spec.path.clone(),
            unit: String::new(),
            log: spec.scale == ScaleSpec::Log,
            values: Vec::new(),
            span,
            kind: None,
            range: None,
            value_span: span,
        };
        if let Some(levels) = node.get("levels").filter(|_| spec.levels.is_some()) {
            if spec.path.is_some() || spec.name.is_none() {
                return Err(refuse.at(node.span, "an axis of levels has a `name` and no `path`"));
            }
            axis.values = read_levels(levels, &refuse)?;
        } else {
            let Some(path) = &spec.path else {
                return Err(refuse.at(node.span, "the `path` of the field is missing"));
            };
            known_field(path, span, &refuse)?;
            // A range of latencies scales the table.
            let scales = path == "network.latency" && spec.values.is_none();
            axis.kind = explain::number_kind(if scales { "network.latency_scale" } else { path.as_str() });
            match node.get("values").filter(|_| spec.values.is_some()) {
                Some(values) => axis.read_values(values, &refuse)?,
                None => axis.read_range(spec, node, &refuse)?,
            }
        }
        if axis.values.is_empty() {
            return Err(refuse.at(node.span, "the axis has no values"));
        }
        axis.check_distinct(&refuse)?;
        if axis.values.iter().flat_map(|value| &value.changes).any(|change| change.path == "seed") {
            let error = refuse
                .at(node.span, "`seed` has no effect in a sweep: runs have seeds drawn from the sweep's");
            return Err(error.help("give `replications`, and for other seeds another `seed` of the sweep"));
        }
        axis.set_unit();
        Ok(axis)
    }

    fn read_values(&mut self, node: &Node, refuse: &Refuse<'_>) -> Result<(), ScenarioError> {
        let Value::List(items) = &node.value else {
            return Err(refuse.at(node.span, format!("found {}, expected a list of values", node.describe())));
        };
        if items.len() as u64 > VALUES_MAX {
            return Err(refuse.at(node.span, format!("{} values; at most {VALUES_MAX}", items.len())));
        }
        self.values = items.iter().map(|item| self.value(item)).collect();
        Ok(())
    }

    /// A written value of this axis.
    pub(super) fn value(&self, item: &Node) -> AxisValue {
        let label = match &item.value {
            Value::Text(text) => text.clone(),
            _ => item.to_ron(),
        };
        let path = self.path.clone().unwrap_or_default();
        let smallest = self.kind.and_then(|kind| kind.parse(item).ok());
        let change = Override { path, span: self.span, value: item.clone() };
        AxisValue { label, number: smallest.map(|n| n as f64), changes: vec![change] }
    }

    /// A value by its written form: one of the levels, or a value of the field.
    pub(super) fn named(&self, item: &Node) -> Result<AxisValue, String> {
        if self.path.is_some() {
            return Ok(self.value(item));
        }
        let text = item.as_text().unwrap_or_default();
        self.values.iter().find(|v| v.label == text).cloned().ok_or_else(|| {
            let names: Vec<String> = self.values.iter().map(|v| v.label.clone()).collect();
            let meant = closest(text, &names).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            format!("the axis `{}` has no level {}{meant}", self.name, item.describe())
        })
    }

    fn read_range(&mut self, spec: &AxisSpec, node: &Node, refuse: &Refuse<'_>) -> Result<(), ScenarioError> {
        let Some(kind) = self.kind else {
            let problem = "the field is not a number, so it has no range: give its `values`";
            return Err(refuse.at(self.span, problem));
        };
        let end = |key: &str| -> Result<(u64, Span), ScenarioError> {
            let Some(found) = node.get(key) else {
                return Err(refuse.at(node.span, format!("the range has no `{key}`")));
            };
            let value = kind.parse(found).map_err(|problem| refuse.at(found.span, problem))?;
            Ok((value, found.span))
        };
        let ((from, from_span), (to, _)) = (end("from")?, end("to")?);
        if from >= to {
            let (a, b) = (kind.format(from), kind.format(to));
            return Err(refuse.at(from_span, format!("the range is empty: it goes from {a} to {b}")));
        }
        if self.log && from == 0 {
            return Err(refuse.at(from_span, "a logarithmic range starts above zero"));
        }
        let steps = spec.steps.unwrap_or(STEPS);
        if !(2..=VALUES_MAX).contains(&steps) {
            let at = node.get("steps").map_or(node.span, |n| n.span);
            return Err(refuse.at(at, format!("{steps} steps; allowed: 2 to {VALUES_MAX}")));
        }
        self.range = Some((from, to));
        self.value_span = from_span;
        self.values = (0..steps).map(|i| self.at(i as f64 / (steps - 1) as f64)).collect();
        Ok(())
    }

    /// The value at a share of the axis: of a range, the point there, rounded to four digits between the ends;
    /// of a list, the item there.
    pub fn at(&self, share: f64) -> AxisValue {
        let (Some((from, to)), Some(kind)) = (self.range, self.kind) else {
            let n = self.values.len();
            return self.values[((share * n as f64) as usize).min(n - 1)].clone();
        };
        let smallest = if share <= 0.0 {
            from
        } else if share >= 1.0 {
            to
        } else {
            let (low, high) = (from as f64, to as f64);
            let exact = if self.log {
                math::exp(math::ln(low) + (math::ln(high) - math::ln(low)) * share)
            } else {
                low + (high - low) * share
            };
            rounded(exact, kind).clamp(from, to)
        };
        let value = kind.node(smallest, self.value_span);
        AxisValue { label: kind.format(smallest), ..self.value(&value) }
    }

    /// Size of a value in the axis's unit; `None` for what is not a number.
    pub fn size(&self, value: &AxisValue) -> Option<f64> {
        let scale = self.kind.map_or(1, |kind| kind.scale(&self.unit));
        value.number.map(|n| n / scale as f64)
    }

    /// Whether values can be compared with those of another axis.
    pub(super) fn comparable(&self, other: &Self) -> bool {
        self.kind.is_some() && self.kind == other.kind
    }

    /// Chooses the unit that sizes are told in: the largest of which every value is at least 1, or the smallest.
    fn set_unit(&mut self) {
        let Some(kind) = self.kind else { return };
        let least = self.values.iter().filter_map(|v| v.number).filter(|n| *n > 0.0).fold(f64::MAX, f64::min);
        self.unit = kind.unit_for(least);
    }

    fn check_distinct(&self, refuse: &Refuse<'_>) -> Result<(), ScenarioError> {
        for (i, value) in self.values.iter().enumerate() {
            // Two ways to write one number are one value.
            let same = |other: &&AxisValue| {
                other.label == value.label || (value.number.is_some() && other.number == value.number)
            };
            if let Some(other) = self.values[..i].iter().find(same) {
                let problem = match self.range {
                    Some(_) => format!("the range gives {} twice: use fewer steps", value.label),
                    None if other.label != value.label => format!("{} is {} again", value.label, other.label),
                    None => format!("{} is given twice", value.label),
                };
                return Err(refuse.at(self.span, problem));
            }
        }
        Ok(())
    }
}

/// Four significant digits for what is divisible, a whole number for what is not.
fn rounded(exact: f64, kind: NumberKind) -> u64 {
    if kind == NumberKind::Whole {
        return exact.round() as u64;
    }
    let mut step = 1.0;
    while exact / step >= 10_000.0 {
        step *= 10.0;
    }
    ((exact / step).round() * step) as u64
}

/// Refuses a path that no field has, with the fields that look like it.
fn known_field(path: &str, span: Span, refuse: &Refuse<'_>) -> Result<(), ScenarioError> {
    // Items of lists and shares by class have names of their own; resolving the points checks them.
    if explain::number_kind(path).is_some() || explain::explain(path).is_ok_and(|e| e.path == path) {
        return Ok(());
    }
    let keys = explain::keys();
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    if !parent.is_empty() && explain::explain(parent).is_ok_and(|e| e.path == parent && e.fields.is_empty()) {
        return Ok(());
    }
    let error = refuse.at(span, format!("there is no field `{path}` in a scenario"));
    Err(match closest(path, &keys) {
        Some(name) => error.help(format!("did you mean `{name}`? `headless explain` lists all fields")),
        None => error.help("`headless explain` lists all fields"),
    })
}

fn read_levels(node: &Node, refuse: &Refuse<'_>) -> Result<Vec<AxisValue>, ScenarioError> {
    const FORM: &str = "levels are names with changes: [(\"small\", { \"nodes.count\": 100 }), ..]";
    let malformed =
        |node: &Node| refuse.at(node.span, format!("found {}, expected a level", node.describe())).help(FORM);
    let Value::List(items) = &node.value else { return Err(malformed(node)) };
    items
        .iter()
        .map(|item| {
            let Value::List(parts) = &item.value else { return Err(malformed(item)) };
            let [name, changes] = parts.as_slice() else { return Err(malformed(item)) };
            let (Value::Text(label), Value::Map(entries)) = (&name.value, &changes.value) else {
                return Err(malformed(item));
            };
            let change = |e: &crate::scenario::tree::Entry| Override {
                path: e.key.clone(),
                span: e.span,
                value: e.value.clone(),
            };
            Ok(AxisValue {
                label: label.clone(),
                number: None,
                changes: entries.iter().map(change).collect(),
            })
        })
        .collect()
}
