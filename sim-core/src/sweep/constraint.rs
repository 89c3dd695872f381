//! Combinations of values that are left out.

use super::axis::{Axis, AxisValue};
use super::spec::ConstraintSpec;
use crate::scenario::error::closest;
use crate::scenario::tree::Node;

/// What may not go together, with axes as positions.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    AtMost { left: usize, right: usize, factor: f64 },
    Exclude(Vec<(usize, AxisValue)>),
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
                Ok(Self::AtMost { left, right, factor: factor.map_or(1.0, |f| f.0 as f64 / 1e6) })
            }
            ConstraintSpec::Exclude(given) => {
                let together = given.keys().map(|name| {
                    let axis = position(name)?;
                    let written = written_value(node, name).ok_or("the value is missing")?;
                    Ok((axis, axes[axis].named(written)?))
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
            Self::Exclude(together) => {
                let equal = |axis: usize, value: &AxisValue| {
                    row[axis].as_ref().is_some_and(|v| match (v.number, value.number) {
                        (Some(a), Some(b)) => a == b,
                        _ => v.label == value.label,
                    })
                };
                !together.iter().all(|(axis, value)| equal(*axis, value))
            }
        }
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
