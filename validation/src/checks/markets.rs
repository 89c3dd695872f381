//! Paths of prices against second renditions of their formulas; isolation as measured on executed blocks.

use crate::check::{Check, Effort, Expected, Finding, Row};
use alloy_eips::eip1559::BaseFeeParams;
use anyhow::{Context, Result};
use parallel_evm::U256;
use sim_core::chain::fee_market::blob::{BlobParent, GAS_PER_BLOB, SCHEDULES};
use sim_core::chain::fee_market::windows::{Target, Windows};
use sim_core::chain::fee_market::{BlockUse, Eip1559, FeeMarket, MarketState};
use sim_core::kernel::math;
use sim_core::kernel::random::{Purpose, draw, uniform_below};
use sim_core::observe::burst;
use sim_core::observe::record::Group;
use sim_core::scenario::{Changes, Scenario};
use sim_core::simulation::experiment::{Monitor, run_paired};
use std::num::NonZeroUsize;
use std::path::Path;

/// Base fees and blob prices.
pub const PATHS: Check = Check {
    name: "fee-price-paths",
    family: "fee market",
    question: "Do base fees and blob prices follow a random load to the unit as clients compute them?",
    expected: "EIP-1559: the function of the crate alloy-eips, which shares no code with ours. Blobs: the formulas of EIP-4844 and EIP-7918 in 256-bit \
               integers, written from the EIPs; ours are the crate's. Equal at every block",
    source: "EIP-1559, EIP-4844, EIP-7691, EIP-7892, EIP-7918; crate alloy-eips 2.5",
    tolerance: "none: both sides are integers",
    understood_miss: None,
    run: paths,
};

fn random(counter: u64, below: u64) -> u64 {
    uniform_below(draw(5, Purpose::MARKET, 1, counter), below)
}

fn paths(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let blocks = effort.pick(2_000, 100_000_u64);
    let sample = || format!("{blocks} blocks");
    for (elasticity, change_denominator) in [(2, 8), (6, 125)] {
        let market = Eip1559 { elasticity, change_denominator };
        let params = BaseFeeParams::new(u128::from(change_denominator), u128::from(elasticity));
        let (limit, mut fee, mut equal) = (36_000_000, 1_000_000_000_u64, 0);
        for block in 0..blocks {
            // Load that pulls the fee back to where it began.
            let target = limit / elasticity;
            let used = random(block, if fee > 1_000_000_000 { target } else { 2 * target });
            let expected = params.next_block_base_fee(used, limit, fee);
            fee = market.next_base_fee(fee, used, limit);
            equal += u64::from(fee == expected);
        }
        let case = format!("base fee, elasticity {elasticity}, denominator {change_denominator}");
        let expected = Expected::Exactly(blocks as f64);
        finding.rows.push(Row::new(case, equal as f64, expected, "equal blocks", sample()));
    }
    for (name, rules) in SCHEDULES {
        let (mut excess, mut equal) = (0_u64, 0);
        for block in 0..blocks {
            let scarce = excess > 40 * rules.update_fraction;
            let used =
                random(block, if scarce { rules.target_blobs } else { rules.max_blobs + 1 }) * GAS_PER_BLOB;
            let base_fee_wei = random(blocks + block, 100_000_000_000);
            let price = exponential(rules.min_fee_wei, excess, rules.update_fraction);
            let target = rules.target_blobs * GAS_PER_BLOB;
            let reserve = U256::from(rules.reserve_gas) * U256::from(base_fee_wei);
            let expected = if excess + used < target {
                0
            } else if reserve > U256::from(GAS_PER_BLOB) * price {
                excess + used * (rules.max_blobs - rules.target_blobs) / rules.max_blobs
            } else {
                excess + used - target
            };
            let same_price = U256::from(rules.fee_wei(excess)) == price;
            excess = rules.next_excess(BlobParent { excess_gas: excess, used_gas: used, base_fee_wei });
            equal += u64::from(same_price && excess == expected);
        }
        let case = format!("blobs, {name}");
        let expected = Expected::Exactly(blocks as f64);
        finding.rows.push(Row::new(case, equal as f64, expected, "equal blocks", sample()));
    }
    Ok(finding)
}

/// `factor * e^(numerator / denominator)` by its series, every term rounded down.
fn exponential(factor: u64, numerator: u64, denominator: u64) -> U256 {
    let [factor, numerator, denominator] = [factor, numerator, denominator].map(U256::from);
    let (mut sum, mut term, mut i) = (U256::ZERO, factor * denominator, U256::ONE);
    while !term.is_zero() {
        sum += term;
        term = term * numerator / (denominator * i);
        i += U256::ONE;
    }
    sum / denominator
}

/// Several targets.
pub const WINDOWS: Check = Check {
    name: "fee-windows",
    family: "fee market",
    question: "Does the base fee of several targets over several times follow its formula?",
    expected: "floor exp(sum B / (T A)) with backlogs B' = max(0, B + gas - T dt), in floating point, Arbitrum One's six targets; largest relative difference",
    source: "nitro, arbos/l2pricing/model.go; chain parameters of Arbitrum One (ArbOS 51)",
    tolerance: "1e-7: each of six exponents is rounded down to a billionth, the fee (at least 20,000,000 wei) to a wei",
    understood_miss: None,
    run: windows,
};

fn windows(effort: Effort) -> Result<Finding> {
    let blocks = effort.pick(5_000, 200_000_u64);
    let pairs = [
        (60_000_000, 9),
        (41_000_000, 52),
        (29_000_000, 329),
        (20_000_000, 2_105),
        (14_000_000, 13_485),
        (10_000_000, 86_400),
    ];
    let targets = pairs.map(|(gas_per_s, window_s)| Target { gas_per_s, window_s });
    let market = Windows { floor_wei: 20_000_000, targets: targets.to_vec() };
    let (mut state, mut backlogs) = (MarketState::default(), [0.0_f64; 6]);
    let (mut worst, mut highest) = (0.0_f64, 0.0_f64);
    for block in 0..blocks {
        // Whole quarters of a second, so that the gas allowed is whole.
        let elapsed_ns = 250_000_000 * (1 + random(block, 4));
        let burst = block % 1_000 < 200;
        let gas = random(blocks + block, if burst { 60_000_000 } else { 12_000_000 });
        let used = BlockUse { gas, ..BlockUse::new(60_000_000) };
        state = market.open(&market.update(&state, &used), elapsed_ns);
        let mut exponent = 0.0;
        for (backlog, (rate, window)) in backlogs.iter_mut().zip(pairs) {
            *backlog = (*backlog + gas as f64 - rate as f64 * elapsed_ns as f64 / 1e9).max(0.0);
            exponent += *backlog / (rate as f64 * window as f64);
        }
        let expected = 2e7 * math::exp(exponent);
        worst = worst.max((state.base_fee_wei as f64 - expected).abs() / expected);
        highest = highest.max(expected);
    }
    let row =
        Row::new("largest difference", worst, Expected::AtMost(1e-7), "relative", format!("{blocks} blocks"));
    let moved = Row::new("highest over floor", highest / 2e7, Expected::AtLeast(1.5), "", "the same blocks");
    Ok(Finding { rows: vec![row, moved], ..Finding::default() })
}

/// A cap and a local price, together and apart.
pub const ISOLATION: Check = Check {
    name: "fee-isolation",
    family: "fee market",
    question: "When one application's demand grows a hundredfold, do a cap and a local price together spare the others more than either alone?",
    expected: "the median price of unrelated transactions in the burst over that before, with both, is at most that with either alone; and at most that of EIP-1559",
    source: "derived from the rules; a toy without EVM found the same order (1.13 with both, 1.41 and 1.73 alone, 6.43 with EIP-1559)",
    tolerance: "none: what is expected is an order",
    understood_miss: None,
    run: isolation,
};

fn isolation(effort: Effort) -> Result<Finding> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/local-fee-markets.ron");
    let accounts = effort.pick(3_000, 15_000);
    let set = [format!("workload.accounts={accounts}"), "workload.burst.accounts=3000".to_owned()];
    let changes = Changes { set: set.into(), ..Changes::default() };
    let scenario = Scenario::load_with(&path, &changes).map_err(|error| anyhow::anyhow!("{error}"))?;
    let named = ["cap", "local", "cap and local"];
    let arms: Vec<_> =
        scenario.arms.iter().filter(|plan| named.contains(&plan.name.as_str())).cloned().collect();
    let threads = NonZeroUsize::new(1).context("one is not zero")?;
    let records = run_paired(&scenario.base, &arms, threads, &Monitor::new(1 + arms.len()))?;
    let mut spill = Vec::new();
    for record in &records {
        let summary = burst::summarise(record).context("the scenario has a burst")?;
        let unrelated = summary.of(Group::Unrelated).and_then(|group| group.spill_over);
        spill.push(unrelated.with_context(|| format!("{}: nobody paid", record.plan.name))?);
    }
    let [plain, cap, local, both] = spill[..] else { anyhow::bail!("arms are missing") };
    let row = |case: &str, most: f64| {
        Row::new(
            case,
            both,
            Expected::AtMost(most),
            "times the price before",
            "unrelated transactions of 60 slots",
        )
    };
    Ok(Finding {
        rows: vec![
            row("against the cap", cap),
            row("against the local price", local),
            row("against EIP-1559", plain),
        ],
        notes: vec![format!(
            "Spill-over: EIP-1559 {plain:.2}, cap {cap:.2}, local price {local:.2}, both {both:.2}."
        )],
        ..Finding::default()
    })
}
