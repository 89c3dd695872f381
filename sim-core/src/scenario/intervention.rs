//! Interventions: timestamped changes of a running simulation, as plain data.
//!
//! An intervention takes effect before everything else of its instant. What it means for what is under way is
//! said in [`Change`]; a list of them in a plan, and the same made one by one in a live run, give the same
//! digest.

use super::limits;
use super::plan::{Algorithm, ConsensusPlan, Plan, WorkloadPlan};
use super::units::{BitRate, Duration, Factor, GasAmount, TxRate};
use crate::net::params::Scope;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// A change and when it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// When, ns of simulated time.
    pub at_ns: u64,
    /// What.
    pub change: Change,
}

/// What an intervention changes. Factors are relative to the scenario's own value, not to the last change, so
/// that 1,000,000 ppm undoes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Rates of access links, up and down. What is in service sends its rest at the new rate, what waits
    /// follows in its order.
    Bandwidth {
        /// Whose.
        of: Scope,
        /// Factor, parts per million.
        factor_ppm: u64,
    },
    /// All base latencies, for messages whose last bit leaves the sender from then on; those in the air keep
    /// theirs.
    Latency {
        /// Factor, parts per million.
        factor_ppm: u64,
    },
    /// Speed of execution on every node and chain, for blocks whose execution begins from then on.
    ExecutionSpeed {
        /// Factor, parts per million.
        factor_ppm: u64,
    },
    /// Cores used on every node and chain, for blocks whose execution begins from then on.
    Cores {
        /// Number of cores.
        cores: u32,
    },
    /// Scheduling algorithm on every chain, for blocks whose execution begins from then on.
    Algorithm(Algorithm),
    /// Gas limit of every chain, for blocks built from then on. At once, not by 1/1024 a block.
    GasLimit {
        /// Gas.
        gas: u64,
    },
    /// Rate at which users send, on every chain, for arrivals from then on.
    Load {
        /// Factor, parts per million.
        factor_ppm: u64,
    },
    /// Nodes go down: they neither send nor receive, execute, vote nor propose; what is under way to them is
    /// lost and counted. They keep what they have.
    Kill {
        /// Which.
        of: Scope,
    },
    /// Nodes that are down come back with what they had, and fetch the blocks they missed.
    Restore {
        /// Which.
        of: Scope,
    },
}

/// A change that cannot be made in a plan's run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChangeError {
    /// There is no such region.
    #[error("there is no region {region}: the latency table has {regions}, from 0")]
    Region {
        /// Index asked for.
        region: usize,
        /// Number of regions.
        regions: usize,
    },
    /// There is no such node.
    #[error("there is no node {node}: there are {count}, from 0")]
    Node {
        /// Number asked for.
        node: u32,
        /// Number of nodes.
        count: u32,
    },
    /// A value out of its bounds.
    #[error("{found} is {}; allowed: {low} to {high}", if *.little { "too little" } else { "too much" })]
    Bounds {
        /// The value, with its unit.
        found: String,
        /// Below the least.
        little: bool,
        /// Least allowed.
        low: String,
        /// Greatest allowed.
        high: String,
    },
    /// A factor that makes something else leave its bounds.
    #[error("{factor} {problem}")]
    Factor {
        /// The factor.
        factor: String,
        /// What comes of it and what is allowed.
        problem: String,
    },
}

fn between(value: u64, (low, high): (u64, u64), show: impl Fn(u64) -> String) -> Result<(), ChangeError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let little = value < low;
    Err(ChangeError::Bounds { found: show(value), little, low: show(low), high: show(high) })
}

fn times(value: u64, factor_ppm: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(factor_ppm) / 1_000_000).unwrap_or(u64::MAX)
}

impl Change {
    /// Whether the change can be made in a run of `plan`.
    ///
    /// # Errors
    /// [`ChangeError`]: a region or node that does not exist, a value out of its bounds.
    pub fn check(&self, plan: &Plan) -> Result<(), ChangeError> {
        if let Some(of) = self.scope() {
            check_scope(of, plan)?;
        }
        let factor = |ppm: u64| between(ppm, limits::SCALE_PPM, |v| Factor(v).to_string());
        let refuse =
            |ppm: u64, problem: String| Err(ChangeError::Factor { factor: Factor(ppm).to_string(), problem });
        match *self {
            Self::Bandwidth { factor_ppm, .. } => {
                factor(factor_ppm)?;
                for (class, _) in &plan.nodes.hardware {
                    for bps in [class.up_bps, class.down_bps] {
                        let bps = times(times(bps, plan.network.bandwidth_scale_ppm), factor_ppm);
                        let allowed = limits::RATE_MIN_BPS..=limits::RATE_MAX_BPS;
                        if !allowed.contains(&bps) {
                            let problem = format!(
                                "makes a link of class `{}` {}; allowed: {} to {}",
                                class.name,
                                BitRate(bps),
                                BitRate(*allowed.start()),
                                BitRate(*allowed.end())
                            );
                            return refuse(factor_ppm, problem);
                        }
                    }
                }
                Ok(())
            }
            Self::Latency { factor_ppm } => {
                factor(factor_ppm)?;
                let total = times(plan.network.latency_scale_ppm, factor_ppm);
                if total > limits::SCALE_PPM.1 {
                    let own = Factor(plan.network.latency_scale_ppm);
                    let problem = format!(
                        "of the scenario's {own} is {}; at most {}",
                        Factor(total),
                        Factor(limits::SCALE_PPM.1)
                    );
                    return refuse(factor_ppm, problem);
                }
                Ok(())
            }
            Self::ExecutionSpeed { factor_ppm } => factor(factor_ppm),
            Self::Load { factor_ppm } => {
                factor(factor_ppm)?;
                for chain in &plan.chains {
                    let WorkloadPlan::Users(users) = &chain.workload else { continue };
                    let rate = times(users.rate_milli_tps, factor_ppm);
                    if rate > limits::TX_RATE_MAX_MILLI {
                        let most = TxRate(limits::TX_RATE_MAX_MILLI);
                        let problem = format!("makes {} of the users' rate; at most {most}", TxRate(rate));
                        return refuse(factor_ppm, problem);
                    }
                }
                Ok(())
            }
            Self::Cores { cores } => between(u64::from(cores), limits::CORES, |v| format!("{v} cores")),
            Self::GasLimit { gas } => between(gas, limits::GAS_LIMIT, |v| GasAmount(v).to_string()),
            Self::Algorithm(_) | Self::Kill { .. } | Self::Restore { .. } => Ok(()),
        }
    }

    /// The nodes it is about, if not all.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Bandwidth { of, .. } | Self::Kill { of } | Self::Restore { of } => Some(*of),
            _ => None,
        }
    }

    /// It changes which blocks there are or what they hold, so that a run with it and one without cannot share
    /// block contents.
    pub fn affects_contents(&self) -> bool {
        matches!(self, Self::GasLimit { .. } | Self::Load { .. } | Self::Kill { .. } | Self::Restore { .. })
    }

    /// Why the change does nothing in a run of `plan`, whatever was changed before; `None` if it may do
    /// something.
    pub fn without_effect(&self, plan: &Plan) -> Option<&'static str> {
        let chains = || plan.chains.iter();
        let slots = || chains().filter(|c| matches!(c.consensus, ConsensusPlan::Slots(_)));
        let users = || slots().any(|c| matches!(c.workload, WorkloadPlan::Users(_)));
        let rollups = || !plan.rollups.is_empty();
        let executed = || rollups() || slots().any(|c| !matches!(c.workload, WorkloadPlan::Empty));
        let empty = |of: Scope| match of {
            Scope::Region(region) => !plan.nodes.region_weights.iter().any(|(r, w)| *r == region && *w > 0),
            Scope::All | Scope::Node(_) => false,
        };
        match self {
            Self::Bandwidth { of, .. } | Self::Kill { of } | Self::Restore { of } if empty(*of) => {
                Some("no node is in this region")
            }
            Self::ExecutionSpeed { .. } | Self::Cores { .. } | Self::Algorithm(_) if !executed() => {
                Some("nothing is executed in this scenario")
            }
            Self::GasLimit { .. } if !users() => {
                Some("no blocks are filled up to a gas limit in this scenario")
            }
            Self::Load { .. } if !users() && !rollups() => Some("there are no users in this scenario"),
            _ => None,
        }
    }

    /// The change as a scenario file has it.
    pub fn to_ron(&self, plan: &Plan) -> String {
        let scope = |of: Scope| match of {
            Scope::All => "All".to_owned(),
            Scope::Node(node) => format!("Node({node})"),
            Scope::Region(region) => {
                let name = plan.network.latency.regions.get(region).map_or("?", |r| r.name.as_str());
                format!("Region({name:?})")
            }
        };
        let factor = |ppm: u64| format!("\"{}\"", Factor(ppm));
        match *self {
            Self::Bandwidth { of, factor_ppm } => {
                format!("Bandwidth(factor: {}, of: {})", factor(factor_ppm), scope(of))
            }
            Self::Latency { factor_ppm } => format!("Latency({})", factor(factor_ppm)),
            Self::ExecutionSpeed { factor_ppm } => format!("ExecutionSpeed({})", factor(factor_ppm)),
            Self::Cores { cores } => format!("Cores({cores})"),
            Self::Algorithm(Algorithm::Serial) => "Algorithm(Serial)".to_owned(),
            Self::Algorithm(Algorithm::BlockStm) => "Algorithm(BlockStm)".to_owned(),
            Self::GasLimit { gas } => format!("GasLimit(\"{}\")", GasAmount(gas)),
            Self::Load { factor_ppm } => format!("Load({})", factor(factor_ppm)),
            Self::Kill { of } => format!("Kill({})", scope(of)),
            Self::Restore { of } => format!("Restore({})", scope(of)),
        }
    }
}

fn check_scope(of: Scope, plan: &Plan) -> Result<(), ChangeError> {
    let (regions, count) = (plan.network.latency.regions.len(), plan.nodes.count);
    match of {
        Scope::Region(region) if region >= regions => Err(ChangeError::Region { region, regions }),
        Scope::Node(node) if node >= count => Err(ChangeError::Node { node, count }),
        _ => Ok(()),
    }
}

impl Intervention {
    /// The intervention as a scenario file has it.
    pub fn to_ron(&self, plan: &Plan) -> String {
        format!("(at: \"{}\", change: {})", Duration(self.at_ns), self.change.to_ron(plan))
    }
}

/// A plan's interventions as the value of `interventions` in a scenario file: with it, the file gives the
/// same run.
pub fn to_ron(plan: &Plan) -> String {
    struct Entries<'a>(&'a Plan);
    impl fmt::Display for Entries<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.interventions.iter().try_for_each(|i| write!(f, "\n    {},", i.to_ron(self.0)))
        }
    }
    if plan.interventions.is_empty() { "[]".to_owned() } else { format!("[{}\n  ]", Entries(plan)) }
}
