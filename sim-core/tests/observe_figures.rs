//! Figures and the report, on made-up runs. The report is left in the target folder's `tmp` to look at.

mod observe_support;

use observe_support::{Shape, arms, meta, run};
use sim_core::observe::figures::{self, Figure};
use sim_core::observe::plot::table::Cell;
use sim_core::observe::record::RunRecord;
use sim_core::observe::{WriteOptions, analyse, report, write_results};
use std::path::Path;

/// A simple check that a document is well-formed XML: tags nest, attributes are quoted, `&` starts an entity.
fn assert_well_formed(name: &str, xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        assert_text(name, &rest[..at]);
        let end = rest[at..].find('>').unwrap_or_else(|| panic!("{name}: unclosed tag")) + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(closing) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closing), "{name}");
            continue;
        }
        let element = tag.split([' ', '/']).next().unwrap();
        assert!(!element.is_empty(), "{name}: <{tag}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "{name}: <{tag}>");
        for (n, piece) in tag.split('"').enumerate() {
            if n % 2 == 1 {
                assert_text(name, piece);
                assert!(!piece.contains("NaN") && !piece.contains("inf"), "{name}: <{tag}>");
            }
        }
        if !tag.ends_with('/') {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} left open");
}

fn assert_text(name: &str, text: &str) {
    for (at, _) in text.match_indices('&') {
        let entity = text[at..].split(';').next().unwrap();
        assert!(["&amp", "&lt", "&gt", "&quot", "&#39"].contains(&entity), "{name}: {entity}");
    }
}

fn named<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    figures.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no figure {name}"))
}

fn awkward() -> Vec<RunRecord> {
    let mut records = arms();
    records[0].plan.name = "a <b> & \"c\"".to_owned();
    records[0].plan.network.latency.regions[0].name = "<us> & 'co'".to_owned();
    records
}

#[test]
fn a_full_comparison_has_every_figure() {
    let names: Vec<&str> = figures::all(&arms()).iter().map(|f| f.name).collect();
    let expected = [
        "time-breakdown",
        "propagation",
        "roofline",
        "timeline",
        "time-breakdown-by-region",
        "regions",
        "confirmation",
        "missed-votes",
        "gas",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_drawing_is_well_formed_whatever_the_names() {
    for records in [arms(), awkward(), vec![run(&Shape { broadcast: true, ..Shape::default() })]] {
        for figure in figures::all(&records) {
            assert_well_formed(figure.name, &figure.svg);
            assert!(!figure.see.is_empty() && !figure.how.is_empty());
        }
    }
}

#[test]
fn figures_that_do_not_apply_are_left_out() {
    let broadcast = figures::all(&[run(&Shape { broadcast: true, ..Shape::default() })]);
    for name in ["roofline", "confirmation", "missed-votes"] {
        assert!(broadcast.iter().all(|f| f.name != name), "{name}");
    }
    assert!(broadcast.iter().any(|f| f.name == "propagation"));
    assert!(figures::all(&[]).is_empty());
    let empty = run(&Shape { blocks: 0, warm_up: 0, ..Shape::default() });
    assert!(figures::all(&[empty]).is_empty());
    let one = run(&Shape { nodes: 1, blocks: 1, warm_up: 0, ..Shape::default() });
    for figure in figures::all(&[one]) {
        assert_well_formed(figure.name, &figure.svg);
    }
}

#[test]
fn what_is_drawn_is_what_the_table_says() {
    let records = arms();
    let figures = figures::all(&records);
    let breakdown = named(&figures, "time-breakdown");
    let parts = breakdown.table.columns.len() - 3;
    assert_eq!(breakdown.svg.matches("</rect>").count(), breakdown.table.rows.len() * parts);
    for row in &breakdown.table.rows {
        let numbers: Vec<f64> =
            row.iter().filter_map(|c| if let Cell::Num(v) = c { Some(*v) } else { None }).collect();
        let (total, parts) = numbers.split_last().unwrap();
        assert!((parts.iter().sum::<f64>() - total).abs() < 1e-9, "parts add up to the total");
    }
    let roofline = named(&figures, "roofline");
    assert_eq!(roofline.svg.matches("</circle>").count(), roofline.table.rows.len());
    assert_eq!(roofline.table.rows.len(), 4 * 22, "a dot for every measured canonical block");
    let regions = named(&figures, "regions");
    assert_eq!(regions.svg.matches("</circle>").count(), 10);
    for row in &regions.table.rows {
        assert!(regions.svg.contains(&row[0].plain()));
    }
    let gas = named(&figures, "gas");
    assert_eq!(gas.svg.matches("</rect>").count(), gas.table.rows.len());
    let votes = named(&figures, "missed-votes");
    assert_eq!(votes.svg.matches("</rect>").count(), votes.table.rows.len() * 4, "a bar for every arm");
    let propagation = named(&figures, "propagation");
    let points: usize = propagation
        .svg
        .split("points=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().split(' ').count())
        .sum();
    assert_eq!(points, 8 * 101, "two curves an arm, a point every percent");
    for figure in &figures {
        assert_eq!(figure.table.csv().lines().count(), figure.table.rows.len() + 1);
    }
}

#[test]
fn the_report_is_one_page_that_loads_nothing() {
    let records = arms();
    let analysis = analyse(&records);
    let page = report::html(&records, &analysis, &meta(), &figures::all(&records));
    let without_names = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for forbidden in ["http:", "https:", "<script", "<link", "src=", "url(", "@import"] {
        assert!(!without_names.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains(&records[0].digest) && page.contains(&meta().command_line));
    assert!(page.contains("Bottleneck: ") && page.contains("block by block"));
    assert!(!page.contains("linux"), "host facts belong to the manifest");
    let hostile = awkward();
    let page = report::html(&hostile, &analyse(&hostile), &meta(), &figures::all(&hostile));
    assert!(!page.contains("a <b>") && page.contains("a &lt;b&gt; &amp;"));
}

#[test]
fn a_report_to_look_at_is_written() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("observe-report");
    let records = arms();
    let options = WriteOptions { overwrite: true, ..WriteOptions::default() };
    write_results(&dir, &records, &analyse(&records), &meta(), &options).unwrap();
    assert!(dir.join("plots/roofline.svg").is_file() && dir.join("report.html").is_file());
}
