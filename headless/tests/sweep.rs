//! Sweeps from the command line: what is refused, what survives, what comes out the same whatever happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A folder with a scenario that takes no time and a sweep over it.
struct Bench {
    folder: tempfile::TempDir,
}

const SCENARIO: &str = "(version: 1, base: \"broadcast\", seed: 1, run: (blocks: 4, warm_up: 1), nodes: (count: 30), \
                        network: (topology: RandomRegular(degree: 4), jitter: Measured))";
const SWEEP: &str = "(
  version: 1, scenario: \"base.ron\", seed: 5,
  axes: [
    (path: \"network.bandwidth\", from: \"0.5x\", to: \"4x\", steps: 4, scale: Log),
    (path: \"nodes.count\", values: [20, 40]),
  ],
  replications: Fixed(3),
)";

impl Bench {
    fn new(sweep: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(bench.path("base.ron"), SCENARIO).unwrap();
        fs::write(bench.path("sweep.ron"), sweep).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, verb: &str, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headless"));
        command.args(["sweep", verb]).arg(self.path("sweep.ron")).arg("--out").arg(self.path(out)).args(more);
        command
    }

    fn call(&self, verb: &str, out: &str, more: &[&str]) -> Output {
        self.command(verb, out, more).output().unwrap()
    }

    fn fine(&self, verb: &str, out: &str, more: &[&str]) -> String {
        let output = self.call(verb, out, more);
        assert!(output.status.success(), "{verb} {more:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, verb: &str, out: &str, more: &[&str]) -> String {
        let output = self.call(verb, out, more);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb} {more:?}: {message}");
        assert!(!message.contains("panicked"), "{message}");
        message
    }

    /// What `merge` makes of a folder.
    fn tables(&self, out: &str) -> [Vec<u8>; 2] {
        ["runs.parquet", "points.parquet"].map(|name| fs::read(self.path(out).join(name)).unwrap())
    }

    fn run_files(&self, out: &str) -> Vec<PathBuf> {
        let engines = fs::read_dir(self.path(out).join("runs")).unwrap().map(|e| e.unwrap().path());
        let files = engines.flat_map(|e| fs::read_dir(e).unwrap().map(|f| f.unwrap().path()));
        let mut runs: Vec<PathBuf> =
            files.filter(|f| f.extension().is_some_and(|e| e == "ron") && !hidden(f)).collect();
        runs.sort();
        runs
    }
}

fn hidden(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with('.')
}

#[test]
fn plan_tells_points_and_cost_and_writes_nothing() {
    let bench = Bench::new(SWEEP);
    let text = bench.fine("plan", "out", &[]);
    for snippet in ["Grid, 8 points", "24 runs", "network.bandwidth: 0.5x, 1x, 2x, 4x", "point 7", "M events"]
    {
        assert!(text.contains(snippet), "{snippet}: {text}");
    }
    assert!(!bench.path("out").exists());
}

/// The estimated time of one sweep, s.
fn estimated_s(text: &str) -> f64 {
    let line = text.lines().find(|l| l.trim_start().starts_with("time")).unwrap_or_else(|| panic!("{text}"));
    let mut words = line.split("about ").nth(1).unwrap_or_else(|| panic!("{line}")).split(' ');
    let (number, unit) = (words.next().unwrap().parse::<f64>().unwrap(), words.next().unwrap());
    number
        * match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            other => panic!("{other}"),
        }
}

#[test]
fn the_estimated_time_holds_setting_up_and_executing_and_counts_repeated_blocks_once() {
    let scenario = "(version: 1, base: \"ethereum-2026\", seed: 1, run: (blocks: 8, warm_up: 1), nodes: (count: 30), \
                    workload: Users(rate: \"300 tx/s\", accounts: 1000))";
    let sweep = |more: &str| {
        format!(
            "(version: 1, scenario: \"base.ron\", axes: [(path: \"network.bandwidth\", from: \"1x\", to: \"8x\", steps: \
             8)], random_numbers: Common, {more})"
        )
    };
    let time = |more: &str, set: &str| {
        let bench = Bench::new(&sweep(more));
        fs::write(bench.path("base.ron"), scenario).unwrap();
        estimated_s(&bench.fine("plan", "out", &["--set", set]))
    };
    let full = time("", "seed=1");
    assert!(full > 2.0 * time("", "workload.rate=\"30 tx/s\""), "fewer transactions are executed");
    assert!(full > 2.0 * time("pin_contents: true", "seed=1"), "eight points repeat the blocks of one run");
    assert!(time("", "workload.accounts=100000") > 2.0 * full, "accounts are set up");
}

#[test]
fn a_second_call_finds_everything_and_any_number_of_jobs_gives_the_same_tables() {
    let bench = Bench::new(SWEEP);
    assert!(bench.fine("run", "one", &["--jobs", "1"]).contains("24 runs made, 0 found"));
    assert!(bench.fine("run", "one", &[]).contains("0 runs made, 24 found"));
    bench.fine("run", "three", &["--jobs", "3"]);
    bench.fine("merge", "one", &[]);
    bench.fine("merge", "three", &[]);
    assert_eq!(bench.tables("one"), bench.tables("three"));
    assert!(bench.fine("status", "one", &[]).contains("24 there, 0 missing"));
}

#[test]
fn shards_in_folders_of_their_own_merge_to_the_same_bytes_in_any_order() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "whole", &[]);
    bench.fine("merge", "whole", &[]);
    for shard in ["1/3", "2/3", "3/3"] {
        bench.fine("run", &shard.replace('/', "-"), &["--shard", shard]);
    }
    // Overlapping parts are told and change nothing.
    bench.fine("run", "overlap", &["--shard", "1/2"]);
    let from = |names: [&str; 4]| names.map(|n| bench.path(n).display().to_string());
    let order = |names| from(names).into_iter().flat_map(|n| ["--from".to_owned(), n]).collect::<Vec<_>>();
    for (out, names) in [("a", ["1-3", "2-3", "3-3", "overlap"]), ("b", ["overlap", "3-3", "1-3", "2-3"])] {
        let arguments = order(names);
        let text = bench.fine("merge", out, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(text.contains("12 runs lie in more than one folder"), "{text}");
        assert_eq!(bench.tables(out), bench.tables("whole"));
    }
    let message = bench.refused("merge", "2-3", &[]);
    assert!(message.contains("15 runs are missing"), "{message}");
    assert!(bench.fine("merge", "2-3", &["--partial"]).contains("9 runs of 8 points merged, 15 missing"));
}

/// A number from 0 to 1 that nobody chose.
fn dice() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[test]
fn a_sweep_killed_at_ten_random_moments_ends_byte_identical() {
    const KILLS: u32 = 10;
    let bench = Bench::new(SWEEP);
    let long = ["--set", "run.blocks=40", "--set", "nodes.count=200", "--quiet", "--jobs", "2"];
    let started = std::time::Instant::now();
    bench.fine("run", "calm", &long);
    let usual = started.elapsed().as_secs_f64();
    bench.fine("merge", "calm", &long[..4]);
    for n in 0..KILLS {
        let mut child = bench
            .command("run", "killed", &long)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before the first file to what is a fifth of a whole call, so that the ten do not finish it.
        let moment = usual * dice() / 5.0;
        std::thread::sleep(Duration::from_secs_f64(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        println!("kill {n} after {moment:.3} s");
    }
    bench.fine("run", "killed", &long);
    bench.fine("merge", "killed", &long[..4]);
    assert_eq!(bench.tables("killed"), bench.tables("calm"));
}

/// A file system of 15 pages, in a mount namespace of its own where the system lets us have one.
#[test]
fn a_full_disk_ends_the_call_with_a_message_and_nothing_half_written() {
    let bench = Bench::new(SWEEP);
    let (small, out) = (bench.path("small"), bench.path("out"));
    fs::create_dir(&small).unwrap();
    let script = "mount -t tmpfs -o size=60k none \"$1\" || exit 77; \"$0\" sweep run \"$2\" --out \"$1/out\" --quiet; \
                  status=$?; cp -a \"$1/out\" \"$3\"; exit $status";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c", script, env!("CARGO_BIN_EXE_headless")])
        .args([&small, &bench.path("sweep.ron"), &out])
        .output();
    let message = match &output {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    if output.as_ref().is_ok_and(|o| o.status.code() == Some(77)) || message.contains("unshare") {
        println!("skipped: no file system of our own: {message}");
        return;
    }
    assert_eq!(output.unwrap().status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write") && message.contains("No space left"), "{message}");
    let made = bench.run_files("out").len();
    assert!(0 < made && made < 24, "{made} of 24 runs fit");
    assert!(bench.fine("run", "out", &[]).contains(&format!("{} runs made, {made} found", 24 - made)));
    bench.fine("merge", "out", &[]);
    bench.fine("run", "calm", &[]);
    bench.fine("merge", "calm", &[]);
    assert_eq!(bench.tables("out"), bench.tables("calm"));
}

#[test]
fn a_sweep_over_the_network_executes_each_distinct_block_once() {
    let scenario = "(version: 1, base: \"ethereum-2026\", seed: 1, run: (blocks: 3, warm_up: 1), nodes: (count: 30), \
                    workload: Users(rate: \"40 tx/s\"))";
    let sweep = |values: &str| {
        format!(
            "(version: 1, scenario: \"base.ron\", axes: [(path: \"network.bandwidth\", values: [{values}])], \
             replications: Fixed(2), random_numbers: Common, pin_contents: true)"
        )
    };
    let executed = |text: &str| -> u64 {
        let after = text.split("failed; ").nth(1).unwrap_or_else(|| panic!("{text}"));
        after.split(' ').next().unwrap().parse().unwrap()
    };
    let bench = Bench::new(&sweep("\"1x\""));
    fs::write(bench.path("base.ron"), scenario).unwrap();
    let one = executed(&bench.fine("run", "one", &[]));
    fs::write(bench.path("sweep.ron"), sweep("\"1x\", \"2x\", \"4x\", \"8x\"")).unwrap();
    assert_eq!(executed(&bench.fine("run", "four", &["--jobs", "2"])), one, "four points, the same blocks");
    // Other processes find them on disk.
    fs::remove_dir_all(bench.path("four/runs")).unwrap();
    assert_eq!(executed(&bench.fine("run", "four", &[])), 0);
    assert!(one > 0);
}

#[test]
fn different_results_of_one_run_are_refused_and_nothing_is_merged() {
    use sim_core::sweep::store::{Found, Outcome, Store};
    let bench = Bench::new(SWEEP);
    bench.fine("run", "a", &[]);
    bench.fine("run", "b", &["--shard", "1/8"]);
    let store = Store::open(&bench.path("b")).unwrap();
    let key = bench.run_files("b")[0].file_stem().unwrap().to_string_lossy().into_owned();
    let Found::Run(mut run) = store.find(&key).unwrap() else { panic!("it was just made") };
    let Outcome::Done { digest, .. } = &mut run.outcome else { panic!("it went well") };
    *digest = "0".repeat(32);
    store.keep(&run).unwrap();
    let from = bench.path("b").display().to_string();
    let message = bench.refused("merge", "a", &["--from", &from]);
    assert!(message.contains("different results") && message.matches(&key).count() == 2, "{message}");
    assert!(!bench.path("a/runs.parquet").exists());
}

#[test]
fn every_design_runs_from_file_to_report() {
    let designs = [
        ("Grid", 8),
        ("List([[\"0.5x\", 20], [\"4x\", 30]])", 2),
        ("Random(points: 5)", 5),
        ("LatinHypercube(points: 5)", 5),
        ("Sobol(points: 4)", 4),
        ("OneAtATime", 7),
    ];
    for (design, points) in designs {
        let bench = Bench::new(&SWEEP.replace("replications: Fixed(3)", &format!("design: {design}")));
        assert!(bench.fine("run", "out", &[]).starts_with(&format!("{points} points:")), "{design}");
        bench.fine("merge", "out", &[]);
        bench.fine("report", "out", &[]);
    }
    // 2 x (2 + 2) rows of two axes; some repeat others.
    let bench = Bench::new(&SWEEP.replace("replications: Fixed(3)", "design: SobolIndices(base: 2)"));
    bench.fine("run", "out", &[]);
    bench.fine("merge", "out", &[]);
    bench.fine("report", "out", &[]);
    assert!(bench.path("out/indices.parquet").is_file());
    let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
    assert!(page.contains("Sobol indices of") && page.contains("<svg"), "no indices in the page");
    assert!(fs::read_dir(bench.path("out/plots")).unwrap().count() >= 2);
}

#[test]
fn reports_are_written_for_runs_that_are_there_already() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "out", &["--shard", "1/8"]);
    let before = fs::read(&bench.run_files("out")[0]).unwrap();
    bench.fine("run", "out", &["--shard", "1/8", "--reports"]);
    assert_eq!(fs::read_dir(bench.path("out/reports")).unwrap().count(), 3);
    assert!(bench.fine("run", "out", &["--shard", "1/8", "--reports"]).contains("0 runs made, 3 found"));
    bench.fine("report", "out", &[]);
    let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
    assert_eq!(page.matches("/report.html\">report</a>").count(), 3, "one link a run");
    let key = bench.run_files("out")[0].file_stem().unwrap().to_string_lossy().into_owned();
    assert!(bench.path("out/reports").join(key).join("manifest.json").is_file());
    // The run was made again with the same result; wall time is a fact about the host.
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).split("wall_seconds").next().unwrap().len();
    assert_eq!(part(&fs::read(&bench.run_files("out")[0]).unwrap()), part(&before));
}

#[test]
fn a_damaged_run_file_is_found_and_made_again() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "out", &[]);
    bench.fine("merge", "out", &[]);
    let before = bench.tables("out");
    let files = bench.run_files("out");
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(&files[0], text.replacen("metrics", "metrica", 1)).unwrap();
    fs::write(&files[1], &text.as_bytes()[..text.len() / 2]).unwrap();
    fs::write(&files[2], "").unwrap();
    let status = bench.fine("status", "out", &[]);
    assert_eq!(status.matches("damaged").count(), 3, "{status}");
    assert!(bench.refused("merge", "out", &[]).contains("3 runs are missing"));
    assert!(bench.fine("run", "out", &[]).contains("3 damaged run files were made again"));
    bench.fine("merge", "out", &[]);
    assert_eq!(bench.tables("out"), before);
}

#[test]
fn a_point_that_cannot_run_is_recorded_with_its_error_and_the_rest_goes_on() {
    // That a given graph falls apart is only found when it is built.
    let sweep = "(version: 1, scenario: \"base.ron\", set: { \"nodes.count\": 5 }, axes: [
        (path: \"network.topology\", values: [FullMesh, File(\"two.csv\")])])";
    let bench = Bench::new(sweep);
    fs::write(bench.path("two.csv"), "0,1\n2,3\n3,4\n").unwrap();
    // The rest is done first; then the exit code says that not all is well.
    let some_failed = |more: &[&str]| {
        let output = bench.call("run", "out", more);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains("1 of 2 runs failed and are recorded"), "{message}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = some_failed(&[]);
    assert!(text.contains("2 runs made, 0 found, 1 failed") && text.contains("failed: point 1"), "{text}");
    let again = some_failed(&[]);
    assert!(again.contains("0 runs made, 2 found, 1 failed"), "{again}");
    assert!(some_failed(&["--retry-failed"]).contains("1 runs made, 1 found"));
    assert!(bench.fine("merge", "out", &[]).contains("failed       point 1"));
}

#[test]
fn a_run_file_under_another_runs_name_does_not_count() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "a", &[]);
    bench.fine("run", "b", &["--shard", "1/8"]);
    // A run file that vouches for itself and says something else: one of another run, under this one's name.
    let (ours, other) = (bench.run_files("b")[0].clone(), bench.run_files("b")[1].clone());
    fs::copy(other, &ours).unwrap();
    let from = bench.path("b").display().to_string();
    // Its key does not fit its name, so it counts as damaged, and the other folder's run is taken.
    assert!(bench.fine("merge", "a", &["--from", &from]).contains("24 runs of 8 points merged"));
}

#[test]
fn runs_of_another_engine_are_kept_apart_and_told() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "out", &["--shard", "1/8"]);
    let runs = bench.path("out").join("runs");
    let engine = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    fs::rename(&engine, runs.join("0123456789abcdef")).unwrap();
    let text = bench.fine("run", "out", &["--shard", "1/8"]);
    assert!(
        text.contains("3 runs made, 0 found") && text.contains("3 runs of the engine 0123456789abcdef"),
        "{text}"
    );
    assert_eq!(fs::read_dir(runs.join("0123456789abcdef")).unwrap().count(), 3);
}

#[test]
fn other_peoples_folders_are_left_alone() {
    let bench = Bench::new(SWEEP);
    fs::create_dir(bench.path("mine")).unwrap();
    fs::write(bench.path("mine/thesis.txt"), "x").unwrap();
    assert!(bench.refused("run", "mine", &[]).contains("is not the folder of a sweep"));
    assert_eq!(fs::read_dir(bench.path("mine")).unwrap().count(), 1);
    bench.fine("run", "out", &["--shard", "1/8"]);
    fs::copy(bench.path("sweep.ron"), bench.path("other.ron")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_headless"))
        .args(["sweep", "run"])
        .arg(bench.path("other.ron"))
        .arg("--out")
        .arg(bench.path("out"))
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("holds the sweep `sweep`, not `other`"), "{message}");
    assert!(bench.refused("status", "absent", &[]).contains("there is no sweep in"));
}

#[test]
fn a_changed_sweep_is_told_apart_from_the_one_in_the_folder_and_nothing_is_overwritten() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "out", &["--shard", "1/8"]);
    let manifest = fs::read(bench.path("out/sweep.json")).unwrap();
    let mut cases = Vec::new();
    for (from, to, words) in [
        ("steps: 4", "steps: 5", "the axis network.bandwidth was 0.5x, 1x, 2x, 4x, now 0.5x, 0.8409x"),
        ("values: [20, 40]", "values: [20, 60]", "the axis nodes.count was 20, 40, now 20, 60"),
        ("seed: 5", "seed: 6", "the seed was 5, now 6"),
        ("replications:", "design: OneAtATime, replications:", "the design was Grid, now OneAtATime"),
        ("replications:", "set: { \"run.blocks\": 5 }, replications:", "run.blocks was 4, now 5"),
        (
            "replications:",
            "random_numbers: Common, replications:",
            "random_numbers was Independent, now Common",
        ),
        (
            "replications:",
            "constraints: [Exclude({ \"nodes.count\": 20, \"network.bandwidth\": \"4x\" })], replications:",
            "0 points are new, 1 are gone",
        ),
    ] {
        assert!(SWEEP.contains(from));
        cases.push((SWEEP.replacen(from, to, 1), words));
    }
    for (text, words) in cases {
        fs::write(bench.path("sweep.ron"), text).unwrap();
        for verb in ["run", "merge", "status", "report"] {
            let message = bench.refused(verb, "out", &[]);
            assert!(message.contains("holds another version of the sweep `sweep`"), "{message}");
            assert!(message.contains(words) && message.contains("sweep-2"), "{words}: {message}");
        }
        assert_eq!(fs::read(bench.path("out/sweep.json")).unwrap(), manifest);
        assert_eq!(bench.run_files("out").len(), 3);
        assert!(bench.fine("plan", "out", &[]).contains("another version of the sweep"));
    }
    // More replications, a comment, what is drawn, a budget: still the same runs.
    let same = SWEEP.replace("Fixed(3)", "Fixed(4), metrics: [\"gas_per_second\"], budget: (runs: 99)");
    fs::write(bench.path("sweep.ron"), format!("// Found: nothing.\n\n{same}")).unwrap();
    assert!(bench.fine("run", "out", &["--shard", "1/8"]).contains("1 runs made, 3 found"));
    assert!(
        bench.fine("run", "out", &["--shard", "1/8", "--replications", "5"]).contains("1 runs made, 4 found")
    );
    // The scenario counts by its values too.
    fs::write(bench.path("base.ron"), SCENARIO.replace("degree: 4", "degree: 6")).unwrap();
    assert!(bench.refused("run", "out", &[]).contains("network.topology"));
}

#[test]
fn a_folder_without_runs_has_cost_no_time() {
    let bench = Bench::new(SWEEP);
    bench.fine("run", "out", &["--shard", "1/8"]);
    fs::remove_dir_all(bench.path("out/runs")).unwrap();
    let text = bench.fine("status", "out", &[]);
    assert!(text.contains("0 there, 24 missing") && text.contains("time spent   0 ms"), "{text}");
}

#[test]
fn bad_sweeps_are_refused_with_their_place_and_what_to_do() {
    let sweep = |axes: &str, rest: &str| {
        format!("(version: 1, scenario: \"base.ron\",\n  axes: [{axes}],\n  {rest})")
    };
    let fine = "(path: \"nodes.count\", values: [6, 8])";
    let cases = [
        (sweep("(path: \"network.bandwith\", values: [\"2x\"])", ""), "sweep.ron:2:", "network.bandwidth"),
        (
            sweep("(path: \"chain.slot\", values: [\"2 Mbit/s\"])", ""),
            "sweep.ron:2:",
            "is not a unit of a duration",
        ),
        (sweep("(path: \"chain.slot\", from: \"1\", to: \"2 s\")", ""), "sweep.ron:2:", "has no unit"),
        (
            sweep("(path: \"chain.slot\", from: \"2 s\", to: \"1 s\")", ""),
            "sweep.ron:2:",
            "the range is empty",
        ),
        (sweep("(path: \"nodes.count\", from: 6, to: 8, steps: 9)", ""), "sweep.ron:2:", "use fewer steps"),
        (sweep("(path: \"nodes.count\", values: [])", ""), "sweep.ron:2:", "has no values"),
        (sweep("(path: \"nodes.count\", values: [1])", ""), "sweep.ron:2:", "nodes.count"),
        (sweep(fine, "budget: (runs: 7), replications: Fixed(4)"), "sweep.ron:3:", "2 points need 8 runs"),
        (
            sweep(fine, "replications: UntilWidth(metric: \"verified_p96_ms\", relative: \"5 %\", max: 4)"),
            "sweep.ron:3:",
            "verified_p95_ms",
        ),
        (
            sweep("(path: \"chain.slot\", values: [\"2 s\", \"2000 ms\"])", ""),
            "sweep.ron:2:",
            "2000 ms is 2 s again",
        ),
        (sweep("(path: \"seed\", values: [1, 2])", ""), "sweep.ron:2:", "`seed` has no effect in a sweep"),
        (sweep(fine, "design: Gird"), "sweep.ron:3:", "`Grid`"),
        (sweep(fine, "design: Sobol(points: 0)"), "sweep.ron:3:", "at least one point"),
        (sweep(fine, "desing: Grid"), "sweep.ron:3:", "`design`"),
        (
            sweep(fine, "constraints: [AtMost(left: \"nodes.count\", right: \"node.count\")]"),
            "sweep.ron:3:",
            "did you mean `nodes.count`",
        ),
        (
            sweep(fine, "constraints: [\n    Exclude({ \"nodes.count\": 7 })]"),
            "sweep.ron:4:30: constraints.0: the axis `nodes.count` never takes 7",
            "`nodes.count` takes 6, 8",
        ),
        (
            sweep(
                "(path: \"network.bandwidth\", from: \"1x\", to: \"2x\", steps: 2)",
                "constraints: [Exclude({ \"network.bandwidth\": \"2 Mbit/s\" })]",
            ),
            "sweep.ron:3:",
            "`network.bandwidth` takes 1x, 2x",
        ),
        (
            sweep(fine, "design: Random(points: 4), constraints: [Exclude({ \"nodes.count\": 9 })]"),
            "sweep.ron:3:",
            "never takes 9",
        ),
        (sweep(fine, "pin_contents: true"), "sweep.ron:3:", "random_numbers: Common"),
        (sweep(fine, "").replace("base.ron", "bas.ron"), "sweep.ron:1:", "there is no file"),
    ];
    for (text, place, words) in cases {
        let bench = Bench::new(&text);
        let text = bench.call("plan", "out", &[]);
        let message = String::from_utf8_lossy(&text.stderr).into_owned();
        assert_eq!(text.status.code(), Some(2), "{message}");
        assert!(message.contains(place) && message.contains(words), "{words}: {message}");
        assert!(!bench.path("out").exists());
    }
    assert!(Bench::new(SWEEP).call("run", "out", &["--shard", "3/2"]).status.code() == Some(2));
    let message = Bench::new(SWEEP).refused("run", "out", &["--replications", "0"]);
    assert!(message.contains("0 replications; allowed: 1 to 10000"), "{message}");
}

#[test]
fn a_stop_rule_counts_the_same_replications_whatever_lies_in_the_folder() {
    let rule = "replications: UntilWidth(metric: \"arrived_p95_ms\", relative: \"20 %\", min: 3, max: 6)";
    let bench = Bench::new(&SWEEP.replace("replications: Fixed(3)", rule));
    bench.fine("run", "exact", &[]);
    bench.fine("merge", "exact", &[]);
    // Six of each, more than the rule asks for.
    bench.fine("run", "more", &["--replications", "6"]);
    assert_eq!(bench.run_files("more").len(), 48);
    let text = bench.fine("merge", "more", &[]);
    assert!(!text.contains("48 runs"), "the rule stops some points early: {text}");
    assert_eq!(bench.tables("exact"), bench.tables("more"));
}

#[test]
fn a_time_budget_stops_between_runs_and_the_next_call_goes_on() {
    let bench = Bench::new(&SWEEP.replace("replications: Fixed(3)", "budget: (time: \"1 ns\")"));
    let text = bench.fine("run", "out", &[]);
    assert!(text.contains("0 runs made") && text.contains("8 runs left"), "{text}");
}

#[test]
fn job_files_name_every_shard() {
    let bench = Bench::new(SWEEP);
    for (engine, snippets) in [
        ("slurm", ["#SBATCH --array=1-4", "--shard \"$SLURM_ARRAY_TASK_ID/4\""]),
        ("hyperqueue", ["#HQ --array=1-4", "--shard \"$HQ_TASK_ID/4\""]),
        ("gnu-parallel", ["seq 4 | parallel -j 100%", "--shard {}/4"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_headless"))
            .args(["sweep", "emit", engine])
            .arg(bench.path("sweep.ron"))
            .args(["--shards", "4"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.starts_with("#!/bin/bash\n"), "{text}");
        assert!(snippets.iter().all(|s| text.contains(s)), "{text}");
    }
    // The line a Slurm array runs, run by a shell as Slurm would.
    let output = bench.call("emit", "out", &["--shards", "4"]);
    assert_eq!(output.status.code(), Some(2), "the engine comes first");
    let script = Command::new(env!("CARGO_BIN_EXE_headless"))
        .args(["sweep", "emit", "slurm"])
        .arg(bench.path("sweep.ron"))
        .arg("--out")
        .arg(bench.path("array"))
        .args(["--shards", "4"])
        .output()
        .unwrap();
    fs::write(bench.path("job.sh"), script.stdout).unwrap();
    for task in 1..=4 {
        let mut shell = Command::new("bash");
        shell.arg(bench.path("job.sh")).env("SLURM_ARRAY_TASK_ID", task.to_string());
        let done = shell.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    bench.fine("merge", "array", &[]);
    bench.fine("run", "local", &[]);
    bench.fine("merge", "local", &[]);
    assert_eq!(bench.tables("array"), bench.tables("local"));
}
