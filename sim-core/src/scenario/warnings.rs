//! Parameters that have no effect, arms that change nothing: what to check before trusting a result.

use super::error::Warning;
use super::overrides::Arm;
use super::plan::{
    Algorithm, Change, ConsensusPlan, FeeMarketPlan, ForwardRule, GossipPlan, Intervention, Plan,
    TopologyPlan, TravellersPlan, TxKind, WorkloadPlan,
};
use super::resolve::Context;
use super::tree::Sources;
use super::units::Duration;
use crate::chain::blob::BLOB_PAYLOAD_BYTES;

/// Adds the warnings about one resolved plan.
pub(super) fn look_over(context: &Context<'_>, plan: &Plan) {
    run(context, plan);
    gossip(context, plan);
    forward(context, plan);
    chain(context, plan);
    users(context, plan);
    rollups(context, plan);
}

/// Warns about a value only if somebody wrote it for this scenario.
fn if_written(context: &Context<'_>, path: &str, why: &str) {
    if context.written(path) {
        context.warn(path, format!("has no effect: {why}"));
    }
}

fn run(context: &Context<'_>, plan: &Plan) {
    if plan.run.warm_up > plan.run.blocks {
        let message = format!("{} blocks are thrown away to measure {}", plan.run.warm_up, plan.run.blocks);
        context.warn("run.warm_up", message);
    }
    if plan.run.partitions > plan.nodes.count {
        context.warn("run.partitions", "there are more partitions than nodes");
    }
    if let super::plan::StakePlan::Given(list) = &plan.nodes.stake
        && list.len() > plan.nodes.count as usize
    {
        let message = format!("{} stakes for {} nodes: the last are not used", list.len(), plan.nodes.count);
        context.warn("nodes.stake", message);
    }
    let one_core_class = plan.nodes.hardware.iter().all(|(c, _)| c.cores == 1);
    let block_stm = plan.chains.iter().any(|c| c.execution.algorithm == Algorithm::BlockStm);
    if block_stm && one_core_class && plan.chains.iter().all(|c| c.execution.cores.is_none()) {
        context.warn("execution.algorithm", "BlockStm on one core is Serial with overhead");
    }
}

fn gossip(context: &Context<'_>, plan: &Plan) {
    let GossipPlan::Gossipsub(gossip) = &plan.network.gossip else { return };
    if !gossip.idontwant {
        if_written(context, "network.gossip.idontwant_threshold", "idontwant is off");
    }
    let degree = match &plan.network.topology {
        TopologyPlan::RandomRegular { degree } => u64::from(*degree),
        TopologyPlan::ErdosRenyi { mean_degree_milli } => mean_degree_milli / 1_000,
        TopologyPlan::FullMesh => u64::from(plan.nodes.count) - 1,
        TopologyPlan::Given { edges, .. } => 2 * edges.len() as u64 / u64::from(plan.nodes.count),
    };
    if degree < u64::from(gossip.mesh) {
        let message =
            format!("a mesh of {} cannot be filled: nodes have about {degree} neighbours", gossip.mesh);
        let topology = context.written("network.topology") && !context.written("network.gossip");
        context.warn(if topology { "network.topology" } else { "network.gossip" }, message);
    }
}

fn forward(context: &Context<'_>, plan: &Plan) {
    let broadcasts = plan.chains.iter().any(|c| matches!(c.consensus, ConsensusPlan::Broadcast(_)));
    if broadcasts && plan.network.forward == ForwardRule::AfterExecution {
        let message = "a Broadcast payload is not executed: it is passed on at once, without any check";
        context.warn("network.forward", message);
    }
}

fn chain(context: &Context<'_>, plan: &Plan) {
    // Further chains inherit what the top level says, so only the first is looked over.
    let chain = &plan.chains[0];
    let execution = ["execution.algorithm", "execution.cores", "execution.speed", "execution.profile"];
    match &chain.consensus {
        ConsensusPlan::Broadcast(_) => {
            let paths = ["chain.attest_by", "chain.gas_limit", "chain.base_fee", "chain.fee_market"];
            for path in paths.iter().chain(&execution) {
                if_written(context, path, "with Broadcast there are no blocks to execute or vote on");
            }
            if context.written("consensus.interval") {
                if_written(context, "chain.slot", "Broadcast has its own interval");
            }
            if !matches!(chain.workload, WorkloadPlan::Empty) {
                if_written(context, "workload", "with Broadcast nothing but its payload is sent");
            }
            return;
        }
        ConsensusPlan::Slots(_) => {}
    }
    match &chain.workload {
        WorkloadPlan::Empty if !plan.rollups.is_empty() => {}
        WorkloadPlan::Empty => {
            for path in &execution {
                if_written(context, path, "blocks are empty");
            }
            if_written(context, "chain.fee_market", "blocks are empty: nobody pays");
        }
        WorkloadPlan::Blocks(_) => {
            let why = "recorded blocks bring their own gas limit and base fee";
            if_written(context, "chain.gas_limit", why);
            if_written(context, "chain.base_fee", why);
            if_written(context, "chain.fee_market", why);
        }
        WorkloadPlan::Users(_) => {}
    }
    let later = plan.interventions.iter().any(|i| i.change == Change::Algorithm(Algorithm::BlockStm));
    if chain.execution.algorithm == Algorithm::Serial && !later {
        if_written(context, "execution.cores", "Serial uses one core");
    }
}

fn users(context: &Context<'_>, plan: &Plan) {
    let WorkloadPlan::Users(users) = &plan.chains[0].workload else { return };
    let has = |kinds: &[TxKind]| users.mix.iter().any(|(kind, _)| kinds.contains(kind));
    if !has(&[TxKind::Compute]) {
        if_written(context, "workload.compute_iterations", "the mix has no compute calls");
    }
    if !has(&[TxKind::Erc20, TxKind::Swap, TxKind::Mint, TxKind::Compute]) {
        if_written(context, "workload.instances", "the mix calls no contract");
    }
    if let Some(burst) = &users.burst {
        let end_ns = plan.end_ns().unwrap_or(u64::MAX);
        if burst.from_ns >= end_ns {
            let why = format!("has no effect: the run ends at {}", Duration(end_ns));
            context.warn("workload.burst.from", why);
        }
        let first_ns = plan.chains[0].consensus.interval_ns().saturating_mul(u64::from(plan.run.warm_up) + 1);
        if burst.from_ns <= first_ns {
            let why = "it begins before anything is measured: there is nothing to compare it with";
            context.warn("workload.burst.from", why);
        }
    }
    if let FeeMarketPlan::Windows(windows) = &plan.chains[0].fee_market
        && windows.floor_wei != plan.chains[0].initial_base_fee_wei
    {
        if_written(context, "chain.base_fee", "the first block costs the market's `floor`");
    }
    if users.instances == 1 && users.zipf_ppm > 0 && !has(&[TxKind::Transfer, TxKind::Erc20]) {
        if_written(context, "workload.hot_spot", "there is one instance of everything");
    }
}

/// Warns about what rollups cannot do.
fn rollups(context: &Context<'_>, plan: &Plan) {
    let span_ns = plan.end_ns().unwrap_or(u64::MAX);
    for (index, fleet) in plan.rollups.iter().enumerate() {
        let batcher = &fleet.batcher;
        // So many blobs fill by size alone in the run, all rollups together.
        let sent = u128::from(span_ns) * u128::from(fleet.demand.rate_milli_tps) / 1_000_000_000_000;
        let each = sent * 110 / u128::from(fleet.count);
        if batcher.max_delay_ns >= span_ns && each < u128::from(BLOB_PAYLOAD_BYTES) {
            let path = format!("rollups.{index}.batch.max_delay");
            let delay = Duration(batcher.max_delay_ns);
            let message =
                format!("a batch is due after {delay}, which is longer than the run: few or none are posted");
            context.warn(&path, message);
        }
        let proof_ns = fleet.proof.map_or(0, |proof| proof.latency_ns);
        if proof_ns >= span_ns {
            let message = format!("proofs take {}, longer than the run: none is seen", Duration(proof_ns));
            context.warn(&format!("rollups.{index}.proof"), message);
        }
        for (number, bridge) in fleet.bridges.iter().enumerate() {
            let crossed = |plan: &TravellersPlan| plan.policy.bridge() == Some(number as u32);
            if !fleet.travellers.iter().any(crossed) {
                let message = format!("nobody crosses the bridge `{}`", bridge.name);
                context.warn(&format!("rollups.{index}.bridges.{number}"), message);
            }
        }
        for field in ["delivery", "bundle"] {
            if_written(context, &format!("rollups.{index}.demand.{field}"), "gateways send at once");
        }
    }
}

/// Warns about interventions that do nothing; with each its place in the file's list.
pub(super) fn interventions(context: &Context<'_>, plan: &Plan, list: &[(usize, Intervention)]) {
    let end_ns = plan.end_ns();
    let serial = |c: &super::plan::ChainPlan| c.execution.algorithm == Algorithm::Serial;
    let mut all_serial = plan.chains.iter().all(serial);
    let mut killed = Vec::new();
    for (index, Intervention { at_ns, change }) in list {
        let warn = |field: &str, why: &str| {
            context.warn(&format!("interventions.{index}.{field}"), format!("has no effect: {why}"));
        };
        if let Some(end_ns) = end_ns.filter(|end| at_ns >= end) {
            warn("at", &format!("the run ends at {}", Duration(end_ns)));
            continue;
        }
        if let Some(why) = change.without_effect(plan) {
            warn("change", why);
            continue;
        }
        match change {
            Change::Algorithm(algorithm) => all_serial = *algorithm == Algorithm::Serial,
            Change::Cores { .. } if all_serial => warn("change", "Serial uses one core"),
            Change::Kill { of } if killed.contains(of) => warn("change", "these nodes are down already"),
            Change::Kill { of } => killed.push(*of),
            Change::Restore { .. } if killed.is_empty() => warn("change", "no node is down"),
            _ => {}
        }
        if let Change::Restore { of } = change {
            killed.retain(|k| k != of && *of != super::plan::Scope::All);
        }
    }
}

/// Adds the warnings about an arm next to its base.
pub(super) fn compare_arm(
    base: &Plan,
    plan: &Plan,
    arm: &Arm,
    sources: &Sources,
    warnings: &mut Vec<Warning>,
) {
    let mut warn = |message: String| {
        let path = format!("compare \"{}\"", arm.name);
        warnings.push(Warning { place: sources.place(arm.span), path, message });
    };
    if (Plan { name: base.name.clone(), ..plan.clone() }) == *base {
        warn("this arm is the same as the base".into());
    }
    if plan.seed != base.seed {
        warn("this arm has another seed, so it is not paired with the base".into());
    }
    let scales = [
        ("network.bandwidth", base.network.bandwidth_scale_ppm, plan.network.bandwidth_scale_ppm),
        ("network.latency", base.network.latency_scale_ppm, plan.network.latency_scale_ppm),
        ("execution.speed", base.chains[0].execution.speed_ppm, plan.chains[0].execution.speed_ppm),
    ];
    for (what, before, after) in scales {
        if before != 1_000_000 && before != after {
            let (before, after) = (super::units::Factor(before), super::units::Factor(after));
            warn(format!("{what} becomes {after}, not {after} of the base's {before}"));
        }
    }
}
