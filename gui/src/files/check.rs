//! From a text to a scenario, or to what is wrong with it and where.

use crate::worker::available_bytes;
use sim_core::scenario::error::Place;
use sim_core::scenario::estimate::estimate;
use sim_core::scenario::{Changes, Library, Scenario};
use std::path::Path;

/// Something in a text that is wrong, or to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// It cannot be run.
    pub fatal: bool,
    /// Line from 1; 0: nowhere in this text.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// What is wrong and what is allowed.
    pub text: String,
    /// What was probably meant instead of the word that stands there.
    pub meant: Option<String>,
}

/// What a text turned out to be.
#[derive(Debug)]
pub struct Checked {
    /// The scenario, if it can be run here.
    pub scenario: Option<Box<Scenario>>,
    /// The worst first.
    pub problems: Vec<Problem>,
    /// Why it cannot be run, in full.
    pub refusal: Option<String>,
}

/// Reads a text as the file at `path`.
pub fn check(text: &str, path: &Path) -> Checked {
    let here = |place: &Place| place.source == path.display().to_string() && place.line > 0;
    let scenario = match Scenario::parse(text, path, &Library::of(path), &Changes::default()) {
        Ok(scenario) => scenario,
        Err(error) => {
            let details = error.details();
            let (line, column) =
                if here(&details.place) { (details.place.line, details.place.column) } else { (0, 0) };
            let mut text = String::new();
            if line == 0 {
                text += &format!("{}: ", details.place);
            }
            if !details.path.is_empty() {
                text += &format!("{}: ", details.path);
            }
            text += &details.problem;
            if let Some(name) = &details.suggestion {
                text += &format!("; did you mean `{name}`?");
            }
            if !details.allowed.is_empty() {
                text += &format!(" Allowed: {}.", details.allowed.join(", "));
            }
            if let Some(help) = &details.help {
                text += &format!(" ({help})");
            }
            let problem = Problem { fatal: true, line, column, text, meant: details.suggestion.clone() };
            return Checked { scenario: None, problems: vec![problem], refusal: Some(error.to_string()) };
        }
    };
    let mut problems = Vec::new();
    for warning in &scenario.warnings {
        let (line, column) =
            if here(&warning.place) { (warning.place.line, warning.place.column) } else { (0, 0) };
        let text = format!("{}: {}", warning.path, warning.message);
        problems.push(Problem { fatal: false, line, column, text, meant: None });
    }
    let plan = &scenario.base;
    if let Err(reason) = estimate(plan).check(&plan.name, available_bytes()) {
        let text = reason.to_string();
        let refusal = Some(format!("{}: {text}", path.display()));
        problems.insert(0, Problem { fatal: true, line: 0, column: 0, text, meant: None });
        return Checked { scenario: None, problems, refusal };
    }
    Checked { scenario: Some(Box::new(scenario)), problems, refusal: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_at_its_place_with_what_was_meant() {
        let text = "// Mine.\n(\n  version: 1,\n  nodes: (cuont: 60),\n)";
        let checked = check(text, Path::new("a.ron"));
        let problem = &checked.problems[0];
        assert!(checked.scenario.is_none() && problem.fatal);
        assert_eq!((problem.line, problem.column), (4, 11), "{problem:?}");
        assert_eq!(problem.meant.as_deref(), Some("count"));
        assert!(problem.text.contains("cuont"), "{}", problem.text);
        let sound = check(&text.replace("cuont", "count"), Path::new("a.ron"));
        assert!(sound.scenario.is_some() && sound.refusal.is_none(), "{:?}", sound.problems);
    }

    #[test]
    fn what_is_too_large_for_the_machine_is_refused_with_the_number() {
        let text = "(version: 1, nodes: (count: 9000000), run: (blocks: 900000))";
        let checked = check(text, Path::new("a.ron"));
        assert!(checked.scenario.is_none());
        let refusal = checked.refusal.expect("it is refused");
        assert!(refusal.contains("events") || refusal.contains("GiB"), "{refusal}");
    }
}
