//! `diff` and `compare` from the command line: what they find, that it is true, what they refuse.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

struct Bench {
    folder: tempfile::TempDir,
}

/// A network that takes no time, with something added.
fn scenario(more: &str) -> String {
    format!(
        "(version: 1, base: \"broadcast\", seed: 1, run: (blocks: 4, warm_up: 1), nodes: (count: 40), network: (topology: \
         RandomRegular(degree: 4), jitter: Measured), {more})"
    )
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn call(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headless"));
        command.args(args).current_dir(self.folder.path()).output().unwrap()
    }

    fn fine(&self, args: &[&str]) -> String {
        let output = self.call(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, args: &[&str]) -> String {
        let output = self.call(args);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.starts_with("error:") && !message.contains("panicked"), "{message}");
        message
    }
}

/// The moment at which `diff` says the runs part, s.
fn parts_at(text: &str) -> f64 {
    let after = text.split("histories: part at ").nth(1).unwrap_or_else(|| panic!("{text}"));
    after.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let bench = Bench::new();
    bench.file("a.ron", &scenario(""));
    bench.file("b.ron", &scenario(""));
    let text = bench.fine(&["diff", "a.ron", "b.ron"]);
    for line in ["inputs: equal", "histories: equal at every node, to the end", "outcomes: 0 differ"] {
        assert!(text.contains(line), "{text}");
    }
}

/// What is changed at a moment cannot show before it, and a network this small shows it within a block's time.
#[test]
fn two_runs_part_after_what_was_changed_and_not_before() {
    let bench = Bench::new();
    bench.file("calm.ron", &scenario(""));
    let slower = |at| format!("interventions: [(at: \"{at} s\", change: Bandwidth(factor: 0.5, of: All))]");
    for at in [3, 5] {
        bench.file("changed.ron", &scenario(&slower(at)));
        let text = bench.fine(&["diff", "calm.ron", "changed.ron"]);
        let parted = parts_at(&text);
        assert!(parted >= f64::from(at) && parted < f64::from(at) + 3.0, "{text}");
        assert!(text.contains(&format!("in second {}, first at node ", parted as u64)), "{text}");
        assert!(text.contains("inputs: ") && text.contains("interventions"), "{text}");
        assert!(!text.contains("outcomes: 0 differ"), "{text}");
    }
}

#[test]
fn a_result_folder_is_run_again_and_said_to_be_as_recorded() {
    let bench = Bench::new();
    bench.file("a.ron", &scenario("compare: [(\"4x\", { \"network.bandwidth\": \"4x\" })]"));
    bench.fine(&["run", "a.ron", "--out", "found", "--quiet"]);
    let text = bench.fine(&["diff", "found", "a.ron"]);
    assert!(text.contains("as recorded") && text.contains("histories: equal at every node"), "{text}");
    let text = bench.fine(&["diff", "found", "found", "--arm-b", "4x"]);
    assert_eq!(text.matches("as recorded").count(), 2, "{text}");
    assert!(text.contains("histories: part at") && text.contains("arrived_p95_ms"), "{text}");
    // Somebody else's digest.
    let manifest = fs::read_to_string(bench.path("found/manifest.json")).unwrap();
    let digest = text.split("digest ").nth(1).unwrap().split([' ', ',']).next().unwrap().to_owned();
    bench.file("found/manifest.json", &manifest.replace(&digest, &"0".repeat(32)));
    assert!(bench.fine(&["diff", "found", "a.ron"]).contains("made by another version"));
}

/// An arm repeats the base's blocks; made again it must do so too, or its digest would be another.
#[test]
fn an_arm_that_executes_the_bases_blocks_is_made_again_with_them() {
    let bench = Bench::new();
    let small = "(version: 1, base: \"ethereum-2026\", seed: 3, run: (blocks: 3, warm_up: 1), nodes: (count: 40), workload: \
                 Users(rate: \"40 tx/s\"), compare: [(\"fast\", { \"network.bandwidth\": \"10x\" })])";
    bench.file("users.ron", small);
    bench.fine(&["run", "users.ron", "--out", "found", "--quiet"]);
    let text = bench.fine(&["diff", "found", "found", "--arm-b", "fast"]);
    assert_eq!(text.matches("as recorded").count(), 2, "{text}");
}

#[test]
fn runs_of_different_size_are_told_to_be_incomparable_node_by_node() {
    let bench = Bench::new();
    bench.file("a.ron", &scenario(""));
    bench.file("b.ron", &scenario("").replace("count: 40", "count: 41"));
    let text = bench.fine(&["diff", "a.ron", "b.ron"]);
    assert!(text.contains("the numbers of nodes differ") && text.contains("nodes.count: 40 -> 41"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_a_reason() {
    let bench = Bench::new();
    bench.file("a.ron", &scenario(""));
    fs::create_dir(bench.path("empty")).unwrap();
    let message = bench.refused(&["diff", "a.ron", "a.ron", "--arm-b", "no"]);
    assert!(message.contains("has no arm `no`; it has `base`"), "{message}");
    assert!(bench.refused(&["diff", "a.ron", "empty"]).contains("not a finished result folder"));
    assert!(bench.refused(&["compare", "a.ron", "absent.ron"]).contains("no such file"));
    bench.file("empty/thesis.txt", "x");
    let message = bench.refused(&["compare", "a.ron", "a.ron", "--out", "empty"]);
    assert!(message.contains("left untouched"), "{message}");
    assert_eq!(fs::read_dir(bench.path("empty")).unwrap().count(), 1);
}

#[test]
fn pairs_find_a_difference_of_a_percent_and_none_where_there_is_none() {
    let bench = Bench::new();
    bench.file("a.ron", &scenario(""));
    let text = bench.fine(&["compare", "a.ron", "a.ron", "--replications", "3", "--out", "none"]);
    let clear = text.lines().filter(|line| line.contains("%) *")).count();
    assert!(
        text.contains("3 pairs") && clear == 0 && text.contains("metrics are equal in every pair"),
        "{text}"
    );
    bench.file("b.ron", &scenario("").replace("jitter: Measured", "jitter: Measured, bandwidth: \"1.1x\""));
    let compare = |out: &str, jobs: &str| {
        bench.fine(&["compare", "a.ron", "b.ron", "--replications", "5", "--jobs", jobs, "--out", out])
    };
    let text = compare("one", "1");
    let line = text.lines().find(|line| line.contains("arrived_p95_ms")).unwrap_or_else(|| panic!("{text}"));
    // More bandwidth is faster in every pair, by less than the 9 % that serialisation alone gives.
    assert!(line.contains('*') && line.contains("(-"), "{line}");
    compare("three", "3");
    for name in ["differences.csv", "plots/relative.svg", "plots/verified.csv", "compare.json"] {
        let read = |out: &str| fs::read_to_string(bench.path(out).join(name)).unwrap();
        let (one, three) = (read("one"), read("three"));
        // The command is part of the manifest.
        let three = three.replace("--jobs 3", "--jobs 1").replace("--out three", "--out one");
        assert_eq!(one, three, "{name}");
    }
    let page = fs::read_to_string(bench.path("one/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("What differs going in"), "no page");
    // A second comparison into the same folder replaces the first.
    compare("one", "2");
}
