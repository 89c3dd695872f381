//! Comparisons: which runs stand side by side, what can be chosen for it, and their numbers with differences.
//!
//! Numbers are taken over the slots whose block is known in all runs, so that none is ahead of another.

use crate::format;
use crate::session::Session;
use crate::session::verdict::verdict;
use crate::worker::Diverged;
use sim_core::observe::plot::table::{self as plot, DataTable};
use sim_core::scenario::describe::differences;
use sim_core::scenario::plan::{ConsensusPlan, Plan};
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::{BlockSummary, Histogram, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Runs side by side at most, the base included: more colours cannot be told apart.
pub const LANES_MAX: usize = 7;

/// One of the runs.
pub struct Lane {
    /// Its name: `base`, or the arm's.
    pub name: String,
    /// What runs.
    pub plan: Arc<Plan>,
    /// Where its nodes are; once it is set up.
    pub placement: Option<Arc<Placement>>,
    /// It repeats the base's blocks; never the base.
    pub paired: bool,
    /// Time between its blocks, ns.
    pub slot_ns: u64,
    /// Where it parts from the base, once that was looked for.
    pub diverged: Option<Diverged>,
}

/// Runs side by side.
pub struct Comparison {
    /// The base first.
    pub lanes: Vec<Lane>,
    /// Number of the simulation that was put aside.
    pub alone: u64,
    /// A first difference is being looked for.
    pub searching: bool,
}

impl Comparison {
    /// Of plans, the base first; nothing is set up yet.
    pub fn new(plans: &[Plan], alone: u64) -> Self {
        let lane = |plan: &Plan| Lane {
            name: plan.name.clone(),
            plan: Arc::new(plan.clone()),
            placement: None,
            paired: false,
            slot_ns: slot_ns(plan),
            diverged: None,
        };
        Self { lanes: plans.iter().map(lane).collect(), alone, searching: false }
    }

    /// The runs are set up.
    pub fn set_up(&mut self, placements: Vec<Arc<Placement>>, paired: &[bool]) {
        for ((lane, placement), paired) in self.lanes.iter_mut().zip(placements).zip(paired) {
            (lane.placement, lane.paired) = (Some(placement), *paired);
        }
    }

    /// Notes where an arm parts from the base; in words.
    pub fn diverged(&mut self, arm: usize, found: Diverged) -> String {
        let lane = &mut self.lanes[arm];
        let node = found.nodes.first().copied().unwrap_or(0);
        let text = match found.nodes.len() {
            1 => format!("{} first differs at {}, at node {node}", lane.name, format::clock_ns(found.at_ns)),
            n => format!(
                "{} first differs at {}, at {n} nodes, the first of them {node}",
                lane.name,
                format::clock_ns(found.at_ns)
            ),
        };
        lane.diverged = Some(found);
        text
    }
}

/// Time between a plan's blocks, ns.
pub fn slot_ns(plan: &Plan) -> u64 {
    plan.chains.first().map_or(1_000_000_000, |c| match &c.consensus {
        ConsensusPlan::Slots(slots) => slots.slot_ns,
        ConsensusPlan::Broadcast(broadcast) => broadcast.interval_ns,
    })
}

/// A run that could stand beside the base.
#[derive(Clone)]
pub struct Candidate {
    /// The run.
    pub plan: Plan,
    /// What is different in it.
    pub differences: Vec<String>,
}

impl Candidate {
    /// A plan, with its differences from the base.
    pub fn new(base: &Plan, plan: Plan) -> Self {
        let unnamed = Plan { name: base.name.clone(), ..plan.clone() };
        Self { differences: differences(base, &unnamed), plan }
    }
}

/// Arms of the open scenario, and the knobs as they are where any was turned.
pub fn candidates(session: &Session) -> Vec<Candidate> {
    let Some(opened) = &session.opened else { return Vec::new() };
    let base = &opened.scenario.base;
    let mut plans = opened.scenario.arms.clone();
    let made = &session.frame.interventions;
    if session.comparison.is_none() && **made != base.interventions {
        let name = "the knobs as they are".to_owned();
        plans.push(Plan { name, interventions: made.to_vec(), ..base.clone() });
    }
    plans.into_iter().map(|plan| Candidate::new(base, plan)).collect()
}

/// A line of numbers, one a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Unit of the numbers as they leave the window, empty of words.
    pub unit: &'static str,
    /// By run.
    pub cells: Vec<Cell>,
}

/// A number of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// As one reads it.
    pub text: String,
    /// In the row's unit.
    pub value: Option<f64>,
    /// (Run - base) / base, for all but the base.
    pub change: Option<f64>,
}

/// What the numbers of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Times, ns.
    Time,
    /// So many of a unit, of which there are thousands and millions.
    Rate(&'static str),
    /// Parts of one.
    Share,
}

impl Measure {
    fn text(self, value: f64) -> String {
        match self {
            Self::Time => format::duration(value as u64),
            Self::Rate("gas/s") => format!("{}gas/s", format::prefixed(value)),
            Self::Rate(unit) => format!("{} {unit}", format::prefixed(value)),
            Self::Share => format::percent(value),
        }
    }

    /// The unit of a number that leaves the window, and how many of the row's make one.
    fn unit(self) -> (&'static str, f64) {
        match self {
            Self::Time => ("ms", 1e6),
            Self::Rate(unit) => (unit, 1.0),
            Self::Share => ("%", 0.01),
        }
    }
}

/// A row of quantities: the first is the base's.
pub fn row(name: &str, values: &[Option<f64>], measure: Measure) -> Row {
    let base = values.first().copied().flatten();
    let (unit, per_unit) = measure.unit();
    let cell = |(index, value): (usize, &Option<f64>)| Cell {
        text: value.map_or_else(|| "-".to_owned(), |v| measure.text(v)),
        value: value.map(|v| v / per_unit),
        change: match (base, value) {
            (Some(base), Some(value)) if index > 0 && base != 0.0 => Some((value - base) / base),
            _ => None,
        },
    };
    Row { name: name.to_owned(), unit, cells: values.iter().enumerate().map(cell).collect() }
}

/// A row of words.
pub fn words(name: &str, texts: impl Iterator<Item = String>) -> Row {
    let cells = texts.map(|text| Cell { text, value: None, change: None }).collect();
    Row { name: name.to_owned(), unit: "", cells }
}

/// The rows under the names of the runs, as they leave the window.
pub fn data(names: &[String], rows: &[Row]) -> DataTable {
    let changes = names.iter().skip(1).map(|name| format!("{name}: change (%)"));
    let heads = ["quantity".to_owned(), "unit".to_owned()];
    let mut table = DataTable::new(heads.into_iter().chain(names.iter().cloned()).chain(changes));
    for row in rows {
        let value = |cell: &Cell| match cell.value {
            Some(value) => plot::Cell::Num(value),
            None if row.unit.is_empty() => plot::Cell::Text(cell.text.clone()),
            None => plot::Cell::Empty,
        };
        let change = |cell: &Cell| plot::Cell::maybe(cell.change.map(|share| share * 100.0));
        let heads = [row.name.as_str(), row.unit].map(|text| plot::Cell::Text(text.to_owned()));
        let changes = row.cells.iter().skip(1).map(change);
        table.push(heads.into_iter().chain(row.cells.iter().map(value)).chain(changes).collect());
    }
    table
}

/// The numbers of runs at one time; `slots_ns` is the time between their blocks.
pub fn rows(snapshots: &[&Snapshot], slots_ns: &[u64]) -> Vec<Row> {
    let blocks = common(snapshots);
    let median = |f: &dyn Fn(&BlockSummary) -> Option<u64>| -> Vec<Option<f64>> {
        blocks.iter().map(|of_run| middle(of_run.iter().filter_map(|b| f(b)))).collect()
    };
    let rate = |f: &dyn Fn(&BlockSummary) -> u64| -> Vec<Option<f64>> {
        let per_second = |(of_run, slot_ns): (&Vec<&BlockSummary>, &u64)| {
            let seconds = of_run.len() as f64 * *slot_ns as f64 / 1e9;
            (seconds > 0.0).then(|| of_run.iter().map(|b| f(b)).sum::<u64>() as f64 / seconds)
        };
        blocks.iter().zip(slots_ns).map(per_second).collect()
    };
    let waits = |pick: &dyn Fn(&Snapshot) -> Vec<Histogram>, permille: u32| -> Vec<Option<f64>> {
        let wait = |s: &&Snapshot| {
            let mut sum = Histogram::default();
            pick(s).iter().for_each(|h| sum.merge(h));
            sum.percentile(permille).map(|ns| ns as f64)
        };
        snapshots.iter().map(wait).collect()
    };
    vec![
        row("network to 95 %, median", &median(&|b| b.network_ns[2]), Measure::Time),
        row("execution, median", &median(&|b| Some(b.execution_ns).filter(|ns| *ns > 0)), Measure::Time),
        row("executed at 95 %, median", &median(&|b| b.executed_ns[2]), Measure::Time),
        row("final at 95 %, median", &median(&|b| b.final_ns[2]), Measure::Time),
        row("gas", &rate(&|b| b.gas_used), Measure::Rate("gas/s")),
        row("transactions", &rate(&|b| b.transactions.into()), Measure::Rate("tx/s")),
        row("users: included, median", &waits(&|s| s.confirmation.included.clone(), 500), Measure::Time),
        row("users: final, 95 %", &waits(&|s| s.confirmation.finalised.clone(), 950), Measure::Time),
        words(
            "bottleneck",
            snapshots.iter().map(|s| verdict(s).map_or("-".to_owned(), |v| v.resource.name().to_owned())),
        ),
        words("slots compared", blocks.iter().map(|b| format::count(b.len() as u64))),
        words("state", snapshots.iter().map(|s| s.digest.to_string()[..12].to_owned())),
    ]
}

/// By run: its blocks of the slots for which every run has a block that 95 % of the nodes hold.
fn common<'a>(snapshots: &[&'a Snapshot]) -> Vec<Vec<&'a BlockSummary>> {
    let by_slot = |s: &&'a Snapshot| -> BTreeMap<u32, &'a BlockSummary> {
        let known = s.blocks.iter().filter(|b| b.network_ns[2].is_some());
        known.map(|b| (b.key.slot, &**b)).collect()
    };
    let all: Vec<BTreeMap<u32, &BlockSummary>> = snapshots.iter().map(by_slot).collect();
    let shared = |slot: &u32| all.iter().all(|run| run.contains_key(slot));
    all.iter().map(|run| run.iter().filter(|(slot, _)| shared(slot)).map(|(_, b)| *b).collect()).collect()
}

fn middle(values: impl Iterator<Item = u64>) -> Option<f64> {
    let mut values: Vec<u64> = values.collect();
    let at = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(at).1 as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::simulation::snapshot::BlockKey;

    fn snapshot(blocks: &[(u32, u64)]) -> Snapshot {
        let block = |(slot, network): &(u32, u64)| {
            Arc::new(BlockSummary {
                key: BlockKey { slot: *slot, proposer: 1 },
                network_ns: [None, None, Some(*network), None],
                gas_used: 10_000_000,
                ..BlockSummary::default()
            })
        };
        Snapshot { blocks: blocks.iter().map(block).collect(), ..Snapshot::default() }
    }

    #[test]
    fn numbers_are_over_the_slots_that_all_runs_have() {
        // The arm has not got to slot 3; slot 9 is only in the arm.
        let (base, arm) =
            (snapshot(&[(1, 100), (2, 300), (3, 9_000)]), snapshot(&[(1, 50), (2, 150), (9, 1)]));
        let rows = rows(&[&base, &arm], &[2_000_000_000; 2]);
        let by_name = |name: &str| rows.iter().find(|r| r.name.starts_with(name)).expect("a row");
        assert_eq!(
            by_name("network").cells[1],
            Cell { text: "50 ns".into(), value: Some(5e-5), change: Some(-0.5) }
        );
        assert_eq!(by_name("slots compared").cells[0].text, "2");
        // 2 blocks of 10 Mgas in 4 s, in both.
        assert_eq!(
            by_name("gas").cells[1],
            Cell { text: "5.00 Mgas/s".into(), value: Some(5e6), change: Some(0.0) }
        );
        assert_eq!(by_name("final").cells[1], Cell { text: "-".into(), value: None, change: None });
        let csv = data(&["base".to_owned(), "10x EVM".to_owned()], &rows).csv();
        assert!(csv.starts_with("quantity,unit,base,10x EVM,10x EVM: change (%)\n"), "{csv}");
        assert!(csv.contains("gas,gas/s,5000000,5000000,0\n"), "{csv}");
    }
}
