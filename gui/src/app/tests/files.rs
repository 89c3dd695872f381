//! Opening, editing, saving, and what happens when something goes wrong.

use super::*;
use crate::change::Intervention;
use eframe::egui::{DroppedFile, Event, ViewportCommand, ViewportEvent, ViewportId};
use sim_core::scenario::Scenario;
use std::path::Path;

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file")
}

fn idle(window: &mut Harness<'_, App>) {
    until(window, "it is idle", |app| app.session.is_ready() && app.session.frame.busy.is_none());
}

/// Has a change made, then some time passes.
fn change(window: &mut Harness<'_, App>, change: Change) {
    let before = window.state().session.frame.interventions.len();
    window.state().session.apply(change);
    until(window, "it is made", |app| app.session.frame.interventions.len() == before + 1);
    let next = now_ns(window.state()) + 700_000_000;
    window.state_mut().session.seek(next);
    until(window, "further on", |app| now_ns(app) == next && app.session.frame.busy.is_none());
}

/// Puts a text into the editor, as if it had been written.
fn write(window: &mut Harness<'_, App>, text: &str) {
    let document = &mut window.state_mut().files.document;
    *document.text_mut() = text.to_owned();
    document.edited();
    window.run_steps(2);
}

fn closes(window: &Harness<'_, App>) -> bool {
    let viewport = window.output().viewport_output.get(&ViewportId::ROOT);
    viewport.is_some_and(|v| v.commands.contains(&ViewportCommand::Close))
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

pub(super) fn drop_on(window: &mut Harness<'_, App>, path: &Path) {
    window.input_mut().dropped_files.push(Arc::new(Dropped(path.to_path_buf())));
    window.step();
}

#[test]
fn a_run_that_was_changed_is_saved_and_replays_from_the_file_to_the_same_digest() {
    let mut window = window("saved.ron", SMALL);
    let path = file("saved.ron", SMALL);
    paused(&mut window);
    let all = [
        Change::Bandwidth { of: Scope::All, factor_ppm: 500_000 },
        Change::Bandwidth { of: Scope::Region(3), factor_ppm: 250_000 },
        Change::Bandwidth { of: Scope::Node(7), factor_ppm: 10_000_000 },
        Change::Latency { factor_ppm: 1_230_000 },
        Change::ExecutionSpeed { factor_ppm: 4_000_000 },
        Change::Cores { cores: 3 },
        Change::Algorithm(crate::change::Algorithm::Serial),
        Change::GasLimit { gas: 7_000_000 },
        Change::Load { factor_ppm: 3_000_000 },
        Change::Kill { of: Scope::Region(6) },
        Change::Restore { of: Scope::Region(6) },
        Change::Kill { of: Scope::Node(11) },
    ];
    all.into_iter().for_each(|made| change(&mut window, made));
    assert!(window.state().files.document.is_dirty());
    assert!(window.state().title.starts_with('\u{25cf}'), "{}", window.state().title);
    assert_eq!(text_of(&path), SMALL, "nothing is written unasked");
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    until(&mut window, "it is saved", |app| !app.files.document.is_dirty());
    assert!(window.state().title.starts_with("saved.ron"), "{}", window.state().title);
    window.key_press(Key::Num0);
    window.key_press(Key::Space);
    until(&mut window, "the run is over", |app| {
        let snapshot = app.session.snapshot();
        snapshot.now_ns == snapshot.end_ns && snapshot.end_ns > 0
    });
    until(&mut window, "its outcome is known", |app| !app.session.frame.outcomes.is_empty());
    let session = &window.state().session;
    let (digest, outcome) = (session.snapshot().digest, session.frame.outcomes[0].clone());
    // The file as the command line reads it.
    let saved = text_of(&path);
    assert!(saved.starts_with("// Question: does the window work?\n(\n  version: 1"), "{saved}");
    let scenario = Scenario::load(&path).expect("what is saved can be read");
    assert_eq!(scenario.base.interventions, window.state().session.frame.interventions.to_vec());
    let mut alone = Simulation::new(scenario.base).expect("the plan is sound");
    alone.run().expect("it runs");
    assert_eq!(alone.digest(), digest);
    // What `headless run` prints and writes into the manifest.
    assert_eq!(alone.finish().digest, outcome);
    window.run_steps(3);
    window.get_by_label(&format!("digest {}", &outcome[..12]));
}

#[test]
fn undo_takes_an_intervention_out_of_the_text_again() {
    let mut window = window("undone.ron", SMALL);
    paused(&mut window);
    turn(&mut window, "Latency", 0.8);
    until(&mut window, "it is made", |app| app.session.frame.interventions.len() == 1);
    window.run_steps(2);
    let text = window.state().files.document.text().to_owned();
    assert!(text.contains("change: Latency(") && window.state().files.document.is_dirty(), "{text}");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, "it is taken back", |app| app.session.frame.interventions.is_empty());
    window.run_steps(2);
    assert_eq!(window.state().files.document.text(), SMALL);
    assert!(!window.state().files.document.is_dirty());
}

#[test]
fn running_from_the_start_keeps_the_interventions_that_were_made() {
    let mut window = window("again.ron", SMALL);
    paused(&mut window);
    change(&mut window, Change::Cores { cores: 2 });
    let list: Vec<Intervention> = window.state().session.frame.interventions.to_vec();
    let text = window.state().files.document.text().to_owned();
    let generation = window.state().session.generation();
    window.key_press_modifiers(Modifiers::COMMAND, Key::R);
    until(&mut window, "it runs anew", |app| app.session.generation() > generation && app.session.is_ready());
    assert_eq!(window.state().session.frame.interventions.to_vec(), list);
    assert_eq!(window.state().files.document.text(), text);
    assert!(window.state().files.document.is_dirty());
}

#[test]
fn a_broken_file_is_shown_with_its_problem_at_the_line_and_can_be_mended_and_run() {
    let mut window = window("sound.ron", SMALL);
    idle(&mut window);
    let broken = file("broken-line.ron", &SMALL.replace("count: 60", "cuont: 40"));
    drop_on(&mut window, &broken);
    until(&mut window, "it is open", |app| app.files.document.text().contains("cuont"));
    window.run_steps(3);
    // What ran goes on.
    assert_eq!(window.state().session.plan().expect("a plan").nodes.count, 60);
    let before = now_ns(window.state());
    until(&mut window, "it goes on", |app| now_ns(app) > before);
    window.get_by_label("line 5");
    window.get_by_label("Problem in line 5");
    window.get_by_label_contains("cannot be run as it is");
    window.get_by_label("Write `count`").click();
    window.run_steps(2);
    assert!(window.state().files.document.text().contains("count: 40"));
    until(&mut window, "it is looked at", |app| {
        app.files.checked().is_some_and(|checked| checked.problems.is_empty())
    });
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut window, "it runs", |app| app.session.plan().is_some_and(|plan| plan.nodes.count == 40));
    window.run_steps(2);
    window.get_by_label_contains("this text runs");
}

#[test]
fn a_problem_appears_while_it_is_written_and_the_field_is_explained() {
    let mut window = window("typed.ron", SMALL);
    paused(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.run_steps(3);
    window.get_by_label("Scenario text").focus();
    window.run_steps(2);
    // At the end of the text.
    window.key_press_modifiers(Modifiers::COMMAND, Key::End);
    window.run_steps(1);
    window.event(Event::Text("x".to_owned()));
    until(&mut window, "it is found", |app| {
        app.files.checked().is_some_and(|checked| checked.problems.iter().any(|p| p.fatal && p.line > 0))
    });
    assert!(window.state().files.document.is_dirty());
    // What is typed is undone in the text, not in the simulation.
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, "it is undone", |app| app.files.document.text() == SMALL);
    // Onto the name of a field, two lines above the end.
    let keys =
        [Key::ArrowUp, Key::ArrowUp, Key::ArrowRight, Key::ArrowRight, Key::ArrowRight, Key::ArrowRight];
    for key in keys {
        window.key_press(key);
        window.run_steps(1);
    }
    let started = Instant::now();
    while window.query_all_by_label_contains("Form:").next().is_none() {
        assert!(started.elapsed().as_secs() < 20, "nothing is explained");
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn unsaved_work_is_asked_about_before_the_window_closes() {
    let mut window = window("close.ron", SMALL);
    let path = file("close.ron", SMALL);
    paused(&mut window);
    write(&mut window, &SMALL.replace("seed: 3", "seed: 4"));
    let asked = |window: &Harness<'_, App>| window.query_by_label("Save the changes to close.ron?").is_some();
    // The window's own button.
    let viewport = window.input_mut().viewports.get_mut(&ViewportId::ROOT).expect("the window");
    viewport.events.push(ViewportEvent::Close);
    window.step();
    let commands = &window.output().viewport_output[&ViewportId::ROOT].commands;
    assert!(commands.contains(&ViewportCommand::CancelClose), "{commands:?}");
    window.run_steps(2);
    assert!(asked(&window) && !closes(&window));
    window.get_all_by_label("Cancel").last().expect("a button").click();
    window.run_steps(2);
    assert!(!asked(&window) && !closes(&window));
    assert!(window.state().files.document.is_dirty(), "unsaved work is kept");
    // The command, and saving.
    window.key_press_modifiers(Modifiers::COMMAND, Key::Q);
    window.run_steps(2);
    assert!(asked(&window));
    window.get_all_by_label("Save").last().expect("a button").click();
    until(&mut window, "it is saved", |app| !app.files.document.is_dirty());
    assert!(text_of(&path).contains("seed: 4"));
    let started = Instant::now();
    while !closes(&window) {
        assert!(started.elapsed().as_secs() < 20, "it does not close");
        window.step();
    }
}

#[test]
fn a_dropped_scenario_opens_after_the_question_about_unsaved_work() {
    let mut window = window("first.ron", SMALL);
    let other = file("other.ron", &SMALL.replace("count: 60", "count: 30"));
    paused(&mut window);
    write(&mut window, &SMALL.replace("seed: 3", "seed: 4"));
    drop_on(&mut window, &other);
    window.run_steps(2);
    assert!(window.query_by_label("Save the changes to first.ron?").is_some());
    assert!(window.state().files.document.text().contains("seed: 4"));
    window.get_by_label("Don't save").click();
    until(&mut window, "it runs", |app| app.session.plan().is_some_and(|plan| plan.nodes.count == 30));
    assert_eq!(window.state().files.document.path.as_deref(), Some(&*other));
    assert_eq!(window.state().settings.recent[0], other);
    assert!(text_of(&file("first.ron", SMALL)).contains("seed: 3"));
}

#[test]
fn what_is_no_scenario_is_a_message_and_nothing_is_lost() {
    let mut window = window("kept.ron", SMALL);
    paused(&mut window);
    let mine = SMALL.replace("seed: 3", "seed: 4");
    write(&mut window, &mine);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let binary = folder.path().join("picture.ron");
    std::fs::write(&binary, [0x89, b'P', b'N', b'G', 0, 0xff]).expect("written");
    let huge = folder.path().join("huge.ron");
    std::fs::File::create(&huge).and_then(|f| f.set_len(9 << 30)).expect("a sparse file");
    for (path, why) in
        [(&binary, "not a text"), (&huge, "too long"), (&folder.path().to_path_buf(), "not one with results")]
    {
        drop_on(&mut window, path);
        window.run_steps(2);
        if let Some(button) = window.query_by_label("Don't save") {
            button.click();
        }
        until(&mut window, why, |app| app.notices.list().iter().any(|n| n.text.contains(why)));
        assert_eq!(window.state().files.document.text(), mine);
    }
    let before = now_ns(window.state());
    window.key_press(Key::Space);
    until(&mut window, "it goes on", |app| now_ns(app) > before);
}

#[test]
fn what_needs_more_than_the_machine_has_is_refused_and_what_ran_goes_on() {
    let mut window = window("small.ron", SMALL);
    idle(&mut window);
    let huge = SMALL.replace("count: 60", "count: 1000000").replace("blocks: 8", "blocks: 100000");
    let huge = file("larger-than-the-machine.ron", &huge);
    drop_on(&mut window, &huge);
    until(&mut window, "it is refused", |app| !app.notices.list().is_empty());
    let message = window.state().notices.list()[0].text.clone();
    assert!(message.contains("1,000,000,000,000") || message.contains("GiB"), "{message}");
    let before = now_ns(window.state());
    until(&mut window, "what ran goes on", |app| now_ns(app) > before);
    assert!(window.state().session.failed.is_none());
}

#[test]
fn a_panic_in_the_simulation_is_a_message_and_the_work_can_go_on() {
    let mut window = window("panic.ron", SMALL);
    paused(&mut window);
    change(&mut window, Change::Cores { cores: 2 });
    let text = window.state().files.document.text().to_owned();
    window.state().session.panic();
    until(&mut window, "it is told", |app| app.session.failed.is_some());
    let message = window.state().notices.list().last().expect("a notice").text.clone();
    assert!(message.contains("asked to by a test"), "{message}");
    assert_eq!(window.state().files.document.text(), text);
    assert!(window.state().files.document.is_dirty());
    window.key_press_modifiers(Modifiers::COMMAND, Key::R);
    until(&mut window, "it runs anew", |app| app.session.failed.is_none() && app.session.is_ready());
    idle(&mut window);
    assert_eq!(window.state().session.frame.interventions.len(), 1);
}

#[test]
fn a_new_scenario_is_saved_where_the_dialog_says_and_replaces_nothing_unasked() {
    let mut window = window("before.ron", SMALL);
    paused(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::N);
    until(&mut window, "it is there", |app| app.files.document.path.is_none());
    window.run_steps(2);
    let taken = file("taken.ron", "somebody else's");
    let free = taken.with_file_name("new one");
    let _ = std::fs::remove_file(free.with_extension("ron"));
    let enter = |window: &mut Harness<'_, App>, path: &Path| {
        window.key_press_modifiers(Modifiers::COMMAND, Key::S);
        window.run_steps(4);
        assert!(window.query_by_label("Save the scenario as").is_some());
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.event(Event::Text(path.display().to_string()));
        window.run_steps(2);
        window.key_press(Key::Enter);
        window.run_steps(2);
    };
    enter(&mut window, &taken);
    let started = Instant::now();
    while window.query_by_label("Replace the file?").is_none() {
        assert!(started.elapsed().as_secs() < 20, "nothing is asked: {:?}", window.state().notices);
        window.step();
    }
    assert_eq!(text_of(&taken), "somebody else's");
    window.get_all_by_label("Cancel").last().expect("a button").click();
    window.run_steps(2);
    enter(&mut window, &free);
    let saved = free.with_extension("ron");
    until(&mut window, "it is saved", |app| app.files.document.path.as_deref() == Some(&*saved));
    assert_eq!(text_of(&saved), sim_core::scenario::presets::STARTER);
    assert_eq!(text_of(&taken), "somebody else's");
}

#[test]
fn a_file_that_another_program_has_changed_is_not_replaced_unasked() {
    let mut window = window("shared.ron", SMALL);
    paused(&mut window);
    write(&mut window, &SMALL.replace("seed: 3", "seed: 4"));
    let path = file("shared.ron", "changed by another program");
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    let started = Instant::now();
    while window.query_by_label("Replace").is_none() {
        assert!(started.elapsed().as_secs() < 20, "nothing is asked: {:?}", window.state().notices);
        window.step();
    }
    assert_eq!(text_of(&path), "changed by another program");
    window.get_by_label("Replace").click();
    until(&mut window, "it is saved", |app| !app.files.document.is_dirty());
    assert!(text_of(&path).contains("seed: 4"));
}

#[test]
fn unsaved_work_of_a_window_that_is_gone_is_offered_and_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mine = SMALL.replace("seed: 3", "seed: 4");
    {
        let mut window = window("lost.ron", SMALL);
        window.state_mut().recover_from(folder.path());
        paused(&mut window);
        write(&mut window, &mine);
        let is_kept = || {
            let files = std::fs::read_dir(folder.path()).expect("a folder").flatten();
            files.into_iter().any(|f| f.path().extension().is_some_and(|e| e == "ron"))
        };
        until(&mut window, "it is kept", |_| is_kept());
        // The window goes without having been asked, as in a crash.
    }
    let mut window = window("found.ron", SMALL);
    window.state_mut().recover_from(folder.path());
    idle(&mut window);
    window.run_steps(2);
    assert!(window.query_by_label("Unsaved work was found").is_some());
    window.get_by_label("Restore").click();
    until(&mut window, "it is there", |app| app.files.document.text() == mine);
    assert!(window.state().files.document.is_dirty());
    assert_eq!(window.state().files.document.name(), "lost.ron");
    until(&mut window, "it runs", |app| app.session.plan().is_some_and(|plan| plan.seed == 4));
    // Saved, nothing is kept any more.
    window.key_press_modifiers(Modifiers::COMMAND, Key::S);
    until(&mut window, "it is saved", |app| !app.files.document.is_dirty());
    window.run_steps(2);
    drop(window);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn every_command_is_in_the_palette_and_the_keys_are_listed() {
    let mut window = window("keys.ron", SMALL);
    paused(&mut window);
    window.key_press(Key::F1);
    window.run_steps(3);
    window.get_by_label("Keys and pointer");
    for what in ["Save as...", "Run the text", "Next event", "Find a command"] {
        assert!(window.query_all_by_label(what).next().is_some(), "{what}");
    }
    window.key_press(Key::Escape);
    window.run_steps(3);
    assert!(!window.state().shortcuts);
    let listed = Command::listed(window.state());
    assert!(listed.contains(&Command::OpenRecent(0)) && listed.contains(&Command::TogglePanel(0)));
    let titles: Vec<String> = listed.iter().map(|c| c.title(window.state())).collect();
    assert!(titles.contains(&"Open shipped quickstart".to_owned()), "{titles:?}");
    // Escape closes the palette; what is chosen stays.
    window.state_mut().session.selection.node = Some(3);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    assert!(window.state().palette.is_open());
    // Escape takes the focus from the field at once: it must not be somebody else's key then.
    for _ in 0..2 {
        window.key_press(Key::Escape);
        window.run_steps(2);
        assert!(!window.state().palette.is_open());
        assert_eq!(window.state().session.selection.node, Some(3));
        window.key_press_modifiers(Modifiers::COMMAND, Key::K);
        window.run_steps(3);
    }
    assert!(titles.iter().all(|t| !t.is_empty()), "{titles:?}");
}
