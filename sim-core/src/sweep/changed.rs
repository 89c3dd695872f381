//! Whether two sweep files ask for the same runs. How often each point is run, what is drawn, budgets and comments may
//! differ: they change no run that is there.

use super::axis::AxisValue;
use super::load::Sweep;
use crate::scenario::ScenarioError;
use crate::scenario::inputs;
use std::collections::{BTreeMap, BTreeSet};

/// Differences of one kind that are told one by one.
const LISTED: usize = 4;

/// What `here` asks for differently than `there`, in words; empty where both ask for the same runs, but for how often.
///
/// # Errors
/// A base scenario cannot be resolved any more.
pub fn differences(there: &Sweep, here: &Sweep) -> Result<Vec<String>, ScenarioError> {
    let mut found = Vec::new();
    // Seeds of runs come from the sweep: the scenario's own decides nothing but the default of that.
    let base = |sweep: &Sweep| sweep.plan_with(&[], 0);
    let changed = inputs::changed(&base(there)?, &base(here)?);
    for change in changed.iter().take(LISTED) {
        found.push(format!("{} was {}, now {}", change.path, change.a, change.b));
    }
    if changed.len() > LISTED {
        found.push(format!("and {} more values of the scenario", changed.len() - LISTED));
    }
    axes(there, here, &mut found);
    if there.design != here.design {
        found.push(format!("the design was {:?}, now {:?}", there.design, here.design));
    }
    let ids = |sweep: &Sweep| sweep.points.iter().map(|point| point.id).collect::<Vec<_>>();
    let (old, new) = (ids(there), ids(here));
    if found.is_empty() && old != new {
        let (old, new): (BTreeSet<u64>, BTreeSet<u64>) =
            (old.into_iter().collect(), new.into_iter().collect());
        found.push(match (new.difference(&old).count(), old.difference(&new).count()) {
            (0, 0) => "the points are the same in another order".to_owned(),
            (came, gone) => format!("{came} points are new, {gone} are gone"),
        });
    }
    let mut told = |name: &str, old: String, new: String| {
        if old != new {
            found.push(format!("{name} was {old}, now {new}"));
        }
    };
    told("the seed", there.seed.to_string(), here.seed.to_string());
    told("random_numbers", format!("{:?}", there.random_numbers), format!("{:?}", here.random_numbers));
    told("pin_contents", there.pin_contents.to_string(), here.pin_contents.to_string());
    Ok(found)
}

fn axes(there: &Sweep, here: &Sweep, found: &mut Vec<String>) {
    let named = |sweep: &'_ Sweep| -> BTreeMap<String, Vec<String>> {
        let written =
            |axis: &super::axis::Axis| (axis.name.clone(), axis.values.iter().map(written).collect());
        sweep.axes.iter().map(written).collect()
    };
    let (old, new) = (named(there), named(here));
    for (name, values) in &old {
        match new.get(name) {
            None => found.push(format!("the axis {name} is gone")),
            Some(now) if now != values => {
                found.push(format!("the axis {name} was {}, now {}", values.join(", "), now.join(", ")));
            }
            Some(_) => {}
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        found.push(format!("the axis {name} is new"));
    }
    let order = |sweep: &Sweep| sweep.axes.iter().map(|axis| axis.name.clone()).collect::<Vec<_>>();
    if found.is_empty() && order(there) != order(here) {
        found.push("the axes stand in another order".to_owned());
    }
}

/// A value of an axis; a level with what it changes.
fn written(value: &AxisValue) -> String {
    match value.changes.as_slice() {
        [one] if one.value.to_ron().trim_matches('"') == value.label => value.label.clone(),
        changes => {
            let change =
                |c: &crate::scenario::overrides::Override| format!("{}: {}", c.path, c.value.to_ron());
            format!("{} {{ {} }}", value.label, changes.iter().map(change).collect::<Vec<_>>().join(", "))
        }
    }
}
