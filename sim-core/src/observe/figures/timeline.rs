//! What happened in each slot, from its start to finality.

use super::Figure;
use crate::observe::format;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::{Scale, TimeUnit};
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::observe::record::{BlockRecord, RunRecord};
use crate::scenario::plan::ConsensusPlan;

/// More slots than this would be thinner than a pixel or two.
const MOST_SLOTS: usize = 160;
/// Colours of the stages: publish, arrival p50, arrival p95, verified p95.
const STAGES: [(&str, &str); 4] = [
    ("published", "#c9ced4"),
    ("arrived at 50 %", "#62a8dc"),
    ("arrived at 95 %", "#0b4f8a"),
    ("verified by 95 %", "#e06c10"),
];

/// The figure for the base's first chain; `None` without blocks.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let all: Vec<&BlockRecord> = base.blocks.iter().filter(|b| b.chain == 0).collect();
    let blocks = &all[all.len().saturating_sub(MOST_SLOTS)..];
    let (first, last) = (blocks.first()?.slot, blocks.last()?.slot);
    let times = |b: &BlockRecord| {
        [
            Some(b.published_ns.saturating_sub(b.slot_start_ns)),
            b.arrival_quantiles_ns[0],
            b.arrival_quantiles_ns[2],
            b.verified_quantiles_ns[2],
            b.final_quantiles_ns[2],
        ]
    };
    let slots_plan = match base.plan.chains.first().map(|c| &c.consensus) {
        Some(ConsensusPlan::Slots(p)) => Some(p),
        _ => None,
    };
    let longest = blocks.iter().flat_map(|b| times(b)).flatten().max()?;
    // The deadline and the end of the slot are shown where they are near the data.
    let limits: Vec<(u64, &str)> = slots_plan
        .map(|p| vec![(p.attest_by_ns, "attestation deadline"), (p.slot_ns, "next slot")])
        .unwrap_or_default()
        .into_iter()
        .filter(|(ns, _)| *ns <= longest.saturating_mul(2))
        .collect();
    let shown = limits.iter().map(|(ns, _)| *ns).chain([longest]).max()?;
    let unit = TimeUnit::for_max(shown);

    let mut table = DataTable::new([
        "slot".to_owned(),
        "on the winning chain".to_owned(),
        "measured".to_owned(),
        format!("published ({})", unit.name),
        format!("arrived at 50 % ({})", unit.name),
        format!("arrived at 95 % ({})", unit.name),
        format!("verified by 95 % ({})", unit.name),
        format!("final at 95 % ({})", unit.name),
    ]);
    let yes = |value: bool| Cell::Text(if value { "yes" } else { "no" }.to_owned());
    for b in blocks {
        let mut row = vec![Cell::Int(b.slot.into()), yes(b.canonical), yes(b.measured)];
        row.extend(times(b).map(|t| Cell::maybe(t.map(|ns| unit.of(ns)))));
        table.push(row);
    }

    let mut canvas = Canvas::new(
        "What happens in a slot",
        &format!("Arm `{}`; each bar starts at the slot's start", base.plan.name),
    );
    let mut legend: Vec<LegendItem> =
        STAGES.iter().map(|&(label, colour)| LegendItem::new(label, colour, Swatch::Square)).collect();
    if blocks.iter().all(|b| b.verified_quantiles_ns[2].is_none()) {
        legend.pop();
    }
    if blocks.iter().any(|b| b.final_quantiles_ns[2].is_some()) {
        legend.push(LegendItem::new("final at 95 %", theme::INK, Swatch::Line("")));
    }
    if blocks.iter().any(|b| !b.canonical) {
        legend.push(LegendItem::new("stale block", theme::LIMIT, Swatch::Dot));
    }
    canvas.legend(&legend);
    let x = Scale::Linear { low: f64::from(first) - 0.7, high: f64::from(last) + 0.7 };
    let panel = Panel::below(&mut canvas, 300.0, x, Scale::from_zero(unit.of(shown)));
    if let Some(end) = blocks.iter().filter(|b| !b.measured).map(|b| b.slot).max() {
        let to = panel.px(f64::from(end) + 0.5);
        canvas.svg.rect((panel.left, panel.top, to - panel.left, panel.height), theme::SHADE, "warm-up");
        if to - panel.left > 54.0 {
            canvas.svg.text((panel.left + 5.0, panel.top + 14.0), TextStyle::NOTE, "warm-up");
        }
    }
    panel.draw_y(&mut canvas.svg, &format!("time since the start of the slot ({})", unit.name));
    let width = (panel.px(1.0 + f64::from(first)) - panel.px(f64::from(first))) * 0.72;
    let width = width.min(26.0);
    for b in blocks {
        let middle = panel.px(f64::from(b.slot));
        let mut from = 0_u64;
        for ((label, colour), end) in STAGES.into_iter().zip(times(b)) {
            let Some(end) = end else { continue };
            if end > from {
                let (low, high) = (panel.py(unit.of(from)), panel.py(unit.of(end)));
                let tip = format!("slot {}: {label} after {}", b.slot, format::duration(end));
                canvas.svg.rect((middle - width / 2.0, high, width, low - high), colour, &tip);
                from = end;
            }
        }
        if let Some(end) = b.final_quantiles_ns[2] {
            let y = panel.py(unit.of(end));
            canvas.svg.line((middle - width / 2.0, y), (middle + width / 2.0, y), theme::INK, 2.5, "");
        }
        if !b.canonical {
            canvas.svg.circle(
                (middle, panel.bottom() - 6.0),
                4.0_f64.min(width / 2.0 + 1.0),
                theme::LIMIT,
                1.0,
                "stale block",
            );
        }
    }
    for (ns, label) in limits {
        let y = panel.py(unit.of(ns));
        canvas.svg.line((panel.left, y), (panel.right(), y), theme::LIMIT, 1.2, "5 4");
        let style = TextStyle::NOTE.at(Anchor::End).colour(theme::LIMIT);
        canvas.svg.text((panel.right() - 2.0, y - 5.0), style, label);
    }
    panel.draw_x(&mut canvas.svg, "slot");
    let cut = if all.len() > blocks.len() {
        format!(" The last {MOST_SLOTS} slots are shown.")
    } else {
        String::new()
    };
    let chain = if base.plan.chains.len() > 1 { " The first chain is shown." } else { "" };
    Some(Figure {
        name: "timeline",
        title: "What happens in a slot".to_owned(),
        see: "A bar that crosses the attestation deadline loses votes. The tallest colour is where a slot's time \
              goes for the slowest nodes; bars that grow from slot to slot are a backlog."
            .to_owned(),
        how: format!(
            "Stacked from the slot's start: the block is handed to the network, has arrived at half and at 95 % \
             of the nodes, is executed by 95 %; the line marks finality at 95 %. Stages that end before the one \
             below them are hidden behind it.{cut}{chain}"
        ),
        svg: canvas.finish(8.0, "Per slot: publication, arrival, verification, finality."),
        table,
    })
}
