//! Memory of the window over a long run: a scenario of an hour of simulated time at full speed, drawn all the
//! while, with a seek back now and then.
//!
//!     cargo bench -p gui --profile dist --bench soak -- --minutes 3
//!
//! Prints resident memory over simulated time, and how much of it the plan accounts for (transactions, votes and
//! blocks are kept for the record). Without `--minutes` it runs for some seconds only.

use eframe::egui::{Context, Pos2, RawInput, Rect, vec2};
use gui::app::App;
use std::time::{Duration, Instant};

/// 1,800 slots of 2 s.
const HOUR: &str = "(version: 1, base: \"ethereum-2026\", run: (blocks: 1800, warm_up: 1), nodes: (count: 200), \
    chain: (slot: \"2 s\", attest_by: \"1 s\", gas_limit: \"20 Mgas\"), workload: Users(rate: \"20 tx/s\"))";

fn resident_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let given = arguments.iter().position(|a| a == "--minutes").and_then(|at| arguments.get(at + 1));
    let limit = given.and_then(|m| m.parse().ok()).map_or(Duration::from_secs(5), |minutes: f64| {
        Duration::from_secs_f64(minutes.clamp(0.0, 600.0) * 60.0)
    });
    let path = std::env::temp_dir().join("lightcone-soak.ron");
    std::fs::write(&path, HOUR).expect("a temporary file");
    let context = Context::default();
    let mut app = App::in_context(&context);
    app.open(&path);
    app.set_speed(f64::INFINITY);
    let (started, mut said, mut frames) = (Instant::now(), None::<u64>, 0_u64);
    println!("simulated  resident  checkpoints  frames");
    loop {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 1000.0)));
        let time = Some(started.elapsed().as_secs_f64());
        let mut output =
            context.run_ui(RawInput { screen_rect, time, ..RawInput::default() }, |ui| app.show(ui));
        drop(context.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point));
        output.drop_without_applying_deltas();
        frames += 1;
        let (now_ns, end_ns) = app.times_ns();
        let minute = now_ns / 60_000_000_000;
        let over = started.elapsed() > limit || (end_ns > 0 && now_ns >= end_ns);
        if said.is_none_or(|last| minute >= last + 5) || over {
            said = Some(minute);
            let resident = resident_mib().map_or("unknown".to_owned(), |mib| format!("{mib} MiB"));
            let checkpoints = app.checkpoint_bytes() >> 20;
            println!("{minute:>5} min  {resident:>8}  {checkpoints:>7} MiB  {frames}");
        }
        if over {
            return;
        }
        std::thread::sleep(Duration::from_millis(12));
    }
}
