//! What limits the chain now, in words: over the last blocks, by the rule of the report.

use crate::format;
use sim_core::observe::record::{Breakdown, Part, Resource};
use sim_core::observe::verdict::{bottleneck, by_resource};
use sim_core::simulation::snapshot::{BlockSummary, Snapshot};
use std::sync::Arc;

/// Blocks that count as now.
pub const RECENT: usize = 6;

/// What limits the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Most blocks are bound by this.
    pub resource: Resource,
    /// So many of them.
    pub bound: usize,
    /// Of so many.
    pub blocks: usize,
    /// Time of the nodes that complete two thirds of the stake, by part, mean, ns.
    pub spent: Breakdown,
}

/// The newest blocks whose time is known, newest last, of slots that began at or after a time, ns: since a change,
/// they are of one world.
fn recent_since(snapshot: &Snapshot, from_ns: u64) -> impl Iterator<Item = &Arc<BlockSummary>> {
    let known = snapshot.blocks.iter().filter(move |b| b.spent.is_some() && b.slot_start_ns >= from_ns);
    let count = known.clone().count();
    known.skip(count.saturating_sub(RECENT))
}

/// The verdict over the last blocks; `None` before the first has been executed by two thirds of the stake.
pub fn verdict(snapshot: &Snapshot) -> Option<Verdict> {
    verdict_since(snapshot, 0)
}

/// The verdict over the last blocks since a change, ns; over all last ones while there is none since.
pub fn verdict_since_change(snapshot: &Snapshot, changed_ns: u64) -> Option<Verdict> {
    verdict_since(snapshot, changed_ns).or_else(|| verdict(snapshot))
}

fn verdict_since(snapshot: &Snapshot, from_ns: u64) -> Option<Verdict> {
    let mut bound = [0_usize; 5];
    let mut sum = Breakdown::default();
    let mut blocks = 0;
    for spent in recent_since(snapshot, from_ns).filter_map(|b| b.spent) {
        blocks += 1;
        if let Some(resource) = bottleneck(&spent) {
            bound[resource as usize] += 1;
        }
        Part::ALL.iter().for_each(|part| sum.add(*part, spent.get(*part)));
    }
    let most = *bound.iter().max()?;
    let resource = *Resource::ALL.iter().find(|r| bound[**r as usize] == most && most > 0)?;
    sum.0.iter_mut().for_each(|ns| *ns /= blocks as u64);
    Some(Verdict { resource, bound: most, blocks, spent: sum })
}

impl Verdict {
    /// The bottleneck, as one would say it.
    pub fn headline(&self) -> String {
        let what = match self.resource {
            Resource::Uplink => "Uplinks limit this chain",
            Resource::Downlink => "Downlinks limit this chain",
            Resource::Latency => "Distance limits this chain",
            Resource::Execution => "Execution limits this chain",
            Resource::Protocol => "The protocol's own timers limit this chain",
        };
        what.to_owned()
    }

    /// Why, and what would help.
    pub fn explanation(&self) -> String {
        let share = self.share(self.resource);
        let execution = self.share(Resource::Execution);
        let help = match self.resource {
            Resource::Execution => {
                let saved = format::percent(execution / 2.0);
                format!("Twice the execution speed would save {saved} of a block's time.")
            }
            Resource::Uplink | Resource::Downlink => format!(
                "A faster EVM hardly helps: no execution at all would save {} of a block's time.",
                format::percent(execution)
            ),
            Resource::Latency => "Neither bandwidth nor a faster EVM shortens the way.".to_owned(),
            Resource::Protocol => "Nodes wait for timers, not for machines.".to_owned(),
        };
        let total = self.spent.total_ns();
        format!(
            "{} of {} until two thirds of the stake have executed a block, in {} of the last {}. {help}",
            format::percent(share),
            format::duration(total),
            self.bound,
            format::plural(self.blocks as u64, "block"),
        )
    }

    /// Share of the time that a resource takes.
    pub fn share(&self, resource: Resource) -> f64 {
        by_resource(&self.spent)[resource as usize] as f64 / self.spent.total_ns().max(1) as f64
    }
}
