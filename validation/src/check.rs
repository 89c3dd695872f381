//! What a check is, what it finds, and how a verdict follows.

use serde::Serialize;

/// How much work a check may do. The questions are the same; samples differ, and tolerances follow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For tests: seconds.
    Quick,
    /// For the page: up to about two minutes for all checks together.
    Full,
}

impl Effort {
    /// `quick` or `full`.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// One question put to the simulator.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Short name, unique in the registry.
    pub name: &'static str,
    /// Which part of the simulator it is about.
    pub family: &'static str,
    /// What is asked, in one sentence.
    pub question: &'static str,
    /// The formula, with its symbols explained.
    pub expected: &'static str,
    /// Where the formula comes from.
    pub source: &'static str,
    /// How far off a measurement may be, and why so far and no further.
    pub tolerance: &'static str,
    /// Why the check is known to miss; `None` for a check that has to hold.
    pub understood_miss: Option<&'static str>,
    /// Measures.
    pub run: fn(Effort) -> anyhow::Result<Finding>,
}

/// What a measurement is held against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Expected {
    /// The same number.
    Exactly(f64),
    /// The value, give or take the tolerance.
    Near {
        /// The value.
        value: f64,
        /// Largest distance that is accepted, in the same unit.
        tolerance: f64,
    },
    /// No less.
    AtLeast(f64),
    /// No more.
    AtMost(f64),
    /// Between both, ends included.
    Within {
        /// Least value that is accepted.
        low: f64,
        /// Greatest value that is accepted.
        high: f64,
    },
}

impl Expected {
    /// Whether a measurement is as expected. A measurement that is not a number never is.
    pub fn accepts(&self, measured: f64) -> bool {
        match *self {
            Self::Exactly(value) => measured == value,
            Self::Near { value, tolerance } => (measured - value).abs() <= tolerance,
            Self::AtLeast(low) => measured >= low,
            Self::AtMost(high) => measured <= high,
            Self::Within { low, high } => (low..=high).contains(&measured),
        }
    }
}

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which case of the check.
    pub case: String,
    /// What was measured.
    pub measured: f64,
    /// What it is held against.
    pub expected: Expected,
    /// Unit of both.
    pub unit: &'static str,
    /// How many observations the number rests on, in words.
    pub sample: String,
}

impl Row {
    /// A row.
    pub fn new(
        case: impl Into<String>,
        measured: f64,
        expected: Expected,
        unit: &'static str,
        sample: impl Into<String>,
    ) -> Self {
        Self { case: case.into(), measured, expected, unit, sample: sample.into() }
    }

    /// The measurement is as expected.
    pub fn holds(&self) -> bool {
        self.expected.accepts(self.measured)
    }
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// Every number, good or bad.
    pub rows: Vec<Row>,
    /// What a reader should know besides, such as parts that were skipped.
    pub notes: Vec<String>,
    /// A figure, as an SVG document.
    pub plot: Option<String>,
    /// Nothing was measured, because something from outside is missing; `notes` say what.
    pub skipped: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every row is as expected.
    Holds,
    /// Some row is not, and nobody has explained it.
    Missed,
    /// Some row is not, for a recorded reason.
    UnderstoodMiss,
    /// Recorded as an understood miss, but every row is as expected: the record is out of date.
    NoLongerMissed,
    /// Nothing was measured: data from outside are missing. Shown, and neither good nor bad.
    Skipped,
    /// The check could not be carried out.
    Failed,
}

impl Verdict {
    /// The verdict makes the whole run fail.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Missed | Self::NoLongerMissed | Self::Failed)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Missed => "MISSED",
            Self::UnderstoodMiss => "understood miss",
            Self::NoLongerMissed => "holds, but is recorded as a miss",
            Self::Skipped => "skipped",
            Self::Failed => "COULD NOT RUN",
        }
    }
}

/// A check that was carried out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The check.
    pub check: Check,
    /// What it found, or why it could not be carried out.
    pub finding: Result<Finding, String>,
}

impl Outcome {
    /// Carries out a check.
    pub fn of(check: &Check, effort: Effort) -> Self {
        Self { check: *check, finding: (check.run)(effort).map_err(|e| format!("{e:#}")) }
    }

    /// How it ended. A check without rows has shown nothing and fails.
    pub fn verdict(&self) -> Verdict {
        let Ok(finding) = &self.finding else { return Verdict::Failed };
        if finding.skipped {
            return Verdict::Skipped;
        }
        if finding.rows.is_empty() {
            return Verdict::Failed;
        }
        match (finding.rows.iter().all(Row::holds), self.check.understood_miss.is_some()) {
            (true, false) => Verdict::Holds,
            (true, true) => Verdict::NoLongerMissed,
            (false, false) => Verdict::Missed,
            (false, true) => Verdict::UnderstoodMiss,
        }
    }
}
