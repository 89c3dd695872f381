//! Comparing like with like: groups of points (the values of an axis, the fields of a grid) are averaged over the same
//! combinations of the other axes and over the same replications. What a constraint, a stop rule or a failed run left
//! out of one group must not look like an effect.

use super::axis::Axis;
use super::load::{Design, Sweep};
use super::merge::{Merged, PointRuns};
use super::stats::{Interval, Intervals, mean};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Groups that many values of an axis are put into, of about equal size.
const BINS: usize = 4;

/// The values of an axis in the design, in the order of their sizes or of the design; ranges of values where there are
/// more than can be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// What they are called.
    pub names: Vec<String>,
    /// Their sizes in the axis's unit; `None` for ranges and for what is not a number.
    pub sizes: Vec<Option<f64>>,
    /// A level holds several values.
    pub binned: bool,
    /// The level of each point; `None` where the point leaves the axis as it is.
    of_point: Vec<Option<usize>>,
}

impl Levels {
    /// The values of an axis, or [`BINS`] ranges of them where there are more than `most` and all are numbers.
    pub fn new(sweep: &Sweep, axis: usize, most: usize) -> Self {
        let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
        let mut found: Vec<(&str, Option<f64>, Option<f64>)> = Vec::new();
        let mut of_point = Vec::with_capacity(sweep.points.len());
        for point in &sweep.points {
            of_point.push(point.values[axis].as_ref().map(|value| {
                *positions.entry(&value.label).or_insert_with(|| {
                    found.push((&value.label, value.number, sweep.axes[axis].size(value)));
                    found.len() - 1
                })
            }));
        }
        let numbers = found.iter().all(|(_, number, _)| number.is_some());
        let mut order: Vec<usize> = (0..found.len()).collect();
        if numbers {
            order.sort_by(|a, b| found[*a].1.unwrap_or(0.0).total_cmp(&found[*b].1.unwrap_or(0.0)));
        }
        let binned = numbers && found.len() > most;
        let each = if binned { found.len().div_ceil(BINS) } else { 1 };
        let mut level = vec![0; found.len()];
        let (mut names, mut sizes) = (Vec::new(), Vec::new());
        for (n, chunk) in order.chunks(each.max(1)).enumerate() {
            chunk.iter().for_each(|value| level[*value] = n);
            let (first, last) = (found[chunk[0]], found[chunk[chunk.len() - 1]]);
            let alone = chunk.len() == 1;
            names.push(if alone { first.0.to_owned() } else { format!("{} to {}", first.0, last.0) });
            sizes.push(first.2.filter(|_| alone));
        }
        let of_point = of_point.into_iter().map(|value| value.map(|v: usize| level[v])).collect();
        Self { names, sizes, binned, of_point }
    }

    /// The level of a point.
    pub fn of(&self, point: usize) -> Option<usize> {
        self.of_point[point]
    }
}

/// What groups were averaged over, besides their runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// There is nothing else: a group is a point.
    Nothing,
    /// Combinations of the other axes that every group has, and how many there are in all.
    Shared {
        /// Taken.
        taken: usize,
        /// In the design.
        all: usize,
    },
    /// One combination of the other axes, because no combination is there for every group.
    Slice(String),
    /// Whatever the design drew there: its points do not repeat combinations.
    Drawn,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("over replications"),
            Self::Shared { taken, all } if taken == all => {
                write!(f, "over replications and all {all} combinations of the other axes")
            }
            Self::Shared { taken, all } => write!(
                f,
                "over replications and the {taken} of {all} combinations of the other axes that all of them have"
            ),
            Self::Slice(values) => {
                write!(f, "over replications, at {values} only: no combination is everywhere")
            }
            Self::Drawn => {
                f.write_str("over the points that the design drew there, whatever their other values")
            }
        }
    }
}

/// Groups of points with what is known of a metric in each.
pub struct Alike {
    /// Mean and interval of each group; `None` where nothing comparable is there.
    pub intervals: Vec<Option<Interval>>,
    /// Points behind each.
    pub points: Vec<usize>,
    /// What they were averaged over.
    pub over: Over,
}

/// A point of a group, and its values of the axes that do not tell the groups apart.
type Keyed<'a> = (usize, Vec<Option<&'a str>>);

fn combination<'a>(sweep: &'a Sweep, point: usize, axes: &[usize]) -> Vec<Option<&'a str>> {
    let values = &sweep.points[point].values;
    axes.iter().map(|axis| values[*axis].as_ref().map(|v| v.label.as_str())).collect()
}

/// Averages a metric over groups of points. `varied` are the axes that tell the groups apart. Intervals are over the
/// replications that all points have, each averaged over the points first; a group that is a point has its own.
pub fn alike(
    sweep: &Sweep,
    groups: &[Vec<&PointRuns>],
    varied: &[usize],
    metric: usize,
    intervals: &mut Intervals,
) -> Alike {
    let others: Vec<usize> = (0..sweep.axes.len()).filter(|axis| !varied.contains(axis)).collect();
    let keyed: Vec<Vec<Keyed<'_>>> = groups
        .iter()
        .map(|group| {
            let with_value = group.iter().enumerate().filter(|(_, point)| !point.values(metric).is_empty());
            with_value.map(|(n, point)| (n, combination(sweep, point.point, &others))).collect()
        })
        .collect();
    let (kept, over) = balanced(&keyed, matches!(sweep.design, Design::Grid | Design::OneAtATime));
    let over = match over {
        Kept::Shared { .. } if others.is_empty() => Over::Nothing,
        Kept::Shared { taken, all } => Over::Shared { taken, all },
        Kept::One(key) => Over::Slice(in_words(&sweep.axes, &others, key)),
        Kept::All => Over::Drawn,
    };
    let runs: Vec<Vec<Vec<Option<f64>>>> = groups
        .iter()
        .zip(&kept)
        .map(|(group, kept)| kept.iter().map(|n| group[*n].paired(metric)).collect())
        .collect();
    let most = runs.iter().flatten().map(Vec::len).min().unwrap_or(0);
    let complete: Vec<usize> = (0..most).filter(|r| runs.iter().flatten().all(|p| p[*r].is_some())).collect();
    let mut of_group = |runs: &Vec<Vec<Option<f64>>>| {
        if let ([own], Over::Nothing) = (runs.as_slice(), &over) {
            return intervals.of(&own.iter().copied().flatten().collect::<Vec<f64>>());
        }
        let of = |r: &usize| mean(&runs.iter().filter_map(|p| p[*r]).collect::<Vec<_>>());
        intervals.of(&complete.iter().filter_map(of).collect::<Vec<f64>>())
    };
    let intervals = runs.iter().map(&mut of_group).collect();
    Alike { intervals, points: kept.iter().map(Vec::len).collect(), over }
}

/// Points of a merged sweep by group; `group` gives a point's.
pub fn grouped(
    merged: &Merged,
    groups: usize,
    group: impl Fn(usize) -> Option<usize>,
) -> Vec<Vec<&PointRuns>> {
    let mut found = vec![Vec::new(); groups];
    for runs in &merged.points {
        if let Some(n) = group(runs.point) {
            found[n].push(runs);
        }
    }
    found
}

fn in_words(axes: &[Axis], others: &[usize], key: &[Option<&str>]) -> String {
    let parts: Vec<String> = others
        .iter()
        .zip(key)
        .map(|(axis, label)| format!("{} {}", axes[*axis].name, label.unwrap_or("as it is")))
        .collect();
    parts.join(", ")
}

/// What [`balanced`] kept.
#[derive(Debug, PartialEq, Eq)]
enum Kept<'k, K> {
    Shared { taken: usize, all: usize },
    One(&'k K),
    All,
}

/// Of the points by group, those that count: whose combination of the other axes every group (with any result) has. Where
/// no combination is shared: in a design that crosses its axes the one that most groups have, the earliest of equals;
/// in others, which do not mean to repeat combinations, all.
fn balanced<P: Copy, K: Ord>(groups: &[Vec<(P, K)>], crossed: bool) -> (Vec<Vec<P>>, Kept<'_, K>) {
    // How many groups have a combination, and how early it comes.
    let mut having: BTreeMap<&K, (usize, usize)> = BTreeMap::new();
    for group in groups {
        for key in group.iter().map(|(_, key)| key).collect::<BTreeSet<_>>() {
            let order = having.len();
            having.entry(key).or_insert((0, order)).0 += 1;
        }
    }
    let there = groups.iter().filter(|group| !group.is_empty()).count();
    let pick = |wanted: &dyn Fn(&K) -> bool| -> Vec<Vec<P>> {
        let of = |group: &Vec<(P, K)>| group.iter().filter(|(_, key)| wanted(key)).map(|(p, _)| *p).collect();
        groups.iter().map(of).collect()
    };
    let taken = having.values().filter(|(n, _)| *n == there).count();
    if taken > 0 {
        let shared = |key: &K| having.get(key).is_some_and(|(n, _)| *n == there);
        return (pick(&shared), Kept::Shared { taken, all: having.len() });
    }
    match having.iter().max_by_key(|(_, (n, order))| (*n, std::cmp::Reverse(*order))) {
        Some((one, _)) if crossed => (pick(&|key| key == *one), Kept::One(one)),
        _ => (pick(&|_| true), Kept::All),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_compared_over_the_combinations_that_all_have_been_run_with() {
        // (point, bandwidth): 4 cores were not combined with 4x.
        let (one, four) = (vec![(10, 1), (11, 2), (12, 4)], vec![(20, 1), (21, 2)]);
        let shared = Kept::Shared { taken: 2, all: 3 };
        let groups = [one.clone(), four.clone()];
        assert_eq!(balanced(&groups, true), (vec![vec![10, 11], vec![20, 21]], shared));
        // A group without any result takes nothing from the others.
        let shared = Kept::Shared { taken: 2, all: 3 };
        assert_eq!(balanced(&[one, vec![], four], true), (vec![vec![10, 11], vec![], vec![20, 21]], shared));
    }

    #[test]
    fn without_a_shared_combination_a_crossed_design_is_cut_at_one_and_a_drawn_one_is_not() {
        let groups = [vec![(1, 7), (2, 8)], vec![(3, 8)], vec![(4, 9)]];
        assert_eq!(balanced(&groups, true), (vec![vec![2], vec![3], vec![]], Kept::One(&8)));
        assert_eq!(balanced(&groups, false), (vec![vec![1, 2], vec![3], vec![4]], Kept::All));
    }
}
