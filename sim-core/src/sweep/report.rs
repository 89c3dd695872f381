//! A sweep's `report.html`: one self-contained page, and each plot as SVG and CSV beside it.

use super::effects::sobol_indices;
use super::figures::{self, Figure};
use super::load::{Design, Sweep};
use super::merge::Merged;
use super::metrics;
use super::store::{ENGINE, Outcome, Store, StoreError, io_error, write_whole};
use crate::observe::format::{escape, three_digits};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Runs listed in the page; all are in the tables.
const LISTED: usize = 1_000;

/// Writes `report.html` and `plots/` into the sweep's folder; returns the page's path.
///
/// # Errors
/// The folder cannot be written.
pub fn write(sweep: &Sweep, merged: &Merged, store: &Store) -> Result<PathBuf, StoreError> {
    let figures = figures::all(sweep, merged);
    let plots = store.dir.join("plots");
    fs::create_dir_all(&plots).map_err(io_error("create", &plots))?;
    for figure in &figures {
        write_whole(&plots.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
        write_whole(&plots.join(format!("{}.csv", figure.name)), figure.table.csv().as_bytes())?;
    }
    let page = store.dir.join("report.html");
    write_whole(&page, html(sweep, merged, store, &figures).as_bytes())?;
    Ok(page)
}

fn html(sweep: &Sweep, merged: &Merged, store: &Store, figures: &[Figure]) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{name} · Lightcone sweep</title>\n<style>\n\
         {style}</style>\n</head>\n<body>\n<main>\n<p class=\"name\">Lightcone · sweep {name}</p>\n",
        name = escape(&sweep.name),
        style = include_str!("../observe/report/style.css"),
    );
    let (first, rest) = match sweep.comment.split_first() {
        Some((first, rest)) => (first.as_str(), rest.join("\n")),
        None => ("", String::new()),
    };
    let _ = writeln!(page, "<h1>{}<span class=\"rest\">{}</span></h1>", escape(first), escape(&rest));
    let runs: usize = merged.points.iter().map(|p| p.runs.len()).sum();
    let failed = merged.failed();
    let _ = writeln!(
        page,
        "<p class=\"detail\">{:?} design, {} points, {runs} runs, {} missing, {} failed. Engine {ENGINE}, sweep \
         seed {}.</p>",
        sweep.design,
        sweep.points.len(),
        merged.missing.len(),
        failed.len(),
        sweep.seed
    );
    page.push_str("<nav>Figures: ");
    for figure in figures {
        let _ = write!(page, "<a href=\"#{}\">{}</a> ", figure.name, escape(&figure.title));
    }
    page.push_str("</nav>\n");
    figures.iter().for_each(|figure| page.push_str(&figure.section()));
    without_indices(&mut page, sweep, merged);
    if !failed.is_empty() {
        page.push_str("<h2>Failed runs</h2>\n<ul>\n");
        for (point, replication, error) in failed.iter().take(LISTED) {
            let values = sweep.points[*point].describe(&sweep.axes);
            let _ =
                writeln!(page, "<li>{}, replication {replication}: {}</li>", escape(&values), escape(error));
        }
        page.push_str("</ul>\n");
    }
    run_list(&mut page, sweep, merged, store);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Says of which metrics there are no indices although the design is made for them.
fn without_indices(page: &mut String, sweep: &Sweep, merged: &Merged) {
    if !matches!(sweep.design, Design::SobolIndices(_)) {
        return;
    }
    for &metric in sweep.drawn.iter().filter(|metric| sobol_indices(sweep, merged, **metric).is_empty()) {
        let name = &metrics::metric(metric).name;
        let _ = writeln!(page, "<p>No Sobol indices of {name}: a point has no value of it.</p>");
    }
}

/// Every run with its numbers, a link to its own report where there is one, and how to make it.
fn run_list(page: &mut String, sweep: &Sweep, merged: &Merged, store: &Store) {
    page.push_str("<h2>Runs</h2>\n<details><summary>Every run, and how to repeat it</summary>\n");
    page.push_str(if sweep.pin_contents {
        "<p>Contents are pinned: a run takes its blocks from another. <code>headless run</code> with these values and the seed makes \
         blocks of its own and ends with another digest; <code>headless sweep run --reports</code> repeats runs as they were and \
         writes a report of each.</p>\n"
    } else {
        "<p><code>headless run SCENARIO --set FIELD=VALUE --seed N</code>, with a <code>--set</code> for each value, repeats a run; \
         <code>headless sweep run --reports</code> writes a report of each.</p>\n"
    });
    page.push_str("<table class=\"numbers\"><thead><tr><th>point</th><th>values</th><th>replication</th>");
    for &metric in &sweep.drawn {
        let _ = write!(page, "<th>{}</th>", metrics::metric(metric).name);
    }
    page.push_str("<th>run</th></tr></thead><tbody>\n");
    let runs =
        merged.points.iter().flat_map(|p| p.runs.iter().enumerate().map(move |(r, run)| (p.point, r, run)));
    for (point, replication, run) in runs.take(LISTED) {
        let values = sweep.points[point].describe(&sweep.axes);
        let _ = write!(page, "<tr><td>{point}</td><td>{}</td><td>{replication}</td>", escape(&values));
        for &metric in &sweep.drawn {
            let value = match &run.outcome {
                Outcome::Done { metrics, .. } => metrics.get(metric).copied().flatten(),
                Outcome::Failed { .. } => None,
            };
            let _ = write!(page, "<td>{}</td>", value.map_or_else(String::new, three_digits));
        }
        let report = format!("reports/{}/report.html", run.key);
        let link = if store.dir.join(&report).is_file() {
            format!("<a href=\"{report}\">report</a>")
        } else {
            format!("<code>--seed {}</code>", run.seed)
        };
        let _ = writeln!(page, "<td>{link}</td></tr>");
    }
    page.push_str("</tbody></table></details>\n");
}
