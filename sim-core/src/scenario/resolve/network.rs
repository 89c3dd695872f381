//! The `network` section.

use super::{Context, thousands};
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{
    ForwardRule, GossipPlan, GossipsubPlan, JitterPlan, LatencyTable, LinkDiscipline, NetworkPlan, NodesPlan,
    TopologyPlan,
};
use crate::scenario::spec::{
    ForwardSpec, GossipSpec, GossipsubSpec, JitterSpec, LinksSpec, NetworkSpec, TopologySpec,
};
use crate::scenario::units::{Factor, Real, Size};

/// The latency table, which the nodes' regions refer to.
pub(super) fn latency(context: &Context<'_>, spec: &NetworkSpec) -> Result<LatencyTable, ScenarioError> {
    let path = "network.latency";
    let name = context.given(path, spec.latency.as_ref())?;
    context.library.latency_table(name).map_err(|m| context.missing(path, name, m))
}

pub(super) fn resolve(
    context: &Context<'_>,
    spec: &NetworkSpec,
    latency: LatencyTable,
    nodes: &NodesPlan,
) -> Result<NetworkPlan, ScenarioError> {
    let scale = |path: &str, value: Option<Factor>| {
        let value = context.given(path, value)?;
        context.between(path, value.0, limits::SCALE_PPM, |v| Factor(v).to_string())
    };
    Ok(NetworkPlan {
        latency,
        latency_scale_ppm: scale("network.latency_scale", spec.latency_scale)?,
        jitter: jitter(context, spec.jitter.as_ref())?,
        bandwidth_scale_ppm: bandwidth(context, spec.bandwidth, nodes)?,
        links: match context.given("network.links", spec.links)? {
            LinksSpec::Fifo => LinkDiscipline::Fifo,
        },
        topology: topology(context, spec.topology.as_ref(), u64::from(nodes.count))?,
        gossip: gossip(context, spec.gossip.as_ref())?,
        forward: forward(context, spec.forward.as_ref())?,
    })
}

/// The factor, checked against the slowest and fastest link it makes.
fn bandwidth(context: &Context<'_>, value: Option<Factor>, nodes: &NodesPlan) -> Result<u64, ScenarioError> {
    let path = "network.bandwidth";
    let value = context.given(path, value)?;
    let factor = context.between(path, value.0, limits::SCALE_PPM, |v| Factor(v).to_string())?;
    for (class, _) in &nodes.hardware {
        for rate in [class.up_bps, class.down_bps] {
            let scaled = u128::from(rate) * u128::from(factor) / 1_000_000;
            if scaled < u128::from(limits::RATE_MIN_BPS) {
                let problem = format!(
                    "{} leaves class `{}` {scaled} bit/s; at least {} bit/s",
                    Factor(factor),
                    class.name,
                    thousands(limits::RATE_MIN_BPS)
                );
                return Err(context.error(path, problem));
            }
        }
    }
    Ok(factor)
}

fn jitter(context: &Context<'_>, spec: Option<&JitterSpec>) -> Result<JitterPlan, ScenarioError> {
    const ONE: u64 = 1_000_000;
    let path = "network.jitter";
    match context.given(path, spec)? {
        JitterSpec::Off => Ok(JitterPlan { p90_ppm: ONE, floor_ppm: ONE, cap_ppm: ONE }),
        JitterSpec::Measured => Ok(context.library.measured_jitter()),
        JitterSpec::LogNormal { p90, floor, cap } => {
            let factor = |field: &str, value: u64, bounds: (u64, u64)| {
                context.between(&format!("{path}.{field}"), value, bounds, |v| Factor(v).to_string())
            };
            let p90_ppm = factor("p90", p90.0, (ONE, 100 * ONE))?;
            let floor_ppm = factor("floor", floor.map_or(900_000, |f| f.0), (ONE / 10, ONE))?;
            let cap = cap.map_or(p90_ppm.max(10 * ONE), |f| f.0);
            Ok(JitterPlan { p90_ppm, floor_ppm, cap_ppm: factor("cap", cap, (p90_ppm, 1_000 * ONE))? })
        }
    }
}

fn topology(
    context: &Context<'_>,
    spec: Option<&TopologySpec>,
    nodes: u64,
) -> Result<TopologyPlan, ScenarioError> {
    let path = "network.topology";
    let edges_fit = |edges: u64| {
        if edges <= limits::EDGES_MAX {
            return Ok(());
        }
        let problem = format!(
            "{} connections are too many; at most {}",
            thousands(edges),
            thousands(limits::EDGES_MAX)
        );
        Err(context.error(path, problem))
    };
    match context.given(path, spec)? {
        TopologySpec::RandomRegular { degree } => {
            let here = "network.topology.degree";
            let most = limits::DEGREE_MAX.min(nodes - 1);
            let least = 2.min(most);
            // A preset's degree is not at fault: the number of nodes that was written is.
            let theirs = context.written(here) || !context.written("nodes.count");
            if *degree > nodes - 1 && !theirs {
                let problem = format!("{nodes} nodes are too few for the preset's degree of {degree}");
                let help = "ask for more nodes, or give `network: (topology: ...)` a smaller degree";
                return Err(context.error("nodes.count", problem).help(help));
            }
            let degree = context.between(here, *degree, (least, most), thousands)?;
            if (degree * nodes) % 2 == 1 {
                let problem = format!("{nodes} nodes of degree {degree} is impossible: their product is odd");
                let at = if theirs { here } else { "nodes.count" };
                return Err(context.error(at, problem).help("make the degree or `nodes.count` even"));
            }
            edges_fit(degree * nodes / 2)?;
            Ok(TopologyPlan::RandomRegular { degree: u32::try_from(degree).unwrap_or(u32::MAX) })
        }
        TopologySpec::ErdosRenyi { mean_degree } => {
            let here = "network.topology.mean_degree";
            let most = limits::DEGREE_MAX.min(nodes - 1) * 1_000_000;
            let mean = context.between(here, mean_degree.0, (1_000_000, most), |v| Real(v).to_string())?;
            if mean % 1_000 != 0 {
                return Err(context.error(here, format!("{} has more than three decimals", Real(mean))));
            }
            edges_fit(mean / 1_000_000 * nodes / 2)?;
            Ok(TopologyPlan::ErdosRenyi { mean_degree_milli: mean / 1_000 })
        }
        TopologySpec::FullMesh => {
            if nodes > limits::FULL_MESH_NODES_MAX {
                let problem = format!(
                    "a full mesh of {} nodes has {} connections; at most {} nodes",
                    thousands(nodes),
                    thousands(nodes * (nodes - 1) / 2),
                    thousands(limits::FULL_MESH_NODES_MAX)
                );
                return Err(context.error(path, problem));
            }
            Ok(TopologyPlan::FullMesh)
        }
        TopologySpec::File(name) => {
            let edges = context.library.edges(name, nodes).map_err(|m| context.missing(path, name, m))?;
            Ok(TopologyPlan::Given { name: name.clone(), edges })
        }
    }
}

fn gossip(context: &Context<'_>, spec: Option<&GossipSpec>) -> Result<GossipPlan, ScenarioError> {
    match context.given("network.gossip", spec)? {
        GossipSpec::Flood => Ok(GossipPlan::Flood),
        GossipSpec::Gossipsub(spec) => gossipsub(context, spec).map(GossipPlan::Gossipsub),
    }
}

fn gossipsub(context: &Context<'_>, spec: &GossipsubSpec) -> Result<GossipsubPlan, ScenarioError> {
    let field = |name: &str| format!("network.gossip.{name}");
    let count = |name: &str, value: Option<u64>, default: u64, low: u64, high: u64| {
        context.count_u32(&field(name), Some(value.unwrap_or(default)), low, high)
    };
    let max = limits::MESH_MAX;
    let mesh = u64::from(count("mesh", spec.mesh, 8, 1, max)?);
    let history = u64::from(count("history_length", spec.history_length, 6, 1, max)?);
    let heartbeat = spec.heartbeat.map_or(700_000_000, |d| d.0);
    let threshold = spec.idontwant_threshold.map_or(1 << 10, |s| s.0);
    Ok(GossipsubPlan {
        mesh: u32::try_from(mesh).unwrap_or(u32::MAX),
        mesh_low: count("mesh_low", spec.mesh_low, (mesh * 3 / 4).max(1), 1, mesh)?,
        mesh_high: count("mesh_high", spec.mesh_high, (mesh * 3).div_ceil(2).min(max), mesh, max)?,
        lazy: count("lazy", spec.lazy, 6, 0, max)?,
        heartbeat_ns: context.between(
            &field("heartbeat"),
            heartbeat,
            (10_000_000, 60_000_000_000),
            duration,
        )?,
        history_gossip: count("history_gossip", spec.history_gossip, 3.min(history), 1, history)?,
        history_length: u32::try_from(history).unwrap_or(u32::MAX),
        idontwant: spec.idontwant.unwrap_or(true),
        idontwant_threshold_bytes: context.between(
            &field("idontwant_threshold"),
            threshold,
            (0, limits::PAYLOAD_MAX_BYTES),
            |v| Size(v).to_string(),
        )?,
        flood_publish: spec.flood_publish.unwrap_or(false),
    })
}

fn forward(context: &Context<'_>, spec: Option<&ForwardSpec>) -> Result<ForwardRule, ScenarioError> {
    match context.given("network.forward", spec)? {
        ForwardSpec::AfterExecution => Ok(ForwardRule::AfterExecution),
        ForwardSpec::AfterHeaderCheck { check } => {
            let check_ns = check.map_or(1_000_000, |d| d.0);
            let here = "network.forward.check";
            let check_ns = context.between(here, check_ns, (0, 10_000_000_000), duration)?;
            Ok(ForwardRule::AfterHeaderCheck { check_ns })
        }
    }
}
