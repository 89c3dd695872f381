//! Pictures of the window, drawn in software, against those in `tests/pictures`.
//!
//! Fixed seed, simulated time and size. What depends on the host lies in the transport bar (checkpoints are
//! saved when the machine has time), which is painted over.
//! They are compared where `LIGHTCONE_PICTURES` is set, as `.ci/full` does: another version of the software
//! renderer draws other shades. `UPDATE_SNAPSHOTS=1 cargo test -p gui pictures` draws them anew.

use super::*;
use egui_kittest::{SnapshotOptions, try_image_snapshot_options};

/// Rows at the bottom that are painted over: the transport bar.
const PAINTED_OVER: u32 = 112;

/// Smoothed edges differ between versions of the software renderer by a shade here and there: 2 of 1,000 pixels
/// may. A panel that moves or a line that is missing changes more.
const DIFFERENT_PER_MILLE: usize = 2;

/// The picture of a window of this size.
fn small(name: &str, text: &str) -> Harness<'static, App> {
    let path = file(name, text);
    let builder = Harness::builder().with_size(vec2(1100.0, 720.0)).with_max_steps(4);
    builder.build_eframe(move |creation| {
        let mut app = App::new(creation);
        app.open(&path);
        app
    })
}

/// Compares what is drawn with the picture of that name.
fn assert_drawn(window: &mut Harness<'_, App>, name: &str) {
    // Nothing under the pointer, and nothing that fades any more.
    window.hover_at(eframe::egui::pos2(-10.0, -10.0));
    window.run_steps(30);
    let mut image = window.render().expect("the software renderer draws");
    let (wide, kept) = (image.width(), image.height() - PAINTED_OVER);
    image.enumerate_pixels_mut().filter(|(_, y, _)| *y >= kept).for_each(|(.., p)| p.0 = [0, 0, 0, 255]);
    let allowed = (wide * kept) as usize * DIFFERENT_PER_MILLE / 1_000;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pictures");
    let options = SnapshotOptions::new().output_path(folder).max_failed_pixels(allowed);
    if let Err(difference) = try_image_snapshot_options(&image, name, &options) {
        panic!("{difference}");
    }
}

fn at(window: &mut Harness<'_, App>, at_ns: u64) {
    window.state_mut().session.seek(at_ns);
    until(window, "it is there", |app| {
        app.session.frame.now_ns == at_ns && app.session.frame.busy.is_none() && !app.session.is_moving()
    });
}

#[test]
fn the_first_screen_a_paused_inspection_and_a_comparison_look_as_they_did() {
    if ["LIGHTCONE_PICTURES", "UPDATE_SNAPSHOTS"].iter().all(|name| std::env::var_os(name).is_none()) {
        eprintln!("SKIPPED: pictures are compared where LIGHTCONE_PICTURES is set");
        return;
    }
    if !has_renderer() {
        return;
    }
    let text = SMALL.replace(
        "workload:",
        r#"compare: [("10x EVM", { "execution.speed": 10.0 }), ("half bandwidth", { "network.bandwidth": "0.5x" })],
  workload:"#,
    );
    let mut window = small("pictured.ron", &text);
    paused(&mut window);
    at(&mut window, 8_900_000_000);
    assert_drawn(&mut window, "first_screen");
    let block = window.state().session.block().expect("a block is shown").clone();
    let node = block.closing_node.unwrap_or(block.key.proposer);
    window.state_mut().session.selection.choose_node(Some(node));
    window.run_steps(3);
    window.state_mut().reveal("inspector");
    assert_drawn(&mut window, "paused_inspection");
    window.state_mut().session.selection = Default::default();
    let arms = window.state().session.opened.as_ref().expect("it is open").scenario.arms.clone();
    window.state_mut().session.compare(arms);
    until(&mut window, "runs stand side by side", |app| {
        app.session.frame.arms.len() == 2 && app.session.is_ready() && app.session.frame.busy.is_none()
    });
    at(&mut window, 12_700_000_000);
    assert_drawn(&mut window, "comparison");
}
