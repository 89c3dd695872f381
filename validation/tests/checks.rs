//! Every check in its reduced form, and the harness itself.

use std::path::Path;
use validation::check::{Check, Effort, Expected, Finding, Outcome, Row, Verdict};
use validation::{console, page, registry, run, write};

#[test]
fn every_check_holds_in_its_reduced_form() {
    let outcomes = run::all(&registry::all(), Effort::Quick, 2, |_| ());
    let mut text = Vec::new();
    console::table(&mut text, &outcomes).unwrap();
    let bad: Vec<&str> = outcomes.iter().filter(|o| o.verdict().is_bad()).map(|o| o.check.name).collect();
    assert!(bad.is_empty(), "{bad:?}\n{}", String::from_utf8_lossy(&text));
}

#[test]
fn checks_repeat_to_the_last_digit_on_any_number_of_threads() {
    let mut checks = registry::all();
    checks.retain(|c| ["push-rumour-rounds", "fork-constant-delay", "broadcast-exact"].contains(&c.name));
    assert_eq!(checks.len(), 3);
    let results = |threads| page::json(&run::all(&checks, Effort::Quick, threads, |_| ()), "x");
    assert_eq!(results(1), results(3));
}

#[test]
fn every_check_says_what_why_and_from_where() {
    let checks = registry::all();
    let mut names: Vec<&str> = checks.iter().map(|c| c.name).collect();
    for check in &checks {
        assert!(check.question.ends_with('?'), "{}: a question", check.name);
        for text in [check.expected, check.source, check.tolerance] {
            assert!(text.len() > 15, "{}: {text}", check.name);
        }
        assert!(check.understood_miss.is_none_or(|why| why.len() > 40), "{}: explain the miss", check.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), checks.len(), "names are unique");
}

/// A check whose one row is measured 2 and expected 3.
fn wrong() -> Check {
    Check {
        name: "wrong",
        family: "harness",
        question: "Is two three?",
        expected: "three <of> & all",
        source: "nobody",
        tolerance: "none",
        understood_miss: None,
        run: |_| {
            let row = Row::new("two", 2.0, Expected::Exactly(3.0), "", "one");
            Ok(Finding { rows: vec![row], ..Finding::default() })
        },
    }
}

#[test]
fn a_wrong_expectation_is_a_miss_and_the_page_shows_it() {
    let outcome = Outcome::of(&wrong(), Effort::Quick);
    assert_eq!(outcome.verdict(), Verdict::Missed);
    assert!(outcome.verdict().is_bad());
    let html = page::html(&[outcome], "x");
    assert!(html.contains("MISSED") && html.contains("class=\"miss\""));
    assert!(html.contains("three &lt;of&gt; &amp; all"), "texts are escaped");
}

#[test]
fn a_recorded_miss_is_shown_and_forgiven_until_it_holds_again() {
    let known = Check { understood_miss: Some("numbers differ by one; see arithmetic"), ..wrong() };
    let outcome = Outcome::of(&known, Effort::Quick);
    assert_eq!(outcome.verdict(), Verdict::UnderstoodMiss);
    assert!(!outcome.verdict().is_bad());
    assert!(page::html(&[outcome], "x").contains("see arithmetic"));
    let healed = Check {
        run: |_| {
            let row = Row::new("three", 3.0, Expected::Exactly(3.0), "", "one");
            Ok(Finding { rows: vec![row], ..Finding::default() })
        },
        ..known
    };
    assert_eq!(Outcome::of(&healed, Effort::Quick).verdict(), Verdict::NoLongerMissed);
}

#[test]
fn a_check_that_fails_or_shows_nothing_does_not_pass() {
    let broken = Check { run: |_| anyhow::bail!("no such graph"), ..wrong() };
    assert_eq!(Outcome::of(&broken, Effort::Quick).verdict(), Verdict::Failed);
    let empty = Check { run: |_| Ok(Finding::default()), ..wrong() };
    assert_eq!(Outcome::of(&empty, Effort::Quick).verdict(), Verdict::Failed);
}

#[test]
fn a_number_that_is_none_is_never_as_expected() {
    for expected in [
        Expected::Exactly(0.0),
        Expected::Near { value: 0.0, tolerance: f64::INFINITY },
        Expected::AtLeast(0.0),
        Expected::AtMost(0.0),
        Expected::Within { low: f64::NEG_INFINITY, high: f64::INFINITY },
    ] {
        assert!(!expected.accepts(f64::NAN), "{expected:?}");
    }
}

/// The measurement tells theories apart: what holds for M/D/1 would miss if waits were those of M/M/1 (twice
/// as long) or if the queue saw a tenth more traffic.
#[test]
fn the_queue_check_would_notice_another_queue() {
    let check = registry::all().into_iter().find(|c| c.name == "md1-uplink-wait").unwrap();
    let finding = (check.run)(Effort::Quick).unwrap();
    let waits = finding.rows.iter().filter(|r| r.unit == "service times");
    for row in waits.filter(|r| !r.case.contains("whole simulation")) {
        let Expected::Near { value, tolerance } = row.expected else { panic!("{row:?}") };
        let wrong = Expected::Near { value: 2.0 * value, tolerance };
        assert!(row.holds() && !wrong.accepts(row.measured), "{row:?}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_page_appears_whole_and_replaces_only_an_earlier_one() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("deep/er/page");
    write::check(&folder).unwrap();
    assert!(!folder.exists(), "looking leaves nothing");
    write::page(&folder, "first", "{}").unwrap();
    write::page(&folder, "second", "{}").unwrap();
    assert_eq!(names(&folder), ["index.html", "results.json"]);
    assert_eq!(std::fs::read_to_string(folder.join("index.html")).unwrap(), "second");
    assert_eq!(names(folder.parent().unwrap()), ["page"], "no temporary folder is left");

    std::fs::write(folder.join("thesis.tex"), "years of work").unwrap();
    let error = write::page(&folder, "third", "{}").unwrap_err().to_string();
    assert!(error.contains("thesis.tex") && error.contains("--out"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.join("index.html")).unwrap(), "second");
}
