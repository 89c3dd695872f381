//! The `workload` section.

use super::{Context, thousands};
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{BlocksPlan, Delivery, PoolsPlan, TradePlan, TxKind, UsersPlan, WorkloadPlan};
use crate::scenario::spec::{DeliverySpec, HotSpotSpec, PathsSpec, UsersSpec, WorkloadSpec};
use crate::scenario::units::{Factor, Price, Real, TxRate};

/// The kinds of transaction, as written and as meant.
pub(in crate::scenario) const KINDS: [(&str, TxKind); 5] = [
    ("transfer", TxKind::Transfer),
    ("erc20", TxKind::Erc20),
    ("swap", TxKind::Swap),
    ("mint", TxKind::Mint),
    ("compute", TxKind::Compute),
];

/// Sizes of swaps, where none are given.
pub(super) const TRADE: TradePlan = TradePlan {
    median_ppm: 100,
    p90_ppm: 10_000_000,
    arbitrageurs: 0,
    searchers: 0,
    providers: 0,
    pools: PoolsPlan::Constant,
};

pub(super) fn resolve(
    context: &Context<'_>,
    spec: Option<&WorkloadSpec>,
) -> Result<WorkloadPlan, ScenarioError> {
    match context.given("workload", spec)? {
        WorkloadSpec::Empty => Ok(WorkloadPlan::Empty),
        WorkloadSpec::Users(spec) => users(context, "workload", spec).map(WorkloadPlan::Users),
        WorkloadSpec::Blocks(paths) => blocks(context, paths).map(WorkloadPlan::Blocks),
    }
}

fn blocks(context: &Context<'_>, paths: &PathsSpec) -> Result<BlocksPlan, ScenarioError> {
    let list = match paths {
        PathsSpec::One(path) => std::slice::from_ref(path),
        PathsSpec::Many(paths) => paths,
    };
    let mut files = Vec::new();
    for (index, path) in list.iter().enumerate() {
        let here = format!("workload.Blocks.{index}");
        files.extend(context.library.block_files(path).map_err(|m| context.missing(&here, path, m))?);
    }
    if files.is_empty() {
        return Err(context.error("workload", "no block is named"));
    }
    context.at_most("workload", files.len(), limits::BLOCK_FILES_MAX, "block files")?;
    Ok(BlocksPlan { files })
}

/// People, described in `section`.
pub(super) fn users(
    context: &Context<'_>,
    section: &str,
    spec: &UsersSpec,
) -> Result<UsersPlan, ScenarioError> {
    let field = |name: &str| format!("{section}.{name}");
    let count = |name: &str, value: Option<u64>, default: u64, low: u64, high: u64| {
        context.count_u32(&field(name), Some(value.unwrap_or(default)), low, high)
    };
    let rate = spec.rate.unwrap_or(TxRate(20_000));
    let max_fee = spec.max_fee.unwrap_or(Price(20_000_000_000));
    let max_fee_p90 = spec.max_fee_p90.unwrap_or(Factor(3_000_000));
    let delivery = match spec.delivery {
        None => Delivery::Leaders { ahead: 2 },
        Some(DeliverySpec::Gossip) => Delivery::Gossip,
        Some(DeliverySpec::Leaders(ahead)) => {
            Delivery::Leaders { ahead: count("delivery", Some(ahead), 2, 1, 64)? }
        }
    };
    let default_bundle = if delivery == Delivery::Gossip { 1_000_000_000 } else { 100_000_000 };
    let bundle = spec.bundle.map_or(default_bundle, |d| d.0);
    let zipf_ppm = match &spec.hot_spot {
        None => 800_000,
        Some(HotSpotSpec::Uniform) => 0,
        Some(HotSpotSpec::Zipf(exponent)) => context.exponent(&field("hot_spot"), *exponent)?,
    };
    let accounts = count("accounts", spec.accounts, 20_000, 2, limits::ACCOUNTS_MAX)?;
    let instances = count("instances", spec.instances, 8, 1, limits::INSTANCES_MAX)?;
    let mix = mix(context, section, spec)?;
    let burst = match &spec.burst {
        None => None,
        Some(_) if section != "workload" => {
            let problem =
                "only the users of a chain itself can have an application in demand, not those of rollups";
            return Err(context.error(&field("burst"), problem));
        }
        Some(burst) => Some(super::fees::burst(context, burst, &mix, (accounts, instances))?),
    };
    let trade = match &spec.trade {
        None => None,
        Some(trade) => {
            let (median, p90) =
                (trade.median.unwrap_or(Real(TRADE.median_ppm)), trade.p90.unwrap_or(Factor(TRADE.p90_ppm)));
            if !mix.iter().any(|(kind, share)| *kind == TxKind::Swap && *share > 0) {
                let problem = "nobody swaps: the mix has no `swap`";
                return Err(context.error(&field("trade"), problem));
            }
            Some(TradePlan {
                median_ppm: context
                    .between(&field("trade.median"), median.0, (1, 1_000_000), |v| Real(v).to_string())?,
                p90_ppm: context.between(
                    &field("trade.p90"),
                    p90.0,
                    (1_000_000, limits::SCALE_PPM.1),
                    |v| Factor(v).to_string(),
                )?,
                arbitrageurs: 0,
                searchers: 0,
                providers: 0,
                pools: PoolsPlan::Constant,
            })
        }
    };
    Ok(UsersPlan {
        rate_milli_tps: context
            .between(&field("rate"), rate.0, (1, limits::TX_RATE_MAX_MILLI), |v| TxRate(v).to_string())?,
        accounts,
        zipf_ppm,
        instances,
        mix,
        compute_iterations: context.between(
            &field("compute_iterations"),
            spec.compute_iterations.unwrap_or(1_000),
            (1, limits::ITERATIONS_MAX),
            thousands,
        )?,
        max_fee_median_wei: context.between(
            &field("max_fee"),
            max_fee.0,
            (1, limits::PRICE_MAX_WEI),
            |v| Price(v).to_string(),
        )?,
        max_fee_p90_ppm: context.between(
            &field("max_fee_p90"),
            max_fee_p90.0,
            (1_000_000, limits::SCALE_PPM.1),
            |v| Factor(v).to_string(),
        )?,
        delivery,
        bundle_ns: context.between(&field("bundle"), bundle, (1_000_000, 60_000_000_000), duration)?,
        rpc_nodes_per_region: count("rpc_nodes_per_region", spec.rpc_nodes_per_region, 1, 1, 1_000)?,
        burst,
        trade,
    })
}

fn mix(context: &Context<'_>, section: &str, spec: &UsersSpec) -> Result<Vec<(TxKind, u64)>, ScenarioError> {
    let Some(shares) = &spec.mix else {
        return Ok(vec![(TxKind::Transfer, 40), (TxKind::Erc20, 40), (TxKind::Swap, 18), (TxKind::Mint, 2)]);
    };
    let mut mix = Vec::new();
    for (name, share) in shares {
        let here = format!("{section}.mix.{name}");
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| known == name) else {
            let problem = format!("there is no kind of transaction `{name}`");
            return Err(context.error(&here, problem).allowed(name, KINDS.map(|k| k.0)));
        };
        let share = context.between(&here, *share, (0, limits::SHARE_MAX), thousands)?;
        if share > 0 {
            mix.push((*kind, share));
        }
    }
    mix.sort_unstable();
    if mix.is_empty() {
        return Err(context.error(&format!("{section}.mix"), "the mix is empty: no kind has a share above 0"));
    }
    Ok(mix)
}

impl Context<'_> {
    /// The exponent of a Zipf law, ppm.
    pub(super) fn exponent(&self, path: &str, exponent: Real) -> Result<u64, ScenarioError> {
        self.between(path, exponent.0, (0, limits::ZIPF_MAX_PPM), |v| Real(v).to_string())
    }
}
