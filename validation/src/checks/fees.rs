//! The price of gas in the long run.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::Result;
use sim_core::chain::fee_market::Eip1559;
use sim_core::kernel::math;

/// Bang-bang demand.
pub const BANG_BANG: Check = Check {
    name: "eip1559-bang-bang",
    family: "fee market",
    question: "If blocks are full while the base fee is at most a price and empty above it, how full is the chain in the long run?",
    expected: "e f = e ln(1/(1 - 1/c)) / (ln(1 + (e - 1)/c) + ln(1/(1 - 1/c))) of the target, for elasticity e and change denominator c: the logarithm of the fee \
               comes back to where it was. Mainnet (2, 8): 1.0626639587542361",
    source: "derived; value in the project's closed forms, checked there by Monte Carlo; between 1 and 1.06 in Leonardos et al. 2022 (arXiv 2212.07175)",
    tolerance: "e / blocks x 2: the fee stays within one step of the price, so the number of full blocks is at most two off; \
                steps of a fee of about 1e15 wei round by 1e-15 each",
    understood_miss: None,
    run: bang_bang,
};

fn bang_bang(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let blocks = effort.pick(200_000, 5_000_000_u64);
    let (limit, price) = (36_000_000_u64, 1_000_000_000_000_000_u64);
    for (elasticity, change_denominator) in [(2, 8), (2, 50), (4, 8), (6, 250)] {
        let market = Eip1559 { elasticity, change_denominator };
        let (mut fee, mut gas) = (price, 0_u64);
        for _ in 0..blocks {
            let used = if fee <= price { limit } else { 0 };
            gas += used;
            fee = market.next_base_fee(fee, used, limit);
        }
        let load = gas as f64 / (blocks * (limit / elasticity)) as f64;
        let (e, c) = (elasticity as f64, change_denominator as f64);
        let (rise, fall) = (math::ln(1.0 + (e - 1.0) / c), -math::ln(1.0 - 1.0 / c));
        let tolerance = 2.0 * e / blocks as f64;
        let expected = Expected::Near { value: e * fall / (rise + fall), tolerance };
        let case = format!("elasticity {elasticity}, denominator {change_denominator}");
        finding.rows.push(Row::new(case, load, expected, "targets", format!("{blocks} blocks")));
        if (elasticity, change_denominator) == (2, 8) {
            let expected = Expected::Near { value: 1.062_663_958_754_236_1, tolerance };
            finding.rows.push(Row::new(
                "mainnet, published value",
                load,
                expected,
                "targets",
                format!("{blocks} blocks"),
            ));
        }
    }
    Ok(finding)
}
