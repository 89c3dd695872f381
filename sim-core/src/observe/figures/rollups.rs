//! Rollups: what users wait for, blobs and their price, and what the number of rollups changes.

use super::Figure;
use crate::observe::derivation;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{BlobBlockRecord, RunRecord};
use crate::observe::rollups::{self, LABELS};
use crate::observe::stats::Sample;

/// What a transaction is at a node that took it from the L1.
const DERIVED: &str = "derived";

/// Time to each label, by fleet, for the base.
pub fn labels(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let fleets = rollups::fleets(base);
    let derived: Vec<Option<Sample>> =
        fleets.iter().map(|f| derivation::summarise(base, f.fleet).map(|found| found.since)).collect();
    let samples = fleets.iter().flat_map(|f| &f.labels).chain(derived.iter().flatten());
    let longest = samples.filter_map(|s| s.values().last().copied()).max()?;
    let mut table =
        DataTable::new(["fleet", "label", "p50 (s)", "p95 (s)", "p99 (s)", "transactions", "without it"]);
    let seconds = |ns: u64| ns as f64 / 1e9;
    for (fleet, derived) in fleets.iter().zip(&derived) {
        let further = derived.iter().map(|sample| (&DERIVED, sample));
        for (label, sample) in LABELS.iter().zip(&fleet.labels).chain(further) {
            let [p50, p95, p99] = [500, 950, 990].map(|p| Cell::maybe(sample.percentile(p).map(seconds)));
            let counts = [Cell::Int(sample.len()), Cell::Int(sample.missing())];
            let names = [Cell::Text(fleet.fleet.name.clone()), Cell::Text((*label).to_owned())];
            table.push(names.into_iter().chain([p50, p95, p99]).chain(counts).collect());
        }
    }
    let subtitle = format!("Arm: {}; from handing in a transaction, at the user's node", base.plan.name);
    let mut canvas = Canvas::new("What users of rollups wait for", &subtitle);
    let further = derived.iter().flatten().next().map(|_| &DERIVED);
    let legend = LABELS.iter().chain(further).enumerate();
    let legend: Vec<LegendItem> =
        legend.map(|(n, l)| LegendItem::new(*l, theme::series_colour(n), Swatch::Line(""))).collect();
    canvas.legend(&legend);
    let shortest = fleets.iter().filter_map(|f| f.labels[0].values().first().copied()).min().unwrap_or(1);
    let x = Scale::log_around([seconds(shortest.max(1)), seconds(longest)].into_iter());
    for (fleet, derived) in fleets.iter().zip(&derived) {
        let panel = Panel::below(&mut canvas, 110.0, x, Scale::Linear { low: 0.0, high: 100.0 });
        panel.draw_y(&mut canvas.svg, &format!("{} (%)", fleet.fleet.name));
        panel.draw_x(&mut canvas.svg, "time since submission (s)");
        for (n, sample) in fleet.labels.iter().chain(derived).enumerate() {
            let point = |share: u32| Some((seconds(sample.percentile(share * 10)?), f64::from(share)));
            let points: Vec<_> = (0..=100).map(point).collect();
            line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 2.2, "");
        }
    }
    Some(Figure {
        name: "rollup-labels",
        title: "What users of rollups wait for".to_owned(),
        see: "The gap between two curves is what the later label costs: between soft and posted the wait for the \
              batch, between L1-final and proven the proof and its window."
            .to_owned(),
        how: "Measured transactions that were not dropped; those that never got a label count in the share. Soft: \
              the sequencer's confirmation is at the user's gateway. Posted: the gateway has executed the L1 block \
              with the batch. L1-final: that block is final there. Proven: the proof's L1 block is final there and \
              the window over, which is added by rule. Derived, where there are nodes that take only what is on the L1: such a \
              node has executed the transaction's block."
            .to_owned(),
        svg: canvas.finish(8.0, "Cumulative distributions of the time to each label, by fleet."),
        table,
    })
}

/// Blobs and the price of blob gas, slot by slot, all arms.
pub fn blobs(records: &[RunRecord]) -> Option<Figure> {
    let of = |run: &RunRecord| -> Vec<BlobBlockRecord> {
        run.rollups.blob_blocks.iter().filter(|b| b.canonical && b.chain == 0).cloned().collect()
    };
    let arms: Vec<(&RunRecord, Vec<BlobBlockRecord>)> = records.iter().map(|run| (run, of(run))).collect();
    let all = || arms.iter().flat_map(|(_, blocks)| blocks);
    let (most, last) = (all().map(|b| b.max).max()?, all().map(|b| b.slot).max()?);
    let mut table = DataTable::new(["arm", "slot", "blobs", "price of blob gas (wei)", "excess (blob gas)"]);
    for (run, blocks) in &arms {
        for b in blocks {
            table.push(vec![
                Cell::Text(run.plan.name.clone()),
                Cell::Int(b.slot.into()),
                Cell::Int(b.blobs.into()),
                Cell::Num(b.blob_fee_wei as f64),
                Cell::Int(b.excess),
            ]);
        }
    }
    let mut canvas = Canvas::new("Blobs and their price", "Blocks on the L1's winning chain");
    let legend: Vec<LegendItem> = arms
        .iter()
        .enumerate()
        .map(|(n, (run, _))| {
            LegendItem::new(&run.plan.name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
        })
        .collect();
    canvas.legend(&legend);
    let x = Scale::from_zero(f64::from(last));
    let upper = Panel::below(&mut canvas, 170.0, x, Scale::from_zero(f64::from(most)));
    upper.draw_y(&mut canvas.svg, "blobs in the block");
    upper.draw_x(&mut canvas.svg, "slot");
    if let Some(first) = all().next() {
        for level in [first.target, first.max].map(f64::from) {
            let ends = [Some((0.0, level)), Some((f64::from(last), level))];
            line::draw(&mut canvas.svg, &upper, &ends, theme::LIMIT, 1.5, "5 4");
        }
    }
    let lower = Panel::below(&mut canvas, 170.0, x, Scale::log_around(all().map(|b| b.blob_fee_wei as f64)));
    lower.draw_y(&mut canvas.svg, "price of blob gas (wei)");
    lower.draw_x(&mut canvas.svg, "slot");
    for (n, (_, blocks)) in arms.iter().enumerate().rev() {
        let (colour, dash) = (theme::series_colour(n), theme::series_dash(n));
        let points: Vec<_> = blocks.iter().map(|b| Some((f64::from(b.slot), f64::from(b.blobs)))).collect();
        line::draw(&mut canvas.svg, &upper, &points, colour, 1.6, dash);
        let points: Vec<_> =
            blocks.iter().map(|b| Some((f64::from(b.slot), b.blob_fee_wei as f64))).collect();
        line::draw(&mut canvas.svg, &lower, &points, colour, 1.6, dash);
    }
    Some(Figure {
        name: "blobs",
        title: "Blobs and their price".to_owned(),
        see: "Blocks above the target raise the price, blocks below it lower it. At the upper dashed line the data \
              layer is full: who waits then waits for blobs, or for the price."
            .to_owned(),
        how: "As recorded in the blocks, warm-up included; excess and price follow EIP-4844 with the schedule in the \
              plan. Dashed: target and most."
            .to_owned(),
        svg: canvas.finish(8.0, "Blobs a block and price of blob gas by slot."),
        table,
    })
}

/// What happened by number of rollups, one point an arm.
pub fn scale(records: &[RunRecord]) -> Option<Figure> {
    let mut table = DataTable::new([
        "arm",
        "rollups",
        "used",
        "posted",
        "with something to post left",
        "executed transactions",
        "posted transactions",
        "data cost of one (gwei)",
        "blob bytes a second",
        "batch bytes a second",
        "bound at the target (bytes/s)",
        "bound at most (bytes/s)",
        "events",
        "simulator memory for rollups (bytes)",
    ]);
    let mut points = Vec::new();
    for run in records {
        let Some(data) = rollups::data(run) else { continue };
        let fleets = rollups::fleets(run);
        let sum = |get: &dyn Fn(&rollups::FleetSummary<'_>) -> u64| fleets.iter().map(get).sum::<u64>();
        let total = sum(&|f| f.fleet.rollups);
        let (used, posted) = (sum(&|f| f.fleet.active), sum(&|f| f.fleet.posted_something));
        let cost_wei: f64 = fleets.iter().map(|f| f.data_cost_wei).sum();
        let (executed, on_l1) = (sum(&|f| f.fleet.included), sum(&|f| f.posted_transactions));
        table.push(vec![
            Cell::Text(run.plan.name.clone()),
            Cell::Int(total),
            Cell::Int(used),
            Cell::Int(posted),
            Cell::Int(sum(&|f| f.fleet.waiting_to_post)),
            Cell::Int(executed),
            Cell::Int(on_l1),
            Cell::maybe((on_l1 > 0).then(|| cost_wei / 1e9 / on_l1 as f64)),
            Cell::Num(data.blob_bytes_per_s),
            Cell::Num(data.payload_bytes_per_s),
            Cell::Int(data.bound_bytes_per_s[0]),
            Cell::Int(data.bound_bytes_per_s[1]),
            Cell::Int(run.events),
            Cell::Int(sum(&|f| f.fleet.heap_bytes)),
        ]);
        points.push((total as f64, [used, posted], on_l1 as f64 / (executed as f64).max(1.0)));
    }
    let apart = points.iter().any(|p| p.0 != points[0].0);
    if !apart {
        return None;
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut canvas =
        Canvas::new("What the number of rollups changes", "One point an arm; same demand in all");
    canvas.legend(&[
        LegendItem::new("used", theme::series_colour(3), Swatch::Dot),
        LegendItem::new("with a batch on the L1", theme::series_colour(1), Swatch::Dot),
    ]);
    let x = Scale::log_around(points.iter().map(|p| p.0));
    let upper = Panel::below(&mut canvas, 190.0, x, Scale::log_around(points.iter().map(|p| p.0)));
    upper.draw_y(&mut canvas.svg, "rollups");
    upper.draw_x(&mut canvas.svg, "rollups there are");
    let lower = Panel::below(&mut canvas, 150.0, x, Scale::Linear { low: 0.0, high: 100.0 });
    lower.draw_y(&mut canvas.svg, "executed transactions that are on the L1 (%)");
    lower.draw_x(&mut canvas.svg, "rollups there are");
    for (total, counts, share) in &points {
        for (count, colour) in counts.iter().zip([theme::series_colour(3), theme::series_colour(1)]) {
            canvas.svg.circle((upper.px(*total), upper.py(*count as f64)), 5.0, colour, 1.0, "");
        }
        let at = (lower.px(*total), lower.py(share * 100.0));
        canvas.svg.circle(at, 5.0, theme::INK, 1.0, &format!("{:.1} %", share * 100.0));
    }
    Some(Figure {
        name: "rollup-scale",
        title: "What the number of rollups changes".to_owned(),
        see: "Where the lower points fall, rollups that post alone no longer share the data layer but queue for it."
            .to_owned(),
        how: "Counts at the end of the run over the whole of it. Used: sent at least one transaction; the others \
              are not simulated. Memory is what the arrays hold, states not counted."
            .to_owned(),
        svg: canvas.finish(8.0, "Rollups used and posted, and share of transactions posted, by number of rollups."),
        table,
    })
}
