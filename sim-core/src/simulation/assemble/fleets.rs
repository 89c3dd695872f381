//! Fleets of rollups: where their sequencers and gateways are.

use super::{Builder, SetupError};
use crate::consensus::slots::Slots;
use crate::execution::block_time::{BlockTimer, Machine};
use crate::execution::builder::{BlockExecutor, ExecutionCache};
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, draw};
use crate::rollup::fleet::{Fleet, FleetSetup};
use crate::scenario::plan::FleetPlan;
use crate::simulation::world::ChainState;
use crate::workload::Pricing;
use parallel_evm::{Engine, Executor};
use std::sync::Arc;

/// Entity of the draws that place sequencers.
const SEQUENCERS: u64 = 5;
/// Entity of the draws that place arbitrageurs.
const ARBITRAGEURS: u64 = 7;
/// Entity of the draws that place searchers.
const SEARCHERS: u64 = 8;
/// Entity of the draws that place those who act for bridges.
const BRIDGES: u64 = 9;
/// Nodes they are spread over.
const BRIDGE_NODES: u32 = 16;
/// Entity of the draws that place providers of liquidity.
const PROVIDERS: u64 = 10;

impl Builder<'_> {
    /// A fleet with chain number `index`; `chains` are those before it.
    pub(super) fn fleet(
        &self,
        index: u32,
        plan: &FleetPlan,
        chains: &[ChainState],
    ) -> Result<ChainState, SetupError> {
        let l1 = match chains.get(plan.l1 as usize) {
            Some(ChainState::Slots(l1)) if l1.offers.is_some() => l1,
            _ => {
                let problem = format!("fleet `{}`: its L1 is no chain of slots with blobs", plan.name);
                return Err(SetupError::Plan(problem));
            }
        };
        let Slots { last_slot, .. } = **l1;
        let slot_ns = l1.plan.slot_ns;
        let machines = self.plan.nodes.hardware.iter().map(|(class, _)| Machine::of(&plan.execution, class));
        let (economy, genesis) = self.resources.economies.get(&plan.demand)?;
        // Blocks of rollups are not executed twice, so none is kept.
        let cache = Arc::new(ExecutionCache::new(0));
        let trade = plan.market.as_ref().and(plan.demand.trade);
        let [arbitrageurs, searchers, providers] =
            trade.map_or([0; 3], |t| [t.arbitrageurs, t.searchers, t.providers]);
        let setup = FleetSetup {
            chain: index,
            plan: plan.clone(),
            seed: self.plan.seed,
            economy,
            genesis,
            executor: BlockExecutor::new(Executor::new(Engine::Serial), cache),
            pricing: Pricing { timer: BlockTimer::new(&plan.execution)?, machines: machines.collect() },
            gateways: self.rpc_nodes(&plan.demand),
            sequencers: self.fast_nodes(SEQUENCERS, index, plan.sequencers.max(1)),
            arbitrageurs: self.placed(ARBITRAGEURS, index, arbitrageurs),
            searchers: self.placed(SEARCHERS, index, searchers),
            bridges: self.bridge_nodes(index, plan),
            schedule: l1.schedule.clone(),
            last_slot,
            providers: self.placed(PROVIDERS, index, providers),
            slot_ns,
            last_ns: slot_ns * u64::from(last_slot),
        };
        let fleet = Fleet::new(setup).map_err(|e| SetupError::Plan(format!("fleet `{}`: {e}", plan.name)))?;
        Ok(ChainState::Fleet(Box::new(fleet)))
    }

    /// Nodes of traders with their regions.
    fn placed(&self, purpose: u64, index: u32, count: u32) -> Vec<(NodeId, u32)> {
        let nodes = self.fast_nodes(purpose, index, count);
        nodes.into_iter().map(|node| (node, self.placement[node.index()].0.into())).collect()
    }

    /// Nodes of the attester and of relayers with their regions, taken in turn; none without bridges.
    fn bridge_nodes(&self, index: u32, plan: &FleetPlan) -> Vec<(NodeId, u32)> {
        let count = if plan.bridges.is_empty() { 0 } else { BRIDGE_NODES };
        let nodes = self.fast_nodes(BRIDGES, index, count);
        nodes.into_iter().map(|node| (node, self.placement[node.index()].0.into())).collect()
    }

    /// Nodes drawn from those with the fastest uplink, others where there are too few.
    fn fast_nodes(&self, purpose: u64, index: u32, count: u32) -> Vec<NodeId> {
        let uplink = |node: u32| self.plan.nodes.hardware[self.placement[node as usize].1 as usize].0.up_bps;
        let random = |node: u32| {
            let entity = purpose | u64::from(index) << 8;
            draw(self.plan.seed, Purpose::PLACEMENT, entity, u64::from(node))
        };
        let mut nodes: Vec<u32> = (0..self.plan.nodes.count).collect();
        nodes.sort_by_key(|node| (std::cmp::Reverse(uplink(*node)), random(*node)));
        nodes.truncate(count as usize);
        nodes.into_iter().map(NodeId).collect()
    }
}
