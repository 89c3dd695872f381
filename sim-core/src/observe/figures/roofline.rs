//! Execution per wire byte against what the wires can carry.

use super::Figure;
use crate::observe::format;
use crate::observe::measure::{counts, is_broadcast};
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{BlockRecord, NodeBlockRecord, Part, Resource, RunRecord};
use crate::observe::stats::Sample;
use crate::observe::verdict::groups;

/// One block's dot.
struct Dot {
    arm: usize,
    slot: u32,
    /// Execution at the median node per wire byte, ns/byte.
    intensity: f64,
    /// `scheduled_ns` (speed 1) per wire byte, ns/byte.
    reference: f64,
    /// Publication to arrival at 95 % of the nodes, per wire byte, ns/byte.
    network: Option<f64>,
    /// Wire bytes over publication to verified by 95 %, Mbit/s.
    pace: Option<f64>,
}

/// The figure; `None` where no measured block has both size and execution time.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let dots: Vec<Dot> = records.iter().enumerate().flat_map(|(arm, record)| dots(arm, record)).collect();
    if dots.is_empty() {
        return None;
    }
    let base = records.first()?;
    // Ridges of the base: where execution per byte equals network time per byte.
    let machine = median_uplink_bps(base).map(|bps| 8e9 / bps);
    let network = median(dots.iter().filter(|d| d.arm == 0).filter_map(|d| d.network));

    let mut table = DataTable::new([
        "arm",
        "slot",
        "execution at the median node (ns/byte)",
        "execution at speed 1 (ns/byte)",
        "network to p95 (ns/byte)",
        "achieved pace (Mbit/s)",
    ]);
    for d in &dots {
        table.push(vec![
            Cell::Text(records[d.arm].plan.name.clone()),
            Cell::Int(d.slot.into()),
            Cell::Num(d.intensity),
            Cell::Num(d.reference),
            Cell::maybe(d.network),
            Cell::maybe(d.pace),
        ]);
    }

    // Pace in Mbit/s of something that takes so many ns per byte.
    let pace = |ns_per_byte: f64| 8e3 / ns_per_byte;
    let mut canvas = Canvas::new(
        "Roofline: do the wires or the cores bind?",
        "Each dot is a block; left of a ridge bandwidth binds, right of it execution",
    );
    let mut legend: Vec<LegendItem> = Vec::new();
    for (n, r) in records.iter().enumerate().filter(|(n, _)| dots.iter().any(|d| d.arm == *n)) {
        legend.push(LegendItem::new(&r.plan.name, theme::series_colour(n), Swatch::Dot));
    }
    legend.push(LegendItem::new(
        "roof: execution alone",
        theme::resource_colour(Resource::Execution),
        Swatch::Line(""),
    ));
    if machine.is_some() {
        legend.push(LegendItem::new(
            "roof: one copy over the median uplink",
            theme::resource_colour(Resource::Uplink),
            Swatch::Line(""),
        ));
    }
    if network.is_some() {
        legend.push(LegendItem::new(
            "roof: measured network, p95",
            theme::resource_colour(Resource::Uplink),
            Swatch::Line("6 4"),
        ));
    }
    canvas.legend(&legend);
    let ridges = [machine, network];
    let x = Scale::log_around(dots.iter().map(|d| d.intensity).chain(ridges.into_iter().flatten()));
    let roofs = ridges.into_iter().flatten().map(|ns| pace(ns) * 2.0);
    let y = Scale::log_around(dots.iter().filter_map(|d| d.pace).chain(roofs));
    let panel = Panel::below(&mut canvas, 330.0, x, y);

    let ((left, right), (floor, ceiling)) = (x.ends(), y.ends());
    if let Some(ridge) = network.or(machine) {
        let at = panel.px(ridge);
        canvas.svg.rect((panel.left, panel.top, at - panel.left, panel.height), "#eef5fb", "");
        canvas.svg.rect((at, panel.top, panel.right() - at, panel.height), "#fdf3e9", "");
        let height = panel.bottom() - 10.0;
        let style = TextStyle::NOTE.bold();
        if at - panel.left > 120.0 {
            let colour = theme::resource_colour(Resource::Uplink);
            canvas.svg.text((panel.left + 8.0, height), style.colour(colour), "bandwidth binds");
        }
        if panel.right() - at > 120.0 {
            let colour = theme::resource_colour(Resource::Execution);
            canvas.svg.text(
                (panel.right() - 8.0, height),
                style.at(Anchor::End).colour(colour),
                "execution binds",
            );
        }
    }
    panel.draw_y(
        &mut canvas.svg,
        "pace of a block: its bytes over the time from publication to verified by 95 % (Mbit/s)",
    );
    panel.draw_x(&mut canvas.svg, "execution per byte on the wire (ns/byte)");
    // The execution roof, cut at the panel's edges.
    let (from, to) = (left.max(8e3 / ceiling), right.min(8e3 / floor));
    if from < to {
        let ends = [Some((from, pace(from))), Some((to, pace(to)))];
        line::draw(&mut canvas.svg, &panel, &ends, theme::resource_colour(Resource::Execution), "");
    }
    for (ridge, dash, label) in [(machine, "", "machine's ridge"), (network, "6 4", "network's ridge")] {
        let Some(ridge) = ridge else { continue };
        let colour = theme::resource_colour(Resource::Uplink);
        line::draw(
            &mut canvas.svg,
            &panel,
            &[Some((left, pace(ridge))), Some((ridge, pace(ridge)))],
            colour,
            dash,
        );
        let at = panel.px(ridge);
        canvas.svg.line((at, panel.py(pace(ridge))), (at, panel.bottom()), theme::FAINT_INK, 1.2, "2 3");
        let text = format!("{label}: {} ns/byte", format::three_digits(ridge));
        let near_end = panel.right() - at < theme::text_width(&text, theme::TICK_SIZE) + 10.0;
        let (anchor, shift) = if near_end { (Anchor::End, -6.0) } else { (Anchor::Start, 6.0) };
        canvas.svg.text((at + shift, panel.py(pace(ridge)) - 7.0), TextStyle::NOTE.at(anchor), &text);
    }
    for d in &dots {
        let Some(achieved) = d.pace else { continue };
        let tip = format!(
            "{}, slot {}: {} ns/byte, {} Mbit/s",
            records[d.arm].plan.name,
            d.slot,
            format::three_digits(d.intensity),
            format::three_digits(achieved)
        );
        let at = (panel.px(d.intensity), panel.py(achieved));
        canvas.svg.circle(at, 4.5, theme::series_colour(d.arm), 0.8, &tip);
    }
    Some(Figure {
        name: "roofline",
        title: "Roofline: do the wires or the cores bind?".to_owned(),
        see: "Blocks left of the network's ridge spend more time on the wires than in the EVM: more bandwidth \
              helps, a faster EVM does not. Right of it the reverse. No dot can lie above the execution roof or \
              the machine's roof; the distance below them is latency, queueing and copies to other peers."
            .to_owned(),
        how: "Across: time the median observed node needs to execute the block, over its bytes on the wire \
              (the table also has the reference core's). The machine's ridge is the time of one byte on the \
              median node's uplink: a network that needs a single copy cannot beat it. The network's ridge is \
              the median over the base's blocks of (arrival at 95 % of the nodes - publication) / bytes: the \
              execution per byte at which executing takes as long as spreading; it contains latency, so it \
              moves left for larger blocks. Ridges and roofs are the base's. Both axes are logarithmic."
            .to_owned(),
        svg: canvas.finish(8.0, "Blocks by execution time per wire byte and achieved pace, with ridges."),
        table,
    })
}

fn dots(arm: usize, record: &RunRecord) -> Vec<Dot> {
    let mut dots = Vec::new();
    for group in groups(record) {
        let Some(block) = record.blocks.get(group[0].block as usize) else { continue };
        if !counts(block) || block.size_bytes == 0 || is_broadcast(record, block.chain) {
            continue;
        }
        let bytes = block.size_bytes as f64;
        let execution_ns = executed_ns(group).unwrap_or(block.execution.scheduled_ns);
        if execution_ns == 0 {
            continue;
        }
        let published = block.published_ns.saturating_sub(block.slot_start_ns);
        let after =
            |quantile: Option<u64>| quantile.map(|ns| ns.saturating_sub(published)).filter(|&ns| ns > 0);
        dots.push(Dot {
            arm,
            slot: block.slot,
            intensity: execution_ns as f64 / bytes,
            reference: block.execution.scheduled_ns as f64 / bytes,
            network: after(block.arrival_quantiles_ns[2]).map(|ns| ns as f64 / bytes),
            pace: after(quantile_95(block)).map(|ns| bytes * 8e3 / ns as f64),
        });
    }
    dots
}

fn quantile_95(block: &BlockRecord) -> Option<u64> {
    block.verified_quantiles_ns[2]
}

/// Median over observed nodes of the time spent executing the block; the proposer, who executes it while
/// building, is left out.
fn executed_ns(group: &[NodeBlockRecord]) -> Option<u64> {
    let executed = group.iter().filter(|nb| nb.verified_ns.is_some());
    let times: Sample =
        executed.map(|nb| nb.to_verified.get(Part::Execution)).filter(|&ns| ns > 0).map(Some).collect();
    times.percentile(500)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().div_ceil(2).saturating_sub(1)).copied()
}

/// Median over nodes of the scaled uplink rate, bit/s.
fn median_uplink_bps(record: &RunRecord) -> Option<f64> {
    let scale = record.plan.network.bandwidth_scale_ppm as f64 / 1e6;
    let rate =
        |class: u32| record.plan.nodes.hardware.get(class as usize).map(|(c, _)| c.up_bps as f64 * scale);
    median(record.nodes.iter().filter_map(|n| rate(n.class))).filter(|bps| *bps > 0.0)
}
