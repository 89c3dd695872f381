//! A finished sweep, by the names that screen readers see.

use super::*;
use sim_core::sweep::store::{Found, Outcome};
use sim_core::sweep::{RunOptions, Shard, Store, Sweep, SweepChanges, SweepProgress, run};
use std::num::NonZeroUsize;

/// A sweep over the small chain, run as `headless sweep run` does.
fn sweep(name: &str) -> PathBuf {
    sweep_of(name, "")
}

fn sweep_of(name: &str, design: &str) -> PathBuf {
    file(&format!("{name}-base.ron"), SMALL);
    let text = format!(
        "// Question: what do wires buy?\n(version: 1, {design}scenario: \"{name}-base.ron\", set: {{ \"run.blocks\": 2 }}, axes: [\
         (path: \"execution.cores\", values: [1, 8]), (path: \"network.bandwidth\", values: [\"1x\", \"4x\"])], \
         metrics: [\"arrived_p95_ms\"])"
    );
    let path = file(&format!("{name}.ron"), &text);
    let sweep = Sweep::load(&path, &SweepChanges::default()).expect("it is sound");
    let folder = path.with_extension("sweep");
    let store = Store::create(&folder, &sweep).expect("a folder");
    let (jobs, shard, clock_s) = (NonZeroUsize::MIN, Shard::ALL, &|| 0.0);
    let options = RunOptions { jobs, shard, retry_failed: false, reports: false, clock_s };
    run(&sweep, &store, &options, &SweepProgress::default()).expect("it runs");
    folder
}

fn open(window: &mut Harness<'_, App>, folder: &std::path::Path) {
    window.state_mut().reveal("sweep");
    window.run_steps(3);
    window.get_by_label("Sweep folder").click();
    window.run_steps(2);
    window.get_by_label("Sweep folder").type_text(&folder.display().to_string());
    window.run_steps(2);
    window.get_by_label("Open sweep").click();
    window.run_steps(2);
}

fn has(window: &Harness<'_, App>, label: &str) -> bool {
    window.query_all_by_label_contains(label).next().is_some()
}

/// Steps until a label is there.
fn until_shown(window: &mut Harness<'_, App>, label: &str) {
    let started = Instant::now();
    while !has(window, label) {
        assert!(started.elapsed().as_secs() < 60, "waited in vain for {label}: {:?}", window.state().notices);
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_sweep_is_opened_a_point_clicked_and_its_scenario_run() {
    let folder = sweep("swept");
    let mut window = window("open-sweep.ron", SMALL);
    paused(&mut window);
    open(&mut window, &folder);
    until_shown(&mut window, "8, 4x: ");
    for label in ["what do wires buy?", "4 points, 4 runs, 0 missing", "1, 1x: ", "8, 1x: ", "1, 4x: "] {
        assert!(has(&window, label), "{label}");
    }
    window.get_by_label_contains("8, 4x: ").click();
    window.run_steps(3);
    assert!(has(&window, "Point 3: execution.cores 8, network.bandwidth 4x"));
    window.get_by_label("Open the point's scenario").click();
    until(&mut window, "it runs", |app| {
        let plan = app.session.opened.as_ref().map(|o| &o.scenario.base);
        app.session.is_ready() && plan.is_some_and(|p| p.network.bandwidth_scale_ppm == 4_000_000)
    });
    let plan = &window.state().session.opened.as_ref().expect("open").scenario.base;
    assert_eq!((plan.chains[0].execution.cores, plan.run.blocks), (Some(8), 2), "the file's `set` holds too");
}

#[test]
fn a_dropped_sweep_opens_with_its_failed_runs_and_their_reasons() {
    let folder = sweep("dropped-sweep");
    // A run that failed, as `sweep run` would have recorded it.
    let store = Store::open(&folder).expect("it was just made");
    let runs =
        std::fs::read_dir(folder.join("runs")).expect("runs").flatten().next().expect("an engine").path();
    let file = std::fs::read_dir(runs).expect("files").flatten().next().expect("a run").path();
    let key = file.file_stem().expect("a name").to_string_lossy().into_owned();
    let Found::Run(mut run) = store.find(&key).expect("readable") else { panic!("it was just made") };
    run.outcome = Outcome::Failed { error: "the graph falls apart".to_owned() };
    store.keep(&run).expect("written");
    let mut window = window("drop-sweep.ron", SMALL);
    paused(&mut window);
    super::files::drop_on(&mut window, &folder);
    until_shown(&mut window, "4 points, 4 runs");
    for label in ["1 failed", "the graph falls apart", ": no value"] {
        until_shown(&mut window, label);
    }
    window.get_by_label_contains(": no value").click();
    window.run_steps(3);
    assert!(has(&window, "Open the point's scenario"));
}

#[test]
fn points_that_make_no_grid_are_listed_and_can_be_run() {
    let folder = sweep_of("one-by-one", "design: OneAtATime, ");
    let mut window = window("open-points.ron", SMALL);
    paused(&mut window);
    open(&mut window, &folder);
    until_shown(&mut window, "the scenario as it is: ");
    window.get_by_label_contains("network.bandwidth 4x: ").click();
    window.run_steps(3);
    assert!(has(&window, "Point 4: network.bandwidth 4x"));
    window.get_by_label("Open the point's scenario").click();
    until(&mut window, "it runs", |app| {
        let plan = app.session.opened.as_ref().map(|o| &o.scenario.base);
        app.session.is_ready() && plan.is_some_and(|p| p.network.bandwidth_scale_ppm == 4_000_000)
    });
}

#[test]
fn what_is_no_sweep_is_a_message_and_the_window_goes_on() {
    let folder = sweep("gone");
    std::fs::remove_dir_all(folder.join("runs")).expect("it was there");
    let mut window = window("no-sweep.ron", SMALL);
    until(&mut window, "it is ready", |app| app.session.is_ready());
    let says = |app: &App, what: &str| app.notices.list().iter().any(|n| n.text.contains(what));
    open(&mut window, &folder);
    until(&mut window, "it is refused", |app| says(app, "no run of this version's engine is there"));
    std::fs::write(folder.join("sweep.json"), "{}").expect("written");
    window.get_by_label("Open sweep").click();
    until(&mut window, "it is refused", |app| says(app, "is not the folder of a sweep"));
}
