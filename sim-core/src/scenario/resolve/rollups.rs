//! The `rollups` section and the blob rules of chains.

use super::{Context, thousands};
use crate::chain::blob::{BlobPlan, Sampling};
use crate::chain::fee_market::blob::SCHEDULES;
use crate::rollup::presets::{self, Preset};
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{
    Atomic, ChainPlan, ConsensusPlan, DataPlan, FleetPlan, NodesPlan, OrderPlan, ProofPlan, RulesPlan,
    SequencingPlan, SharesPlan, ThrottlePlan,
};
use crate::scenario::spec::{
    AtomicSpec, BlobRulesSpec, BlobsSpec, DataSpec, FleetSpec, OrderSpec, ProofSpec, RollupsSpec,
    SequencingSpec, SharesSpec, UsersSpec,
};
use crate::scenario::units::{Duration, Factor, GasAmount, Price, Real, Size, TxRate};
use std::collections::BTreeSet;

const DAY_NS: u64 = 86_400_000_000_000;
/// Where rollups are and no schedule is named.
const SCHEDULE: &str = "bpo2";

pub(super) fn blobs(
    context: &Context<'_>,
    spec: Option<&BlobsSpec>,
) -> Result<Option<BlobPlan>, ScenarioError> {
    let given;
    let (path, name, rules) = match spec {
        None => return Ok(None),
        Some(BlobsSpec::Named(name)) => {
            given = BlobRulesSpec::default();
            ("chain.blobs", name.as_str(), &given)
        }
        Some(BlobsSpec::Given(rules)) => {
            ("chain.blobs.schedule", rules.schedule.as_deref().unwrap_or(SCHEDULE), rules)
        }
    };
    let Some(mut plan) = BlobPlan::named(name) else {
        let problem = format!("there is no blob schedule `{name}`");
        return Err(context.error(path, problem).allowed(name, SCHEDULES.map(|(known, _)| known)));
    };
    let market = &mut plan.market;
    let between = |field: &str, value: Option<u64>, default: u64, bounds: (u64, u64)| {
        context.between(&format!("chain.blobs.{field}"), value.unwrap_or(default), bounds, thousands)
    };
    market.max_blobs = between("max", rules.max, market.max_blobs, (1, limits::BLOBS_MAX))?;
    let target = rules.target.unwrap_or(market.target_blobs);
    if target > market.max_blobs {
        let most = market.max_blobs;
        let problem = format!("the blob target of {target} is above the most a block may hold, {most}");
        let path = if rules.target.is_some() { "chain.blobs.target" } else { "chain.blobs.max" };
        return Err(context.error(path, problem));
    }
    market.target_blobs = between("target", rules.target, target, (1, market.max_blobs))?;
    let per_tx = market.max_blobs_per_tx.min(market.max_blobs);
    let per_tx = between("max_per_transaction", rules.max_per_transaction, per_tx, (1, market.max_blobs))?;
    market.max_blobs_per_tx = per_tx;
    let fraction = (1, 1_000_000_000_000);
    market.update_fraction =
        between("update_fraction", rules.update_fraction, market.update_fraction, fraction)?;
    // e^60 wei a byte is more than there is.
    plan.initial_excess = between("excess", rules.excess, 0, (0, market.update_fraction * 60))?;
    if let Some(columns) = rules.columns {
        let columns = context.count_u32("chain.blobs.columns", Some(columns), 0, 128)?;
        plan.sampling = if columns == 0 { Sampling::Full } else { Sampling::Columns(columns) };
    }
    let own = rules.target.or(rules.max).or(rules.update_fraction).is_some();
    plan.schedule = if own { "given".to_owned() } else { name.to_owned() };
    Ok(Some(plan))
}

pub(super) fn resolve(
    context: &Context<'_>,
    specs: &[RollupsSpec],
    nodes: &NodesPlan,
    chains: &mut [ChainPlan],
) -> Result<Vec<FleetPlan>, ScenarioError> {
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    context.at_most("rollups", specs.len(), limits::FLEETS_MAX, "fleets")?;
    let main = &mut chains[0];
    if !matches!(main.consensus, ConsensusPlan::Slots(_)) {
        let problem = "rollups post to blocks: the chain `main` needs the consensus `Slots`";
        return Err(context.error("rollups", problem));
    }
    if main.blobs.is_none() {
        main.blobs = BlobPlan::named(SCHEDULE);
    }
    let mut names: BTreeSet<String> = chains.iter().map(|chain| chain.name.clone()).collect();
    let mut fleets = Vec::new();
    for (index, RollupsSpec::Fleet(spec)) in specs.iter().enumerate() {
        let section = format!("rollups.{index}");
        let fleet = Section { context, section: &section }.fleet(spec, nodes, &chains[0])?;
        if !names.insert(fleet.name.clone()) {
            let problem = format!("two chains or fleets are called `{}`", fleet.name);
            return Err(context.error(&format!("{section}.name"), problem).help("add `name: \"...\"`"));
        }
        fleets.push(fleet);
    }
    Ok(fleets)
}

pub(super) struct Section<'a> {
    pub(super) context: &'a Context<'a>,
    section: &'a str,
}

impl Section<'_> {
    pub(super) fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.section)
    }

    pub(super) fn count(&self, field: &str, value: u64, low: u64, high: u64) -> Result<u32, ScenarioError> {
        self.context.count_u32(&self.path(field), Some(value), low, high)
    }

    pub(super) fn duration(&self, field: &str, ns: u64, bounds: (u64, u64)) -> Result<u64, ScenarioError> {
        self.context.between(&self.path(field), ns, bounds, duration)
    }

    fn price(&self, field: &str, wei: u64) -> Result<u64, ScenarioError> {
        let bounds = (1, limits::PRICE_MAX_WEI);
        self.context.between(&self.path(field), wei, bounds, |v| Price(v).to_string())
    }

    fn gas(&self, field: &str, gas: u64, bounds: (u64, u64)) -> Result<u64, ScenarioError> {
        self.context.between(&self.path(field), gas, bounds, |v| GasAmount(v).to_string())
    }

    fn fleet(&self, spec: &FleetSpec, nodes: &NodesPlan, l1: &ChainPlan) -> Result<FleetPlan, ScenarioError> {
        let name = spec.preset.as_deref().unwrap_or("op-like");
        let Some(preset) = presets::named(name) else {
            let problem = format!("there is no design of rollups `{name}`");
            return Err(self.context.error(&self.path("preset"), problem).allowed(name, presets::names()));
        };
        let count = self.count("count", spec.count.unwrap_or(1), 1, limits::ROLLUPS_MAX)?;
        let most = limits::SEQUENCERS_MAX.min(u64::from(count)).min(u64::from(nodes.count));
        let rules = self.rules(spec, &preset, l1)?;
        let shared = matches!(rules.sequencing, SequencingPlan::Shared { .. });
        if shared && spec.sequencers.is_some_and(|many| many > 1) {
            let problem = "a shared sequencer is one node for all rollups";
            return Err(self.context.error(&self.path("sequencers"), problem).help("leave it out"));
        }
        let default = if shared { 1 } else { 8.min(most) };
        let sequencers = self.count("sequencers", spec.sequencers.unwrap_or(default), 1, most)?;
        let others = u64::from(nodes.count) - 1;
        let least = spec.base_fee.map_or(preset.rules.base_fee_min_wei, |p| p.0);
        // Wallets leave room above the least base fee; so hardly anybody is priced out of an idle rollup.
        let max_fee = Price(least.saturating_mul(20).clamp(1_000, limits::PRICE_MAX_WEI));
        let demand = UsersSpec {
            rate: Some(spec.demand.as_ref().and_then(|d| d.rate).unwrap_or(TxRate(10_000))),
            accounts: Some(spec.demand.as_ref().and_then(|d| d.accounts).unwrap_or(2_000)),
            instances: Some(spec.demand.as_ref().and_then(|d| d.instances).unwrap_or(4)),
            max_fee: Some(spec.demand.as_ref().and_then(|d| d.max_fee).unwrap_or(max_fee)),
            ..spec.demand.clone().unwrap_or_default()
        };
        let liquidity = self.liquidity(spec, &demand, count)?;
        let mut demand = super::workload::users(self.context, &self.path("demand"), &demand)?;
        self.pools(spec, &mut demand)?;
        let market = self.market(spec, &mut demand, (count, nodes.count))?;
        let mut fleet = FleetPlan {
            name: spec.name.clone().unwrap_or_else(|| name.to_owned()),
            preset: name.to_owned(),
            l1: 0,
            count,
            shares: self.shares("shares", spec.shares.as_ref(), count)?.unwrap_or(SharesPlan::Equal),
            liquidity,
            market,
            bridges: Vec::new(),
            travellers: Vec::new(),
            demand,
            sequencers,
            followers: self.count(
                "followers",
                spec.followers.unwrap_or(if count == 1 { 4.min(others) } else { 0 }),
                0,
                others.min(100),
            )?,
            derivers: self.count("derivers", spec.derivers.unwrap_or(0), 0, others.min(100))?,
            rules,
            batcher: self.batcher(spec, &preset, l1)?,
            proof: self.proof(spec, &preset)?,
            execution: l1.execution.clone(),
        };
        super::bridges::resolve(self.context, self.section, spec, l1, &mut fleet)?;
        Ok(fleet)
    }

    fn shares(
        &self,
        field: &str,
        spec: Option<&SharesSpec>,
        count: u32,
    ) -> Result<Option<SharesPlan>, ScenarioError> {
        let path = self.path(field);
        match spec {
            None => Ok(None),
            Some(SharesSpec::Equal) => Ok(Some(SharesPlan::Equal)),
            Some(SharesSpec::Zipf(exponent)) => {
                let exponent_ppm = self.context.exponent(&path, *exponent)?;
                Ok(Some(SharesPlan::Zipf { exponent_ppm }))
            }
            Some(SharesSpec::Given(shares)) => {
                if shares.len() != count as usize {
                    let problem = format!("{} shares for {} rollups", shares.len(), thousands(count.into()));
                    return Err(self.context.error(&path, problem));
                }
                for share in shares {
                    self.context.between(&path, *share, (0, limits::SHARE_MAX), thousands)?;
                }
                if shares.iter().all(|share| *share == 0) {
                    return Err(self.context.error(&path, "no rollup has a share above 0"));
                }
                Ok(Some(SharesPlan::Given(shares.clone())))
            }
        }
    }

    fn liquidity(
        &self,
        spec: &FleetSpec,
        demand: &UsersSpec,
        count: u32,
    ) -> Result<Option<SharesPlan>, ScenarioError> {
        let plan = self.shares("liquidity", spec.liquidity.as_ref(), count)?;
        if let Some(SharesPlan::Given(shares)) = &plan
            && let Some(empty) = shares.iter().position(|share| *share == 0)
        {
            let problem = format!("rollup {empty} has no liquidity: every swap there would fail");
            return Err(self
                .context
                .error(&self.path("liquidity"), problem)
                .help("give it a share of at least 1"));
        }
        let trades =
            plan.is_some() || demand.trade.is_some() || spec.market.is_some() || spec.pools.is_some();
        if trades && demand.instances == Some(1) {
            let problem = "a market needs two tokens, and there is one instance of each contract";
            return Err(self.context.error(&self.path("demand.instances"), problem));
        }
        Ok(plan)
    }

    fn sequencing(
        &self,
        spec: &FleetSpec,
        own: SequencingPlan,
        l1: &ChainPlan,
    ) -> Result<SequencingPlan, ScenarioError> {
        let second_ns = 1_000_000_000;
        let lead = match (&spec.sequencing, own) {
            (Some(SequencingSpec::Own), _) | (None, SequencingPlan::Own) => return Ok(SequencingPlan::Own),
            (Some(SequencingSpec::Shared { atomic }), _) => {
                let inclusion = atomic.is_none_or(|atomic| atomic == AtomicSpec::Inclusion);
                let atomic = if inclusion { Atomic::Inclusion } else { Atomic::Execution };
                return Ok(SequencingPlan::Shared { atomic });
            }
            (None, SequencingPlan::Shared { .. }) => return Ok(own),
            (Some(SequencingSpec::Based { lead }), _) => lead.map(|lead| lead.0),
            (None, SequencingPlan::Based { lead_ns }) => Some(lead_ns),
        };
        let ConsensusPlan::Slots(slots) = &l1.consensus else { return Ok(SequencingPlan::Own) };
        let longest = slots.slot_ns.saturating_sub(10_000_000);
        let lead_ns = lead.unwrap_or(second_ns.min(longest / 2));
        let lead_ns = self.duration("sequencing.lead", lead_ns, (10_000_000, longest))?;
        let express = matches!(spec.order, Some(OrderSpec::Timeboost { .. }));
        let traded = spec.demand.as_ref().is_some_and(|demand| demand.trade.is_some());
        let said = [
            ("block", spec.block.is_some(), "it has one block a slot of the L1"),
            ("flashblock", spec.flashblock.is_some(), "nobody confirms before the L1 does"),
            ("on_demand", spec.on_demand.is_some(), "its blocks are on the L1's clock"),
            ("order", express, "there is no sequencer that could run an express lane"),
            ("queue", spec.queue.is_some_and(|queue| queue > 0), "there is no sequencer with a queue"),
            ("timeout", spec.timeout.is_some_and(|t| t.0 > 0), "there is no sequencer that could give up"),
            ("followers", spec.followers.is_some_and(|f| f > 0), "there is no sequencer to follow"),
            ("batch.sharing", spec.batch.sharing == Some(true), "each batch is its proposer's own"),
            (
                "batch.data",
                !matches!(spec.batch.data, None | Some(DataSpec::Blobs)),
                "its batches go into blobs",
            ),
            ("liquidity", spec.liquidity.is_some(), "swaps are not followed there"),
            ("market", spec.market.is_some(), "swaps are not followed there"),
            ("pools", spec.pools.is_some(), "swaps are not followed there"),
            ("bridges", spec.bridges.is_some(), "bridges need a sequencer to tell them"),
            ("travellers", spec.travellers.is_some(), "travellers need a sequencer to tell them"),
            ("demand.trade", traded, "swaps are not followed there"),
        ];
        match said.into_iter().find(|(_, said, _)| *said) {
            Some((field, _, why)) => {
                let problem = format!("a based rollup takes no `{field}`: {why}");
                Err(self.context.error(&self.path(field), problem))
            }
            None => Ok(SequencingPlan::Based { lead_ns }),
        }
    }

    fn rules(&self, spec: &FleetSpec, preset: &Preset, l1: &ChainPlan) -> Result<RulesPlan, ScenarioError> {
        let own = &preset.rules;
        let sequencing = self.sequencing(spec, own.sequencing, l1)?;
        let own_block_ns = match (&sequencing, &l1.consensus) {
            (SequencingPlan::Based { .. }, ConsensusPlan::Slots(slots)) => slots.slot_ns,
            _ => own.block_ns,
        };
        let block_ns = spec.block.map_or(own_block_ns, |d| d.0);
        let whole = spec.block.is_some() || matches!(sequencing, SequencingPlan::Based { .. });
        let soft = if whole { block_ns } else { own.soft_ns };
        let soft_ns = spec.flashblock.map_or(soft, |d| d.0);
        let longest = 3_600_000_000_000;
        let block_ns = self.duration("block", block_ns, (10_000_000, longest))?;
        let soft_ns = self.duration("flashblock", soft_ns, (1_000_000, block_ns))?;
        if !block_ns.is_multiple_of(soft_ns) {
            let problem = format!(
                "a block of {} is not a whole number of flashblocks of {}",
                duration(block_ns),
                duration(soft_ns)
            );
            return Err(self.context.error(&self.path("flashblock"), problem));
        }
        let on_demand = spec.on_demand.unwrap_or(own.on_demand);
        if on_demand && matches!(sequencing, SequencingPlan::Shared { .. }) {
            let problem = "a shared sequencer has one clock for all rollups: there are no blocks on demand";
            let help = format!("set `{}: false`", self.path("on_demand"));
            return Err(self.context.error(&self.path("sequencing"), problem).help(help));
        }
        if on_demand && soft_ns != block_ns {
            let problem = "flashblocks need a clock: they do not go with blocks on demand";
            return Err(self.context.error(&self.path("flashblock"), problem));
        }
        let order = match &spec.order {
            None => own.order,
            Some(OrderSpec::FirstCome) => OrderPlan::FirstCome,
            Some(OrderSpec::PriorityFee) => OrderPlan::PriorityFee,
            Some(OrderSpec::Timeboost { delay, express }) => OrderPlan::Timeboost {
                delay_ns: self.duration("order", delay.map_or(200_000_000, |d| d.0), (0, 10_000_000_000))?,
                express_ppm: self.context.between(
                    &self.path("order"),
                    express.map_or(50_000, |share| share.0),
                    (0, 1_000_000),
                    |v| Real(v).to_string(),
                )?,
            },
        };
        let base_fee_min_wei = self.context.between(
            &self.path("base_fee"),
            spec.base_fee.map_or(own.base_fee_min_wei, |p| p.0),
            (0, limits::PRICE_MAX_WEI),
            |v| Price(v).to_string(),
        )?;
        Ok(RulesPlan {
            block_ns,
            soft_ns,
            on_demand,
            gas_limit: self.gas(
                "gas_limit",
                spec.gas_limit.map_or(own.gas_limit, |g| g.0),
                limits::GAS_LIMIT,
            )?,
            order,
            sequencing,
            queue_max: self.count(
                "queue",
                spec.queue.unwrap_or(own.queue_max.into()),
                0,
                u64::from(u32::MAX),
            )?,
            timeout_ns: self.duration(
                "timeout",
                spec.timeout.map_or(own.timeout_ns, |d| d.0),
                (0, DAY_NS),
            )?,
            fees: super::fees::rollup(
                self.context,
                (&self.path("fees"), &self.path("base_fee")),
                spec.fees.as_ref(),
                (&own.fees, base_fee_min_wei),
            )?,
            base_fee_min_wei,
        })
    }

    fn batcher(
        &self,
        spec: &FleetSpec,
        preset: &Preset,
        l1: &ChainPlan,
    ) -> Result<crate::scenario::plan::BatcherPlan, ScenarioError> {
        let (own, spec) = (&preset.batcher, &spec.batch);
        let most = l1.blobs.as_ref().map_or(1, |blobs| blobs.market.max_blobs_per_tx as u32);
        let max_blobs = spec.max_blobs.unwrap_or(own.max_blobs.min(most).into());
        let max_blobs = self.count("batch.max_blobs", max_blobs, 1, most.into())?;
        let target = spec.target_blobs.unwrap_or(own.target_blobs.min(max_blobs).into());
        let bytes = |field: &str, size: &Size, bounds: (u64, u64)| {
            let value = self.context.between(&self.path(field), size.0, bounds, |v| Size(v).to_string())?;
            Ok(u32::try_from(value).unwrap_or(u32::MAX))
        };
        // A transaction of more is not passed on by nodes (geth: 128 KiB a slot, 4 slots).
        let calldata = (1_000, 500_000);
        let data = match &spec.data {
            None => own.data,
            Some(DataSpec::Blobs) => DataPlan::Blobs,
            Some(DataSpec::Calldata(size)) => {
                DataPlan::Calldata { max_bytes: bytes("batch.data", size, calldata)? }
            }
            Some(DataSpec::Cheaper(size)) => {
                DataPlan::Cheaper { max_bytes: bytes("batch.data", size, calldata)? }
            }
        };
        let throttle = match spec.throttle_at {
            Some(Size(0)) => None,
            Some(Size(backlog_bytes)) => Some(ThrottlePlan {
                backlog_bytes,
                block_bytes: own.throttle.map_or(21_000, |t| t.block_bytes),
            }),
            None => own.throttle,
        };
        let throttle = throttle.map(|t| ThrottlePlan {
            block_bytes: spec.throttle_block.map_or(t.block_bytes, |size| size.0.max(1)),
            ..t
        });
        let p90 = spec.max_blob_fee_p90.map_or(own.max_blob_fee_p90_ppm, |f| f.0);
        let times = (1_000_000_000, 30 * DAY_NS);
        Ok(crate::scenario::plan::BatcherPlan {
            max_delay_ns: self.duration(
                "batch.max_delay",
                spec.max_delay.map_or(own.max_delay_ns, |d| d.0),
                times,
            )?,
            target_blobs: self.count("batch.target_blobs", target, 1, max_blobs.into())?,
            max_blobs,
            brotli_quality: self.count(
                "batch.compression",
                spec.compression.unwrap_or(own.brotli_quality.into()),
                0,
                11,
            )? as u8,
            data,
            max_blob_fee_median_wei: self.price(
                "batch.max_blob_fee",
                spec.max_blob_fee.map_or(own.max_blob_fee_median_wei, |p| p.0),
            )?,
            max_blob_fee_p90_ppm: self.context.between(
                &self.path("batch.max_blob_fee_p90"),
                p90,
                (1_000_000, limits::SCALE_PPM.1),
                |v| Factor(v).to_string(),
            )?,
            tip_wei: self.price("batch.tip", spec.tip.map_or(own.tip_wei, |p| p.0))?,
            tip_doubles_ns: self.duration(
                "batch.tip_doubles",
                spec.tip_doubles.map_or(own.tip_doubles_ns, |d| d.0),
                times,
            )?,
            throttle,
            sharing: spec.sharing.unwrap_or(own.sharing),
        })
    }

    fn proof(&self, spec: &FleetSpec, preset: &Preset) -> Result<Option<ProofPlan>, ScenarioError> {
        let nothing = ProofPlan { latency_ns: 0, gas: 300_000, bytes: 1_000, window_ns: 0 };
        match &spec.proof {
            None => Ok(preset.proof),
            Some(ProofSpec::Off) => Ok(None),
            Some(ProofSpec::On { latency, window, gas }) => {
                let own = preset.proof.unwrap_or(nothing);
                let latency = latency.unwrap_or(Duration(own.latency_ns)).0;
                let window = window.unwrap_or(Duration(own.window_ns)).0;
                Ok(Some(ProofPlan {
                    latency_ns: self.duration("proof", latency, (0, 30 * DAY_NS))?,
                    window_ns: self.duration("proof", window, (0, 60 * DAY_NS))?,
                    gas: self.gas("proof", gas.map_or(own.gas, |g| g.0), (21_000, 16_000_000))?,
                    bytes: own.bytes,
                }))
            }
        }
    }
}
