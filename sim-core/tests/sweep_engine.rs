//! What tells engines apart: the files whose change keeps results apart. What is kept of a run is documented.

#[path = "../build/sources.rs"]
mod sources;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_file_that_decides_what_a_run_file_holds_tells_engines_apart() {
    let files: BTreeSet<PathBuf> = sources::files().into_iter().collect();
    // Metrics are kept by position: a changed one must not be read as another.
    let deciding = [
        "src/sweep/metrics.rs",
        "src/sweep/run.rs",
        "src/sweep/contents.rs",
        "src/sweep/store.rs",
        "src/observe/measure.rs",
        "src/simulation/world.rs",
        "data/profiles/disk-2026.ron",
    ];
    for file in deciding {
        assert!(files.contains(Path::new(file)), "{file}");
    }
    for file in
        ["src/sweep/figures.rs", "src/sweep/figures/indices.rs", "src/sweep/report.rs", "src/compare/page.rs"]
    {
        assert!(
            Path::new(file).is_file() && !files.contains(Path::new(file)),
            "{file} only reads finished runs"
        );
    }
    for left_out in sources::LEFT_OUT {
        assert!(Path::new(left_out).exists(), "{left_out} is gone: take it out of the list");
    }
}

#[test]
fn every_metric_is_documented_with_its_unit_and_meaning() {
    let page = std::fs::read_to_string("../docs/sweeps.md").expect("the page of sweeps");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for metric in sim_core::sweep::metrics::all() {
        let row = format!("| `{}` | {} | {} |", metric.name, metric.unit, metric.meaning);
        assert!(rows.contains(&row.as_str()), "docs/sweeps.md lacks: {row}");
    }
}
