//! Runs side by side, by the names that screen readers see.

use super::*;
use sim_core::scenario::Scenario;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Resources;

/// The small chain with two arms that repeat its blocks and one that cannot.
fn arms() -> String {
    SMALL.replace(
        "workload:",
        r#"compare: [
    ("10x EVM", { "execution.speed": 10.0 }),
    ("half bandwidth", { "network.bandwidth": "0.5x" }),
    ("half gas", { "chain.gas_limit": "10 Mgas" }),
  ],
  workload:"#,
    )
}

fn digests(app: &App) -> Vec<String> {
    let lanes = app.session.comparison.as_ref().map_or(1, |c| c.lanes.len());
    (0..lanes).map(|n| app.session.snapshot_of(n).digest.to_string()).collect()
}

/// Chooses and starts a comparison of all arms.
fn compared(name: &str) -> Harness<'static, App> {
    let mut window = window(name, &arms());
    paused(&mut window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::D);
    window.run_steps(3);
    window.get_by_label("Start the comparison").click();
    until(&mut window, "runs stand side by side", |app| {
        app.session.comparison.is_some() && app.session.is_ready() && app.session.frame.busy.is_none()
    });
    window.run_steps(3);
    window
}

fn go(window: &mut Harness<'_, App>, at_ns: u64) {
    window.state_mut().session.seek(at_ns);
    until(window, "all are there", |app| {
        app.session.frame.now_ns == at_ns && app.session.frame.busy.is_none()
    });
}

#[test]
fn compared_arms_stand_on_one_clock_and_have_the_digests_they_have_without_the_window() {
    let mut window = compared("compare.ron");
    let scenario = window.state().session.opened.as_ref().expect("it is open").scenario.clone();
    let ends: Vec<u64> = scenario.plans().filter_map(Plan::end_ns).collect();
    let at = 9_123_456_789;
    assert!(ends.iter().all(|end| *end > at));
    // There and back, so that checkpoints and replay take part.
    for to in [at, 2_500_000_000, at] {
        go(&mut window, to);
        let session = &window.state().session;
        assert!((0..4).all(|lane| session.snapshot_of(lane).now_ns == to), "one clock");
    }
    assert_eq!(window.state().session.frame.verified.map(|(_, equal)| equal), Some(true));
    // As an experiment does it: the base to its end, then the arms with its contents.
    let mut base = Simulation::new(scenario.base.clone()).expect("the plan is sound");
    base.run().expect("it runs");
    let contents = Arc::new(base.contents());
    let alone = |plan: &Plan, pinned: bool| {
        let resources = Resources { pinned: pinned.then(|| Arc::clone(&contents)), ..Resources::default() };
        let mut run = Simulation::with_resources(plan.clone(), &resources).expect("the plan is sound");
        run.run_until(SimTime(at), u64::MAX).expect("it runs");
        run.digest().to_string()
    };
    let [evm, wires, gas] = &scenario.arms[..] else { panic!("three arms") };
    let expected = [alone(&scenario.base, false), alone(evm, true), alone(wires, true), alone(gas, false)];
    assert_eq!(digests(window.state()), expected);
    // Time passes in all of them.
    window.key_press(Key::Space);
    until(&mut window, "time passes", |app| {
        app.session.frame.playing && app.session.frame.arms.iter().all(|a| a.now_ns > at + 50_000_000)
    });
}

#[test]
fn a_name_shows_that_run_in_the_other_panels_and_numbers_have_differences() {
    let mut window = compared("names.ron");
    go(&mut window, 9_000_000_000);
    window.get_by_label("Show half bandwidth").click();
    window.run_steps(3);
    let session = &window.state().session;
    assert_eq!(session.plan().expect("it is open").name, "half bandwidth");
    assert_eq!(session.snapshot().digest, session.snapshot_of(2).digest);
    assert_ne!(session.snapshot().digest, session.snapshot_of(0).digest);
    for label in ["Colour of 10x EVM", "Where the time went, by run", "network to 95 %, median"] {
        window.get_by_label(label);
    }
    let network =
        crate::compare::rows(&[session.snapshot_of(0), session.snapshot_of(2)], &[2_000_000_000; 2]);
    let change = network[0].cells[1].change.expect("both have blocks");
    assert!(change > 0.1, "half the bandwidth makes the network slower: {change}");
    // Knobs stay: what is compared stays what it is.
    session.apply(Change::Load { factor_ppm: 2_000_000 });
    until(&mut window, "it is refused", |app| {
        app.notices.list().iter().any(|n| n.text.contains("end the comparison"))
    });
}

#[test]
fn the_first_difference_is_found_and_all_clocks_go_there() {
    let mut window = compared("difference.ron");
    window.get_by_label("First difference of 10x EVM").click();
    until(&mut window, "it is found", |app| {
        let found = app.session.comparison.as_ref().and_then(|c| c.lanes[1].diverged.clone());
        found.is_some_and(|f| app.session.frame.now_ns == f.at_ns + 1 && app.session.frame.busy.is_none())
    });
    let session = &window.state().session;
    let found = session.comparison.as_ref().and_then(|c| c.lanes[1].diverged.clone()).expect("found");
    assert!(found.at_ns < found.second * 1_000_000_000);
    assert_eq!(session.selection.node, Some(found.nodes[0]));
    // A faster EVM first shows where a block is built.
    let block = found.block.expect("a block differs");
    assert_eq!((session.selection.block, found.nodes[0]), (Some(block), block.proposer));
    let there = digests(window.state());
    assert_ne!(there[0], there[1]);
    go(&mut window, found.at_ns);
    let before = digests(window.state());
    assert_eq!(before[0], before[1]);
}

#[test]
fn after_the_comparison_everything_is_as_it_was_and_undo_still_works() {
    let mut window = window("aside.ron", &arms());
    paused(&mut window);
    window.state().session.apply(Change::Bandwidth { of: Scope::All, factor_ppm: 500_000 });
    until(&mut window, "it is made", |app| app.session.frame.interventions.len() == 1);
    let before = (now_ns(window.state()), window.state().session.snapshot().digest);
    window.key_press_modifiers(Modifiers::COMMAND, Key::D);
    window.run_steps(3);
    for arm in ["10x EVM", "half bandwidth", "half gas"] {
        window.get_by_role_and_label(Role::CheckBox, arm).click();
        window.run_steps(2);
    }
    window.get_by_role_and_label(Role::CheckBox, "the knobs as they are");
    window.get_by_label("Start the comparison").click();
    until(&mut window, "runs stand side by side", |app| {
        app.session.frame.arms.len() == 1 && app.session.is_ready() && app.session.frame.busy.is_none()
    });
    let lanes = &window.state().session.comparison.as_ref().expect("it runs").lanes;
    assert_eq!(lanes[1].plan.interventions.len(), 1);
    assert!(lanes[0].plan.interventions.is_empty() && lanes[1].paired);
    window.run_steps(3);
    window.get_by_label("End the comparison").click();
    until(&mut window, "it is as it was", |app| {
        app.session.is_ready() && (now_ns(app), app.session.snapshot().digest) == before
    });
    assert_eq!(window.state().session.frame.interventions.len(), 1);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, "it is taken back", |app| app.session.frame.interventions.is_empty());
}

#[test]
fn runs_that_are_too_large_together_are_refused_and_what_ran_goes_on() {
    let mut window = window("large.ron", SMALL);
    paused(&mut window);
    let before = (now_ns(window.state()), window.state().session.snapshot().digest);
    let huge = arms().replace("count: 60", "count: 1000000").replace("blocks: 8", "blocks: 100000");
    let path = file("too-large.ron", &huge);
    let arm = Scenario::load(&path).expect("it can be read").base;
    window.state_mut().session.compare(vec![arm]);
    until(&mut window, "it is refused", |app| app.session.comparison.is_none());
    let message = window.state().notices.list().last().expect("a message").text.clone();
    assert!(message.starts_with("These runs cannot be compared"), "{message}");
    until(&mut window, "what ran is back", |app| {
        app.session.is_ready() && (now_ns(app), app.session.snapshot().digest) == before
    });
}
