//! All checks, in the order of the page. A new check is one constant in a family's file and one line here.

use crate::check::Check;
use crate::checks::{
    amm, bounds, bridges, concentrated, duplicates, fees, forks, hops, liquidity, markets, queue, rollups,
    rumour, schedules, searchers,
};

/// All checks.
pub fn all() -> Vec<Check> {
    vec![
        queue::MD1,
        queue::LITTLE,
        bounds::NEVER_BEATEN,
        bounds::REACHED,
        duplicates::FLOOD,
        duplicates::GOSSIPSUB,
        hops::FLOOD,
        rumour::PUSH,
        forks::CONSTANT,
        forks::INFORMED_FRACTION,
        fees::BANG_BANG,
        markets::PATHS,
        markets::WINDOWS,
        markets::ISOLATION,
        amm::SPLIT,
        liquidity::SPLIT,
        liquidity::ROUTING,
        liquidity::ARBITRAGE,
        liquidity::LVR,
        rollups::COMPRESSION,
        rollups::SEQUENCER_LITTLE,
        searchers::SPENDING,
        searchers::WELFARE,
        searchers::HALF_LIFE,
        searchers::RANGES,
        concentrated::DEPTH,
        bridges::RELAYERS,
        bridges::CANONICAL,
        bridges::SLIPPAGE,
        bridges::CONSERVATION,
        schedules::BOUNDS,
        schedules::GRAHAM,
        schedules::REAL,
    ]
}
