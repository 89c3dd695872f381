//! The panel of rollups: chains, blobs, fees, and one transaction step by step.

use super::*;
use sim_core::rollup::look::{Followed, Step};

const ROLLUPS: &str = r#"// Question: what do rollups look like?
(
  version: 1, seed: 5, run: (blocks: 10, warm_up: 1), nodes: (count: 24, hardware: "attester"),
  network: (topology: RandomRegular(degree: 8)), chain: (slot: "12 s"), workload: Empty,
  rollups: [Fleet(
    count: 5, preset: "zk-realtime", shares: Zipf(1.0), liquidity: Equal, sequencers: 2,
    demand: (rate: "4 tx/s", mix: { "swap": 100 }, instances: 3, accounts: 200, trade: (median: 0.002, p90: 5)),
    batch: (max_delay: "20 s", compression: 3, max_blob_fee: "50 gwei"),
  )],
)"#;

#[test]
fn rollups_are_looked_at_and_a_transaction_is_followed_back_and_forth() {
    let mut window = window("rollups.ron", ROLLUPS);
    paused(&mut window);
    window.state_mut().session.seek(100_000_000_000);
    until(&mut window, "batches are posted", |app| {
        app.session.frame.busy.is_none()
            && app.session.snapshot().fleet.as_ref().is_some_and(|f| f.view.batches_posted > 0)
            && !app.session.is_moving()
    });
    window.state_mut().reveal("rollups");
    window.run_steps(3);
    window.get_by_label("rollups in use");
    window.get_by_label("5 of 5");
    window.get_by_label("Blobs").click();
    window.run_steps(3);
    window.get_by_label("Blobs by block");
    window.get_by_label("Fees and prices").click();
    window.run_steps(3);
    window.get_by_label("dispersion of prices over rollups (%)");
    window.get_by_label("Follow one").click();
    window.run_steps(3);
    // One of the first, which is posted by now.
    window.state_mut().session.selection.followed = Some(Followed::Tx(3));
    until(&mut window, "it is described", |app| {
        let fleet = app.session.snapshot().fleet.as_ref();
        fleet.and_then(|f| f.view.followed.as_ref()).is_some_and(|tx| tx.number == 3)
    });
    window.run_steps(3);
    let tx = |app: &App| {
        let fleet = app.session.snapshot().fleet.as_ref().expect("there are rollups");
        fleet.view.followed.clone()
    };
    let followed = tx(window.state()).expect("it is followed");
    assert!(followed.steps.iter().any(|s| matches!(s.what, Step::Posted { .. })), "{followed:?}");
    window.get_by_label("A transaction step by step");
    let now = now_ns(window.state());
    let before = followed.steps.iter().rev().find(|s| s.at_ns + 1 < now).expect("it was handed in").at_ns + 1;
    window.get_by_label("Step back").click();
    until(&mut window, "it is back there", |app| now_ns(app) == before && app.session.frame.busy.is_none());
    // What lies ahead is remembered: it can be gone to.
    window.state_mut().session.seek(followed.steps[0].at_ns + 1);
    let first = followed.steps[0].at_ns + 1;
    until(&mut window, "it is handed in", |app| now_ns(app) == first && app.session.frame.busy.is_none());
    window.run_steps(3);
    let second = followed.steps[1].at_ns + 1;
    window.get_by_label("Step on").click();
    until(&mut window, "the next step", |app| now_ns(app) == second && app.session.frame.busy.is_none());
    until(&mut window, "it is described", |app| tx(app).is_some_and(|tx| tx.steps.len() == 2));
}

#[test]
fn all_views_of_rollups_leave_the_window() {
    let mut window = window("rollups-out.ron", ROLLUPS);
    paused(&mut window);
    window.state_mut().session.seek(100_000_000_000);
    window.state_mut().session.selection.followed = Some(Followed::Tx(3));
    until(&mut window, "there is something", |app| {
        app.session.frame.busy.is_none()
            && app.session.snapshot().fleet.as_ref().is_some_and(|f| f.view.followed.is_some())
    });
    window.state_mut().reveal("rollups");
    for (view, stem) in [
        ("Chains", "rollups"),
        ("Blobs", "blobs"),
        ("Fees and prices", "rollups-over-time"),
        ("Follow one", "transaction"),
    ] {
        window.run_steps(3);
        window.get_by_label(view).click();
        window.run_steps(3);
        let folder = export::folder(window.state().files.document.path.as_deref());
        for ending in ["svg", "csv"] {
            let _ = std::fs::remove_file(folder.join(format!("{stem}.{ending}")));
        }
        window.state_mut().export_all();
        let read = |ending: &str| {
            let path = folder.join(format!("{stem}.{ending}"));
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        assert!(read("svg").contains("</svg>"), "{stem}");
        assert!(read("csv").lines().count() > 2, "{stem}: {}", read("csv"));
    }
}

#[test]
fn a_scenario_without_rollups_says_so() {
    let mut window = window("none.ron", SMALL);
    paused(&mut window);
    window.state_mut().reveal("rollups");
    window.run_steps(3);
    window.get_by_label("This scenario has no rollups");
}

#[test]
fn a_trade_on_another_rollup_is_followed_over_its_bridge() {
    let text = ROLLUPS.replace(
        "batch: (max_delay",
        r#"bridges: [Interop(name: "bridge")],
    travellers: [(name: "trade", policy: Bridge(), rate: "1 tx/s", home: 0, target: 1, value: 0.0003, deadline: "1 min")],
    batch: (max_delay"#,
    );
    let mut window = window("journey.ron", &text);
    paused(&mut window);
    window.state_mut().session.seek(60_000_000_000);
    window.state_mut().session.selection.followed = Some(Followed::Trip(0));
    until(&mut window, "the journey is over", |app| {
        let fleet = app.session.snapshot().fleet.as_ref();
        let trip = fleet.and_then(|f| f.view.followed_trip.as_ref());
        app.session.frame.busy.is_none() && trip.is_some_and(|trip| trip.outcome.is_some())
    });
    window.state_mut().reveal("rollups");
    window.run_steps(3);
    window.get_by_label("Follow one").click();
    window.run_steps(3);
    window.get_by_label("A transaction step by step");
    let fleet = window.state().session.snapshot().fleet.clone().expect("there are rollups");
    let trip = fleet.view.followed_trip.clone().expect("it is followed");
    let what: Vec<Step> = trip.steps.iter().map(|step| step.what).collect();
    assert_eq!(
        what.iter().filter(|s| !matches!(s, Step::Ready { .. })).copied().collect::<Vec<_>>(),
        [
            Step::SetOut,
            Step::Sent { from: 0, to: 1 },
            Step::Landed { to: 1 },
            Step::Traded { rollup: 1 },
            Step::Sent { from: 1, to: 0 },
            Step::Landed { to: 0 },
            Step::Over,
        ]
    );
    assert!(fleet.view.trips.iter().any(|listed| listed.number > 0), "others are listed");
}
