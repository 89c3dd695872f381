//! `chain.fee_market` and `workload.burst`.

use super::Context;
use super::KINDS;
use crate::chain::fee_market::cap::AccountCap;
use crate::chain::fee_market::cap_and_local::CapAndLocal;
use crate::chain::fee_market::eip1559::Eip1559;
use crate::chain::fee_market::local::LocalPrice;
use crate::chain::fee_market::resources::Resources;
use crate::chain::fee_market::windows::{Target, Windows};
use crate::scenario::error::ScenarioError;
use crate::scenario::library::duration;
use crate::scenario::limits;
use crate::scenario::plan::{BurstPlan, FeeMarketPlan, FeesPlan, KeyedBy, TxKind};
use crate::scenario::spec::fees::{BurstSpec, Eip1559Spec, FeeMarketSpec, KeySpec, WindowsSpec};
use crate::scenario::units::{Factor, GasAmount, Price, Real};

/// Targets of Arbitrum One since ArbOS 51: gas a second, seconds. Source: its chain parameters.
const ARBITRUM_ONE: [(u64, u64); 6] = [
    (60_000_000, 9),
    (41_000_000, 52),
    (29_000_000, 329),
    (20_000_000, 2_105),
    (14_000_000, 13_485),
    (10_000_000, 86_400),
];
/// A second, ns.
const SECOND_NS: u64 = 1_000_000_000;
/// Longest window, ns.
const WINDOW_MAX_NS: u64 = 30 * 24 * 3_600 * SECOND_NS;
/// One, as a share.
const WHOLE_PPM: u64 = 1_000_000;
/// Where the market stands.
const MARKET: &str = "chain.fee_market";

/// Share of the block that an account may have unless told otherwise: Solana's 12 of 60 million units.
const CAP_PPM: u64 = 200_000;
/// Share of the block at which an account's price stays unless told otherwise.
const TARGET_PPM: u64 = 100_000;
/// As EIP-1559's.
const DENOMINATOR: u64 = 8;

pub(super) fn market(
    context: &Context<'_>,
    spec: Option<&FeeMarketSpec>,
    base_fee_wei: u64,
) -> Result<FeeMarketPlan, ScenarioError> {
    let Some(spec) = spec else { return Ok(FeeMarketPlan::default()) };
    Ok(match spec {
        FeeMarketSpec::Eip1559(own) => FeeMarketPlan::Eip1559(eip1559(context, MARKET, Some(*own))?),
        FeeMarketSpec::Windows(own) => {
            let targets = targets(context, MARKET, own)?;
            FeeMarketPlan::Windows(Windows { floor_wei: floor(context, own, base_fee_wei)?, targets })
        }
        FeeMarketSpec::Cap(own) => FeeMarketPlan::Cap(AccountCap {
            keyed_by: keyed_by(own.key),
            cap_ppm: share(context, "cap", own.cap, CAP_PPM)?,
            base: base(context, own.base)?,
        }),
        FeeMarketSpec::Local(own) => FeeMarketPlan::Local(LocalPrice {
            keyed_by: keyed_by(own.key),
            target_ppm: share(context, "target", own.target, TARGET_PPM)?,
            change_denominator: denominator(context, &format!("{MARKET}.denominator"), own.denominator)?,
            base: base(context, own.base)?,
        }),
        FeeMarketSpec::CapAndLocal(own) => {
            let cap_ppm = share(context, "cap", own.cap, CAP_PPM)?;
            let target_ppm = share(context, "target", own.target, (cap_ppm / 2).max(1))?;
            if target_ppm >= cap_ppm {
                let problem = format!(
                    "a target of {} cannot be passed under a cap of {}: no price would ever rise",
                    Real(target_ppm),
                    Real(cap_ppm)
                );
                let path = if own.target.is_some() { "target" } else { "cap" };
                return Err(context.error(&format!("{MARKET}.{path}"), problem));
            }
            let local = LocalPrice {
                keyed_by: keyed_by(own.key),
                target_ppm,
                change_denominator: denominator(context, &format!("{MARKET}.denominator"), own.denominator)?,
                base: base(context, own.base)?,
            };
            FeeMarketPlan::CapAndLocal(CapAndLocal { cap_ppm, local })
        }
        FeeMarketSpec::Resources(own) => {
            FeeMarketPlan::Resources(Resources { base: base(context, own.base)? })
        }
    })
}

fn base(context: &Context<'_>, spec: Option<Eip1559Spec>) -> Result<Eip1559, ScenarioError> {
    eip1559(context, &format!("{MARKET}.base"), spec)
}

fn eip1559(context: &Context<'_>, path: &str, spec: Option<Eip1559Spec>) -> Result<Eip1559, ScenarioError> {
    let spec = spec.unwrap_or_default();
    let elasticity = spec.elasticity.unwrap_or(Eip1559::MAINNET.elasticity);
    let (elasticity_path, denominator_path) = (format!("{path}.elasticity"), format!("{path}.denominator"));
    Ok(Eip1559 {
        elasticity: context.between(&elasticity_path, elasticity, (1, 1_000), super::thousands)?,
        change_denominator: denominator(context, &denominator_path, spec.denominator)?,
    })
}

fn denominator(context: &Context<'_>, path: &str, value: Option<u64>) -> Result<u64, ScenarioError> {
    context.between(path, value.unwrap_or(DENOMINATOR), (1, 1_000_000), super::thousands)
}

fn share(context: &Context<'_>, name: &str, value: Option<Real>, default: u64) -> Result<u64, ScenarioError> {
    let path = format!("{MARKET}.{name}");
    context.between(&path, value.map_or(default, |v| v.0), (1, WHOLE_PPM), |v| Real(v).to_string())
}

fn keyed_by(spec: Option<KeySpec>) -> KeyedBy {
    match spec {
        None | Some(KeySpec::To) => KeyedBy::To,
        Some(KeySpec::AccessList) => KeyedBy::AccessList,
        Some(KeySpec::WriteSet) => KeyedBy::WriteSet,
    }
}

fn floor(context: &Context<'_>, spec: &WindowsSpec, base_fee_wei: u64) -> Result<u64, ScenarioError> {
    let (path, floor) = match spec.floor {
        Some(floor) => (format!("{MARKET}.floor"), floor.0),
        None => ("chain.base_fee".to_owned(), base_fee_wei),
    };
    context.between(&path, floor, (1, limits::PRICE_MAX_WEI), |v| Price(v).to_string())
}

/// How a rollup's base fee moves, given its preset's way and the lowest.
pub(super) fn rollup(
    context: &Context<'_>,
    (path, floor_path): (&str, &str),
    spec: Option<&FeeMarketSpec>,
    (own, floor_wei): (&FeesPlan, u64),
) -> Result<FeesPlan, ScenarioError> {
    let fees = match (spec, own) {
        (None, own) => own.clone(),
        (Some(FeeMarketSpec::Eip1559(spec)), FeesPlan::Eip1559(own)) => {
            let spec = Eip1559Spec {
                elasticity: spec.elasticity.or(Some(own.elasticity)),
                denominator: spec.denominator.or(Some(own.change_denominator)),
            };
            FeesPlan::Eip1559(eip1559(context, path, Some(spec))?)
        }
        (Some(FeeMarketSpec::Eip1559(spec)), _) => FeesPlan::Eip1559(eip1559(context, path, Some(*spec))?),
        (Some(FeeMarketSpec::Windows(spec)), _) => {
            if spec.floor.is_some() {
                let problem = "the lowest base fee of a rollup is its `base_fee`";
                return Err(context.error(&format!("{path}.floor"), problem).help("write it there"));
            }
            FeesPlan::Windows(targets(context, path, spec)?)
        }
        (Some(other), _) => {
            let name = match other {
                FeeMarketSpec::Cap(_) => "Cap",
                FeeMarketSpec::Local(_) => "Local",
                FeeMarketSpec::CapAndLocal(_) => "CapAndLocal",
                _ => "Resources",
            };
            let problem = format!("`{name}` is no market of a rollup: its gas has one base fee");
            return Err(context.error(path, problem).allowed(name, ["Eip1559", "Windows"]));
        }
    };
    if matches!(fees, FeesPlan::Windows(_)) && floor_wei == 0 {
        let problem = "a base fee that starts from nothing stays there under `Windows`";
        return Err(context.error(floor_path, problem).help("give it a lowest value above 0"));
    }
    Ok(fees)
}

fn targets(context: &Context<'_>, path: &str, spec: &WindowsSpec) -> Result<Vec<Target>, ScenarioError> {
    let Some(targets) = &spec.targets else {
        let targets = ARBITRUM_ONE.map(|(gas_per_s, window_s)| Target { gas_per_s, window_s });
        return Ok(targets.to_vec());
    };
    let path = format!("{path}.targets");
    if targets.is_empty() {
        return Err(context.error(&path, "the base fee needs at least one target to follow"));
    }
    context.at_most(&path, targets.len(), 64, "targets")?;
    let resolved = targets.iter().enumerate().map(|(index, target)| {
        let here = |field: &str| format!("{path}.{index}.{field}");
        let (rate, window) = (target.per_second.0, target.window.0);
        let rate = context
            .between(&here("per_second"), rate, (1, limits::GAS_LIMIT.1), |v| GasAmount(v).to_string())?;
        let window = context.between(&here("window"), window, (SECOND_NS, WINDOW_MAX_NS), duration)?;
        if window % SECOND_NS != 0 {
            let problem = format!("a window of {} is not a whole number of seconds", duration(window));
            return Err(context.error(&here("window"), problem));
        }
        Ok(Target { gas_per_s: rate, window_s: window / SECOND_NS })
    });
    resolved.collect()
}

/// The application in demand, given the mix and the number of instances.
pub(super) fn burst(
    context: &Context<'_>,
    spec: &BurstSpec,
    mix: &[(TxKind, u64)],
    (accounts, instances): (u32, u32),
) -> Result<BurstPlan, ScenarioError> {
    let field = |name: &str| format!("workload.burst.{name}");
    let unknown = |problem: String| {
        let help = "write a kind of transaction and the number of an instance, such as \"erc20/0\"";
        context.error(&field("app"), problem).help(help)
    };
    let Some((name, number)) = spec.app.split_once('/') else {
        return Err(unknown(format!("`{}` is not an application", spec.app)));
    };
    let callable = || KINDS.iter().filter(|(_, kind)| *kind != TxKind::Transfer);
    let Some((_, kind)) = callable().find(|(known, _)| *known == name) else {
        return Err(unknown(format!("there is no kind of application `{name}`"))
            .allowed(name, callable().map(|(name, _)| *name)));
    };
    if !mix.iter().any(|(known, _)| known == kind) {
        return Err(unknown(format!(
            "nobody calls `{name}`: the mix has none, and a multiple of none is none"
        )));
    }
    let instance = number.parse::<u32>().ok().filter(|n| *n < instances);
    let Some(instance) = instance else {
        let problem = format!("there is no instance `{number}`: there are {instances}, from 0");
        return Err(unknown(problem));
    };
    if spec.until.0 <= spec.from.0 {
        let problem =
            format!("it ends at {}, before it begins at {}", duration(spec.until.0), duration(spec.from.0));
        return Err(context.error(&field("until"), problem));
    }
    let factor_ppm =
        context.between(&field("factor"), spec.factor.0, (WHOLE_PPM + 1, limits::SCALE_PPM.1), |v| {
            Factor(v).to_string()
        })?;
    let own = spec.accounts.unwrap_or(u64::from(accounts));
    let most = limits::ACCOUNTS_MAX - u64::from(accounts);
    Ok(BurstPlan {
        kind: *kind,
        instance,
        from_ns: spec.from.0,
        until_ns: spec.until.0,
        factor_ppm,
        accounts: context.count_u32(&field("accounts"), Some(own), 1, most.max(1))?,
    })
}
