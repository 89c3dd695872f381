//! What interventions change for a chain: its gas limit, and what its blocks cost to execute.
//!
//! A block is priced for every hardware class when it is built, and again when execution changes while it is
//! open. An execution that has begun keeps its duration ([`Slots::note_running`]); how long one took can be
//! told afterwards ([`Slots::executed_in`]). A closed block keeps its last price.

use super::Slots;
use crate::chain::tree::BlockIx;
use crate::kernel::ids::NodeId;
use crate::workload::Pricing;

impl Slots {
    /// Blocks built from now on hold at most this much gas.
    pub fn set_gas_limit(&mut self, gas_limit: u64) {
        self.gas_limit = gas_limit;
        if let Some(users) = self.source.users_mut() {
            users.set_gas_limit(gas_limit);
        }
    }

    /// Executions that begin at `at_ns` or later are priced in another way.
    pub fn reprice(&mut self, at_ns: u64, pricing: &Pricing) {
        self.source.set_pricing(pricing);
        for ix in self.ledger.handles() {
            let block = self.ledger.get_mut(ix);
            if let Some(trace) = &block.trace {
                let new = pricing.durations_ns(trace);
                let old = std::mem::replace(&mut block.durations_ns, new);
                block.earlier_ns.push((at_ns, old));
            }
        }
    }

    /// An execution had begun when execution changed: it takes this long all the same.
    pub fn note_running(&mut self, ix: BlockIx, node: NodeId, duration_ns: u64) {
        self.running.insert((ix, node), duration_ns);
    }

    /// How long a node of a hardware class took, or takes, to execute a block when it is done at `end_ns`.
    pub fn executed_in(&self, ix: BlockIx, node: NodeId, class: usize, end_ns: u64) -> u64 {
        if let Some(ns) = self.running.get(&(ix, node)) {
            return *ns;
        }
        let block = self.ledger.get(ix);
        // Not met by any change, so all of it lies before one or after.
        let earlier = block.earlier_ns.iter().find(|(until_ns, _)| end_ns <= *until_ns);
        earlier.map_or(&block.durations_ns, |(_, durations)| durations)[class]
    }

    /// Nothing more happens to a block: what is needed only for that goes.
    pub fn settle(&mut self, ix: BlockIx) {
        let block = self.ledger.get_mut(ix);
        block.trace = None;
        block.earlier_ns = Vec::new();
        self.forget_waits(ix);
        let nodes = (ix, NodeId(0))..=(ix, NodeId(u32::MAX));
        let done: Vec<_> = self.running.range(nodes).map(|(key, _)| *key).collect();
        for key in done {
            self.running.remove(&key);
        }
    }
}
