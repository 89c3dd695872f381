//! Combinations of values that are left out.

use super::axis::{Axis, AxisValue};
use super::spec::ConstraintSpec;
use crate::scenario::error::{ScenarioError, closest};
use crate::scenario::tree::{Node, Sources, Span};
use std::collections::BTreeSet;

/// Values that are listed where one is not taken.
const LISTED: usize = 24;

/// What may not go together, with axes as positions.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    AtMost { left: usize, right: usize, factor: f64 },
    Exclude(Vec<Excluded>),
}

/// A value that an axis may not have together with others.
#[derive(Clone, Debug)]
pub(super) struct Excluded {
    axis: usize,
    value: AxisValue,
    span: Span,
}

impl Excluded {
    fn is(&self, row: &[Option<AxisValue>]) -> bool {
        row[self.axis].as_ref().is_some_and(|v| match (v.number, self.value.number) {
            (Some(a), Some(b)) => a == b,
            _ => v.label == self.value.label,
        })
    }
}

impl Constraint {
    pub(super) fn read(spec: &ConstraintSpec, node: &Node, axes: &[Axis]) -> Result<Self, String> {
        let position = |name: &str| {
            axes.iter().position(|axis| axis.name == name).ok_or_else(|| {
                let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
                let meant = closest(name, &names).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
                format!("there is no axis `{name}`{meant}")
            })
        };
        match spec {
            ConstraintSpec::AtMost { left, right, factor } => {
                let (left, right) = (position(left)?, position(right)?);
                if !axes[left].comparable(&axes[right]) {
                    let names = (&axes[left].name, &axes[right].name);
                    return Err(format!("`{}` and `{}` are not numbers of one kind", names.0, names.1));
                }
                for axis in [&axes[left], &axes[right]] {
                    if let Some(value) = axis.values.iter().find(|value| value.number.is_none()) {
                        return Err(format!("`{}` of `{}` is not a number", value.label, axis.name));
                    }
                }
                Ok(Self::AtMost { left, right, factor: factor.map_or(1.0, |f| f.0 as f64 / 1e6) })
            }
            ConstraintSpec::Exclude(given) => {
                let together = given.keys().map(|name| {
                    let axis = position(name)?;
                    let written = written_value(node, name).ok_or("the value is missing")?;
                    Ok(Excluded { axis, value: axes[axis].named(written)?, span: written.span })
                });
                Ok(Self::Exclude(together.collect::<Result<_, String>>()?))
            }
        }
    }

    /// Whether a row is run. An axis left as it is meets no constraint.
    pub(super) fn allows(&self, row: &[Option<AxisValue>]) -> bool {
        match self {
            Self::AtMost { left, right, factor } => {
                let number = |axis: usize| row[axis].as_ref().and_then(|value| value.number);
                match (number(*left), number(*right)) {
                    (Some(left), Some(right)) => left <= right * factor,
                    _ => true,
                }
            }
            Self::Exclude(together) => !together.iter().all(|excluded| excluded.is(row)),
        }
    }

    /// Refuses a value that its axis takes nowhere in the design: it would exclude nothing and nobody would notice.
    pub(super) fn check_taken(
        &self,
        path: &str,
        axes: &[Axis],
        rows: &[Vec<Option<AxisValue>>],
        sources: &Sources,
    ) -> Result<(), ScenarioError> {
        let Self::Exclude(together) = self else { return Ok(()) };
        let Some(missing) = together.iter().find(|excluded| !rows.iter().any(|row| excluded.is(row))) else {
            return Ok(());
        };
        let (axis, label) = (&axes[missing.axis], &missing.value.label);
        let mut taken: Vec<&str> = Vec::new();
        let mut seen = BTreeSet::new();
        for value in rows.iter().filter_map(|row| row[missing.axis].as_ref()) {
            if seen.insert(&value.label) {
                taken.push(&value.label);
            }
        }
        let problem = format!("the axis `{}` never takes {label}, so this would exclude nothing", axis.name);
        let error = ScenarioError::at(sources, missing.span, path, problem);
        let more = taken.len().saturating_sub(LISTED);
        taken.truncate(LISTED);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        Err(error.help(format!("`{}` takes {}{rest}", axis.name, taken.join(", "))))
    }
}

/// The value written for an axis; its name holds dots, so it is looked up whole.
fn written_value<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let inner = match &node.value {
        crate::scenario::tree::Value::Variant(_, Some(inner)) => inner,
        _ => node,
    };
    inner.entries().iter().find(|e| e.key == name).map(|e| &e.value)
}
