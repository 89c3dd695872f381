//! `report.html`: one self-contained page: the question, the answer, key figures, figures, configuration.
//!
//! Style and drawings are inline; nothing is loaded from anywhere, there are no scripts. It holds nothing
//! about the host, so that the same records give the same page.

pub mod key_figures;

use super::analysis::Analysis;
use super::figures::Figure;
use super::folder::ReportMeta;
use super::format::{escape, percent};
use super::plot::theme;
use super::record::{Resource, RunRecord};
use super::verdict::{self, Verdict};
use std::fmt::Write;

/// The page.
pub fn html(records: &[RunRecord], analysis: &Analysis, meta: &ReportMeta, figures: &[Figure]) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{name} · Lightcone</title>\n<style>\n{style}</style>\n\
         </head>\n<body>\n<main>\n<p class=\"name\">Lightcone · {name}</p>\n",
        name = escape(&meta.scenario_name),
        style = include_str!("style.css"),
    );
    head(&mut page, analysis, meta);
    warnings(&mut page, analysis, meta);
    let _ = writeln!(page, "<h2 id=\"key-figures\">Key figures</h2>\n{}", key_figures::table(analysis));
    page.push_str("<nav>Figures: ");
    for figure in figures {
        let _ = write!(page, "<a href=\"#{}\">{}</a> ", figure.name, escape(&figure.title));
    }
    page.push_str("<a href=\"#configuration\">Configuration</a></nav>\n");
    for figure in figures {
        section(&mut page, figure, meta);
    }
    configuration(&mut page, records, meta);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Question, answer, what p95 is, shares of the bottlenecks.
fn head(page: &mut String, analysis: &Analysis, meta: &ReportMeta) {
    let question = meta.question.trim();
    let (first, rest) = question.split_once('\n').unwrap_or((question, ""));
    if !first.is_empty() {
        let _ = write!(page, "<h1>{}", escape(first));
        if !rest.trim().is_empty() {
            let _ = write!(page, "<span class=\"rest\">{}</span>", escape(rest.trim()));
        }
        page.push_str("</h1>\n");
    }
    // The verdict is the first sentence; the arms' changes follow it.
    let headline = &analysis.answer.headline;
    let (verdict_text, changes) = match headline.split_once(". ") {
        Some((verdict_text, changes)) => (format!("{verdict_text}."), changes),
        None => (headline.clone(), ""),
    };
    let _ = write!(page, "<p class=\"answer\">{}", escape(&verdict_text));
    if !changes.is_empty() {
        let _ = write!(page, "<span class=\"changes\">{}</span>", escape(changes));
    }
    let _ = writeln!(page, "</p>\n<p class=\"detail\">{}</p>", escape(&analysis.answer.detail));
    if let Some(base) = analysis.arms.first() {
        shares(page, &base.verdict);
    }
}

/// One bar: share of blocks bound by each resource.
fn shares(page: &mut String, verdict: &Verdict) {
    if verdict.blocks == 0 {
        return;
    }
    page.push_str("<div class=\"shares\">");
    for (resource, bound) in Resource::ALL.into_iter().zip(verdict.bound_blocks) {
        if bound > 0 {
            let share = bound as f64 / verdict.blocks as f64;
            let _ = write!(
                page,
                "<span style=\"width:{:.2}%;background:{}\" title=\"{name} binds {bound} blocks\">{name} {}</span>",
                share * 100.0,
                theme::resource_colour(resource),
                percent(share),
                name = resource.name(),
            );
        }
    }
    let unresolved = match verdict.unresolved {
        0 => String::new(),
        n => format!(" {n} further blocks never reached 2/3 of the stake, or took no time."),
    };
    let _ = writeln!(
        page,
        "</div>\n<p class=\"small\">Share of blocks bound by each resource. {}{unresolved}</p>",
        escape(verdict::DEFINITION)
    );
}

fn warnings(page: &mut String, analysis: &Analysis, meta: &ReportMeta) {
    let several = analysis.arms.len() > 1;
    let own = analysis.arms.iter().flat_map(|arm| {
        let prefix = if several { format!("{}: ", arm.name) } else { String::new() };
        arm.warnings.iter().map(move |w| format!("{prefix}{w}"))
    });
    let all: Vec<String> = meta.warnings.iter().cloned().chain(own).collect();
    if all.is_empty() {
        return;
    }
    page.push_str("<div class=\"warnings\"><strong>Check before you trust the numbers</strong><ul>\n");
    for warning in all {
        let _ = writeln!(page, "<li>{}</li>", escape(&warning));
    }
    page.push_str("</ul></div>\n");
}

fn section(page: &mut String, figure: &Figure, meta: &ReportMeta) {
    let _ = write!(
        page,
        "<section id=\"{name}\">\n<h2>{title}</h2>\n<figure>\n{svg}</figure>\n<p>{see}</p>\n<p class=\"how\">{how}</p>\n\
         <details><summary>Numbers ({rows} rows) and the command that makes this figure</summary>\n\
         <pre>{command}\n# plots/{name}.svg, plots/{name}.csv</pre>\n<div class=\"scroll\">{table}</div></details>\n</section>\n",
        name = figure.name,
        title = escape(&figure.title),
        svg = figure.svg,
        see = escape(&figure.see),
        how = escape(&figure.how),
        rows = figure.table.rows.len(),
        command = escape(&meta.command_line),
        table = figure.table.html(),
    );
}

fn configuration(page: &mut String, records: &[RunRecord], meta: &ReportMeta) {
    let _ = write!(
        page,
        "<h2 id=\"configuration\">Configuration and reproduction</h2>\n<pre>{}</pre>\n<p class=\"small\">Lightcone {}. The \
         same command gives the same digests on any machine; tables are described in SCHEMA.md beside this page.</p>\n\
         <div class=\"scroll\"><table><thead><tr><th>arm</th><th>seed</th><th>digest</th><th>events</th><th>nodes</th>\
         <th>edges</th><th>mean degree</th><th>diameter (hops)</th></tr></thead><tbody>\n",
        escape(&meta.command_line),
        escape(&meta.version),
    );
    for record in records {
        let topology = &record.topology;
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{:.2}</td><td>{}</td></tr>",
            escape(&record.plan.name),
            record.plan.seed,
            escape(&record.digest),
            super::format::count(record.events),
            super::format::count(record.nodes.len() as u64),
            super::format::count(topology.edges),
            topology.degree_mean,
            topology.diameter_hops,
        );
    }
    page.push_str("</tbody></table></div>\n");
    for record in records {
        let plan = serde_json::to_string_pretty(&record.plan).unwrap_or_else(|e| format!("not shown: {e}"));
        let _ = writeln!(
            page,
            "<details><summary>Resolved plan of `{}`</summary><pre>{}</pre></details>",
            escape(&record.plan.name),
            escape(&plan)
        );
    }
}
