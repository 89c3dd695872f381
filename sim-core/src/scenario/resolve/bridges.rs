//! Bridges between rollups and people who cross them.

use super::{Context, thousands};
use crate::rollup::bridge::params::{BridgeKind, BridgePlan, PolicyPlan, TravellersPlan};
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{ChainPlan, ConsensusPlan, FleetPlan, TxKind};
use crate::scenario::spec::{BridgeSpec, FleetSpec, PolicySpec, TravellersSpec};
use crate::scenario::units::{Duration, Factor, Real, TxRate};
use std::collections::BTreeSet;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_NS: u64 = 86_400 * SECOND_NS;
/// Blocks of the L1 an attester waits for (CCTP).
const STANDARD_SLOTS: u64 = 65;

/// Adds bridges and travellers to a fleet that is resolved otherwise.
pub(super) fn resolve(
    context: &Context<'_>,
    section: &str,
    spec: &FleetSpec,
    l1: &ChainPlan,
    fleet: &mut FleetPlan,
) -> Result<(), ScenarioError> {
    let bridges = spec.bridges.as_deref().unwrap_or_default();
    let travellers = spec.travellers.as_deref().unwrap_or_default();
    context.at_most(&format!("{section}.bridges"), bridges.len(), limits::BRIDGES_MAX, "bridges")?;
    let path = format!("{section}.travellers");
    context.at_most(&path, travellers.len(), limits::TRAVELLERS_MAX, "kinds of travellers")?;
    if !bridges.is_empty() && fleet.count < 2 {
        let problem = "a bridge needs two rollups, and there is one";
        return Err(context.error(&format!("{section}.bridges"), problem));
    }
    let mut names = BTreeSet::new();
    for (index, bridge) in bridges.iter().enumerate() {
        let one = One { context, path: format!("{section}.bridges.{index}"), count: fleet.count };
        let bridge = one.bridge(bridge, l1)?;
        if bridge.kind == BridgeKind::Canonical && fleet.proof.is_none() {
            let problem = "the canonical bridge waits for proofs, and there are none";
            return Err(context.error(&one.path, problem).help(format!("set `{section}.proof`")));
        }
        if !names.insert(bridge.name.clone()) {
            let problem = format!("two bridges are called `{}`", bridge.name);
            return Err(context.error(&one.path, problem).help("add `name: \"...\"`"));
        }
        fleet.bridges.push(bridge);
    }
    let mut names = BTreeSet::new();
    for (index, travellers) in travellers.iter().enumerate() {
        let one = One { context, path: format!("{section}.travellers.{index}"), count: fleet.count };
        let plan = one.travellers(travellers, fleet)?;
        if !names.insert(plan.name.clone()) {
            let problem = format!("two kinds of travellers are called `{}`", plan.name);
            return Err(context.error(&one.path, problem).help("add `name: \"...\"`"));
        }
        fleet.travellers.push(plan);
    }
    if travellers.is_empty() {
        return Ok(());
    }
    if u64::from(fleet.count) > limits::WATCHED_ROLLUPS_MAX {
        let problem = format!(
            "travellers are shown every rollup: {} are more than {}, which fit into memory",
            thousands(fleet.count.into()),
            thousands(limits::WATCHED_ROLLUPS_MAX)
        );
        return Err(context.error(&path, problem));
    }
    if fleet.travellers.iter().any(|plan| !matches!(plan.policy, PolicyPlan::Move { .. })) {
        trade(context, section, fleet)?;
    }
    Ok(())
}

/// Travellers who trade need pools, and people who are shown them.
fn trade(context: &Context<'_>, section: &str, fleet: &mut FleetPlan) -> Result<(), ScenarioError> {
    let demand = &mut fleet.demand;
    if !demand.mix.iter().any(|(kind, share)| *kind == TxKind::Swap && *share > 0) {
        let problem = "travellers trade, and the mix has no `swap`";
        return Err(context.error(&format!("{section}.travellers"), problem).help("add it to `demand.mix`"));
    }
    if demand.instances < 2 {
        let problem = "a market needs two tokens, and there is one instance of each contract";
        return Err(context.error(&format!("{section}.demand.instances"), problem));
    }
    demand.trade = Some(demand.trade.unwrap_or(super::workload::TRADE));
    Ok(())
}

/// An entry of one of the lists.
struct One<'a> {
    context: &'a Context<'a>,
    path: String,
    count: u32,
}

impl One<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn real(
        &self,
        field: &str,
        value: Option<Real>,
        default: u64,
        bounds: (u64, u64),
    ) -> Result<u64, ScenarioError> {
        let value = value.map_or(default, |value| value.0);
        self.context.between(&self.at(field), value, bounds, |v| Real(v).to_string())
    }

    fn time(
        &self,
        field: &str,
        value: Option<Duration>,
        default: u64,
        bounds: (u64, u64),
    ) -> Result<u64, ScenarioError> {
        let value = value.map_or(default, |value| value.0);
        self.context.between(&self.at(field), value, bounds, duration)
    }

    fn number(
        &self,
        field: &str,
        value: Option<u64>,
        default: u64,
        bounds: (u64, u64),
    ) -> Result<u32, ScenarioError> {
        self.context.count_u32(&self.at(field), Some(value.unwrap_or(default)), bounds.0, bounds.1)
    }

    /// A rollup that exists.
    fn rollup(&self, field: &str, number: u64) -> Result<u32, ScenarioError> {
        match u32::try_from(number).ok().filter(|number| *number < self.count) {
            Some(number) => Ok(number),
            None => {
                let last = u64::from(self.count) - 1;
                let problem =
                    format!("there is no rollup {}; allowed: 0 to {}", thousands(number), thousands(last));
                Err(self.context.error(&self.at(field), problem))
            }
        }
    }

    fn between(&self, numbers: Option<&Vec<u64>>) -> Result<Option<Vec<u32>>, ScenarioError> {
        let Some(numbers) = numbers else { return Ok(None) };
        let mut between = BTreeSet::new();
        for number in numbers {
            if !between.insert(self.rollup("between", *number)?) {
                let problem = format!("rollup {number} is named twice");
                return Err(self.context.error(&self.at("between"), problem));
            }
        }
        if between.len() < 2 {
            let problem = format!("a bridge needs two rollups, and {} is named", between.len());
            return Err(self.context.error(&self.at("between"), problem));
        }
        Ok(Some(between.into_iter().collect()))
    }

    fn bridge(&self, spec: &BridgeSpec, l1: &ChainPlan) -> Result<BridgePlan, ScenarioError> {
        let half = (0, 500_000);
        let (default, name, between, kind) = match spec {
            BridgeSpec::Canonical { name, between } => ("canonical", name, between, BridgeKind::Canonical),
            BridgeSpec::Interop { name, between } => ("interop", name, between, BridgeKind::Interop),
            BridgeSpec::Standard { name, between, after_final } => {
                let slot_ns = match &l1.consensus {
                    ConsensusPlan::Slots(slots) => slots.slot_ns,
                    ConsensusPlan::Broadcast(plan) => plan.interval_ns,
                };
                let default_ns = (slot_ns * STANDARD_SLOTS).min(7 * DAY_NS);
                let after_final_ns = self.time("after_final", *after_final, default_ns, (0, 7 * DAY_NS))?;
                ("standard", name, between, BridgeKind::Standard { after_final_ns })
            }
            BridgeSpec::Fast { name, between, confirmations, attest, fee } => {
                let kind = BridgeKind::Fast {
                    confirmations: self.number("confirmations", *confirmations, 1, (0, 100_000))?,
                    attest_ns: self.time("attest", *attest, 6 * SECOND_NS, (0, 3_600 * SECOND_NS))?,
                    fee_ppb: self.real("fee", *fee, 100, half)? * 1_000,
                };
                ("fast", name, between, kind)
            }
            BridgeSpec::Intents { name, between, fee, relayers, inventory, repay } => {
                if *inventory == Some(Real(0)) {
                    let problem = "relayers who have nothing can advance nothing";
                    let help = "leave the bridge out, or give them some";
                    return Err(self.context.error(&self.at("inventory"), problem).help(help));
                }
                let kind = BridgeKind::Intents {
                    fee_ppb: self.real("fee", *fee, 600, half)? * 1_000,
                    relayers: self.number("relayers", *relayers, 3, (1, 100))?,
                    inventory_ppb: self.real("inventory", *inventory, 10_000, (1, 1_000_000_000))? * 1_000,
                    // An advance in a block of the deadline's own second must be known before.
                    repay_ns: self.time("repay", *repay, 7_200 * SECOND_NS, (5 * SECOND_NS, 30 * DAY_NS))?,
                };
                ("intents", name, between, kind)
            }
        };
        let name = name.clone().unwrap_or_else(|| default.to_owned());
        Ok(BridgePlan { name, between: self.between(between.as_ref())?, kind })
    }

    /// Position of a bridge by its name; the first without one.
    fn named(&self, name: Option<&String>, bridges: &[BridgePlan]) -> Result<u32, ScenarioError> {
        let path = self.at("policy");
        if bridges.is_empty() {
            return Err(self
                .context
                .error(&path, "there is no bridge to cross")
                .help("add one to `bridges`"));
        }
        let Some(name) = name else { return Ok(0) };
        match bridges.iter().position(|bridge| bridge.name == *name) {
            Some(found) => Ok(found as u32),
            None => {
                let names = bridges.iter().map(|bridge| bridge.name.clone());
                let problem = format!("there is no bridge `{name}`");
                Err(self.context.error(&path, problem).allowed(name, names))
            }
        }
    }

    fn policy(&self, spec: Option<&PolicySpec>, bridges: &[BridgePlan]) -> Result<PolicyPlan, ScenarioError> {
        Ok(match spec {
            None | Some(PolicySpec::Local) => PolicyPlan::Local,
            Some(PolicySpec::Route { chains, bridge, back, hop_cost_ppb }) => PolicyPlan::Route {
                chains: self.number("policy", *chains, 4, (2, 1_000))?,
                bridge: self.named(bridge.as_ref(), bridges)?,
                back: back.unwrap_or(true),
                hop_cost_ppb: self.context.between(
                    &self.at("policy"),
                    hop_cost_ppb.unwrap_or(10),
                    (0, 1_000_000_000),
                    thousands,
                )?,
            },
            Some(PolicySpec::Together { chains, hop_cost_ppb }) => {
                if self.count < 2 {
                    let problem = "they trade on several rollups at once, and there is one";
                    return Err(self.context.error(&self.at("policy"), problem));
                }
                PolicyPlan::Together {
                    chains: self.number("policy", *chains, 4, (2, 1_000))?,
                    hop_cost_ppb: self.context.between(
                        &self.at("policy"),
                        hop_cost_ppb.unwrap_or(10),
                        (0, 1_000_000_000),
                        thousands,
                    )?,
                }
            }
            Some(PolicySpec::Bridge { bridge, back }) => PolicyPlan::Bridge {
                bridge: self.named(bridge.as_ref(), bridges)?,
                back: back.unwrap_or(true),
            },
            Some(PolicySpec::Move { bridge }) => {
                PolicyPlan::Move { bridge: self.named(bridge.as_ref(), bridges)? }
            }
        })
    }

    fn travellers(&self, spec: &TravellersSpec, fleet: &FleetPlan) -> Result<TravellersPlan, ScenarioError> {
        let policy = self.policy(spec.policy.as_ref(), &fleet.bridges)?;
        let [home, target] = [("home", spec.home), ("target", spec.target)]
            .map(|(field, number)| number.map(|number| self.rollup(field, number)).transpose());
        let (home, target) = (home?, target?);
        if let (Some(home), Some(target)) = (home, target) {
            let led = matches!(policy, PolicyPlan::Bridge { .. } | PolicyPlan::Move { .. });
            let serves = |number| policy.bridge().is_none_or(|b| fleet.bridges[b as usize].serves(number));
            if led && home == target {
                let problem = format!("they are at rollup {target} already");
                return Err(self.context.error(&self.at("target"), problem));
            }
            if let Some(number) = [home, target].into_iter().find(|number| led && !serves(*number)) {
                let problem = format!("their bridge does not lead to rollup {number}");
                return Err(self.context.error(&self.at("policy"), problem));
            }
        }
        if spec.deadline == Some(Duration(0)) {
            let problem = "the deadline is over when they start";
            return Err(self.context.error(&self.at("deadline"), problem).help("give them at least 1 s"));
        }
        let rate = spec.rate.unwrap_or(TxRate(1_000)).0;
        let rate_bounds = (0, 10_000_000);
        let of_bridge = policy.bridge().map_or_else(String::new, |bridge| {
            let way = match policy {
                PolicyPlan::Route { .. } => "route over ",
                PolicyPlan::Move { .. } => "move over ",
                PolicyPlan::Local | PolicyPlan::Together { .. } | PolicyPlan::Bridge { .. } => "trade over ",
            };
            format!("{way}{}", fleet.bridges[bridge as usize].name)
        });
        let without = if policy.is_together() { "together" } else { "at home" };
        let default = if of_bridge.is_empty() { without.to_owned() } else { of_bridge };
        Ok(TravellersPlan {
            name: spec.name.clone().unwrap_or(default),
            rate_milli_tps: self
                .context
                .between(&self.at("rate"), rate, rate_bounds, |v| TxRate(v).to_string())?,
            until_ns: spec.until.map(|until| until.0),
            policy,
            value_ppm: self.real("value", spec.value, 100, (1, 1_000_000))?,
            value_p90_ppm: self.context.between(
                &self.at("value_p90"),
                spec.value_p90.map_or(5_000_000, |factor| factor.0),
                (1_000_000, limits::SCALE_PPM.1),
                |v| Factor(v).to_string(),
            )?,
            deadline_ns: self.time("deadline", spec.deadline, 120 * SECOND_NS, (SECOND_NS, 60 * DAY_NS))?,
            slippage_ppb: self.real("slippage", spec.slippage, 10_000, (0, 1_000_000))? * 1_000,
            home,
            target,
            accounts: self.number("accounts", spec.accounts, 500, (1, 100_000))?,
        })
    }
}
