//! The window driven as a person would drive it, through the names that screen readers see.

mod compare;
mod looking;
mod pictures;
mod results;
mod rollups;
mod sweep;
mod files;
mod transport;

use super::*;
use crate::change::{Change, Scope};
use eframe::egui::{Key, Modifiers, Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use sim_core::kernel::time::SimTime;
use sim_core::simulation::Simulation;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A small chain that is quickly run.
const SMALL: &str = r#"// Question: does the window work?
(
  version: 1, base: "ethereum-2026", seed: 3,
  run: (blocks: 8, warm_up: 1),
  nodes: (count: 60),
  chain: (slot: "2 s", attest_by: "1 s", gas_limit: "20 Mgas"),
  workload: Users(rate: "50 tx/s"),
)"#;

fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("lightcone-window-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path
}

fn window(name: &str, text: &str) -> Harness<'static, App> {
    let path = file(name, text);
    let builder = Harness::builder().with_size(vec2(1400.0, 900.0)).with_max_steps(4);
    builder.build_eframe(move |creation| {
        let mut app = App::new(creation);
        app.settings.system_dialogs = false;
        app.open(&path);
        app
    })
}

/// Turns a slider to a share of its way.
fn turn(window: &mut Harness<'_, App>, name: &str, share: f32) {
    let rect = window.get_by_role_and_label(Role::Slider, name).rect();
    window.drag_at(rect.center());
    window.run_steps(2);
    let to = rect.left_center() + vec2(rect.width() * share, 0.0);
    window.hover_at(to);
    window.run_steps(2);
    window.drop_at(to);
    window.run_steps(2);
}

/// Steps until something holds.
fn until(window: &mut Harness<'_, App>, what: &str, mut holds: impl FnMut(&App) -> bool) {
    let started = Instant::now();
    loop {
        window.step();
        if holds(window.state()) {
            return;
        }
        assert!(
            started.elapsed().as_secs() < 60,
            "waited in vain until {what}: {:?}",
            window.state().notices
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn now_ns(app: &App) -> u64 {
    app.session.snapshot().now_ns
}

fn paused(window: &mut Harness<'_, App>) {
    until(window, "it is ready", |app| app.session.is_ready() && app.session.frame.playing);
    window.get_by_label("Pause").click();
    until(window, "it has stopped", |app| !app.session.frame.playing && app.session.frame.busy.is_none());
    until(window, "the picture has caught up", |app| !app.session.is_moving());
}

#[test]
fn time_passes_when_playing_and_stands_still_when_paused() {
    let mut window = window("play.ron", SMALL);
    paused(&mut window);
    let stopped = now_ns(window.state());
    std::thread::sleep(Duration::from_millis(80));
    window.step();
    assert_eq!(now_ns(window.state()), stopped);
    window.key_press(Key::Space);
    until(&mut window, "time passes again", |app| now_ns(app) > stopped + 50_000_000);
}

#[test]
fn scrubbing_back_and_forth_gives_the_digest_that_was_there() {
    let mut window = window("scrub.ron", SMALL);
    paused(&mut window);
    window.key_press(Key::ArrowRight);
    let before = now_ns(window.state());
    until(&mut window, "the next block", |app| now_ns(app) > before && app.session.frame.busy.is_none());
    let (there, digest) = (now_ns(window.state()), window.state().session.snapshot().digest);
    window.state_mut().session.seek(1_500_000_000);
    until(&mut window, "it is back", |app| now_ns(app) == 1_500_000_000 && app.session.frame.busy.is_none());
    assert_ne!(window.state().session.snapshot().digest, digest);
    window.state_mut().session.seek(there);
    until(&mut window, "it is there again", |app| now_ns(app) >= there && app.session.frame.busy.is_none());
    let snapshot = window.state().session.snapshot();
    assert_eq!((snapshot.now_ns, snapshot.digest), (there, digest));
    assert_eq!(window.state().session.frame.verified.map(|(_, equal)| equal), Some(true));
}

#[test]
fn the_speed_slider_and_the_keys_change_how_fast_time_passes() {
    let mut window = window("speed.ron", SMALL);
    paused(&mut window);
    window.get_by_role_and_label(Role::Slider, "Speed").click();
    window.key_press(Key::ArrowUp);
    until(&mut window, "it is faster", |app| app.session.frame.speed != crate::worker::Speed::Times(1.0));
    window.key_press(Key::Num0);
    until(&mut window, "no limit", |app| app.session.frame.speed == crate::worker::Speed::Unlimited);
    window.key_press(Key::L);
    until(&mut window, "the run is over", |app| {
        let snapshot = app.session.snapshot();
        snapshot.now_ns == snapshot.end_ns && snapshot.end_ns > 0
    });
    // The worker tells of it after the picture that shows the end.
    until(&mut window, "it says so", |app| {
        app.notices.list().iter().any(|n| n.text.starts_with("The run is over"))
    });
}

#[test]
fn a_broken_file_is_a_message_and_what_ran_goes_on() {
    let mut window = window("sound.ron", SMALL);
    until(&mut window, "it is ready", |app| app.session.is_ready());
    let broken = file("broken.ron", "(version: 1, nodes: (cuont: 5))");
    window.state_mut().open(&broken);
    until(&mut window, "it is refused", |app| !app.notices.list().is_empty());
    let message = &window.state().notices.list()[0].text;
    assert!(message.contains("cuont") && message.contains("count"), "{message}");
    let before = now_ns(window.state());
    until(&mut window, "it goes on", |app| now_ns(app) > before);
}

#[test]
fn a_run_larger_than_the_machine_is_refused_with_the_number() {
    let huge = SMALL.replace("count: 60", "count: 1000000").replace("blocks: 8", "blocks: 100000");
    let mut window = window("huge.ron", &huge);
    until(&mut window, "it is refused", |app| app.session.failed.is_some() || !app.notices.list().is_empty());
    let message = window.state().notices.list()[0].text.clone();
    assert!(message.contains("more than 1,000,000,000,000") || message.contains("GiB"), "{message}");
}

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut window = window("palette.ron", SMALL);
    paused(&mut window);
    let dark = window.state().settings.dark;
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run_steps(3);
    window.event(eframe::egui::Event::Text("dark".to_owned()));
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(2);
    assert_ne!(window.state().settings.dark, dark);
}

/// Whether this machine has anything to draw with, be it in software.
fn has_renderer() -> bool {
    let create = || {
        egui_kittest::wgpu::create_render_state(egui_kittest::wgpu::default_wgpu_setup(), Default::default())
    };
    let found = std::panic::catch_unwind(create).is_ok();
    if !found {
        eprintln!("SKIPPED: no graphics adapter (in software: Mesa's lavapipe)");
    }
    found
}

#[test]
fn both_themes_are_drawn_with_nodes_at_all_stages() {
    if !has_renderer() {
        return;
    }
    let mut window = window("picture.ron", SMALL);
    paused(&mut window);
    let later = now_ns(window.state()) + 700_000_000;
    window.state_mut().session.seek(later);
    until(&mut window, "a block is on its way", |app| now_ns(app) == later && !app.session.is_moving());
    for dark in [true, false] {
        window.state_mut().settings.dark = Some(dark);
        let settings = window.state().settings.clone();
        settings.apply(&window.ctx);
        window.run_steps(3);
        let image = window.render().expect("the software renderer draws");
        let tokens = if dark { theme::DARK } else { theme::LIGHT };
        let pixels = |wanted: eframe::egui::Color32| {
            let wanted = [wanted.r(), wanted.g(), wanted.b()];
            image.pixels().filter(|p| p.0.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 12)).count()
        };
        let stages = [tokens.arrived, tokens.executed, tokens.voted, tokens.finalised];
        let drawn: usize = stages.into_iter().map(pixels).sum();
        assert!(drawn > 300, "{drawn} pixels in the colours of nodes");
        assert!(pixels(tokens.panel) > 100_000, "{}", pixels(tokens.panel));
        assert!(pixels(tokens.ink) > 300, "text is drawn");
    }
}

#[test]
fn a_slider_is_an_intervention_that_undo_takes_back() {
    let mut window = window("slide.ron", SMALL);
    paused(&mut window);
    let at = now_ns(window.state());
    let rect = window.get_by_role_and_label(Role::Slider, "Bandwidth").rect();
    let to = rect.left_center() + vec2(rect.width() * 0.8, 0.0);
    window.drag_at(rect.center());
    window.run_steps(2);
    window.hover_at(to);
    window.run_steps(2);
    assert!(window.state().session.draft.is_some(), "an estimate while it is turned");
    window.drop_at(to);
    until(&mut window, "it is made", |app| app.session.frame.interventions.len() == 1);
    let made = window.state().session.frame.interventions[0].clone();
    assert!((at..at + 10).contains(&made.at_ns), "{made:?}");
    assert!(
        matches!(made.change, Change::Bandwidth { of: Scope::All, factor_ppm } if factor_ppm > 1_500_000)
    );
    // On for a while, so that it makes a difference.
    let later = at + 3_000_000_000;
    window.state_mut().session.seek(later);
    until(&mut window, "later", |app| now_ns(app) == later && app.session.frame.busy.is_none());
    let changed = window.state().session.snapshot().digest;
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, "it is taken back", |app| app.session.frame.interventions.is_empty());
    until(&mut window, "the present is back", |app| now_ns(app) == later && app.session.frame.busy.is_none());
    let unchanged = window.state().session.snapshot().digest;
    assert_ne!(unchanged, changed);
    window.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    until(&mut window, "it is made again", |app| app.session.frame.interventions.len() == 1);
    until(&mut window, "the present is back", |app| now_ns(app) == later && app.session.frame.busy.is_none());
    assert_eq!(window.state().session.snapshot().digest, changed);
}

#[test]
fn a_run_with_interventions_replays_without_the_window_to_the_same_digest() {
    let mut window = window("replay.ron", SMALL);
    paused(&mut window);
    let changes = [
        Change::Bandwidth { of: Scope::All, factor_ppm: 500_000 },
        Change::ExecutionSpeed { factor_ppm: 4_000_000 },
        Change::Kill { of: Scope::Region(6) },
        Change::Restore { of: Scope::Region(6) },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        window.state().session.apply(change);
        until(&mut window, "it is made", |app| app.session.frame.interventions.len() == number + 1);
        let next = now_ns(window.state()) + 1_300_000_000;
        window.state_mut().session.seek(next);
        until(&mut window, "further on", |app| now_ns(app) == next && app.session.frame.busy.is_none());
    }
    let frame = Arc::clone(&window.state().session.frame);
    let mut plan = (**window.state().session.plan().expect("a scenario is open")).clone();
    plan.interventions = frame.interventions.to_vec();
    let mut alone = Simulation::new(plan).expect("the plan is sound");
    alone.run_until(SimTime(frame.snapshot.now_ns), u64::MAX).expect("it runs");
    assert_eq!(alone.digest(), frame.snapshot.digest);
}
