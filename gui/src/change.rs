//! Interventions: how they are made, what they say in words, and what is in force at a time.

pub use sim_core::net::params::Scope;
pub use sim_core::scenario::plan::{Algorithm, Change, Intervention, Plan};

use crate::format;
use sim_core::scenario::plan::WorkloadPlan;
use sim_core::simulation::Simulation;
use std::collections::{BTreeMap, BTreeSet};

/// A factor of one, parts per million.
pub const ONE_PPM: u64 = 1_000_000;

/// All interventions of a simulation, those to come included.
pub fn list(simulation: &Simulation) -> Vec<Intervention> {
    simulation.interventions().to_vec()
}

/// Makes a change at the simulation's present time.
///
/// # Errors
/// Why the simulation cannot be changed so.
pub fn apply(simulation: &mut Simulation, change: Change) -> Result<Intervention, String> {
    simulation.apply(change).map_err(|e| e.to_string())
}

/// Replaces the interventions; those in force must be among them.
///
/// # Errors
/// Why not.
pub fn replace(simulation: &mut Simulation, list: &[Intervention]) -> Result<(), String> {
    simulation.set_interventions(list.to_vec()).map_err(|e| e.to_string())
}

/// A change in words.
pub fn words(change: &Change, plan: &Plan) -> String {
    let of = |scope: Scope| match scope {
        Scope::All => "everywhere".to_owned(),
        Scope::Region(region) => format!("in {}", region_name(plan, region)),
        Scope::Node(node) => format!("at node {node}"),
    };
    let factor = |ppm: u64| format!("{}x", format::three_digits(ppm as f64 / 1e6));
    match change {
        Change::Bandwidth { of: scope, factor_ppm } => {
            format!("bandwidth {} {}", factor(*factor_ppm), of(*scope))
        }
        Change::Latency { factor_ppm } => format!("latency {}", factor(*factor_ppm)),
        Change::ExecutionSpeed { factor_ppm } => format!("execution speed {}", factor(*factor_ppm)),
        Change::Cores { cores: 1 } => "1 core".to_owned(),
        Change::Cores { cores } => format!("{cores} cores"),
        Change::Algorithm(Algorithm::Serial) => "serial execution".to_owned(),
        Change::Algorithm(Algorithm::BlockStm) => "parallel execution (Block-STM)".to_owned(),
        Change::GasLimit { gas } => format!("gas limit {}gas", format::prefixed(*gas as f64)),
        Change::Load { factor_ppm } => format!("load {}", factor(*factor_ppm)),
        Change::Kill { of: scope } => format!("nodes fail {}", of(*scope)),
        Change::Restore { of: scope } => format!("nodes are back {}", of(*scope)),
    }
}

/// Name of a region.
pub fn region_name(plan: &Plan, region: usize) -> &str {
    plan.network.latency.regions.get(region).map_or("?", |r| r.name.as_str())
}

/// What is in force at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Factor on all links, ppm.
    pub bandwidth_ppm: u64,
    /// Factor on the links of a region, ppm, where it differs.
    pub bandwidth_of: BTreeMap<usize, u64>,
    /// Factor on latencies, ppm.
    pub latency_ppm: u64,
    /// Factor on execution speed, ppm.
    pub execution_ppm: u64,
    /// Cores, where they are the same everywhere.
    pub cores: Option<u32>,
    /// Algorithm of the first chain.
    pub algorithm: Option<Algorithm>,
    /// Gas limit of the first chain.
    pub gas_limit: u64,
    /// Factor on what users send, ppm.
    pub load_ppm: u64,
    /// Transactions a second that users send without a factor, thousandths; 0: no users.
    pub rate_milli_tps: u64,
    /// Regions that are down.
    pub down: BTreeSet<usize>,
}

impl Levels {
    /// What a plan starts with.
    pub fn of(plan: &Plan) -> Self {
        let chain = plan.chains.first();
        let rate = chain.map_or(0, |c| match &c.workload {
            WorkloadPlan::Users(users) => users.rate_milli_tps,
            _ => 0,
        });
        Self {
            bandwidth_ppm: ONE_PPM,
            bandwidth_of: BTreeMap::new(),
            latency_ppm: ONE_PPM,
            execution_ppm: ONE_PPM,
            cores: chain.and_then(|c| c.execution.cores),
            algorithm: chain.map(|c| c.execution.algorithm),
            gas_limit: chain.map_or(0, |c| c.gas_limit),
            load_ppm: ONE_PPM,
            rate_milli_tps: rate,
            down: BTreeSet::new(),
        }
    }

    /// What is in force after the interventions up to `now_ns`.
    pub fn at(plan: &Plan, list: &[Intervention], now_ns: u64) -> Self {
        let mut levels = Self::of(plan);
        list.iter().filter(|i| i.at_ns <= now_ns).for_each(|i| levels.make(&i.change));
        levels
    }

    /// A change takes effect.
    pub fn make(&mut self, change: &Change) {
        match *change {
            Change::Bandwidth { of: Scope::All, factor_ppm } => {
                self.bandwidth_ppm = factor_ppm;
                self.bandwidth_of.clear();
            }
            Change::Bandwidth { of: Scope::Region(region), factor_ppm } => {
                self.bandwidth_of.insert(region, factor_ppm);
            }
            Change::Latency { factor_ppm } => self.latency_ppm = factor_ppm,
            Change::ExecutionSpeed { factor_ppm } => self.execution_ppm = factor_ppm,
            Change::Cores { cores } => self.cores = Some(cores),
            Change::Algorithm(algorithm) => self.algorithm = Some(algorithm),
            Change::GasLimit { gas } => self.gas_limit = gas,
            Change::Load { factor_ppm } => self.load_ppm = factor_ppm,
            Change::Kill { of: Scope::Region(region) } => _ = self.down.insert(region),
            Change::Restore { of: Scope::Region(region) } => _ = self.down.remove(&region),
            Change::Restore { of: Scope::All } => self.down.clear(),
            Change::Bandwidth { of: Scope::Node(_), .. }
            | Change::Kill { of: Scope::All | Scope::Node(_) }
            | Change::Restore { of: Scope::Node(_) } => {}
        }
    }
}

/// What is in force at one node of a region after the interventions up to `now_ns`: the factor on its links, ppm,
/// and whether it is down.
pub fn at_node(list: &[Intervention], now_ns: u64, node: u32, region: usize) -> (u64, bool) {
    let here = |of: Scope| match of {
        Scope::All => true,
        Scope::Region(r) => r == region,
        Scope::Node(n) => n == node,
    };
    let mut now = (ONE_PPM, false);
    for made in list.iter().filter(|i| i.at_ns <= now_ns) {
        match made.change {
            Change::Bandwidth { of, factor_ppm } if here(of) => now.0 = factor_ppm,
            Change::Kill { of } if here(of) => now.1 = true,
            Change::Restore { of } if here(of) => now.1 = false,
            _ => {}
        }
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::scenario::Scenario;

    #[test]
    fn what_is_in_force_follows_the_list() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/quickstart.ron");
        let plan = Scenario::load(file).expect("it is shipped").base;
        let at = |at_ns: u64, change: Change| Intervention { at_ns, change };
        let list = [
            at(10, Change::Bandwidth { of: Scope::Region(3), factor_ppm: 500_000 }),
            at(20, Change::Kill { of: Scope::Region(2) }),
            at(30, Change::Bandwidth { of: Scope::All, factor_ppm: 2_000_000 }),
            at(40, Change::Restore { of: Scope::Region(2) }),
        ];
        let levels = Levels::at(&plan, &list, 20);
        assert_eq!((levels.bandwidth_ppm, levels.bandwidth_of[&3]), (ONE_PPM, 500_000));
        assert_eq!(levels.down, BTreeSet::from([2]));
        let levels = Levels::at(&plan, &list, 99);
        assert_eq!((levels.bandwidth_ppm, levels.bandwidth_of.len()), (2_000_000, 0));
        assert!(levels.down.is_empty());
        // Node 9 stands in region 3, node 8 in region 2.
        let of_node = at(15, Change::Bandwidth { of: Scope::Node(9), factor_ppm: 250_000 });
        let with_node: Vec<Intervention> = [&list[..1], &[of_node], &list[1..]].concat();
        assert_eq!(at_node(&with_node, 10, 9, 3), (500_000, false));
        assert_eq!(at_node(&with_node, 20, 9, 3), (250_000, false));
        assert_eq!(at_node(&with_node, 30, 8, 2), (2_000_000, true));
        assert_eq!(at_node(&with_node, 99, 9, 3), (2_000_000, false));
        assert_eq!(words(&list[0].change, &plan), "bandwidth 0.50x in sa-east-1");
    }
}
