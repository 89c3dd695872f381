//! Who pays and who gets in while one application is in demand, arm by arm.

use super::Figure;
use crate::observe::burst::{self, BurstSummary, INCLUSION_SLOTS};
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{Group, RunRecord};
use crate::observe::stats::Sample;

/// Slots whose submissions make a point.
const BIN_SLOTS: u64 = 4;

/// Median price that a group's transactions paid, by the time of their submission: (s, gwei).
fn series(record: &RunRecord, group: Group) -> Vec<Option<(f64, f64)>> {
    let Some((_, slot_ns, last_slot)) = burst::burst_of(record) else { return Vec::new() };
    let bin_ns = BIN_SLOTS * slot_ns;
    let mut bins = vec![Vec::new(); (last_slot / BIN_SLOTS + 1) as usize];
    for transaction in record.transactions.iter().filter(|t| t.chain == 0 && t.group == Some(group)) {
        if let Some(bin) = bins.get_mut((transaction.submitted_ns / bin_ns) as usize) {
            bin.extend(burst::price_wei(record, transaction));
        }
    }
    let point = |(n, prices): (usize, Vec<u64>)| {
        let middle_s = (n as f64 + 0.5) * bin_ns as f64 / 1e9;
        let median = prices.into_iter().map(Some).collect::<Sample>().percentile(500)?;
        Some((middle_s, median as f64 / 1e9))
    };
    bins.into_iter().enumerate().map(point).collect()
}

/// The numbers of all arms.
fn table(arms: &[(&RunRecord, BurstSummary)]) -> DataTable {
    let mut table = DataTable::new([
        "arm",
        "group",
        "submitted in the burst",
        "included before",
        "included in the burst",
        "median price before (gwei)",
        "median price in the burst (gwei)",
        "spill-over",
        "median delay before (s)",
        "median delay in the burst (s)",
        "isolation index",
        "utilisation in the burst",
    ]);
    let gwei = |wei: Option<u64>| Cell::maybe(wei.map(|wei| wei as f64 / 1e9));
    let seconds = |ns: Option<u64>| Cell::maybe(ns.map(|ns| ns as f64 / 1e9));
    for (record, summary) in arms {
        for group in summary.groups.iter().filter(|g| g.before.submitted + g.burst.submitted > 0) {
            table.push(vec![
                Cell::Text(record.plan.name.clone()),
                Cell::Text(group.group.to_owned()),
                Cell::Int(group.burst.submitted),
                Cell::Num(group.before.inclusion),
                Cell::Num(group.burst.inclusion),
                gwei(group.before.median_price_wei),
                gwei(group.burst.median_price_wei),
                Cell::maybe(group.spill_over),
                seconds(group.before.median_delay_ns),
                seconds(group.burst.median_delay_ns),
                Cell::maybe(summary.isolation),
                Cell::Num(summary.utilisation[1]),
            ]);
        }
    }
    table
}

/// The figure; `None` where no arm has an application in demand.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let arms: Vec<(&RunRecord, BurstSummary)> =
        records.iter().filter_map(|record| Some((record, burst::summarise(record)?))).collect();
    let (first, _) = arms.first()?;
    let (plan, slot_ns, last_slot) = burst::burst_of(first)?;
    let mut canvas = Canvas::new(
        "Who pays for a burst of demand",
        &format!(
            "Median price paid, by time of submission; the burst lasts from {} to {} s",
            plan.from_ns / 1_000_000_000,
            plan.until_ns / 1_000_000_000
        ),
    );
    let legend = arms.iter().enumerate().map(|(n, (record, _))| {
        LegendItem::new(&record.plan.name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
    });
    canvas.legend(&legend.collect::<Vec<_>>());
    let x = Scale::Linear { low: 0.0, high: (slot_ns * last_slot) as f64 / 1e9 };
    for (group, label) in [(Group::Unrelated, "unrelated pay (gwei)"), (Group::Hot, "bursting pay (gwei)")] {
        let lines: Vec<_> = arms.iter().map(|(record, _)| series(record, group)).collect();
        let prices =
            || lines.iter().flatten().flatten().map(|(_, price)| *price).filter(|price| *price > 0.0);
        if prices().next().is_none() {
            continue;
        }
        let panel = Panel::below(&mut canvas, 190.0, x, Scale::log_around(prices()));
        panel.draw_y(&mut canvas.svg, label);
        for (n, points) in lines.iter().enumerate().rev() {
            let (colour, dash) = (theme::series_colour(n), theme::series_dash(n));
            line::draw(&mut canvas.svg, &panel, points, colour, 2.0, dash);
        }
        panel.draw_x(&mut canvas.svg, "time (s)");
    }
    Some(Figure {
        name: "burst",
        title: "Who pays for a burst of demand".to_owned(),
        see: "Where the unrelated pay as the bursting do, one application's demand is everybody's price. A line that \
              stays flat above and rises below is a market that isolates. Medians are those of who got in: the \
              numbers say how many did."
            .to_owned(),
        how: format!(
            "Base fee, surcharge and tip per gas, of user transactions on the winning chain, in bins of {BIN_SLOTS} \
             slots. Spill-over: median in the burst over the median before, of transactions included within \
             {INCLUSION_SLOTS} slots. Isolation index: 1 - (spill-over of the unrelated - 1) / (that of the bursting \
             - 1), left out where the bursting pay no more than before."
        ),
        svg: canvas.finish(8.0, "Median price paid over time, by arm, for unrelated and bursting transactions."),
        table: table(&arms),
    })
}
