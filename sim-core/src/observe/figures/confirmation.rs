//! How long users wait, by region.

use super::Figure;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::{Scale, TimeUnit};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{RunRecord, TransactionRecord};
use crate::observe::stats::Sample;

/// The figure for the base; `None` without measured user transactions that were included.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let sample = |region: Option<u32>, f: fn(&TransactionRecord) -> Option<u64>| -> Sample {
        let here = |t: &&TransactionRecord| t.measured && region.is_none_or(|r| t.region == r);
        let since = |t: &TransactionRecord| f(t).map(|ns| ns.saturating_sub(t.submitted_ns));
        base.transactions.iter().filter(here).map(since).collect()
    };
    let mut curves = Vec::new();
    let mut add = |name: String, region: Option<u32>| {
        let included = sample(region, |t| t.included_ns);
        if !included.is_empty() {
            curves.push((name, included, sample(region, |t| t.final_ns)));
        }
    };
    add("all regions".to_owned(), None);
    for (index, region) in base.plan.network.latency.regions.iter().enumerate() {
        add(region.name.clone(), Some(index as u32));
    }
    let times = || curves.iter().flat_map(|(_, included, last)| [included, last]);
    let longest = times().filter_map(|s| s.values().last().copied()).max()?;
    let usual = times().filter_map(|s| s.percentile(950)).max().unwrap_or(longest);
    let shown = longest.min(usual.saturating_mul(2));
    let unit = TimeUnit::for_max(shown);

    let columns = curves.iter().flat_map(|(name, _, _)| {
        [format!("{name} included ({})", unit.name), format!("{name} final ({})", unit.name)]
    });
    let mut table = DataTable::new(std::iter::once("share of transactions (%)".to_owned()).chain(columns));
    for share in 0..=100_u32 {
        let mut row = vec![Cell::Int(share.into())];
        for (_, included, last) in &curves {
            for sample in [included, last] {
                row.push(Cell::maybe(sample.percentile(share * 10).map(|ns| unit.of(ns))));
            }
        }
        table.push(row);
    }

    let mut canvas = Canvas::new(
        "How long users wait",
        &format!("Arm `{}`; from handing in a transaction, by the user's region", base.plan.name),
    );
    let legend: Vec<LegendItem> = curves
        .iter()
        .enumerate()
        .map(|(n, (name, _, _))| {
            LegendItem::new(name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
        })
        .collect();
    canvas.legend(&legend);
    let x = Scale::from_zero(unit.of(shown));
    let panels = Panel::row(&mut canvas, 2, 280.0, x, Scale::Linear { low: 0.0, high: 100.0 });
    for (which, (panel, label)) in panels.iter().zip(["included", "final"]).enumerate() {
        panel.draw_y(&mut canvas.svg, &format!("transactions {label} (%)"));
        panel.draw_x(&mut canvas.svg, &format!("time since submission ({})", unit.name));
        for n in (0..curves.len()).rev() {
            let point = |row: &Vec<Cell>| match (&row[0], &row[1 + 2 * n + which]) {
                (Cell::Int(share), Cell::Num(time)) if *time <= panel.x.ends().1 => {
                    Some((*time, *share as f64))
                }
                _ => None,
            };
            let points: Vec<_> = table.rows.iter().map(point).collect();
            let (colour, dash) = (theme::series_colour(n), theme::series_dash(n));
            line::draw(&mut canvas.svg, panel, &points, colour, dash);
        }
    }
    let cut = if shown < longest { " The axis ends at twice the slowest 95th percentile." } else { "" };
    Some(Figure {
        name: "confirmation",
        title: "How long users wait".to_owned(),
        see:
            "Waiting for the next slot spreads the curves evenly over one slot time; a long tail on the left \
              panel is a full mempool or an outbid fee, a shift between regions is distance."
                .to_owned(),
        how: format!(
            "Measured user transactions. Included: the user's RPC node has verified the block that holds the \
             transaction; final: that block is final there. Transactions that never got there count in the \
             share.{cut}"
        ),
        svg: canvas.finish(8.0, "Cumulative distributions of user confirmation latency by region."),
        table,
    })
}
