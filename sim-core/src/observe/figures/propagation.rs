//! Share of nodes having the block over the time since the slot's start.

use super::Figure;
use crate::observe::measure::{is_broadcast, measured_node_blocks};
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::{Scale, TimeUnit};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{BlockRecord, NodeBlockRecord, RunRecord};
use crate::observe::stats::Sample;

const ARRIVED_DASH: &str = "5 3";

/// The figure; `None` without measured blocks.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let sample = |record: &RunRecord, f: fn(&NodeBlockRecord) -> Option<u64>| -> Sample {
        let since =
            |(nb, b): (&NodeBlockRecord, &BlockRecord)| f(nb).map(|ns| ns.saturating_sub(b.slot_start_ns));
        measured_node_blocks(record).map(since).collect()
    };
    // (arm, name, colour, dash, sample)
    let mut curves = Vec::new();
    for (n, record) in records.iter().enumerate() {
        let executes = measured_node_blocks(record).any(|(_, b)| !is_broadcast(record, b.chain));
        curves.push((n, "arrived", sample(record, |nb| nb.arrived_ns)));
        if executes {
            curves.push((n, "verified", sample(record, |nb| nb.verified_ns)));
        }
    }
    curves.retain(|(_, _, sample)| !sample.values().is_empty());
    let longest = curves.iter().filter_map(|(_, _, s)| s.values().last().copied()).max()?;
    // One straggler must not squeeze the curves into a corner.
    let usual = curves.iter().filter_map(|(_, _, s)| s.percentile(990)).max().unwrap_or(longest);
    let shown = longest.min(usual.saturating_mul(2));
    let unit = TimeUnit::for_max(shown);

    let names =
        curves.iter().map(|(n, stage, _)| format!("{} {stage} ({})", records[*n].plan.name, unit.name));
    let mut table = DataTable::new(std::iter::once("share of nodes (%)".to_owned()).chain(names));
    for share in 0..=100 {
        let values =
            curves.iter().map(|(_, _, s)| Cell::maybe(s.percentile(share * 10).map(|ns| unit.of(ns))));
        table.push(std::iter::once(Cell::Int(share.into())).chain(values).collect());
    }

    let mut canvas = Canvas::new(
        "How fast a block reaches the nodes",
        "Share of nodes that hold the block (dashed) and have executed it (solid)",
    );
    let mut legend: Vec<LegendItem> = records
        .iter()
        .enumerate()
        .map(|(n, r)| LegendItem::new(&r.plan.name, theme::series_colour(n), Swatch::Line("")))
        .collect();
    if records.len() == 1 {
        legend.clear();
    }
    for (label, stage, dash) in [("arrived", "arrived", ARRIVED_DASH), ("verified", "verified", "")] {
        if curves.iter().any(|(_, s, _)| *s == stage) {
            legend.push(LegendItem::new(label, theme::FAINT_INK, Swatch::Line(dash)));
        }
    }
    canvas.legend(&legend);
    let panel = Panel::below(
        &mut canvas,
        320.0,
        Scale::from_zero(unit.of(shown)),
        Scale::Linear { low: 0.0, high: 100.0 },
    );
    panel.draw_y(&mut canvas.svg, "nodes (%), all measured blocks together");
    panel.draw_x(&mut canvas.svg, &format!("time since the start of the slot ({})", unit.name));
    for (c, (n, stage, _)) in curves.iter().enumerate() {
        let points: Vec<Option<(f64, f64)>> = table
            .rows
            .iter()
            .map(|row| match (&row[0], &row[c + 1]) {
                (Cell::Int(share), Cell::Num(time)) => Some((*time, *share as f64)),
                _ => None,
            })
            .collect();
        let end = panel.x.ends().1;
        let points: Vec<_> = points.into_iter().map(|p| p.filter(|(time, _)| *time <= end)).collect();
        let dash = if *stage == "arrived" { ARRIVED_DASH } else { theme::series_dash(*n) };
        line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(*n), dash);
    }
    let cut = if shown < longest { " The axis ends at twice the slowest 99th percentile." } else { "" };
    Some(Figure {
        name: "propagation",
        title: "How fast a block reaches the nodes".to_owned(),
        see: "The gap between a dashed and a solid line of one colour is execution; the distance of the dashed \
              line from zero is building and the network. A curve that moves left under a change shows what \
              that change buys; one that stays shows what does not bind."
            .to_owned(),
        how: format!(
            "Over all pairs of a measured block on the winning chain and an observed node; percentiles by \
             nearest rank, every percent; pairs that never happened count in the share, so a curve may end \
             below 100 %.{cut}"
        ),
        svg: canvas.finish(8.0, "Cumulative distribution of block arrival and verification times."),
        table,
    })
}
