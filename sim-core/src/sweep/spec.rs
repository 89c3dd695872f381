//! A sweep file as written. The doc comments are the documentation of the format.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// A sweep: a scenario, what is varied in it, and how often each point is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepSpec {
    /// Version of the sweep format. Allowed: 1.
    pub version: u64,
    /// The scenario all points start from; a path from this file's folder. Its arms are not run.
    pub scenario: String,
    /// Changes by path that hold for every point, as in `{ "run.blocks": 20 }`. Default: none.
    #[serde(default)]
    pub set: Option<BTreeMap<String, IgnoredAny>>,
    /// What is varied. At least one axis, at most 64.
    pub axes: Vec<AxisSpec>,
    /// Which combinations of values are run.
    #[serde(default)]
    pub design: DesignSpec,
    /// Combinations that are left out. Default: none.
    #[serde(default)]
    pub constraints: Vec<ConstraintSpec>,
    /// How often each point is run. Default: once.
    #[serde(default)]
    pub replications: ReplicationsSpec,
    /// Root of the seeds of all runs. Default: the scenario's seed.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Whether points share their random numbers. Default: `Independent`.
    #[serde(default)]
    pub random_numbers: RandomNumbers,
    /// Every point repeats the block contents of the scenario with only those axes applied that change the
    /// workload; needs `random_numbers: Common`. Default: false.
    #[serde(default)]
    pub pin_contents: bool,
    /// The most it may cost. Default: no bound.
    #[serde(default)]
    pub budget: BudgetSpec,
    /// What the report draws, the most interesting first; all metrics are in the tables. Default: p95 until
    /// verified, gas a second, bottleneck shares.
    #[serde(default)]
    pub metrics: Option<Vec<String>>,
}

/// One thing that is varied: values of a field, a range of a field, or named groups of changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisSpec {
    /// The field, by its dotted path, such as `network.bandwidth`.
    #[serde(default)]
    pub path: Option<String>,
    /// What the axis is called. Default: the path.
    #[serde(default)]
    pub name: Option<String>,
    /// The field's values, in the scenario's own notation.
    #[serde(default)]
    pub values: Option<IgnoredAny>,
    /// Lowest value of a range, with its unit.
    #[serde(default)]
    pub from: Option<IgnoredAny>,
    /// Highest value of a range, with its unit.
    #[serde(default)]
    pub to: Option<IgnoredAny>,
    /// Values a grid takes from a range, both ends included. Allowed: 2 to 1000. Default: 5.
    #[serde(default)]
    pub steps: Option<u64>,
    /// Equal differences or equal ratios. Default: `Linear`.
    #[serde(default)]
    pub scale: ScaleSpec,
    /// Named groups of changes in place of values: `[("small", { "nodes.count": 100 }), ..]`.
    #[serde(default)]
    pub levels: Option<IgnoredAny>,
}

/// How a range is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ScaleSpec {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios; both ends above zero.
    Log,
}

/// Which combinations are run.
#[derive(Debug, Default, Deserialize)]
pub enum DesignSpec {
    /// Every combination of the axes' values; the last axis varies fastest.
    #[default]
    Grid,
    /// The combinations given, each a list with one value for every axis, in their order.
    List(IgnoredAny),
    /// Independent uniform draws.
    Random {
        /// Number of points.
        points: u64,
    },
    /// Each axis cut into as many equal strata as there are points, one point in each (McKay, Beckman and
    /// Conover 1979); drawn within the strata.
    LatinHypercube {
        /// Number of points.
        points: u64,
    },
    /// The first points of the Sobol sequence with the direction numbers of Joe and Kuo (2008), from the
    /// origin; a power of two keeps its balance.
    Sobol {
        /// Number of points.
        points: u64,
    },
    /// The scenario as it is, and every value of every axis with all others left as they are.
    OneAtATime,
    /// For first and total Sobol indices: `base` x (axes + 2) points (Saltelli et al. 2010), from a Sobol
    /// sequence of twice the number of axes.
    SobolIndices {
        /// Rows of the two base matrices; a power of two.
        base: u64,
    },
}

/// What may not go together.
#[derive(Debug, Deserialize)]
pub enum ConstraintSpec {
    /// The value of `left` is at most `factor` times that of `right`; both are names of axes of one unit.
    AtMost {
        /// An axis.
        left: String,
        /// An axis.
        right: String,
        /// Default: 1.
        #[serde(default)]
        factor: Option<crate::scenario::units::Factor>,
    },
    /// Points in which every named axis has the value given are left out.
    Exclude(BTreeMap<String, IgnoredAny>),
}

/// How often each point is run.
#[derive(Clone, Debug, Deserialize)]
pub enum ReplicationsSpec {
    /// So often.
    Fixed(u32),
    /// Until the confidence interval of a metric is narrow enough. Looked at after every replication, in
    /// their order, from `min` on.
    UntilWidth {
        /// The metric.
        metric: String,
        /// Half the interval's width over the mean, at most.
        relative: crate::scenario::units::Factor,
        /// Confidence. Default: 95 %.
        #[serde(default)]
        confidence: Option<crate::scenario::units::Factor>,
        /// Fewest replications. Allowed: 2 and more. Default: 3.
        #[serde(default)]
        min: Option<u32>,
        /// Most replications.
        max: u32,
    },
}

impl Default for ReplicationsSpec {
    fn default() -> Self {
        Self::Fixed(1)
    }
}

/// Whether points share their random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum RandomNumbers {
    /// The seed depends on (sweep seed, point, replication).
    #[default]
    Independent,
    /// The seed depends on (sweep seed, replication): points are paired, and differences between them are
    /// estimated more precisely.
    Common,
}

/// The most a sweep may cost.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSpec {
    /// Runs. A design that could need more is refused.
    pub runs: Option<u64>,
    /// Wall time of one call of `sweep run`: no run is started after it; the next call goes on.
    pub time: Option<crate::scenario::units::Duration>,
}
