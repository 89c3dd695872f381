//! Liquidity spread over chains: what trades lose, the best route, what arbitrage takes. Executed on our own market's
//! bytecode.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::pools::{Pools, Swap, float};
use anyhow::{Context, Result};
use parallel_evm::U256;
use sim_core::kernel::math;
use sim_core::kernel::random::{Purpose, draw, exponential_duration, uniform_below};
use sim_core::kernel::time::SimDuration;
use sim_core::rollup::liquidity::Reserves;
use sim_core::rollup::liquidity::arbitrage::{self, PRICE_ONE};
use sim_core::rollup::liquidity::price::{PricePlan, ReferencePrice};
use sim_core::rollup::liquidity::route::{self, Costs};

/// What a trade loses to the number of chains.
pub const SPLIT: Check = Check {
    name: "liquidity-split",
    family: "rollups",
    question: "What does a trade on one chain lose when the liquidity is spread over n chains, for every n from 1 to 64?",
    expected: "loss = 1 - g (L/n) / (L/n + g q): trade q, liquidity L of both tokens, g = 0.997; outputs to the unit; and losses measured on the published \
               bytecode of Uniswap V2 for q/L = 0.01 %, 0.1 %, 1 %",
    source: "x y = k; our measurement of 2026-11 with the published bytecode, six decimals (n = 1, 2, 4 ... 64)",
    tolerance: "outputs: none. Formula: 1e-12 for 64-bit floats. Measured: half of the last digit",
    understood_miss: None,
    run: split,
};

/// The best way over several chains.
pub const ROUTING: Check = Check {
    name: "liquidity-routing",
    family: "rollups",
    question: "Is the route over pools on several chains the best one, and does it use as many chains as the closed form says?",
    expected: "n equal pools: the whole pool's output. Unequal pools at prices apart: no shift of 1 % of a part to another pool yields more. With a cost c for every \
               further chain and a bridge fee b: about m* = sqrt((n q^2 / L - q b) / c) chains of n",
    source: "equal marginal yields, derived; the closed form likewise, to first order in n q / L",
    tolerance: "equal pools: every part rounds down by a unit and is a few units off even, at most 2 n. Shifts: as many. m*: 1 chain, since chains are whole and terms of second order \
                are left out",
    understood_miss: None,
    run: routing,
};

/// What a wrong price is worth.
pub const ARBITRAGE: Check = Check {
    name: "liquidity-arbitrage",
    family: "rollups",
    question: "How much does arbitrage take from a mispriced pool, and how far off must a price be before anybody trades?",
    expected: "profit (sqrt(P x) - sqrt(y / 0.997))^2, near V (z - fee)^2 / 8 for mispricing z and value V; band z* = fee + sqrt(8 c n / V) for cost c a trade and liquidity \
               V over n chains: 33 bp (n = 1) and 53 bp (64) for $0.02 and $2M, 44 and 143 bp for $0.50",
    source: "derived from x y = k; the four figures from the project's notes",
    tolerance: "closed form: 1e-9, for differences of 64-bit roots. Approximation: the next term, (z + fee)/2 of it. Band: 0.6 bp, for the next term (0.4 % of 113 bp), the fee's \
                logarithm (0.05 bp) and figures in whole bp (in those rows 1.1 bp)",
    understood_miss: None,
    run: arbitrage_profit,
};

/// What moves of the price cost those who provide liquidity.
pub const LVR: Check = Check {
    name: "liquidity-lvr",
    family: "rollups",
    question: "How often does a block carry an arbitrage trade, and what does it take, when the price outside moves at random?",
    expected: "blocks at random times (Poisson): a trade in 1 / (1 + sqrt(2) f / s) of them, f = -ln 0.997, s the deviation of the price over a mean block. Blocks on a clock: a loss of \
               V s^2 / 8 / (1 + 1.7164 f / s) a block",
    source: "Milionis, Moallemi, Roughgarden, Automated Market Making and Arbitrage Profits in the Presence of Fees (2023); Nezlobin, Tassy, arXiv 2505.05113 (its spread is 2 f, its \
             unit of liquidity 4 / V)",
    tolerance: "four deviations of independent blocks and 0.005 (a trade's own fee leaves the pool a little inside its band); losses: 5 % of 60,000 blocks, 12 % of 6,000, \
                four deviations each of a block's loss, which varies by two to three times its mean",
    understood_miss: None,
    run: lvr,
};

/// 10^24: a million tokens of 18 decimals.
fn million() -> U256 {
    U256::from(10).pow(U256::from(24))
}

fn equal(reserve: U256) -> Reserves {
    Reserves { token0: reserve, token1: reserve }
}

fn sale(pool: usize, amount: U256) -> Swap {
    Swap { pool, zero_for_one: true, amount }
}

/// By q/L in millionths: losses for n = 1, 2, 4, 8, 16, 32, 64.
const MEASURED: [(u64, [f64; 7]); 3] = [
    (100, [0.003_099, 0.003_199, 0.003_397, 0.003_795, 0.004_588, 0.006_171, 0.009_321]),
    (1_000, [0.003_993, 0.004_984, 0.006_960, 0.010_889, 0.018_654, 0.033_825, 0.062_801]),
    (10_000, [0.012_842, 0.022_492, 0.041_236, 0.076_647, 0.140_161, 0.244_147, 0.391_361]),
];

fn split(_: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for (share_ppm, published) in MEASURED {
        let amount = million() * U256::from(share_ppm) / U256::from(1_000_000);
        let (mut wrong, mut apart, mut from_published) = (0, 0.0_f64, 0.0_f64);
        for n in 1..=64_u64 {
            let pool = equal(million() / U256::from(n));
            let out = Pools::new(&[pool]).try_swap(&[sale(0, amount)])?[0];
            let paid = amount * U256::from(997);
            let by_formula = paid * pool.token1 / (pool.token0 * U256::from(1_000) + paid);
            wrong += u64::from(out != by_formula || Some(out) != pool.quote(true, amount));
            let loss = 1.0 - float(out) / float(amount);
            let (part, q) = (1.0 / n as f64, share_ppm as f64 / 1e6);
            apart = apart.max((loss - (1.0 - 0.997 * part / (part + 0.997 * q))).abs());
            if n.is_power_of_two() {
                from_published = from_published.max((loss - published[n.trailing_zeros() as usize]).abs());
            }
        }
        let q = format!("q/L = {} %", share_ppm as f64 / 1e4);
        let sample = "n = 1 to 64, two engines";
        finding.rows.extend([
            Row::new(
                format!("{q}: outputs off the formula"),
                wrong as f64,
                Expected::Exactly(0.0),
                "outputs",
                sample,
            ),
            Row::new(format!("{q}: largest distance of a loss"), apart, Expected::AtMost(1e-12), "", sample),
            Row::new(
                format!("{q}: largest distance from the published bytecode's"),
                from_published,
                Expected::AtMost(5e-7),
                "",
                "n = 1, 2, 4 ... 64",
            ),
        ]);
    }
    Ok(finding)
}

/// Executes the parts of a route; what comes out of all.
fn executed(pools: &[Reserves], parts: &[U256], costs: Costs) -> Result<U256> {
    let swaps = parts.iter().enumerate().filter(|(_, part)| !part.is_zero());
    let swaps: Vec<Swap> =
        swaps.map(|(pool, part)| sale(pool, route::arriving(pool, *part, costs))).collect();
    // A block holds some 300 of them by gas, 64 are asked for at most.
    Ok(Pools::new(pools).try_swap(&swaps)?.into_iter().sum())
}

/// 64 pools whose sizes follow Zipf's law and whose prices are up to 2 % apart.
fn unequal() -> Vec<Reserves> {
    let pool = |rank: u64| {
        let token0 = million() / U256::from(rank + 1);
        let off = uniform_below(draw(7, Purpose::MARKET, 1, rank), 20_001);
        Reserves { token0, token1: token0 * U256::from(990_000 + off) / U256::from(1_000_000) }
    };
    (0..64).map(pool).collect()
}

fn routing(_: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut worst = 0.0_f64;
    for n in 1..=64_u64 {
        let (amount, pools) =
            (million() / U256::from(100) * U256::from(n), vec![equal(million()); n as usize]);
        let found = route::split(amount, true, &pools, Costs::default()).context("a route")?;
        let whole = equal(million() * U256::from(n)).quote(true, amount).context("a quote")?;
        let out = executed(&pools, &found.parts, Costs::default())?;
        worst = worst.max((float(whole) - float(out)) / n as f64);
    }
    finding.rows.push(Row::new(
        "n equal pools: units less than the whole pool, over n",
        worst,
        Expected::Within { low: 0.0, high: 2.0 },
        "units",
        "n = 1 to 64, two engines",
    ));
    let (pools, costs) = (unequal(), Costs { bridge_ppb: 500_000, ..Costs::default() });
    for share in [1_000_u64, 50, 5] {
        let amount = million() / U256::from(share);
        let found = route::split(amount, true, &pools, costs).context("a route")?;
        let out = executed(&pools, &found.parts, costs)?;
        let quoted = float(out.abs_diff(found.out));
        let (mut gain, mut best) = (f64::NEG_INFINITY, None);
        for from in (0..pools.len()).filter(|i| !found.parts[*i].is_zero()) {
            for to in (0..pools.len()).filter(|to| *to != from) {
                let mut parts = found.parts.clone();
                let shift = parts[from] / U256::from(100);
                (parts[from], parts[to]) = (parts[from] - shift, parts[to] + shift);
                let quotes = [from, to].map(|i| (found.parts[i], parts[i], i));
                let change = quotes.iter().map(|(old, new, i)| {
                    let out =
                        |amount| pools[*i].quote(true, route::arriving(*i, amount, costs)).map_or(0.0, float);
                    out(*new) - out(*old)
                });
                let change = change.sum::<f64>();
                if change > gain {
                    (gain, best) = (change, Some(parts));
                }
            }
        }
        // The most promising of them, executed, in whole units.
        let other = executed(&pools, &best.context("a shift")?, costs)?;
        let gain = if other >= out { float(other - out) } else { -float(out - other) };
        let used = found.parts.iter().filter(|part| !part.is_zero()).count();
        let sample = format!("{used} of 64 pools used, two engines");
        let case = format!("unequal pools, 1/{share} of the largest");
        let exact = Expected::Exactly(0.0);
        finding.rows.push(Row::new(
            format!("{case}: quoted and paid out differ"),
            quoted,
            exact,
            "units",
            &*sample,
        ));
        let most = Expected::AtMost(128.0);
        finding.rows.push(Row::new(format!("{case}: gain of the best shift"), gain, most, "units", sample));
    }
    // 64 chains with a million together; what a route gains is compared with what it costs by executed outputs.
    let pools = vec![equal(million() / U256::from(64)); 64];
    for (share_ppm, cost_ppb, bridge_ppb) in
        [(1_000, 1_000, 0), (1_000, 1_000, 1_000_000), (2_000, 400, 0), (1_000, 16_000, 0)]
    {
        let amount = million() * U256::from(share_ppm) / U256::from(1_000_000);
        let costs =
            Costs { chain_out: million() * U256::from(cost_ppb) / U256::from(1_000_000_000), bridge_ppb };
        let mut best = (U256::ZERO, 0);
        for m in 1..=64_usize {
            let found = route::split(amount, true, &pools[..m], costs).context("a route")?;
            let fixed = costs.chain_out * U256::from(m - 1);
            let net = executed(&pools[..m], &found.parts, costs)?.saturating_sub(fixed);
            best = best.max((net, m));
        }
        let (q, c, b) = (share_ppm as f64 / 1e6, cost_ppb as f64 / 1e9, bridge_ppb as f64 / 1e9);
        let value = math::sqrt((64.0 * q * q - q * b) / c).clamp(1.0, 64.0);
        let by_rule = route::best(amount, true, &pools, costs).context("a route")?.further + 1;
        let case = format!("q/L = {} %, c/L = {cost_ppb} ppb, b = {} bp", q * 100.0, b * 1e4);
        let near = Expected::Near { value, tolerance: 1.0 };
        finding.rows.push(Row::new(
            format!("{case}: chains"),
            best.1 as f64,
            near,
            "chains",
            "64 routes, two engines",
        ));
        let same = Expected::Exactly(best.1 as f64);
        finding.rows.push(Row::new(
            format!("{case}: chosen by the router"),
            f64::from(by_rule),
            same,
            "chains",
            "1 route",
        ));
    }
    Ok(finding)
}

/// e^z as a price.
fn price(z: f64) -> u128 {
    (math::exp(z) * PRICE_ONE as f64) as u128
}

/// The fee as a logarithm.
fn fee() -> f64 {
    -math::ln(0.997)
}

fn arbitrage_profit(_: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let sample = "1 swap, two engines";
    for z in [0.0, 0.0029, 0.004, 0.01, 0.05, -0.004, -0.05] {
        let (pool, price) = (equal(million()), price(z));
        let Some(trade) = arbitrage::best(pool, price) else {
            let case = format!("z = {z}: no trade; the fee is");
            finding.rows.push(Row::new(case, fee(), Expected::AtLeast(z.abs()), "", "no swap"));
            continue;
        };
        let (zero_for_one, amount) = (trade.zero_for_one, trade.amount_in);
        let out = Pools::new(&[pool]).try_swap(&[Swap { pool: 0, zero_for_one, amount }])?[0];
        let p = price as f64 / PRICE_ONE as f64;
        let gained =
            if zero_for_one { float(out) - float(amount) * p } else { float(out) * p - float(amount) };
        let reserve = float(million());
        let (outer, inner) = if zero_for_one { (reserve, p * reserve) } else { (p * reserve, reserve) };
        // The same with the roles of the tokens exchanged: what is paid in is worth its price.
        let exact = math::pow(math::sqrt(outer) - math::sqrt(inner / 0.997), 2.0);
        let near = Expected::Near { value: exact, tolerance: exact * 1e-9 };
        finding.rows.push(Row::new(format!("z = {z}: profit, closed form"), gained, near, "units", sample));
        let (worth, beyond) = (2.0 * reserve * if zero_for_one { p } else { 1.0 }, z.abs() - fee());
        let value = worth * beyond * beyond / 8.0;
        let near = Expected::Near { value, tolerance: value * (z.abs() + fee()) / 2.0 * 1.1 };
        finding.rows.push(Row::new(format!("z = {z}: profit, approximation"), gained, near, "units", sample));
    }
    for (cost_milli, published) in [(20, [(1, 33.0), (64, 53.0)]), (500, [(1, 44.0), (64, 143.0)])] {
        let cost = U256::from(10).pow(U256::from(15)) * U256::from(cost_milli);
        for n in [1_u64, 4, 16, 64] {
            // A million dollars in either token over n chains.
            let pool = equal(million() / U256::from(n));
            let pays = |z: f64| -> Result<bool> {
                let Some(trade) = arbitrage::best(pool, price(z)) else { return Ok(false) };
                let swap = Swap { pool: 0, zero_for_one: trade.zero_for_one, amount: trade.amount_in };
                let out = Pools::new(&[pool]).try_swap(&[swap])?[0];
                let worth = arbitrage::value(out, price(z)).context("a value")?;
                Ok(worth >= trade.amount_in + cost)
            };
            let (mut inside, mut outside) = (0.0, 0.1);
            for _ in 0..40 {
                let middle = (inside + outside) / 2.0;
                if pays(middle)? { outside = middle } else { inside = middle }
            }
            let value = (0.003 + math::sqrt(8.0 * cost_milli as f64 / 1e3 * n as f64 / 2e6)) * 1e4;
            let near = Expected::Near { value, tolerance: 0.6 };
            let case = format!("band, ${}, {n} chains", cost_milli as f64 / 1e3);
            finding.rows.push(Row::new(&*case, outside * 1e4, near, "bp", "40 swaps, two engines"));
            if let Some((_, whole)) = published.iter().find(|(known, _)| *known == n) {
                let near = Expected::Near { value: *whole, tolerance: 1.1 };
                finding.rows.push(Row::new(
                    format!("{case}, as noted"),
                    outside * 1e4,
                    near,
                    "bp",
                    "the same",
                ));
            }
        }
    }
    Ok(finding)
}

fn lvr(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let blocks = effort.pick(6_000, 60_000_u64);
    for (deviation_ppm, poisson) in [(2_000, true), (6_000, true), (2_000, false), (6_000, false)] {
        let plan = PricePlan { volatility_ppb: deviation_ppm * 1_000, jumps_milli_per_day: 0, jump_ppm: 0 };
        let mut reference = ReferencePrice::new(plan, 11, deviation_ppm + u64::from(poisson));
        let mut pools = Pools::new(&[equal(million() * million() / U256::from(10).pow(U256::from(18)))]);
        let (mut trades, mut lost) = (0_u64, 0.0_f64);
        for block in 0..blocks {
            let gap = exponential_duration(
                draw(12, Purpose::MARKET, deviation_ppm, block),
                SimDuration(1_000_000_000),
            );
            reference.advance(if poisson { gap.0 } else { 1_000_000_000 });
            let (pool, price) = (pools.reserves(0), reference.price());
            let Some(trade) = arbitrage::best(pool, price) else { continue };
            let (zero_for_one, amount) = (trade.zero_for_one, trade.amount_in);
            let out = pools.swap(&[Swap { pool: 0, zero_for_one, amount }])?[0];
            anyhow::ensure!(out == trade.amount_out, "quoted and paid out differ");
            let worth = float(pool.token0) * price as f64 / PRICE_ONE as f64 + float(pool.token1);
            (trades, lost) = (trades + 1, lost + float(trade.profit) / worth);
        }
        let (deviation, n) = (deviation_ppm as f64 / 1e6, blocks as f64);
        let sample = format!("{blocks} blocks, {trades} trades");
        let (case, measured, expected) = if poisson {
            let p = 1.0 / (1.0 + math::sqrt(2.0) * fee() / deviation);
            let tolerance = 4.0 * math::sqrt(p * (1.0 - p) / n) + 0.005;
            (
                "random block times: blocks with a trade",
                trades as f64 / n,
                Expected::Near { value: p, tolerance },
            )
        } else {
            let value = deviation * deviation / 8.0 / (1.0 + 1.7164 * fee() / deviation);
            let tolerance = value * effort.pick(0.12, 0.05);
            ("blocks on a clock: loss a block over value", lost / n, Expected::Near { value, tolerance })
        };
        finding.rows.push(Row::new(format!("s = {deviation}, {case}"), measured, expected, "", sample));
    }
    Ok(finding)
}
