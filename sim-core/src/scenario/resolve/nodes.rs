//! The `nodes` section.

use super::{Context, thousands};
use crate::scenario::error::ScenarioError;
use crate::scenario::limits;
use crate::scenario::plan::{HardwareClass, LatencyTable, NodesPlan, StakePlan};
use crate::scenario::spec::{
    HardwareMixSpec, HardwareSpec, InlineHardware, NodesSpec, RegionsSpec, StakeSpec,
};
use crate::scenario::units::{BitRate, Factor};

pub(super) fn resolve(
    context: &Context<'_>,
    spec: &NodesSpec,
    latency: &LatencyTable,
) -> Result<NodesPlan, ScenarioError> {
    Ok(NodesPlan {
        count: context.count_u32("nodes.count", spec.count, limits::NODES_MIN, limits::NODES_MAX)?,
        region_weights: regions(context, spec.regions.as_ref(), latency)?,
        hardware: hardware(context, spec.hardware.as_ref())?,
        stake: stake(context, spec.stake.as_ref())?,
    })
}

fn regions(
    context: &Context<'_>,
    spec: Option<&RegionsSpec>,
    latency: &LatencyTable,
) -> Result<Vec<(usize, u64)>, ScenarioError> {
    let path = "nodes.regions";
    match context.given(path, spec)? {
        RegionsSpec::Named(name) => {
            context.library.region_mix(name, latency).map_err(|m| context.missing(path, name, m))
        }
        RegionsSpec::Shares(shares) => {
            let mut weights = Vec::new();
            for (name, share) in shares {
                let here = format!("{path}.{name}");
                let Some(index) = latency.regions.iter().position(|r| r.name == *name) else {
                    let problem = format!("the latency table `{}` has no region `{name}`", latency.name);
                    let names = latency.regions.iter().map(|r| r.name.as_str());
                    return Err(context.error(&here, problem).allowed(name, names));
                };
                let share = context.between(&here, *share, (0, limits::SHARE_MAX), thousands)?;
                if share > 0 {
                    weights.push((index, share));
                }
            }
            weights.sort_unstable();
            if weights.is_empty() {
                return Err(context.error(path, "the region mix is empty: no region has a share above 0"));
            }
            Ok(weights)
        }
    }
}

fn hardware(
    context: &Context<'_>,
    spec: Option<&HardwareMixSpec>,
) -> Result<Vec<(HardwareClass, u64)>, ScenarioError> {
    let path = "nodes.hardware";
    let named = |name: &str, here: &str| {
        context.library.hardware_class(name).map_err(|m| context.missing(here, name, m))
    };
    let shares = match context.given(path, spec)? {
        HardwareMixSpec::One(name) => return Ok(vec![(named(name, path)?, 1)]),
        HardwareMixSpec::Shares(shares) => shares,
    };
    let mut classes = Vec::new();
    for (name, entry) in shares {
        let here = format!("{path}.{name}");
        let (class, share) = match entry {
            HardwareSpec::Share(share) => (named(name, &here)?, *share),
            HardwareSpec::Inline(inline) => (described(context, &here, name, inline)?, inline.share),
        };
        let share = context.between(&here, share, (0, limits::SHARE_MAX), thousands)?;
        if share > 0 {
            classes.push((class, share));
        }
    }
    if classes.is_empty() {
        return Err(context.error(path, "the hardware mix is empty: no class has a share above 0"));
    }
    Ok(classes)
}

fn described(
    context: &Context<'_>,
    here: &str,
    name: &str,
    spec: &InlineHardware,
) -> Result<HardwareClass, ScenarioError> {
    let rates = (limits::RATE_MIN_BPS, limits::RATE_MAX_BPS);
    let rate = |field: &str, rate: BitRate| {
        context.between(&format!("{here}.{field}"), rate.0, rates, |v| BitRate(v).to_string())
    };
    Ok(HardwareClass {
        name: name.to_owned(),
        up_bps: rate("up", spec.up)?,
        down_bps: rate("down", spec.down)?,
        cores: context.count_u32(
            &format!("{here}.cores"),
            Some(spec.cores),
            limits::CORES.0,
            limits::CORES.1,
        )?,
        speed_ppm: context
            .between(&format!("{here}.speed"), spec.speed.0, limits::SCALE_PPM, |v| Factor(v).to_string())?,
        source: "described in the scenario".to_owned(),
    })
}

fn stake(context: &Context<'_>, spec: Option<&StakeSpec>) -> Result<StakePlan, ScenarioError> {
    let path = "nodes.stake";
    match context.given(path, spec)? {
        StakeSpec::Equal => Ok(StakePlan::Equal),
        StakeSpec::Zipf(exponent) => Ok(StakePlan::Zipf { exponent_ppm: context.exponent(path, *exponent)? }),
        StakeSpec::Given(list) => {
            if list.iter().all(|stake| *stake == 0) {
                return Err(context.error(path, "no node has any stake"));
            }
            for (index, stake) in list.iter().enumerate() {
                let here = format!("{path}.Given.{index}");
                context.between(&here, *stake, (0, limits::SHARE_MAX), thousands)?;
            }
            Ok(StakePlan::Given(list.clone()))
        }
    }
}
