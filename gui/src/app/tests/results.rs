//! Result folders, by the names that screen readers see.

use super::*;
use sim_core::observe::{ReportMeta, WriteOptions, analyse, write_results};
use sim_core::scenario::Scenario;
use sim_core::simulation::experiment::{Monitor, run_paired};
use std::num::NonZeroUsize;

/// Runs the small chain with an arm and writes a folder, as `headless run --out` does.
fn results(name: &str) -> PathBuf {
    let arm = r#"compare: [("double latency", { "network.latency": "2x" })], workload:"#;
    let path = file(&format!("{name}.ron"), &SMALL.replace("workload:", arm));
    let scenario = Scenario::load(&path).expect("it is sound");
    let threads = NonZeroUsize::MIN;
    let records = run_paired(&scenario.base, &scenario.arms, threads, &Monitor::new(2)).expect("it runs");
    let folder = path.with_extension("results");
    let meta = ReportMeta { scenario_name: name.to_owned(), ..ReportMeta::default() };
    let options = WriteOptions { overwrite: true, ..WriteOptions::default() };
    write_results(&folder, &records, &analyse(&records), &meta, &options).expect("written");
    folder
}

fn open(window: &mut Harness<'_, App>, folder: &std::path::Path) {
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    window.run_steps(3);
    window.get_by_label("Result folder").click();
    window.run_steps(2);
    window.get_by_label("Result folder").type_text(&folder.display().to_string());
    window.run_steps(2);
    window.get_by_label("Open folder").click();
    window.run_steps(2);
}

#[test]
fn a_result_folder_is_opened_compared_and_reproduced() {
    let folder = results("finished");
    let mut window = window("open-results.ron", SMALL);
    paused(&mut window);
    open(&mut window, &folder);
    until(&mut window, "it is read", |app| app.results.folders.len() == 1);
    window.run_steps(3);
    let runs = &window.state().results.folders[0].runs;
    let p95 = |run: usize| runs[run].summary.to_verified.p95_ns.expect("blocks were verified");
    assert!(p95(1) > p95(0), "twice the latency takes longer");
    assert!(runs.iter().all(|r| r.shown && !r.waits.is_empty() && !r.crossover.is_empty()));
    for label in ["Colour of double latency", "verified, 95 %", "Where the time went, by run"] {
        window.get_by_label(label);
    }
    // One run less in the plots.
    window.get_by_role_and_label(Role::CheckBox, "double latency").click();
    window.run_steps(3);
    assert_eq!(window.state().results.shown().len(), 1);
    window.get_by_label("Reproduce").click();
    until(&mut window, "it has been run again", |app| app.results.folders[0].again.is_some());
    assert_eq!(window.state().results.folders[0].again, Some(Ok(vec![true, true])));
    window.run_steps(2);
    window.get_by_label("Open its scenario").click();
    until(&mut window, "it runs", |app| {
        app.session.is_ready() && app.session.opened.as_ref().is_some_and(|o| o.scenario.arms.len() == 1)
    });
}

#[test]
fn two_folders_are_laid_over_each_other_under_their_names() {
    let (one, other) = (results("one"), results("other"));
    let mut window = window("two-results.ron", SMALL);
    paused(&mut window);
    let context = window.ctx.clone();
    window.state_mut().open_results(&one, &context);
    window.state_mut().open_results(&other, &context);
    until(&mut window, "both are read", |app| app.results.folders.len() == 2);
    window.run_steps(3);
    window.get_by_label("Colour of one.results: base");
    window.get_by_label("Colour of other.results: double latency");
    let digest = |folder: usize| window.state().results.folders[folder].manifest.arms[0].digest.clone();
    assert_eq!(digest(0), digest(1), "the same scenario");
}

#[test]
fn a_folder_that_is_broken_or_of_another_version_is_a_message_and_the_app_goes_on() {
    let folder = results("broken");
    let mut window = window("broken-results.ron", SMALL);
    until(&mut window, "it is ready", |app| app.session.is_ready());
    let manifest = folder.join("manifest.json");
    let sound = std::fs::read_to_string(&manifest).expect("it is there");
    let context = window.ctx.clone();
    let mut refused = |what: &str| {
        window.state_mut().open_results(&folder, &context);
        until(&mut window, "it is refused", |app| app.notices.list().iter().any(|n| n.text.contains(what)));
        assert!(window.state().results.folders.is_empty());
    };
    std::fs::write(&manifest, sound.replace("lightcone-result/1", "lightcone-result/7")).expect("written");
    refused("lightcone-result/7");
    std::fs::write(&manifest, &sound).expect("written");
    std::fs::write(folder.join("blocks.parquet"), "no table").expect("written");
    refused("blocks.parquet");
    std::fs::remove_file(&manifest).expect("removed");
    refused("not a finished result folder");
    let before = now_ns(window.state());
    until(&mut window, "what ran goes on", |app| now_ns(app) > before);
}
