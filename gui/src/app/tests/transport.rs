//! Time: keys, steps and speeds; and every knob.

use super::*;
use crate::change::Algorithm;
use crate::worker::Speed;

fn still(window: &mut Harness<'_, App>) {
    until(window, "it stands still", |app| !app.session.frame.playing && app.session.frame.busy.is_none());
}

#[test]
fn the_keys_play_pause_and_step_by_events_and_blocks() {
    let mut window = window("keys-of-time.ron", SMALL);
    paused(&mut window);
    let events = window.state().session.snapshot().events;
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    until(&mut window, "one event", |app| app.session.snapshot().events > events);
    assert_eq!(window.state().session.snapshot().events, events + 1);
    let published = |app: &App| app.session.snapshot().blocks.iter().filter(|b| b.published_ns > 0).count();
    let before = published(window.state());
    window.key_press(Key::ArrowRight);
    until(&mut window, "another block", |app| published(app) == before + 1);
    still(&mut window);
    let there = (now_ns(window.state()), window.state().session.snapshot().digest);
    window.key_press(Key::ArrowRight);
    until(&mut window, "and another", |app| published(app) == before + 2);
    still(&mut window);
    // Back, by either key; and there everything is as it was.
    window.key_press(Key::J);
    until(&mut window, "back", |app| published(app) == before + 1);
    still(&mut window);
    let now = window.state().session.snapshot();
    let last = now.blocks.iter().map(|b| b.published_ns).max().expect("a block");
    assert_eq!(now.now_ns, last + 1);
    window.state_mut().session.seek(there.0);
    until(&mut window, "there again", |app| now_ns(app) == there.0);
    still(&mut window);
    assert_eq!(window.state().session.snapshot().digest, there.1);
    window.key_press(Key::ArrowLeft);
    until(&mut window, "back again", |app| now_ns(app) == last + 1 || published(app) <= before);
    still(&mut window);
    let before = now_ns(window.state());
    window.key_press(Key::L);
    until(&mut window, "it plays", |app| app.session.frame.playing && now_ns(app) > before);
    window.key_press(Key::L);
    until(&mut window, "faster", |app| app.session.frame.speed == Speed::Times(2.0));
    window.key_press(Key::K);
    still(&mut window);
    window.key_press(Key::Home);
    until(&mut window, "the start", |app| now_ns(app) == 0);
}

#[test]
fn speeds_go_from_a_thousandth_to_no_limit_by_keys_and_slider() {
    let mut window = window("speeds.ron", SMALL);
    paused(&mut window);
    window.key_press(Key::Num1);
    for _ in 0..12 {
        window.key_press(Key::ArrowDown);
        window.step();
    }
    until(&mut window, "slowest", |app| app.session.frame.speed == Speed::Times(Speed::MIN));
    for _ in 0..24 {
        window.key_press(Key::ArrowUp);
        window.step();
    }
    until(&mut window, "no limit", |app| app.session.frame.speed == Speed::Unlimited);
    let rect = window.get_by_role_and_label(Role::Slider, "Speed").rect();
    // Nine tenths of the decades from 1/1000 to no limit, and of the way.
    for (share, low, high) in [(0.05, 1e-3, 1e-2), (0.5, 0.3, 5.0), (0.85, 50.0, 1e3)] {
        let at = rect.left_center() + vec2(rect.width() * share, 0.0);
        window.drag_at(at);
        window.run_steps(2);
        window.drop_at(at);
        window.run_steps(2);
        let speed = window.state().session.speed();
        assert!(matches!(speed, Speed::Times(times) if (low..=high).contains(&times)), "{share}: {speed:?}");
    }
}

#[test]
fn at_a_thousandth_of_real_time_little_happens_and_without_a_limit_much() {
    let mut window = window("paces.ron", SMALL);
    paused(&mut window);
    let start = now_ns(window.state());
    window.state_mut().set_speed(1e-3);
    window.key_press(Key::Space);
    let began = Instant::now();
    until(&mut window, "it moves", |app| now_ns(app) > start);
    // Never further than the clock allows, with the 150 ms that may be made up for.
    let most = (began.elapsed().as_secs_f64() + 0.2) * 1e6;
    let went = now_ns(window.state()) - start;
    assert!((went as f64) < most + 2e6, "{went} ns");
    window.key_press(Key::Num0);
    until(&mut window, "the end", |app| {
        let snapshot = app.session.snapshot();
        snapshot.now_ns == snapshot.end_ns
    });
}

#[test]
fn every_knob_is_an_intervention_with_its_time_in_the_text_and_can_be_taken_back() {
    let mut window = window("knobs.ron", SMALL);
    // So high that all knobs are in sight.
    window.set_size(vec2(1400.0, 1600.0));
    paused(&mut window);
    window.state_mut().session.selection.node = Some(5);
    window.run_steps(3);
    let at = now_ns(window.state());
    let mut expected = 0;
    let mut made = |window: &mut Harness<'_, App>, what: &str, holds: &dyn Fn(&Change) -> bool| {
        expected += 1;
        until(window, what, |app| app.session.frame.interventions.len() == expected);
        let last = window.state().session.frame.interventions.last().expect("one").clone();
        assert!(holds(&last.change), "{what}: {last:?}");
        assert!((at..at + 1_000).contains(&last.at_ns), "{what}: {last:?}");
        window.run_steps(2);
        let count = window.state().files.document.text().matches("change: ").count();
        assert_eq!(count, expected, "{}", window.state().files.document.text());
    };
    type Holds = fn(&Change) -> bool;
    let sliders: [(&str, Holds); 8] = [
        ("Bandwidth", |c| matches!(c, Change::Bandwidth { of: Scope::All, .. })),
        ("Latency", |c| matches!(c, Change::Latency { .. })),
        ("Execution speed", |c| matches!(c, Change::ExecutionSpeed { .. })),
        ("Cores", |c| matches!(c, Change::Cores { .. })),
        ("Gas limit", |c| matches!(c, Change::GasLimit { .. })),
        ("Load", |c| matches!(c, Change::Load { .. })),
        ("Its bandwidth", |c| matches!(c, Change::Bandwidth { of: Scope::Region(_), .. })),
        ("Bandwidth of the node", |c| matches!(c, Change::Bandwidth { of: Scope::Node(5), .. })),
    ];
    // Each to a place of its own: a region's links turned to where all links stand would be no change.
    for (place, (name, holds)) in sliders.into_iter().enumerate() {
        turn(&mut window, name, 0.9 - 0.1 * place as f32);
        made(&mut window, name, &holds);
    }
    let buttons: [(&str, Holds); 5] = [
        ("Block-STM", |c| *c == Change::Algorithm(Algorithm::BlockStm)),
        ("Kill", |c| matches!(c, Change::Kill { of: Scope::Region(_) })),
        ("Restore", |c| matches!(c, Change::Restore { of: Scope::Region(_) })),
        ("Kill node", |c| *c == Change::Kill { of: Scope::Node(5) }),
        ("Restore node", |c| *c == Change::Restore { of: Scope::Node(5) }),
    ];
    for (name, holds) in buttons {
        window.get_by_role_and_label(Role::Button, name).click();
        window.run_steps(2);
        made(&mut window, name, &holds);
    }
    let all = window.state().session.frame.interventions.len();
    for left in (0..all).rev() {
        window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        until(&mut window, "it is taken back", |app| app.session.frame.interventions.len() == left);
        until(&mut window, "it is there", |app| app.session.frame.busy.is_none());
    }
    window.run_steps(2);
    assert_eq!(window.state().files.document.text(), SMALL);
}
