//! A sweep file read, checked, and laid out into points. Every point's plan has been resolved once when this
//! succeeds, so nothing about the input can go wrong later.

use super::axis::{Axis, AxisValue};
use super::constraint::Constraint;
use super::design;
use super::metrics;
use super::spec::{DesignSpec, RandomNumbers, ReplicationsSpec, SweepSpec};
use super::store::SweepManifest;
use crate::kernel::digest::DigestFold;
use crate::kernel::random::{Purpose, draw};
use crate::scenario::error::{Place, ScenarioError};
use crate::scenario::estimate::{Estimate, estimate};
use crate::scenario::overrides::Override;
use crate::scenario::plan::Plan;
use crate::scenario::tree::{Node, SourceKind, Sources, Value};
use crate::scenario::{Library, Template, Warning, de, reader, template};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most points of a design.
pub const POINTS_MAX: u64 = 1_000_000;
/// Most axes.
const AXES_MAX: usize = 64;
/// Most replications of a point.
const REPLICATIONS_MAX: u32 = 10_000;
/// Seeds are drawn for this purpose, outside any run.
const SEEDS: Purpose = Purpose::STATISTICS;
/// What the report draws if the file does not say.
const DRAWN: [&str; 3] = ["verified_p95_ms", "gas_per_second", "bound_by_execution_share"];

/// Which combinations are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Every combination.
    Grid,
    /// Those given.
    List,
    /// Independent uniform draws.
    Random,
    /// Stratified on every axis.
    LatinHypercube,
    /// A Sobol sequence.
    Sobol,
    /// One axis changed at a time; the first point is the scenario as it is.
    OneAtATime,
    /// For Sobol indices, with so many rows in each base matrix.
    SobolIndices(u64),
}

/// A combination of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Identity by content: equal for the same values in any design.
    pub id: u64,
    /// A value for each axis; `None` leaves the scenario's own.
    pub values: Vec<Option<AxisValue>>,
}

impl Point {
    fn new(axes: &[Axis], values: Vec<Option<AxisValue>>) -> Self {
        let mut named: Vec<String> = axes
            .iter()
            .zip(&values)
            .filter_map(|(axis, value)| Some(format!("{}={}", axis.name, value.as_ref()?.label)))
            .collect();
        named.sort();
        let mut fold = DigestFold::new();
        named.iter().for_each(|text| fold.absorb_bytes(text.as_bytes()));
        Self { id: fold.finish().0 as u64, values }
    }

    /// What it changes in the scenario.
    pub fn changes(&self) -> Vec<Override> {
        self.values.iter().flatten().flat_map(|value| value.changes.iter().cloned()).collect()
    }

    /// In words: `network.bandwidth 2x, execution.cores 8`.
    pub fn describe(&self, axes: &[Axis]) -> String {
        let parts: Vec<String> = axes
            .iter()
            .zip(&self.values)
            .filter_map(|(axis, value)| Some(format!("{} {}", axis.name, value.as_ref()?.label)))
            .collect();
        if parts.is_empty() { "the scenario as it is".to_owned() } else { parts.join(", ") }
    }
}

/// When a point has been run often enough, as meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Replications {
    /// After so many.
    Fixed(u32),
    /// When half the interval's width is at most `relative` times the mean.
    UntilWidth {
        /// Position of the metric.
        metric: usize,
        /// Half width over mean.
        relative: f64,
        /// Confidence, below 1.
        confidence: f64,
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
}

impl Replications {
    /// Fewest and most.
    pub fn bounds(&self) -> (u32, u32) {
        match *self {
            Self::Fixed(n) => (n, n),
            Self::UntilWidth { min, max, .. } => (min, max),
        }
    }
}

/// A sweep, ready to run.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Where it was read from.
    pub path: PathBuf,
    /// Name: the file's stem.
    pub name: String,
    /// The file's text.
    pub text: String,
    /// The scenario it starts from.
    pub scenario: PathBuf,
    /// Comment at the head of the file, line by line.
    pub comment: Vec<String>,
    /// Changes from outside.
    pub changes: SweepChanges,
    /// What is varied.
    pub axes: Vec<Axis>,
    /// The design.
    pub design: Design,
    /// The distinct points, in the order of the design.
    pub points: Vec<Point>,
    /// The design's rows as positions in `points`; a design may come by a point more than once.
    pub rows: Vec<usize>,
    /// Rows left out by constraints.
    pub left_out: usize,
    /// How often each point is run.
    pub replications: Replications,
    /// Root of all seeds.
    pub seed: u64,
    /// Whether points share their random numbers.
    pub random_numbers: RandomNumbers,
    /// Whether points repeat block contents.
    pub pin_contents: bool,
    /// Wall time of one call, ns.
    pub time_ns: Option<u64>,
    /// Positions of the metrics that are drawn.
    pub drawn: Vec<usize>,
    /// Things to check before trusting a result.
    pub warnings: Vec<Warning>,
    /// What one run of each point will cost.
    pub estimates: Vec<Estimate>,
    scenario_text: String,
    template: Template,
}

/// What is changed from outside when a sweep is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepChanges {
    /// `path=value` applied to every point, before the axes.
    pub set: Vec<String>,
    /// Replaces the replications by a fixed number.
    pub replications: Option<u32>,
}

impl Sweep {
    /// Reads a sweep file and its scenario, and resolves every point.
    ///
    /// # Errors
    /// Anything wrong with either, with its place.
    pub fn load(path: &Path, changes: &SweepChanges) -> Result<Self, ScenarioError> {
        Self::read(template::read_text(path)?, path, None, changes)
    }

    /// The sweep that a folder says it holds, from the texts kept there: whatever has become of the files.
    ///
    /// # Errors
    /// As [`Sweep::load`]: the folder was made by a version that read other files.
    pub fn of_manifest(manifest: &SweepManifest) -> Result<Self, ScenarioError> {
        let changes = SweepChanges { set: manifest.set.clone(), replications: manifest.replications };
        Self::read(manifest.text.clone(), &manifest.file, Some(&manifest.scenario), &changes)
    }

    fn read(
        text: String,
        path: &Path,
        scenario_text: Option<&str>,
        changes: &SweepChanges,
    ) -> Result<Self, ScenarioError> {
        let mut sources = Sources::default();
        let source = sources.add(SourceKind::File, path.display().to_string(), text.clone());
        let root =
            reader::read(&text, source).map_err(|e| ScenarioError::at(&sources, e.span, "", e.problem))?;
        let spec: SweepSpec = de::from_node(&root, &sources, "")?;
        if spec.version != 1 {
            let problem = format!("found version {}; this program reads version 1", spec.version);
            return Err(ScenarioError::at(&sources, root.nearest("version").span, "version", problem));
        }
        let scenario = path.parent().unwrap_or(Path::new("")).join(&spec.scenario);
        if scenario_text.is_none() && !scenario.is_file() {
            let problem = format!("there is no file {}", scenario.display());
            let error = ScenarioError::at(&sources, root.nearest("scenario").span, "scenario", problem);
            return Err(error.help("the path starts from the folder of the sweep file"));
        }
        let scenario_text = match scenario_text {
            Some(text) => text.to_owned(),
            None => template::read_text(&scenario)?,
        };
        let mut template = Template::parse(&scenario_text, &scenario, &Library::of(&scenario), sources)?;
        for entry in root.get("set").map(Node::entries).unwrap_or_default() {
            let change = Override { path: entry.key.clone(), span: entry.span, value: entry.value.clone() };
            template.change(&change)?;
        }
        for text in &changes.set {
            template.set("--set", text)?;
        }
        let reading = Reading { root: &root, spec: &spec, template: &template };
        let axes = reading.axes()?;
        let constraints = reading.constraints(&axes)?;
        let replications = match changes.replications {
            Some(n) if !(1..=REPLICATIONS_MAX).contains(&n) => {
                let problem = format!("{n} replications; allowed: 1 to {REPLICATIONS_MAX}");
                return Err(ScenarioError::new(
                    Place::whole(format!("--replications {n}")),
                    "replications",
                    problem,
                ));
            }
            Some(n) => Replications::Fixed(n),
            None => reading.replications()?,
        };
        let (design, rows) = reading.rows(&axes)?;
        for (index, constraint) in constraints.iter().enumerate() {
            constraint.check_taken(
                &format!("constraints.{index}"),
                &axes,
                &rows,
                reading.template.sources(),
            )?;
        }
        let all = rows.len();
        let kept: Vec<Row> =
            rows.into_iter().filter(|row| constraints.iter().all(|c| c.allows(row))).collect();
        if kept.is_empty() {
            return Err(reading.at("constraints", "the constraints leave no point"));
        }
        let left_out = all - kept.len();
        if left_out > 0 && matches!(design, Design::SobolIndices(_)) {
            return Err(reading.at("constraints", "Sobol indices need the whole cube: no constraints"));
        }
        let (points, rows) = distinct(&axes, kept);
        reading.check_budget(points.len(), &replications)?;
        if spec.pin_contents && spec.random_numbers != RandomNumbers::Common {
            return Err(reading.at("pin_contents", "pinned contents need `random_numbers: Common`"));
        }
        let drawn = reading.drawn()?;
        let (base, mut warnings) = template.resolve("base", &[])?;
        let mut sweep = Self {
            path: path.to_owned(),
            name: path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned()),
            comment: reader::head_comment(&text),
            text,
            scenario,
            scenario_text,
            changes: changes.clone(),
            axes,
            design,
            points,
            rows,
            left_out,
            replications,
            seed: spec.seed.unwrap_or(base.seed),
            random_numbers: spec.random_numbers,
            pin_contents: spec.pin_contents,
            time_ns: spec.budget.time.map(|t| t.0),
            drawn,
            warnings: Vec::new(),
            estimates: Vec::new(),
            template,
        };
        sweep.estimates.reserve(sweep.points.len());
        for index in 0..sweep.points.len() {
            let changes = sweep.points[index].changes();
            let (plan, own) = sweep.template.resolve("base", &changes)?;
            sweep.estimates.push(estimate(&plan));
            // What has an effect at one point was not written in vain.
            warnings.retain(|w| own.contains(w));
        }
        sweep.warnings = warnings;
        Ok(sweep)
    }

    /// Text of the scenario it starts from, as it was when this was read.
    pub fn scenario_text(&self) -> &str {
        &self.scenario_text
    }

    /// The plan of one run.
    ///
    /// # Errors
    /// None after a successful [`Sweep::load`], unless a file that the scenario names has changed.
    pub fn plan(&self, point: usize, replication: u32) -> Result<Plan, ScenarioError> {
        let point = &self.points[point];
        let mut plan = self.template.resolve("base", &point.changes())?.0;
        plan.seed = self.seed_of(point, replication);
        Ok(plan)
    }

    /// The scenario with some of a point's changes only.
    pub(super) fn plan_with(&self, changes: &[Override], seed: u64) -> Result<Plan, ScenarioError> {
        let mut plan = self.template.resolve("base", changes)?.0;
        plan.seed = seed;
        Ok(plan)
    }

    /// The seed of a run; with common random numbers the point does not enter.
    pub fn seed_of(&self, point: &Point, replication: u32) -> u64 {
        let entity = match self.random_numbers {
            RandomNumbers::Independent => point.id,
            RandomNumbers::Common => 0,
        };
        replication_seed(self.seed, entity, replication)
    }

    /// The line of the head comment that starts with `Question:`, without that word.
    pub fn question(&self) -> Option<&str> {
        crate::scenario::question_of(&self.comment)
    }
}

/// The seed of a replication: 48 random bits from (root, point, replication), so that it reads the same in every
/// language.
pub fn replication_seed(root: u64, point: u64, replication: u32) -> u64 {
    draw(root, SEEDS, point, (1 << 40) | u64::from(replication)) >> 16
}

/// Distinct points in the order of their first row, and the rows as positions among them.
fn distinct(axes: &[Axis], rows: Vec<Row>) -> (Vec<Point>, Vec<usize>) {
    let (mut points, mut found, mut positions) = (Vec::new(), BTreeMap::new(), Vec::new());
    for values in rows {
        let point = Point::new(axes, values);
        let position = *found.entry(point.id).or_insert(points.len());
        if position == points.len() {
            points.push(point);
        }
        positions.push(position);
    }
    (points, positions)
}

/// A value for each axis; `None` leaves the scenario's own.
type Row = Vec<Option<AxisValue>>;

/// A file being read.
struct Reading<'a> {
    root: &'a Node,
    spec: &'a SweepSpec,
    template: &'a Template,
}

impl Reading<'_> {
    fn at(&self, path: &str, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::at(self.template.sources(), self.root.nearest(path).span, path, problem)
    }

    fn axes(&self) -> Result<Vec<Axis>, ScenarioError> {
        let Some(Value::List(nodes)) = self.root.get("axes").map(|n| &n.value) else {
            return Err(self.at("axes", "a list of axes is missing"));
        };
        if nodes.is_empty() || nodes.len() > AXES_MAX {
            return Err(self.at("axes", format!("{} axes; allowed: 1 to {AXES_MAX}", nodes.len())));
        }
        let mut axes: Vec<Axis> = Vec::new();
        for (index, (spec, node)) in self.spec.axes.iter().zip(nodes).enumerate() {
            let axis = Axis::read(index, spec, node, self.template.sources())?;
            if axes.iter().any(|other| other.name == axis.name) {
                return Err(self.at(&format!("axes.{index}"), format!("two axes are called `{}`", axis.name)));
            }
            // Each value by itself: the message then names the value and not a combination.
            for value in &axis.values {
                self.template.resolve("base", &value.changes)?;
            }
            axes.push(axis);
        }
        Ok(axes)
    }

    fn constraints(&self, axes: &[Axis]) -> Result<Vec<Constraint>, ScenarioError> {
        let read = |(index, spec)| {
            let path = format!("constraints.{index}");
            let node = self.root.nearest(&path);
            Constraint::read(spec, node, axes).map_err(|problem| self.at(&path, problem))
        };
        self.spec.constraints.iter().enumerate().map(read).collect()
    }

    fn metric(&self, path: &str, name: &str) -> Result<usize, ScenarioError> {
        metrics::position(name).ok_or_else(|| {
            let error = self.at(path, format!("there is no metric `{name}`"));
            error.allowed(name, metrics::all().map(|m| m.name.clone()))
        })
    }

    fn drawn(&self) -> Result<Vec<usize>, ScenarioError> {
        match &self.spec.metrics {
            Some(names) => names.iter().map(|name| self.metric("metrics", name)).collect(),
            None => DRAWN.iter().map(|name| self.metric("metrics", name)).collect(),
        }
    }

    fn replications(&self) -> Result<Replications, ScenarioError> {
        let path = "replications";
        let bounded = |n: u32| match n {
            1..=REPLICATIONS_MAX => Ok(n),
            _ => Err(self.at(path, format!("{n} replications; allowed: 1 to {REPLICATIONS_MAX}"))),
        };
        match &self.spec.replications {
            ReplicationsSpec::Fixed(n) => Ok(Replications::Fixed(bounded(*n)?)),
            ReplicationsSpec::UntilWidth { metric, relative, confidence, min, max } => {
                let (min, max) = (min.unwrap_or(3), bounded(*max)?);
                if min < 2 || min > max {
                    let problem = format!(
                        "an interval needs 2 or more replications, and `min` ({min}) at most `max` ({max})"
                    );
                    return Err(self.at(path, problem));
                }
                let confidence = confidence.map_or(0.95, |c| c.0 as f64 / 1e6);
                if !(0.5..1.0).contains(&confidence) {
                    return Err(self.at(path, "the confidence lies from 50 % to below 100 %"));
                }
                let metric = self.metric(path, metric)?;
                let relative = relative.0 as f64 / 1e6;
                if relative <= 0.0 {
                    return Err(self.at(path, "`relative` is above zero"));
                }
                Ok(Replications::UntilWidth { metric, relative, confidence, min, max })
            }
        }
    }

    /// The design's rows.
    fn rows(&self, axes: &[Axis]) -> Result<(Design, Vec<Row>), ScenarioError> {
        let n = axes.len();
        let seed = self.spec.seed.unwrap_or(0);
        let bounded = |points: u64| self.check_points(points).map(|()| points);
        let placed = |shares: Vec<Vec<f64>>| -> Vec<Row> {
            let row =
                |row: Vec<f64>| axes.iter().zip(row).map(|(axis, share)| Some(axis.at(share))).collect();
            shares.into_iter().map(row).collect()
        };
        Ok(match &self.spec.design {
            DesignSpec::Grid => {
                let points = axes.iter().fold(1_u64, |n, axis| n.saturating_mul(axis.values.len() as u64));
                (Design::Grid, grid(axes, bounded(points)?))
            }
            DesignSpec::List(_) => (Design::List, self.listed(axes)?),
            DesignSpec::Random { points } => {
                (Design::Random, placed(design::random(bounded(*points)?, n, seed)))
            }
            DesignSpec::LatinHypercube { points } => {
                (Design::LatinHypercube, placed(design::latin_hypercube(bounded(*points)?, n, seed)))
            }
            DesignSpec::Sobol { points } => (Design::Sobol, placed(design::sobol(bounded(*points)?, n))),
            DesignSpec::OneAtATime => (Design::OneAtATime, one_at_a_time(axes)),
            DesignSpec::SobolIndices { base } => {
                if !base.is_power_of_two() || 2 * n > design::SOBOL_DIMENSIONS_MAX {
                    let most = design::SOBOL_DIMENSIONS_MAX / 2;
                    let problem = format!("`base` is a power of two, with at most {most} axes");
                    return Err(self.at("design", problem));
                }
                bounded(base.saturating_mul(n as u64 + 2))?;
                (Design::SobolIndices(*base), placed(design::sobol_indices(*base, n)))
            }
        })
    }

    fn listed(&self, axes: &[Axis]) -> Result<Vec<Row>, ScenarioError> {
        let list = match self.root.get("design").map(|n| &n.value) {
            Some(Value::Variant(_, Some(inner))) => inner.as_ref(),
            _ => self.root.nearest("design"),
        };
        let refuse = |node: &Node, problem: String| {
            Err(ScenarioError::at(self.template.sources(), node.span, "design", problem))
        };
        let Value::List(items) = &list.value else {
            return refuse(list, format!("found {}, expected a list of points", list.describe()));
        };
        let mut rows = Vec::new();
        for item in items {
            let Value::List(values) = &item.value else {
                return refuse(item, format!("found {}, expected a list of values", item.describe()));
            };
            if values.len() != axes.len() {
                return refuse(item, format!("{} values for {} axes", values.len(), axes.len()));
            }
            let mut row = Vec::new();
            for (axis, value) in axes.iter().zip(values) {
                match axis.named(value) {
                    Ok(value) => row.push(Some(value)),
                    Err(problem) => return refuse(value, problem),
                }
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return refuse(list, "the list has no point".to_owned());
        }
        Ok(rows)
    }

    fn check_points(&self, points: u64) -> Result<(), ScenarioError> {
        if points == 0 {
            return Err(self.at("design", "a design has at least one point"));
        }
        if points > POINTS_MAX {
            return Err(self.at("design", format!("{points} points; at most {POINTS_MAX}")));
        }
        // Constraints may leave fewer; what is refused here would be too slow to lay out.
        Ok(())
    }

    fn check_budget(&self, points: usize, replications: &Replications) -> Result<(), ScenarioError> {
        let (min, max) = replications.bounds();
        let (least, most) = (points as u64 * u64::from(min), points as u64 * u64::from(max));
        match self.spec.budget.runs {
            Some(runs) if most > runs => {
                let needed = if least == most { most.to_string() } else { format!("{least} to {most}") };
                let problem = format!("{points} points need {needed} runs, and the budget is {runs}");
                Err(self.at("budget.runs", problem))
            }
            _ => Ok(()),
        }
    }
}

/// Every combination; the last axis varies fastest.
fn grid(axes: &[Axis], points: u64) -> Vec<Row> {
    let row = |mut index: u64| {
        let mut row: Vec<Option<AxisValue>> = axes
            .iter()
            .rev()
            .map(|axis| {
                let n = axis.values.len() as u64;
                let value = axis.values[(index % n) as usize].clone();
                index /= n;
                Some(value)
            })
            .collect();
        row.reverse();
        row
    };
    (0..points).map(row).collect()
}

/// The scenario as it is, then every value by itself.
fn one_at_a_time(axes: &[Axis]) -> Vec<Row> {
    let alone = |n: usize, value: &AxisValue| {
        let mut row = vec![None; axes.len()];
        row[n] = Some(value.clone());
        row
    };
    let changed = axes.iter().enumerate().flat_map(|(n, axis)| axis.values.iter().map(move |v| alone(n, v)));
    std::iter::once(vec![None; axes.len()]).chain(changed).collect()
}
