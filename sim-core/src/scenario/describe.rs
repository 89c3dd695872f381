//! A plan in words, for `check`; and what tells two plans apart.

use super::plan::{
    Algorithm, Atomic, ChainPlan, ConsensusPlan, FeeMarketPlan, FleetPlan, ForwardRule, GossipPlan,
    Intervention, KeyedBy, Plan, SequencingPlan, SharesPlan, StakePlan, TopologyPlan, TxKind, WorkloadPlan,
};
use super::resolve::thousands;
use super::units::{BitRate, Duration, Factor, GasAmount, Price, Real, Size, TxRate};
use crate::kernel::math;
use serde_json::Value;

/// A plan section by section: a label and what was understood.
pub fn describe(plan: &Plan) -> Vec<(String, String)> {
    let mut lines = vec![
        ("run".to_owned(), run(plan)),
        ("nodes".to_owned(), nodes(plan)),
        ("network".to_owned(), network(plan)),
    ];
    for chain in &plan.chains {
        lines.push((format!("chain {}", chain.name), consensus(chain)));
        lines.push(("  fees".to_owned(), fees(chain)));
        lines.push(("  execution".to_owned(), execution(chain)));
        lines.push(("  workload".to_owned(), workload(chain)));
    }
    for fleet in &plan.rollups {
        lines.push((format!("rollups {}", fleet.name), rollups(fleet)));
    }
    for intervention in &plan.interventions {
        let at = format!("at {}", Duration(intervention.at_ns));
        lines.push((at, intervention.change.to_ron(plan)));
    }
    lines
}

fn run(plan: &Plan) -> String {
    format!(
        "{} blocks after {} of warm-up; seed {}",
        thousands(plan.run.blocks.into()),
        thousands(plan.run.warm_up.into()),
        plan.seed
    )
}

fn nodes(plan: &Plan) -> String {
    let nodes = &plan.nodes;
    let total: u128 = nodes.hardware.iter().map(|(_, w)| u128::from(*w)).sum();
    let classes: Vec<String> = nodes
        .hardware
        .iter()
        .map(|(class, weight)| {
            format!(
                "{} % {} ({} up, {} down, {} cores)",
                u128::from(*weight) * 100 / total.max(1),
                class.name,
                BitRate(class.up_bps),
                BitRate(class.down_bps),
                class.cores
            )
        })
        .collect();
    let stake = match &nodes.stake {
        StakePlan::Equal => "equal stake".to_owned(),
        StakePlan::Zipf { exponent_ppm } => format!("stake by Zipf({})", Real(*exponent_ppm)),
        StakePlan::Given(list) => format!("{} given stakes", list.len()),
    };
    format!(
        "{} in {} regions; {}; {stake}",
        thousands(nodes.count.into()),
        nodes.region_weights.len(),
        classes.join(", ")
    )
}

fn network(plan: &Plan) -> String {
    let network = &plan.network;
    let topology = match &network.topology {
        TopologyPlan::RandomRegular { degree } => format!("random regular graph of degree {degree}"),
        TopologyPlan::ErdosRenyi { mean_degree_milli } => {
            format!("random graph of mean degree {}", Real(mean_degree_milli * 1_000))
        }
        TopologyPlan::FullMesh => "full mesh".to_owned(),
        TopologyPlan::Given { name, edges } => {
            format!("{} connections of {name}", thousands(edges.len() as u64))
        }
    };
    let gossip = match &network.gossip {
        GossipPlan::Flood => "flood".to_owned(),
        GossipPlan::Gossipsub(g) => format!(
            "gossipsub with mesh {} ({} to {}){}",
            g.mesh,
            g.mesh_low,
            g.mesh_high,
            if g.idontwant { ", IDONTWANT" } else { "" }
        ),
    };
    let forward = match network.forward {
        ForwardRule::AfterHeaderCheck { check_ns } => {
            format!("passed on after a check of {}", Duration(check_ns))
        }
        ForwardRule::AfterExecution => "passed on after execution".to_owned(),
    };
    format!(
        "latencies {} x {}, jitter p90 {}; bandwidth {}; {topology}; {gossip}; {forward}",
        network.latency.name,
        Real(network.latency_scale_ppm),
        Factor(network.jitter.p90_ppm),
        Factor(network.bandwidth_scale_ppm)
    )
}

fn consensus(chain: &ChainPlan) -> String {
    match &chain.consensus {
        ConsensusPlan::Slots(s) => format!(
            "slots of {}, votes by {}, aggregates at {}, {} committees; {}, base fee from {}",
            Duration(s.slot_ns),
            Duration(s.attest_by_ns),
            Duration(s.aggregate_by_ns),
            s.committees,
            GasAmount(chain.gas_limit),
            Price(chain.initial_base_fee_wei)
        ),
        ConsensusPlan::Broadcast(b) => format!(
            "a payload of {} every {}{}",
            Size(b.payload_bytes),
            Duration(b.interval_ns),
            if b.poisson { " on average" } else { "" }
        ),
    }
}

fn fees(chain: &ChainPlan) -> String {
    let by = |keyed_by: KeyedBy| match keyed_by {
        KeyedBy::To => "callees",
        KeyedBy::AccessList => "declared accounts",
        KeyedBy::WriteSet => "written accounts",
    };
    match &chain.fee_market {
        FeeMarketPlan::Eip1559(m) => {
            format!("EIP-1559, target 1/{} of the limit, denominator {}", m.elasticity, m.change_denominator)
        }
        FeeMarketPlan::Windows(m) => {
            let target = |t: &crate::chain::fee_market::windows::Target| {
                format!("{}/s over {} s", GasAmount(t.gas_per_s), t.window_s)
            };
            let targets: Vec<String> = m.targets.iter().map(target).collect();
            format!("at least {}, targets of {}", Price(m.floor_wei), targets.join(", "))
        }
        FeeMarketPlan::Cap(m) => {
            format!("EIP-1559 with a cap of {} of the block for {}", Real(m.cap_ppm), by(m.keyed_by))
        }
        FeeMarketPlan::Local(m) => format!(
            "EIP-1559 with prices for {} used beyond {} of the block",
            by(m.keyed_by),
            Real(m.target_ppm)
        ),
        FeeMarketPlan::CapAndLocal(m) => format!(
            "EIP-1559 with prices for {} used beyond {} of the block, and a cap of {}",
            by(m.local.keyed_by),
            Real(m.local.target_ppm),
            Real(m.cap_ppm)
        ),
        FeeMarketPlan::Resources(_) => "EIP-1559 on the scarcest of four resources".to_owned(),
    }
}

fn execution(chain: &ChainPlan) -> String {
    let execution = &chain.execution;
    let on = match (execution.algorithm, execution.cores) {
        (Algorithm::Serial, _) => "serial".to_owned(),
        (Algorithm::BlockStm, Some(cores)) => format!("Block-STM on {cores} cores"),
        (Algorithm::BlockStm, None) => "Block-STM on the cores of the hardware".to_owned(),
    };
    format!("{on}, speed {}, costs by {}", Factor(execution.speed_ppm), execution.profile.name)
}

fn workload(chain: &ChainPlan) -> String {
    match &chain.workload {
        WorkloadPlan::Empty => "none".to_owned(),
        WorkloadPlan::Blocks(b) => format!("{} recorded blocks", thousands(b.files.len() as u64)),
        WorkloadPlan::Users(u) => {
            let total: u128 = u.mix.iter().map(|(_, w)| u128::from(*w)).sum();
            let share = |(kind, weight): &(TxKind, u64)| {
                format!("{} % {}", u128::from(*weight) * 100 / total.max(1), kind_name(*kind))
            };
            let mix: Vec<String> = u.mix.iter().map(share).collect();
            let burst = u.burst.as_ref().map_or_else(String::new, |b| {
                let app = format!("{}/{}", kind_name(b.kind), b.instance);
                format!(
                    "; {app} x{} from {} to {}",
                    Real(b.factor_ppm),
                    Duration(b.from_ns),
                    Duration(b.until_ns)
                )
            });
            format!(
                "{} by {} accounts: {}; Zipf({}) over {} instances; max fee {}{burst}",
                TxRate(u.rate_milli_tps),
                thousands(u.accounts.into()),
                mix.join(", "),
                Real(u.zipf_ppm),
                thousands(u.instances.into()),
                Price(u.max_fee_median_wei)
            )
        }
    }
}

/// Names of things a fleet may have.
fn list<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!("; {what}: {}", names.join(", ")) }
}

fn rollups(fleet: &FleetPlan) -> String {
    let (rules, batcher) = (&fleet.rules, &fleet.batcher);
    let soft = if let SequencingPlan::Based { lead_ns } = rules.sequencing {
        format!(", built by the proposers of the L1 {} before their slots,", Duration(lead_ns))
    } else if let SequencingPlan::Shared { atomic } = rules.sequencing {
        format!(
            ", one sequencer for all with atomic {}, confirmed every {}",
            if atomic == Atomic::Inclusion { "inclusion" } else { "execution" },
            Duration(rules.soft_ns)
        )
    } else if rules.soft_ns == rules.block_ns {
        String::new()
    } else {
        format!(", confirmed every {}", Duration(rules.soft_ns))
    };
    let proof = fleet.proof.map_or("no proofs".to_owned(), |proof| {
        format!("proofs after {} and {}", Duration(proof.latency_ns), Duration(proof.window_ns))
    });
    let liquidity = match &fleet.liquidity {
        None => String::new(),
        Some(SharesPlan::Equal) => "; liquidity in equal parts".to_owned(),
        Some(SharesPlan::Zipf { exponent_ppm }) => format!("; liquidity by Zipf({})", Real(*exponent_ppm)),
        Some(SharesPlan::Given(_)) => "; liquidity in given parts".to_owned(),
    };
    let trade = fleet.demand.trade;
    let pools = trade.and_then(|trade| trade.pools.log_end()).map_or(String::new(), |end| {
        let up = Real(((math::exp(end) - 1.0) * 1e6).round() as u64);
        format!("; pools concentrated up to {up} above the first price and as far below")
    });
    let (arbitrageurs, searchers) = trade.map_or((0, 0), |t| (t.arbitrageurs, t.searchers));
    let providers = trade.map_or(0, |t| t.providers);
    let providers =
        if providers > 0 { format!(", {providers} providers who can leave") } else { String::new() };
    let searchers = if searchers > 0 { format!(", {searchers} searchers") } else { String::new() };
    let market = fleet.market.as_ref().map_or(String::new(), |market| {
        format!(
            "; prices outside move every {}, {arbitrageurs} arbitrageurs{searchers}{providers}",
            Duration(market.step_ns)
        )
    });
    let bridges = list("bridges", fleet.bridges.iter().map(|bridge| &bridge.name));
    let travellers = list("travellers", fleet.travellers.iter().map(|plan| &plan.name));
    format!(
        "{} ({}) on {} nodes, {} in all; blocks of {}{soft} and {}; batches after {} or {} blobs, brotli {}{}; {proof}{liquidity}{pools}{market}{bridges}{travellers}",
        thousands(fleet.count.into()),
        fleet.preset,
        thousands(fleet.sequencers.into()),
        TxRate(fleet.demand.rate_milli_tps),
        Duration(rules.block_ns),
        GasAmount(rules.gas_limit),
        Duration(batcher.max_delay_ns),
        batcher.target_blobs,
        batcher.brotli_quality,
        if batcher.sharing { ", in shared blobs" } else { "" },
    )
}

/// The name of a kind of transaction in scenario files.
pub fn kind_name(kind: TxKind) -> &'static str {
    super::resolve::KINDS.iter().find(|(_, k)| *k == kind).map_or("", |(name, _)| name)
}

/// What `other` has different from `base`, one line a value: `path: before -> after`.
pub fn differences(base: &Plan, other: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    if let (Ok(a), Ok(b)) = (serde_json::to_value(base), serde_json::to_value(other)) {
        diff("", &a, &b, &mut found);
    }
    found.retain(|line| !line.starts_with("name: ") && !line.starts_with("interventions"));
    let made = |plan: &Plan| {
        let one = |i: &Intervention| format!("{} at {}", i.change.to_ron(plan), Duration(i.at_ns));
        let all: Vec<String> = plan.interventions.iter().map(one).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    if base.interventions != other.interventions {
        found.push(format!("interventions: {} -> {}", made(base), made(other)));
    }
    found
}

fn diff(path: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
    let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (a, b) {
        _ if a == b => {}
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, value) in a {
                diff(&under(key), value, &b[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                diff(&under(&index.to_string()), a, b, found);
            }
        }
        _ => {
            let show = |v: &Value| super::tree::shorten(&quantity(path, v));
            found.push(format!("{}: {} -> {}", without_unit(path), show(a), show(b)));
        }
    }
}

/// Units at the ends of the plan's names, longer ones first, and how a number with one is written.
type Written = fn(u64) -> String;
const UNITS: [(&str, Written); 4] = [
    ("_scale_ppm", |v| Factor(v).to_string()),
    ("_ppm", |v| Real(v).to_string()),
    ("_ns", |v| Duration(v).to_string()),
    ("_bps", |v| BitRate(v).to_string()),
];

/// A value of the plan as scenario files write it.
fn quantity(path: &str, value: &Value) -> String {
    let unit = UNITS.iter().find(|(unit, _)| path.ends_with(unit));
    match (unit, value.as_u64()) {
        (Some((_, write)), Some(value)) => write(value),
        _ => value.to_string(),
    }
}

fn without_unit(path: &str) -> &str {
    UNITS.iter().find_map(|(unit, _)| path.strip_suffix(unit)).unwrap_or(path)
}

/// How a plan is written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// As scenario files.
    Ron,
    /// For other programs.
    Json,
}

/// Writes a plan out in full, over many lines.
///
/// # Errors
/// Never for a plan that was resolved; the error of the writer otherwise.
pub fn write_plan(plan: &Plan, notation: Notation) -> Result<String, String> {
    match notation {
        Notation::Ron => {
            let pretty = ron::ser::PrettyConfig::new().indentor("  ").compact_arrays(true);
            ron::ser::to_string_pretty(plan, pretty).map_err(|e| e.to_string())
        }
        Notation::Json => serde_json::to_string_pretty(plan).map_err(|e| e.to_string()),
    }
}
