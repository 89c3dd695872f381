//! What a fleet looks like while it runs, and how far one transaction has come: plain data for a window to draw.
//!
//! Looking reads and never touches. **Leaves out** what only the end of a run tells: which L1 blocks win.
//! **Checked against** the record of the finished run in `tests/rollup_look.rs`.

use super::bridge::record::Outcome;
use super::fleet::{Fleet, NONE};
use super::record::Fate;
pub use super::samples::Sample;
use super::sequencer::Rollup;
use crate::consensus::slots::Slots;
use crate::workload::params::TxKind;
use std::cmp::Reverse;

/// Most rollups that are described one by one: those that used the most gas.
pub const BUSIEST_MAX: usize = 48;
/// Most of the latest transactions that are listed.
pub const RECENT_MAX: usize = 40;

/// A fleet at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetView {
    /// Name.
    pub name: String,
    /// Rollups there are.
    pub rollups: u64,
    /// Rollups that were sent something.
    pub active: u64,
    /// Transactions handed in.
    pub submitted: u64,
    /// Executed.
    pub executed: u64,
    /// Given up.
    pub dropped: u64,
    /// Waiting at sequencers, or under execution.
    pub waiting: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Bytes executed and in no L1 block that the sequencer's node has executed.
    pub unposted_bytes: u64,
    /// Batches closed.
    pub batches: u64,
    /// Of these: in an L1 block that the sequencer's node has executed.
    pub batches_posted: u64,
    /// The rollups that used the most gas, the first the most.
    pub busiest: Vec<RollupView>,
    /// The fleet over time, oldest first.
    pub samples: Vec<Sample>,
    /// The latest transactions of people, newest first.
    pub recent: Vec<TxView>,
    /// The latest journeys over bridges, newest first.
    pub trips: Vec<TripView>,
    /// The transaction asked for.
    pub followed: Option<TxView>,
    /// The journey asked for.
    pub followed_trip: Option<TripView>,
}

/// What of a fleet is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// A transaction.
    Tx(u32),
    /// A journey over bridges.
    Trip(u32),
}

/// A journey on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct TripView {
    /// Names it in the fleet.
    pub number: u32,
    /// Rollup where it began.
    pub home: u32,
    /// Rollup it leads to (of a route: where most goes).
    pub target: u32,
    /// Rollups it is spread over.
    pub legs: u32,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
    /// What happened, in order.
    pub steps: Vec<TxStep>,
}

/// One rollup at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RollupView {
    /// Number.
    pub number: u32,
    /// Blocks (or parts of blocks that were confirmed).
    pub blocks: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Base fee of its last block, wei per gas.
    pub base_fee_wei: u64,
    /// Transactions waiting, or under execution.
    pub waiting: u64,
    /// Bytes executed and in no L1 block that the sequencer's node has executed.
    pub unposted_bytes: u64,
    /// Batches closed.
    pub batches: u32,
    /// Price of the first pool, its second token for its first; `None` where swaps are not followed.
    pub price: Option<f64>,
}

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct TxView {
    /// Names it in the fleet.
    pub number: u32,
    /// Rollup it is for.
    pub rollup: u32,
    /// What it is.
    pub kind: TxKind,
    /// Region of its user.
    pub region: u32,
    /// What has become of it.
    pub fate: Fate,
    /// What happened to it, in order.
    pub steps: Vec<TxStep>,
}

/// Something that happened to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxStep {
    /// What.
    pub what: Step,
    /// When, ns. A proof's window may end after the present.
    pub at_ns: u64,
    /// At which node.
    pub node: u32,
}

/// What can happen to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Handed to the user's gateway.
    HandedIn,
    /// At the sequencer.
    Received,
    /// In a block, executed at the sequencer.
    Executed,
    /// The sequencer's confirmation is at the gateway.
    Confirmed,
    /// Its batch was closed and compressed.
    Batched {
        /// The rollup's count of batches.
        batch: u32,
        /// Transactions in it.
        transactions: u32,
        /// Compressed, bytes.
        bytes: u64,
    },
    /// The gateway has executed the L1 block with the batch.
    Posted {
        /// Slot of that block.
        slot: u32,
    },
    /// That block is final at the gateway.
    Settled,
    /// The proof (or assertion) is final there too, and its window over.
    Proven,
    /// A journey began at its desk.
    SetOut,
    /// Tokens were sent: executed at the source.
    Sent {
        /// From this rollup.
        from: u32,
        /// To this one.
        to: u32,
    },
    /// What their bridge waits for was there.
    Ready {
        /// They are for this rollup.
        to: u32,
    },
    /// They arrived, or were advanced.
    Landed {
        /// At this rollup.
        to: u32,
    },
    /// They came back.
    Returned {
        /// To this rollup.
        from: u32,
    },
    /// A trade of the journey was executed (or reverted).
    Traded {
        /// On this rollup.
        rollup: u32,
    },
    /// The traveller knows that the journey is over.
    Over,
}

impl Fleet {
    /// What the fleet looks like now; what is followed is described too.
    pub fn look(&self, l1: &Slots, follow: Option<Followed>) -> FleetView {
        let mut view = FleetView {
            name: self.plan().name.clone(),
            rollups: self.plan().count.into(),
            active: self.active.len() as u64,
            submitted: self.txs.len() as u64,
            executed: self.tally.executed,
            dropped: self.tally.dropped,
            batches: self.batches.len() as u64,
            samples: self.samples.taken().to_vec(),
            ..FleetView::default()
        };
        let posted = self.posts.iter().filter(|post| !post.is_proof && !post.blocks.is_empty());
        view.batches_posted = posted.map(|post| post.batches.len() as u64).sum();
        for rollup in &self.active {
            view.waiting += rollup.waiting() as u64;
            view.gas_used += rollup.totals.gas_used;
            view.unposted_bytes += rollup.channel.unposted_bytes;
        }
        let mut order: Vec<&Rollup> = self.active.iter().collect();
        let key = |rollup: &&Rollup| (Reverse(rollup.totals.gas_used), rollup.number);
        if order.len() > BUSIEST_MAX {
            order.select_nth_unstable_by_key(BUSIEST_MAX, key);
            order.truncate(BUSIEST_MAX);
        }
        order.sort_unstable_by_key(key);
        view.busiest = order.into_iter().map(|rollup| self.look_at(rollup)).collect();
        let people = |handle: &u32| !self.agents.sits_at(self.txs[*handle as usize].gateway);
        let latest = (0..self.txs.len() as u32).rev().filter(people).take(RECENT_MAX);
        view.recent = latest.map(|handle| self.look_at_tx(l1, handle)).collect();
        view.trips = self.latest_trips();
        match follow {
            Some(Followed::Tx(tx)) if (tx as usize) < self.txs.len() => {
                view.followed = Some(self.look_at_tx(l1, tx));
            }
            Some(Followed::Trip(trip)) => view.followed_trip = self.look_at_trip(trip),
            _ => {}
        }
        view
    }

    fn look_at(&self, rollup: &Rollup) -> RollupView {
        let pool = self.common.economy.pools().first().filter(|_| self.common.plan.demand.trade.is_some());
        RollupView {
            number: rollup.number,
            blocks: rollup.totals.blocks,
            gas_used: rollup.totals.gas_used,
            base_fee_wei: rollup.base_fee_wei(),
            waiting: rollup.waiting() as u64,
            unposted_bytes: rollup.channel.unposted_bytes,
            batches: rollup.channel.batches(),
            price: pool.map(|_| crate::kernel::math::exp(self.pool(&rollup.state, 0).log_price())),
        }
    }

    fn look_at_tx(&self, l1: &Slots, handle: u32) -> TxView {
        let tx = &self.txs[handle as usize];
        let gateway = self.gateways[tx.gateway as usize].node.0;
        let sequencer = self.hosts[self.host_index(tx.rollup) as usize].node.0;
        let mut steps = vec![TxStep { what: Step::HandedIn, at_ns: tx.submitted_ns, node: gateway }];
        let mut push = |what: Step, at_ns: u64, node: u32| {
            if at_ns > 0 {
                steps.push(TxStep { what, at_ns, node });
            }
        };
        push(Step::Received, tx.received_ns, sequencer);
        push(Step::Executed, tx.executed_ns, sequencer);
        push(Step::Confirmed, tx.soft_ns, gateway);
        if let Some(batch) = self.batches.get(tx.batch as usize) {
            let (number, transactions, bytes) = (batch.number, batch.transactions, batch.compressed_bytes);
            push(Step::Batched { batch: number, transactions, bytes }, batch.closed_ns, sequencer);
            let seen = |post: u32| {
                let place = (post, u32::from(tx.gateway));
                (post != NONE).then(|| self.sightings.get(&place)).flatten()
            };
            if let Some(sighting) = seen(batch.post) {
                let [executed_ns, final_ns] = sighting.times();
                if let (Some(at_ns), Some(block)) = (executed_ns, sighting.block()) {
                    push(Step::Posted { slot: l1.ledger.id(block).slot }, at_ns, gateway);
                }
                push(Step::Settled, final_ns.unwrap_or(0), gateway);
            }
            let proven_ns = seen(batch.proof).and_then(|sighting| sighting.times()[1]);
            let window_ns = self.plan().proof.map_or(0, |proof| proof.window_ns);
            push(Step::Proven, proven_ns.map_or(0, |ns| ns + window_ns), gateway);
        }
        // A gateway may hear of its transaction after the L1 has it.
        steps.sort_by_key(|step| step.at_ns);
        let kind = self.common.plan.demand.mix[usize::from(tx.kind)].0;
        let region = self.gateways[tx.gateway as usize].region;
        TxView { number: handle, rollup: tx.rollup, kind, region, fate: tx.fate, steps }
    }
}
