//! The `chain`, `consensus` and `execution` sections.

use super::Context;
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{
    Algorithm, BroadcastPlan, ChainPlan, ConsensusPlan, ExecutionPlan, FeeMarketPlan, NodesPlan, Pipeline,
    SlotsPlan,
};
use crate::scenario::spec::{
    AlgorithmSpec, BroadcastSpec, ChainRulesSpec, ChainSpec, ConsensusSpec, ExecutionSpec, PipelineSpec,
    SlotsSpec,
};
use crate::scenario::units::{Factor, GasAmount, Price, Size};

pub(super) fn resolve(
    context: &Context<'_>,
    name: String,
    spec: &ChainSpec,
    nodes: &NodesPlan,
) -> Result<ChainPlan, ScenarioError> {
    let rules = &spec.chain;
    let gas_limit = context.given("chain.gas_limit", rules.gas_limit)?;
    let base_fee = context.given("chain.base_fee", rules.base_fee)?;
    let consensus = match context.given("consensus", spec.consensus.as_ref())? {
        ConsensusSpec::Slots(slots) => ConsensusPlan::Slots(self::slots(context, rules, slots, nodes)?),
        ConsensusSpec::Broadcast(own) => ConsensusPlan::Broadcast(broadcast(context, rules, own)?),
    };
    let show = |v| Price(v).to_string();
    let base_fee_wei = context.between("chain.base_fee", base_fee.0, (0, limits::PRICE_MAX_WEI), show)?;
    let fee_market = super::fees::market(context, rules.fee_market.as_ref(), base_fee_wei)?;
    let blobs = super::rollups::blobs(context, rules.blobs.as_ref())?;
    if blobs.is_some() && fee_market != FeeMarketPlan::default() {
        let problem =
            "a chain with blobs prices gas by EIP-1559: those who bid for blobs know no other market";
        return Err(context.error("chain.fee_market", problem));
    }
    Ok(ChainPlan {
        name,
        consensus,
        gas_limit: context
            .between("chain.gas_limit", gas_limit.0, limits::GAS_LIMIT, |v| GasAmount(v).to_string())?,
        initial_base_fee_wei: base_fee_wei,
        fee_market,
        blobs,
        execution: execution(context, &spec.execution)?,
        workload: super::workload::resolve(context, spec.workload.as_ref())?,
    })
}

fn slots(
    context: &Context<'_>,
    rules: &ChainRulesSpec,
    spec: &SlotsSpec,
    nodes: &NodesPlan,
) -> Result<SlotsPlan, ScenarioError> {
    let slot = context.given("chain.slot", rules.slot)?;
    let slot_ns = context.between("chain.slot", slot.0, limits::SLOT_NS, duration)?;
    let attest_by_ns = rules.attest_by.map_or(slot_ns / 3, |d| d.0);
    if attest_by_ns == 0 || attest_by_ns >= slot_ns {
        let problem = format!(
            "the attestation deadline of {} is not inside the slot of {}",
            duration(attest_by_ns),
            duration(slot_ns)
        );
        let help = "`chain.attest_by` counts from the slot's start and must be less than `chain.slot`";
        return Err(context.error("chain.attest_by", problem).help(help));
    }
    let half_way = attest_by_ns + (slot_ns - attest_by_ns) / 2;
    let aggregate_by_ns = spec.aggregate_by.map_or(half_way, |d| d.0);
    if aggregate_by_ns <= attest_by_ns || aggregate_by_ns >= slot_ns {
        let problem = format!(
            "aggregating at {} is not between the attestation deadline of {} and the slot's end at {}",
            duration(aggregate_by_ns),
            duration(attest_by_ns),
            duration(slot_ns)
        );
        return Err(context.error("consensus.aggregate_by", problem));
    }
    let most = limits::COMMITTEES_MAX.min(u64::from(nodes.count));
    let committees = spec.committees.unwrap_or(4.min(most));
    let size = |path: &str, value: Option<Size>, default: u64| {
        let value = value.map_or(default, |s| s.0);
        context.between(path, value, (1, limits::VOTE_MAX_BYTES), |v| Size(v).to_string())
    };
    Ok(SlotsPlan {
        slot_ns,
        attest_by_ns,
        aggregate_by_ns,
        committees: context.count_u32("consensus.committees", Some(committees), 1, most)?,
        vote_bytes: size("consensus.vote", spec.vote, 240)?,
        aggregate_bytes: size("consensus.aggregate", spec.aggregate, 320)?,
    })
}

fn broadcast(
    context: &Context<'_>,
    rules: &ChainRulesSpec,
    spec: &BroadcastSpec,
) -> Result<BroadcastPlan, ScenarioError> {
    let interval = match spec.interval {
        Some(interval) => interval,
        None => context.given("chain.slot", rules.slot)?,
    };
    let path = if spec.interval.is_some() { "consensus.interval" } else { "chain.slot" };
    let payload = spec.payload.map_or(128 << 10, |s| s.0);
    let longest = 24 * 3_600_000_000_000;
    Ok(BroadcastPlan {
        interval_ns: context.between(path, interval.0, (limits::SLOT_NS.0, longest), duration)?,
        poisson: spec.poisson.unwrap_or(false),
        payload_bytes: context.between(
            "consensus.payload",
            payload,
            (1, limits::PAYLOAD_MAX_BYTES),
            |v| Size(v).to_string(),
        )?,
    })
}

fn execution(context: &Context<'_>, spec: &ExecutionSpec) -> Result<ExecutionPlan, ScenarioError> {
    let profile = context.given("execution.profile", spec.profile.as_ref())?;
    let speed = context.given("execution.speed", spec.speed)?;
    let cores = match spec.cores {
        Some(n) => Some(context.count_u32("execution.cores", Some(n), limits::CORES.0, limits::CORES.1)?),
        None => None,
    };
    Ok(ExecutionPlan {
        algorithm: match context.given("execution.algorithm", spec.algorithm)? {
            AlgorithmSpec::Serial => Algorithm::Serial,
            AlgorithmSpec::BlockStm => Algorithm::BlockStm,
        },
        cores,
        speed_ppm: context
            .between("execution.speed", speed.0, limits::SCALE_PPM, |v| Factor(v).to_string())?,
        pipeline: match context.given("execution.pipeline", spec.pipeline)? {
            PipelineSpec::BeforeVoting => Pipeline::BeforeVoting,
        },
        profile: context
            .library
            .cost_profile(profile)
            .map_err(|m| context.missing("execution.profile", profile, m))?,
    })
}
