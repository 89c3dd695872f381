//! What a frame costs the window's thread, with a block on its way: laying out, drawing and tessellating all
//! panels, without rasterisation. 8 ms leave room for 60 pictures a second.
//!
//!     cargo bench -p gui

use criterion::{Criterion, criterion_group, criterion_main};
use eframe::egui::{Context, Pos2, RawInput, Rect, vec2};
use gui::app::App;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn scenario(nodes: u32) -> PathBuf {
    let text = format!(
        "(version: 1, base: \"ethereum-2026\", run: (blocks: 30, warm_up: 1), nodes: (count: {nodes}), \
         chain: (slot: \"4 s\", attest_by: \"2 s\"), workload: Users(rate: \"50 tx/s\"))"
    );
    let path = std::env::temp_dir().join(format!("lightcone-frame-{nodes}.ron"));
    std::fs::write(&path, text).expect("a temporary file");
    path
}

fn draw(context: &Context, app: &mut App, time_s: f64) -> usize {
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 1000.0)));
    let input = RawInput { screen_rect, time: Some(time_s), ..RawInput::default() };
    let mut output = context.run_ui(input, |ui| app.show(ui));
    let shapes = std::mem::take(&mut output.shapes);
    let pixels_per_point = output.pixels_per_point;
    output.drop_without_applying_deltas();
    context.tessellate(shapes, pixels_per_point).len()
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.sample_size(50).measurement_time(Duration::from_secs(6));
    for nodes in [1_000, 10_000, 100_000] {
        let context = Context::default();
        let mut app = App::in_context(&context);
        app.open(&scenario(nodes));
        let started = Instant::now();
        while !app.is_ready() {
            draw(&context, &mut app, started.elapsed().as_secs_f64());
            std::thread::sleep(Duration::from_millis(20));
            assert!(started.elapsed().as_secs() < 300, "the simulation does not start");
        }
        // Slow, so that a block is on its way all the time.
        app.set_speed(0.02);
        group.bench_function(format!("{nodes} nodes"), |bencher| {
            bencher.iter(|| black_box(draw(&context, &mut app, started.elapsed().as_secs_f64())));
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
