//! Who uses the block space of rollups, who pays for it, who gains; how far apart prices are over time.

use super::Figure;
use crate::observe::dispersion::{self, Dispersion};
use crate::observe::format::percent;
use crate::observe::plot::bars::{self, Piece, Row};
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{Party, RunRecord};
use crate::observe::welfare::{self, Welfare};

/// Shares of gas and of fees by party, arm by arm.
pub fn block_space(records: &[RunRecord]) -> Option<Figure> {
    let mut table = DataTable::new([
        "arm",
        "fleet",
        "party",
        "transactions",
        "swapped nothing",
        "reverted",
        "share of gas",
        "share of fees",
        "surplus (ETH)",
        "fees (ETH)",
        "net (ETH)",
    ]);
    let mut bars: Vec<Row> = Vec::new();
    for run in records {
        for fleet in &run.rollups.fleets {
            let Some(welfare) = welfare::summarise(run, fleet) else { continue };
            for entry in welfare::ledger(&welfare) {
                let int = |value: Option<u64>| value.map_or(Cell::maybe(None), Cell::Int);
                table.push(vec![
                    Cell::Text(run.plan.name.clone()),
                    Cell::Text(fleet.name.clone()),
                    Cell::Text(entry.name.to_owned()),
                    int(entry.sent.map(|s| s.included)),
                    int(entry.sent.map(|s| s.idle)),
                    int(entry.sent.map(|s| s.reverted)),
                    Cell::maybe(entry.gas_share),
                    Cell::maybe(entry.fee_share),
                    Cell::Num(entry.surplus_eth),
                    Cell::Num(entry.fees_eth),
                    Cell::Num(entry.net_eth()),
                ]);
            }
            let name = if run.rollups.fleets.len() > 1 {
                format!("{}, {}", run.plan.name, fleet.name)
            } else {
                run.plan.name.clone()
            };
            bars.extend(pair(&name, &welfare));
        }
    }
    if bars.is_empty() {
        return None;
    }
    let subtitle = "Gas of the rollups' blocks and fees for it; the number is the searchers' part";
    let mut canvas = Canvas::new("Who uses the block space, and who pays for it", subtitle);
    let legend = Party::ALL.iter().enumerate();
    let legend =
        legend.map(|(n, party)| LegendItem::new(party.name(), theme::series_colour(n), Swatch::Square));
    canvas.legend(&legend.collect::<Vec<LegendItem>>());
    bars::stacked_rows(&mut canvas, &bars, "share (%)");
    Some(Figure {
        name: "block-space",
        title: "Who uses the block space, and who pays for it".to_owned(),
        see: "Searchers probe for trades that are mostly not there. The cheaper gas is, the more of it they use; with low tips \
              their part of the fees stays below their part of the gas."
            .to_owned(),
        how: "Transactions in blocks over the whole run. Surplus: what swaps bought less what they sold at the tokens' values \
              outside when they were executed, in ether at the worth of liquidity that the plan states; pools: from their \
              own storage. Rollups: fees received less what they paid to the L1. Net sums to zero."
            .to_owned(),
        svg: canvas.finish(8.0, "Stacked bars of gas and fees by party, two an arm."),
        table,
    })
}

fn pair(name: &str, welfare: &Welfare) -> [Row; 2] {
    let row = |what: &str, share: &dyn Fn(Party) -> f64, group_start: bool| Row {
        label: format!("{name}: {what}"),
        pieces: Party::ALL
            .iter()
            .enumerate()
            .map(|(n, party)| Piece {
                value: share(*party) * 100.0,
                colour: theme::series_colour(n),
                tip: format!("{}: {}", party.name(), percent(share(*party))),
            })
            .collect(),
        end: percent(share(Party::Searcher)),
        group_start,
    };
    [
        row("gas", &|party| welfare.gas_share(party), true),
        row("fees", &|party| welfare.fee_share(party), false),
    ]
}

/// How far apart prices are over time, arm by arm.
pub fn dispersion(records: &[RunRecord]) -> Option<Figure> {
    const EVERY: usize = 5;
    let mut table = DataTable::new(["arm", "s", "off prices outside", "rollups apart"]);
    let mut arms: Vec<(&RunRecord, Dispersion, bool)> = Vec::new();
    for run in records {
        for fleet in &run.rollups.fleets {
            let Some(found) = dispersion::summarise(run, fleet) else { continue };
            for point in found.points.iter().step_by(EVERY) {
                table.push(vec![
                    Cell::Text(run.plan.name.clone()),
                    Cell::Num(point.at_ns as f64 / 1e9),
                    Cell::Num(point.mispricing),
                    Cell::Num(point.distance),
                ]);
            }
            arms.push((run, found, fleet.rollups > 1));
        }
    }
    let last_s =
        arms.iter().filter_map(|(_, found, _)| found.points.last()).map(|p| p.at_ns).max()? as f64 / 1e9;
    let several = arms.iter().any(|(_, _, several)| *several);
    let value = |point: &dispersion::Point| if several { point.distance } else { point.mispricing };
    let most = arms.iter().flat_map(|(_, found, _)| &found.points).map(value).fold(0.0, f64::max);
    let subtitle = if several {
        "Root mean square distance of pools' prices from the mean of all rollups"
    } else {
        "Root mean square distance of pools' prices from those outside"
    };
    let mut canvas = Canvas::new("How far apart prices are over time", subtitle);
    let legend = arms.iter().enumerate().map(|(n, (run, found, several))| {
        let half_life = if *several { found.distance_half_life_ns } else { found.mispricing_half_life_ns };
        let half_life = half_life
            .map_or("no half-life seen".to_owned(), |ns| format!("half-life {:.0} s", ns as f64 / 1e9));
        let label = format!("{} ({half_life})", run.plan.name);
        LegendItem::new(&label, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
    });
    canvas.legend(&legend.collect::<Vec<LegendItem>>());
    let panel = Panel::below(
        &mut canvas,
        220.0,
        Scale::from_zero(last_s),
        Scale::from_zero((most * 100.0).max(1e-9)),
    );
    panel.draw_y(&mut canvas.svg, "apart by (%)");
    panel.draw_x(&mut canvas.svg, "time (s)");
    for (n, (_, found, _)) in arms.iter().enumerate().rev() {
        let points = found.points.iter().step_by(EVERY);
        let points: Vec<_> = points.map(|p| Some((p.at_ns as f64 / 1e9, value(p) * 100.0))).collect();
        line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 1.6, theme::series_dash(n));
    }
    Some(Figure {
        name: "dispersion",
        title: "How far apart prices are over time".to_owned(),
        see: "Arbitrage and people's own trades pull prices together, spread-out liquidity and moves outside push them apart."
            .to_owned(),
        how: format!(
            "Logarithms of prices after the last swap, {} moments of the measured part, every fifth drawn. Half-life: the \
             time at which their autocorrelation about zero, over all pools, falls to one half.",
            dispersion::STEPS
        ),
        svg: canvas.finish(8.0, "Root mean square distance of prices over time, one line an arm."),
        table,
    })
}
