//! What a change that is still being turned would do to a block, estimated from where its time went.
//!
//! Serialisation and queueing scale with the inverse of bandwidth, propagation with latency, execution with
//! the inverse of speed. **Leaves out** everything that reacts: queues that fill or drain, votes that are lost,
//! forks, how an algorithm uses more cores. It points; the simulation answers a block later.

use crate::change::{Change, Levels, Scope};
use sim_core::observe::record::{Breakdown, Part, Resource};

/// Factors on a block's network and execution time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// On the time from publication to arrival.
    pub network: f64,
    /// On execution.
    pub execution: f64,
}

impl Forecast {
    /// A block's time with these factors, where it now goes into `spent`, ns.
    pub fn total_ns(&self, spent: &Breakdown) -> u64 {
        let factor = |part: Part| match part.resource() {
            _ if NETWORK.contains(&part) => self.network,
            Resource::Execution => self.execution,
            _ => 1.0,
        };
        Part::ALL.iter().map(|part| spent.get(*part) as f64 * factor(*part)).sum::<f64>() as u64
    }
}

/// Parts that lie between publication and arrival.
const NETWORK: [Part; 7] = [
    Part::ForwardCheck,
    Part::Protocol,
    Part::QueueUp,
    Part::SerialisationUp,
    Part::Propagation,
    Part::QueueDown,
    Part::SerialisationDown,
];

/// The effect of `change` where `levels` are in force and a block's time went into `spent`; `None` where no
/// estimate makes sense.
pub fn forecast(change: &Change, levels: &Levels, spent: &Breakdown) -> Option<Forecast> {
    let ratio = |new: u64, old: u64| new.max(1) as f64 / old.max(1) as f64;
    let total: u64 = NETWORK.iter().map(|p| spent.get(*p)).sum();
    let scaled = |factor: &dyn Fn(Part) -> f64| {
        let sum: f64 = NETWORK.iter().map(|p| spent.get(*p) as f64 * factor(*p)).sum();
        sum / total.max(1) as f64
    };
    let is_wire = |p: Part| {
        matches!(p, Part::QueueUp | Part::SerialisationUp | Part::QueueDown | Part::SerialisationDown)
    };
    match *change {
        Change::Bandwidth { of: Scope::All, factor_ppm } => {
            let slower = 1.0 / ratio(factor_ppm, levels.bandwidth_ppm);
            Some(Forecast { network: scaled(&|p| if is_wire(p) { slower } else { 1.0 }), execution: 1.0 })
        }
        Change::Latency { factor_ppm } => {
            let longer = ratio(factor_ppm, levels.latency_ppm);
            let network = scaled(&|p| if p == Part::Propagation { longer } else { 1.0 });
            Some(Forecast { network, execution: 1.0 })
        }
        Change::ExecutionSpeed { factor_ppm } => {
            Some(Forecast { network: 1.0, execution: 1.0 / ratio(factor_ppm, levels.execution_ppm) })
        }
        // Twice the gas is about twice the bytes and twice the work, where there is demand for it.
        Change::GasLimit { gas } => {
            let more = ratio(gas, levels.gas_limit);
            Some(Forecast { network: scaled(&|p| if is_wire(p) { more } else { 1.0 }), execution: more })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::scenario::Scenario;

    #[test]
    fn twice_the_bandwidth_halves_what_the_wires_take_and_nothing_else() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.ron");
        let levels = Levels::of(&Scenario::load(file).expect("it is shipped").base);
        let mut spent = Breakdown::default();
        spent.add(Part::SerialisationUp, 300);
        spent.add(Part::QueueUp, 300);
        spent.add(Part::Propagation, 400);
        spent.add(Part::Execution, 5_000);
        let twice = Change::Bandwidth { of: Scope::All, factor_ppm: 2_000_000 };
        let found = forecast(&twice, &levels, &spent).expect("an estimate");
        assert!((found.network - 0.7).abs() < 1e-9 && found.execution == 1.0, "{found:?}");
        assert_eq!(found.total_ns(&spent), 700 + 5_000);
        let fast = Change::ExecutionSpeed { factor_ppm: 10_000_000 };
        let found = forecast(&fast, &levels, &spent).expect("an estimate");
        assert!(found.network == 1.0 && (found.execution - 0.1).abs() < 1e-9, "{found:?}");
        assert_eq!(found.total_ns(&spent), 1_000 + 500);
    }
}
