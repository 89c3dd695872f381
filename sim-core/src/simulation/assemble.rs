//! From a plan to a world: places nodes, builds the graph, the links and the chains.

mod fleets;

use super::archive::Archive;
use super::timeline::Timeline;
use super::world::{ChainState, Levers, World};
use super::{Resources, SetupError};
use crate::chain::account::{AccountKind, address};
use crate::chain::block::{Block, BlockHeader, BlockId, Body};
use crate::chain::schedule::Schedule;
use crate::consensus::broadcast::Broadcast;
use crate::consensus::ledger::Ledger;
use crate::consensus::params::{ConsensusPlan, DRAIN_INTERVALS};
use crate::consensus::slots::Slots;
use crate::consensus::slots::offers::Offers;
use crate::execution::block_time::{BlockTimer, Machine};
use crate::execution::builder::BlockExecutor;
use crate::gossip::Dissemination;
use crate::gossip::params::ForwardRule;
use crate::kernel::ids::NodeId;
use crate::kernel::math;
use crate::kernel::random::{Purpose, draw, uniform_below};
use crate::kernel::time::SimTime;
use crate::net::fabric::{Fabric, LinkRates};
use crate::net::geography::{assign, place_nodes};
use crate::net::links::LatencyModel;
use crate::net::params::HardwareClass;
use crate::net::topology::Topology;
use crate::scenario::plan::{ChainPlan, Plan, StakePlan};
use crate::workload::params::{UsersPlan, WorkloadPlan};
use crate::workload::recorded::Recorded;
use crate::workload::users::{Users, UsersSetup};
use crate::workload::{Pricing, Source};
use parallel_evm::{Engine, Executor};
use std::sync::Arc;

/// Entities of the placement draws.
const REGIONS: u64 = 1;
const HARDWARE: u64 = 2;
const STAKES: u64 = 3;
const RPC: u64 = 4;

/// Builds the world of a plan.
pub fn assemble<D: Dissemination>(
    plan: &Plan,
    resources: &Resources,
    protocol: impl FnOnce(&Fabric) -> D,
) -> Result<World<D>, SetupError> {
    let count = plan.nodes.count;
    let placement = place(plan)?;
    let topology =
        Topology::build(&plan.network.topology, count, |k| draw(plan.seed, Purpose::TOPOLOGY, 0, k))?;
    let latency =
        LatencyModel::new(&plan.network.latency, plan.network.latency_scale_ppm, &plan.network.jitter)?;
    let classes = plan.nodes.hardware.iter().map(|(class, _)| rates(class, plan.network.bandwidth_scale_ppm));
    let fabric = Fabric::new(
        plan.seed,
        Arc::new(topology),
        Arc::new(latency),
        classes.collect(),
        &placement,
        plan.run.partitions,
    );
    let stakes = stakes(plan);
    let builder = Builder { plan, resources, placement: &placement, stakes: &stakes };
    let mut chains = Vec::new();
    let mut end = 0;
    for (index, chain) in plan.chains.iter().enumerate() {
        let (state, chain_end) = builder.chain(index as u32, chain)?;
        chains.push(state);
        end = end.max(chain_end);
    }
    for (index, fleet) in plan.rollups.iter().enumerate() {
        let state = builder.fleet((plan.chains.len() + index) as u32, fleet, &chains)?;
        chains.push(state);
    }
    let check_ns = match plan.network.forward {
        ForwardRule::AfterHeaderCheck { check_ns } => check_ns,
        ForwardRule::AfterExecution => 0,
    };
    let blocks = u64::from(plan.run.blocks + plan.run.warm_up) * plan.chains.len() as u64;
    let archive = Archive::new(count, blocks, plan.run.warm_up);
    let gossip = protocol(&fabric);
    for intervention in &plan.interventions {
        intervention.change.check(plan)?;
    }
    let changing = (Levers::new(plan), Timeline::new(plan.interventions.clone()));
    Ok(World::new(fabric, gossip, chains, check_ns, SimTime(end), archive, stakes.into(), changing))
}

/// (region, hardware class) of every node.
fn place(plan: &Plan) -> Result<Vec<(u16, u16)>, SetupError> {
    let count = plan.nodes.count;
    let draws = |entity: u64| move |k: u64| draw(plan.seed, Purpose::PLACEMENT, entity, k);
    let regions = place_nodes(&plan.nodes.region_weights, count, draws(REGIONS))?;
    let weights: Vec<u64> = plan.nodes.hardware.iter().map(|(_, w)| *w).collect();
    let classes = assign(&weights, count, draws(HARDWARE))?;
    Ok(regions.into_iter().zip(classes).map(|(r, c)| (r as u16, c as u16)).collect())
}

fn rates(class: &HardwareClass, scale_ppm: u64) -> LinkRates {
    let scaled = |bps: u64| ((u128::from(bps) * u128::from(scale_ppm) / 1_000_000) as u64).max(1);
    LinkRates { up_bps: scaled(class.up_bps), down_bps: scaled(class.down_bps) }
}

/// Stake of every node.
fn stakes(plan: &Plan) -> Vec<u64> {
    let count = plan.nodes.count as usize;
    match &plan.nodes.stake {
        StakePlan::Equal => vec![1; count],
        StakePlan::Given(list) => list.iter().copied().cycle().take(count).collect(),
        StakePlan::Zipf { exponent_ppm } => {
            let exponent = *exponent_ppm as f64 / 1e6;
            let mut ranks: Vec<u64> = (1..=count as u64).collect();
            for i in (1..ranks.len()).rev() {
                let j = uniform_below(draw(plan.seed, Purpose::PLACEMENT, STAKES, i as u64), i as u64 + 1);
                ranks.swap(i, j as usize);
            }
            let stake = |rank: u64| (1e9 * math::pow(rank as f64, -exponent)).max(1.0) as u64;
            ranks.into_iter().map(stake).collect()
        }
    }
}

struct Builder<'a> {
    plan: &'a Plan,
    resources: &'a Resources,
    placement: &'a [(u16, u16)],
    stakes: &'a [u64],
}

impl Builder<'_> {
    /// A chain and when it ends, ns.
    fn chain(&self, index: u32, chain: &ChainPlan) -> Result<(ChainState, u64), SetupError> {
        let plan = self.plan;
        let count = plan.nodes.count;
        let run = (plan.run.warm_up, plan.run.blocks);
        match &chain.consensus {
            ConsensusPlan::Broadcast(broadcast) => {
                let schedule = Schedule::new(plan.seed, index, self.stakes, 1);
                let causes = self.resources.causes;
                let state =
                    Broadcast::new(index, broadcast.clone(), &schedule, plan.seed, count, run, causes);
                let end = state.last_ns() + broadcast.drain_ns();
                Ok((ChainState::Broadcast(Box::new(state)), end))
            }
            ConsensusPlan::Slots(slots) => {
                let schedule = Schedule::new(plan.seed, index, self.stakes, slots.committees);
                let last_slot = u64::from(run.0 + run.1);
                let end = slots.slot_ns * (last_slot + DRAIN_INTERVALS);
                let source = self.source(index, chain, slots.slot_ns, last_slot as u32, &schedule)?;
                let ledger = Ledger::new(genesis_block(index, chain), count);
                let forward = plan.network.forward;
                let mut state =
                    Slots::new(index, slots.clone(), forward, schedule, ledger, source, count, run);
                state.offers = chain.blobs.clone().map(|blobs| Box::new(Offers::new(blobs)));
                Ok((ChainState::Slots(Box::new(state)), end))
            }
        }
    }

    fn source(
        &self,
        index: u32,
        chain: &ChainPlan,
        slot_ns: u64,
        last_slot: u32,
        schedule: &Schedule,
    ) -> Result<Source, SetupError> {
        let machines = self.plan.nodes.hardware.iter().map(|(class, _)| Machine::of(&chain.execution, class));
        let pricing = Pricing { timer: BlockTimer::new(&chain.execution)?, machines: machines.collect() };
        let threads = self.resources.execution_threads;
        let engine = if threads.get() > 1 { Engine::Parallel { threads } } else { Engine::Serial };
        let executor = BlockExecutor::new(Executor::new(engine), Arc::clone(&self.resources.executions));
        match &chain.workload {
            WorkloadPlan::Empty => Ok(Source::Empty(Box::new(pricing))),
            WorkloadPlan::Blocks(blocks) => {
                if blocks.files.is_empty() {
                    return Err(SetupError::Plan(format!(
                        "chain `{}`: no recorded blocks to propose",
                        chain.name
                    )));
                }
                let shared = &self.resources.recorded;
                let recorded = Recorded::load(&blocks.files, shared, &executor, pricing)?;
                Ok(Source::Recorded(Box::new(recorded)))
            }
            WorkloadPlan::Users(users) => {
                let (economy, genesis) = self.resources.economies.get(users)?;
                let pinned = self.resources.pinned.as_ref().and_then(|p| p.get(index as usize)).cloned();
                let setup = UsersSetup {
                    plan: users.clone(),
                    seed: self.plan.seed ^ u64::from(index) << 32,
                    economy,
                    genesis,
                    executor,
                    pricing,
                    rpcs: self.rpc_nodes(users),
                    schedule: schedule.clone(),
                    slot_ns,
                    last_slot,
                    gas_limit: chain.gas_limit,
                    market: chain.fee_market.clone(),
                    base_fee_wei: chain.initial_base_fee_wei,
                    pinned,
                };
                Ok(Source::Users(Box::new(Users::new(setup))))
            }
        }
    }

    /// RPC nodes of every region, with the region and the relative number of users each serves.
    fn rpc_nodes(&self, users: &UsersPlan) -> Vec<(NodeId, u32, u64)> {
        let regions = self.placement.iter().map(|(r, _)| *r).max().unwrap_or(0);
        let mut chosen = Vec::new();
        for region in 0..=regions {
            let mut here: Vec<u32> =
                (0..self.plan.nodes.count).filter(|n| self.placement[*n as usize].0 == region).collect();
            let population = here.len() as u64;
            here.sort_by_key(|n| draw(self.plan.seed, Purpose::PLACEMENT, RPC, u64::from(*n)));
            here.truncate(users.rpc_nodes_per_region.max(1) as usize);
            let share = |i: usize| {
                population * (i as u64 + 1) / here.len() as u64 - population * i as u64 / here.len() as u64
            };
            let entries = here.iter().enumerate().map(|(i, n)| (NodeId(*n), u32::from(region), share(i)));
            chosen.extend(entries.filter(|(_, _, weight)| *weight > 0));
        }
        chosen
    }
}

fn genesis_block(index: u32, chain: &ChainPlan) -> Block {
    let header = BlockHeader {
        id: BlockId::genesis(index),
        parent: None,
        height: 0,
        slot_start_ns: 0,
        beneficiary: address(AccountKind::Proposer, 0),
        gas_limit: chain.gas_limit,
        // Exactly the target, so that the first block has the initial base fee.
        gas_used: chain.gas_limit / 2,
        base_fee_wei: chain.initial_base_fee_wei,
    };
    Block { header, body: Body::Transactions(Vec::new()), size_bytes: 0 }
}
