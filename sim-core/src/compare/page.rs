//! A comparison as a folder: one self-contained page, each plot as SVG and CSV, and what is needed to repeat it.

use super::inputs::{self, Changed};
use super::replications::{Replicated, Row, STEPS, mean_distribution};
use super::side::Side;
use crate::observe::format::{escape, three_digits};
use crate::observe::plot::canvas::{Canvas, LegendItem, MARGIN, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::sweep::figures::{Figure, named};
use crate::sweep::metrics;
use crate::sweep::store::{ENGINE, StoreError, io_error, write_whole};
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Marks `compare.json`.
const FORMAT: &str = "lightcone-compare/1";
/// Changed inputs that are listed.
const LISTED: usize = 200;
/// Metrics of which the relative difference is drawn.
const DRAWN: [&str; 14] = [
    "verified_p50_ms",
    "verified_p95_ms",
    "arrived_p95_ms",
    "final_p95_ms",
    "user_included_p50_ms",
    "user_final_p95_ms",
    "gas_per_second",
    "tx_per_second",
    "stale_share",
    "missed_votes_share",
    "received_bps",
    "duplicates_per_item",
    "uplink_utilisation",
    "execution_utilisation",
];

#[derive(Serialize)]
struct Manifest<'a> {
    format: &'static str,
    version: &'static str,
    engine: &'static str,
    command: &'a str,
    labels: &'a [String; 2],
    seed: u64,
    pinned: bool,
    seeds: Vec<u64>,
    digests: Vec<[&'a str; 2]>,
    plans: [&'a crate::scenario::plan::Plan; 2],
}

/// Says before the work whether a folder may be written: it does not exist, is empty, or holds a comparison.
///
/// # Errors
/// Something else is there.
pub fn check_destination(dir: &Path) -> Result<(), StoreError> {
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io_error("read", dir)(e)),
    };
    let ours = fs::read_to_string(dir.join("compare.json")).is_ok_and(|text| text.contains(FORMAT));
    if ours || entries.next().is_none() {
        return Ok(());
    }
    Err(StoreError::Foreign { path: dir.to_owned() })
}

/// Writes the folder; returns the page's path.
///
/// # Errors
/// It cannot be written.
pub fn write(
    dir: &Path,
    sides: [&Side; 2],
    found: &Replicated,
    command: &str,
) -> Result<PathBuf, StoreError> {
    check_destination(dir)?;
    let plots = dir.join("plots");
    fs::create_dir_all(&plots).map_err(io_error("create", &plots))?;
    let figures = figures(found);
    for figure in &figures {
        write_whole(&plots.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
        write_whole(&plots.join(format!("{}.csv", figure.name)), figure.table.csv().as_bytes())?;
    }
    write_whole(&dir.join("differences.csv"), table(&found.rows).csv().as_bytes())?;
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        engine: ENGINE,
        command,
        labels: &found.labels,
        seed: found.seed,
        pinned: found.pinned,
        seeds: found.pairs.iter().map(|p| p.seed).collect(),
        digests: found.pairs.iter().map(|p| p.runs.each_ref().map(|r| r.digest.as_str())).collect(),
        plans: sides.map(Side::plan),
    };
    let text =
        serde_json::to_string_pretty(&manifest).map_err(io::Error::other).map_err(io_error("write", dir))?;
    write_whole(&dir.join("compare.json"), text.as_bytes())?;
    let page = dir.join("report.html");
    write_whole(&page, html(sides, found, &figures, command).as_bytes())?;
    Ok(page)
}

fn figures(found: &Replicated) -> Vec<Figure> {
    [relative(found), distributions(found), parts(found)].into_iter().flatten().collect()
}

/// All rows as a table.
pub fn table(rows: &[Row]) -> DataTable {
    let mut table = DataTable::new([
        "metric",
        "unit",
        "pairs",
        "a",
        "b",
        "difference",
        "low",
        "high",
        "relative",
        "effect",
    ]);
    for row in rows {
        let (metric, i) = (metrics::metric(row.metric), &row.difference.interval);
        table.push(vec![
            Cell::Text(metric.name.clone()),
            Cell::Text(metric.unit.to_owned()),
            Cell::Int(i.n as u64),
            Cell::Num(row.means[0].mean),
            Cell::Num(row.means[1].mean),
            Cell::Num(i.mean),
            Cell::maybe(i.low()),
            Cell::maybe(i.high()),
            Cell::maybe(row.relative().and_then(|r| r[0])),
            Cell::maybe(row.difference.effect),
        ]);
    }
    table
}

/// Relative differences with their intervals, one below the other.
fn relative(found: &Replicated) -> Option<Figure> {
    let rows: Vec<(&Row, [Option<f64>; 3])> = DRAWN
        .iter()
        .filter_map(|name| found.rows.iter().find(|row| metrics::metric(row.metric).name == **name))
        .filter_map(|row| Some((row, row.relative()?)))
        .collect();
    let percent = |share: f64| share * 100.0;
    let all = || rows.iter().flat_map(|(_, r)| r.iter().flatten()).map(|share| percent(*share));
    let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    if rows.is_empty() {
        return None;
    }
    let room = ((high - low) * 0.06).max(0.5);
    let title = "What changes, relative to A".to_owned();
    let mut canvas =
        Canvas::new(&title, "Mean paired difference over A's mean, %, with 95 % t-intervals over the pairs");
    let scale = Scale::Linear { low: low - room, high: high + room };
    let height = 26.0 * rows.len() as f64;
    let panel = Panel::below(&mut canvas, height, scale, Scale::Linear { low: 0.0, high: 1.0 });
    let panel = Panel { left: MARGIN + 200.0, width: theme::WIDTH - 2.0 * MARGIN - 220.0, ..panel };
    panel.draw_x(&mut canvas.svg, "difference (% of A)");
    let zero = panel.px(0.0);
    canvas.svg.line((zero, panel.top), (zero, panel.bottom()), theme::AXIS, 1.0, "");
    let mut table = DataTable::new(["metric", "difference_percent", "low_percent", "high_percent"]);
    for (n, (row, relative)) in rows.iter().enumerate() {
        let y = panel.top + 26.0 * n as f64 + 13.0;
        let name = theme::shortened(&named(row.metric), theme::TEXT_SIZE, 190.0);
        canvas.svg.text((panel.left - 10.0, y + 4.0), TextStyle::LABEL.at(Anchor::End), &name);
        let colour = if row.is_clear() { theme::series_colour(1) } else { theme::AXIS };
        let [middle, low, high] = relative.map(|share| share.map(percent));
        if let (Some(low), Some(high)) = (low, high) {
            canvas.svg.line((panel.px(low), y), (panel.px(high), y), colour, 2.0, "");
        }
        if let Some(middle) = middle {
            canvas.svg.circle(
                (panel.px(middle), y),
                4.0,
                colour,
                1.0,
                &format!("{} %", three_digits(middle)),
            );
        }
        let name = metrics::metric(row.metric).name.clone();
        table.push(vec![Cell::Text(name), Cell::maybe(middle), Cell::maybe(low), Cell::maybe(high)]);
    }
    Some(Figure {
        name: "relative".to_owned(),
        svg: canvas.finish(8.0, &title),
        title,
        see: "Coloured: the interval leaves zero out. Grey: the pairs do not tell the two apart.".into(),
        table,
    })
}

/// Both distributions of the time until verified over each other: every pair thin, the means over pairs thick.
fn distributions(found: &Replicated) -> Option<Figure> {
    let means = [0, 1].map(|side| mean_distribution(&found.pairs, side));
    if means.iter().any(Vec::is_empty) {
        return None;
    }
    let all = found.pairs.iter().flat_map(|p| p.runs.iter().flat_map(|r| r.verified_ms.iter().copied()));
    let title = "Time until verified, over nodes and blocks".to_owned();
    let mut canvas =
        Canvas::new(&title, "Thin: every pair's runs; thick: the mean of their quantiles over the pairs");
    let legend = [0, 1].map(|side| {
        LegendItem::new(found.labels[side].clone(), theme::series_colour(side), Swatch::Line(""))
    });
    canvas.legend(&legend);
    let y = Scale::Linear { low: 0.0, high: 100.0 };
    let panel = Panel::below(&mut canvas, 300.0, Scale::log_around(all), y);
    panel.draw_y(&mut canvas.svg, "% of nodes and blocks");
    panel.draw_x(&mut canvas.svg, "ms since slot start");
    let curve = |list: &[f64]| -> Vec<Option<(f64, f64)>> {
        let share = |n: usize| n as f64 / STEPS as f64 * 100.0;
        list.iter().enumerate().map(|(n, ms)| Some((*ms, share(n)))).collect()
    };
    let mut table = DataTable::new(["run", "share_percent", "verified_ms"]);
    for (side, thick) in means.iter().enumerate() {
        let colour = theme::series_colour(side);
        for pair in &found.pairs {
            line::draw(&mut canvas.svg, &panel, &curve(&pair.runs[side].verified_ms), colour, 0.5, "");
        }
        line::draw(&mut canvas.svg, &panel, &curve(thick), colour, 2.5, "");
        for (ms, share) in curve(thick).into_iter().flatten() {
            table.push(vec![Cell::Text(found.labels[side].clone()), Cell::Num(share), Cell::Num(ms)]);
        }
    }
    Some(Figure {
        name: "verified".to_owned(),
        svg: canvas.finish(8.0, &title),
        title,
        see: "A curve further to the left is faster. Curves that cross: faster for some, slower for others."
            .into(),
        table,
    })
}

/// Mean parts of the time until verified, both sides below each other, with intervals.
fn parts(found: &Replicated) -> Option<Figure> {
    let rows: Vec<&Row> = found
        .rows
        .iter()
        .filter(|row| metrics::metric(row.metric).name.starts_with("mean_"))
        .filter(|row| row.means.iter().any(|i| i.mean > 0.0))
        .collect();
    let highest = rows.iter().flat_map(|r| &r.means).map(|i| i.high().unwrap_or(i.mean)).fold(0.0, f64::max);
    if rows.is_empty() {
        return None;
    }
    let title = "Where the time until verified goes".to_owned();
    let mut canvas =
        Canvas::new(&title, "Mean of each part over nodes, blocks and pairs, ms, with 95 % t-intervals");
    let legend = [0, 1]
        .map(|side| LegendItem::new(found.labels[side].clone(), theme::series_colour(side), Swatch::Square));
    canvas.legend(&legend);
    let height = 34.0 * rows.len() as f64;
    let panel =
        Panel::below(&mut canvas, height, Scale::from_zero(highest), Scale::Linear { low: 0.0, high: 1.0 });
    let panel = Panel { left: MARGIN + 200.0, width: theme::WIDTH - 2.0 * MARGIN - 220.0, ..panel };
    panel.draw_x(&mut canvas.svg, "ms");
    let mut table = DataTable::new(["part", "run", "mean_ms", "low_ms", "high_ms"]);
    for (n, row) in rows.iter().enumerate() {
        let top = panel.top + 34.0 * n as f64 + 4.0;
        let name = named(row.metric).trim_start_matches("mean ").to_owned();
        let label = theme::shortened(&name, theme::TEXT_SIZE, 190.0);
        canvas.svg.text((panel.left - 10.0, top + 17.0), TextStyle::LABEL.at(Anchor::End), &label);
        for (side, interval) in row.means.iter().enumerate() {
            let (y, colour) = (top + 13.0 * side as f64, theme::series_colour(side));
            let width = (panel.px(interval.mean) - panel.px(0.0)).max(0.5);
            let tip = format!("{}: {} ms", found.labels[side], three_digits(interval.mean));
            canvas.svg.rect((panel.px(0.0), y, width, 11.0), colour, &tip);
            if let (Some(low), Some(high)) = (interval.low(), interval.high()) {
                let middle = y + 5.5;
                canvas.svg.line((panel.px(low), middle), (panel.px(high), middle), theme::LIMIT, 1.2, "");
            }
            table.push(vec![
                Cell::Text(name.clone()),
                Cell::Text(found.labels[side].clone()),
                Cell::Num(interval.mean),
                Cell::maybe(interval.low()),
                Cell::maybe(interval.high()),
            ]);
        }
    }
    Some(Figure {
        name: "parts".to_owned(),
        svg: canvas.finish(8.0, &title),
        title,
        see: "The parts add up to the mean time until verified. What shrinks in one part may come back in another.".into(),
        table,
    })
}

fn html(sides: [&Side; 2], found: &Replicated, figures: &[Figure], command: &str) -> String {
    let mut page = String::new();
    let [a, b] = found.labels.each_ref().map(|label| escape(label));
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{a} and {b} · Lightcone</title>\n<style>\n{style}\
         </style>\n</head>\n<body>\n<main>\n<p class=\"name\">Lightcone · comparison</p>\n<h1>A: {a}<span \
         class=\"rest\">B: {b}</span></h1>\n",
        style = include_str!("../observe/report/style.css"),
    );
    let contents = if found.pinned {
        "B repeats A's block contents, so that both execute the same blocks"
    } else {
        "the workloads differ, so that each makes its own blocks"
    };
    let _ = writeln!(
        page,
        "<p class=\"detail\">{} pairs of runs. Both runs of a pair draw from the same seed; {contents}. Intervals are 95 % \
         t-intervals of the mean paired difference. Engine {ENGINE}, seeds from {}.</p>\n<pre>{}</pre>",
        found.pairs.len(),
        found.seed,
        escape(command)
    );
    figures.iter().for_each(|figure| page.push_str(&figure.section()));
    let _ = writeln!(
        page,
        "<h2>All differences</h2>\n<p>B minus A. <a href=\"differences.csv\">CSV</a></p>\n{}",
        table(&found.rows).html()
    );
    changed_inputs(&mut page, &inputs::changed(sides[0].plan(), sides[1].plan()));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn changed_inputs(page: &mut String, changed: &[Changed]) {
    let mut table = DataTable::new(["value", "a", "b"]);
    for c in changed.iter().take(LISTED) {
        table.push([&c.path, &c.a, &c.b].map(|text| Cell::Text(text.clone())).to_vec());
    }
    let more = match changed.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!("<p>{n} more; all are in compare.json.</p>"),
    };
    let _ = writeln!(page, "<h2>What differs going in</h2>\n{}{more}", table.html());
}
