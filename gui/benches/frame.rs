//! What a frame costs the window's thread: laying out, drawing and tessellating all panels, without
//! rasterisation. 8 ms leave room for 60 pictures a second.
//!
//!     cargo bench -p gui --profile dist --bench frame
//!
//! Three things: a frame with a block on its way, by number of nodes; the same with three runs side by side;
//! and, said once and not sampled, the longest frame while a run of 100,000 nodes is set up and runs at full
//! speed: the window is never to freeze, whatever the worker does.

use criterion::{Criterion, criterion_group, criterion_main};
use eframe::egui::{Context, Pos2, RawInput, Rect, vec2};
use gui::app::App;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn scenario(nodes: u32) -> PathBuf {
    let text = format!(
        "(version: 1, base: \"ethereum-2026\", run: (blocks: 30, warm_up: 1), nodes: (count: {nodes}), \
         chain: (slot: \"4 s\", attest_by: \"2 s\"), workload: Users(rate: \"50 tx/s\"), \
         compare: [(\"10x EVM\", {{ \"execution.speed\": 10.0 }}), \
         (\"2x bandwidth\", {{ \"network.bandwidth\": \"2x\" }})])"
    );
    let path = std::env::temp_dir().join(format!("lightcone-frame-{nodes}.ron"));
    std::fs::write(&path, text).expect("a temporary file");
    path
}

/// A window without a screen.
struct Window {
    context: Context,
    app: App,
    started: Instant,
}

impl Window {
    fn new() -> Self {
        let context = Context::default();
        let app = App::in_context(&context);
        Self { context, app, started: Instant::now() }
    }

    fn draw(&mut self) -> usize {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 1000.0)));
        let time = Some(self.started.elapsed().as_secs_f64());
        let input = RawInput { screen_rect, time, ..RawInput::default() };
        let mut output = self.context.run_ui(input, |ui| self.app.show(ui));
        let shapes = std::mem::take(&mut output.shapes);
        let pixels_per_point = output.pixels_per_point;
        output.drop_without_applying_deltas();
        self.context.tessellate(shapes, pixels_per_point).len()
    }

    /// Draws until the simulation has something to show.
    fn wait(&mut self) {
        let since = Instant::now();
        while !self.app.is_ready() {
            self.draw();
            std::thread::sleep(Duration::from_millis(20));
            assert!(since.elapsed().as_secs() < 300, "the simulation does not start");
        }
    }
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.sample_size(50).measurement_time(Duration::from_secs(6));
    for nodes in [1_000, 10_000, 100_000] {
        let mut window = Window::new();
        window.app.open(&scenario(nodes));
        window.wait();
        // Slow, so that a block is on its way all the time.
        window.app.set_speed(0.02);
        group.bench_function(format!("{nodes} nodes"), |bencher| bencher.iter(|| black_box(window.draw())));
        if nodes == 10_000 {
            window.app.compare_arms();
            window.draw();
            window.wait();
            group.bench_function(format!("{nodes} nodes, three runs side by side"), |bencher| {
                bencher.iter(|| black_box(window.draw()));
            });
        }
    }
    group.finish();
}

/// The longest and the 99th percentile of frames from opening a file until 20 s later.
fn longest(_: &mut Criterion) {
    let mut window = Window::new();
    window.draw();
    let (path, mut times) = (scenario(100_000), Vec::new());
    let since = Instant::now();
    window.app.open(&path);
    let opening = since.elapsed();
    let mut ready = None;
    while since.elapsed().as_secs() < 20 {
        let drawing = Instant::now();
        black_box(window.draw());
        times.push(drawing.elapsed());
        if window.app.is_ready() && ready.is_none() {
            ready = Some(since.elapsed());
            window.app.set_speed(f64::INFINITY);
        }
        std::thread::sleep(Duration::from_millis(16).saturating_sub(drawing.elapsed()));
    }
    times.sort_unstable();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    println!(
        "100,000 nodes: opening takes {:.1} ms; warmed up after {}; of {} frames the median is {:.1} ms, \
         p99 {:.1} ms, the longest {:.1} ms",
        ms(opening),
        ready.map_or("more than 20 s".to_owned(), |d| format!("{:.1} s", d.as_secs_f64())),
        times.len(),
        ms(times[times.len() / 2]),
        ms(times[times.len() * 99 / 100]),
        ms(times[times.len() - 1]),
    );
}

criterion_group!(benches, frames, longest);
criterion_main!(benches);
