//! Bridges: how long journeys take, how they end, and what relayers have at hand.

use super::Figure;
use crate::observe::bridges::{self, TravellersSummary};
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{InventoryRecord, OUTCOMES, RunRecord};

fn legend(names: impl Iterator<Item = String>) -> Vec<LegendItem> {
    let item = |(n, name): (usize, String)| {
        LegendItem::new(&name, theme::series_colour(n), Swatch::Line(theme::series_dash(n)))
    };
    names.enumerate().map(item).collect()
}

/// Completion times of journeys, one line an arm and kind of travellers.
pub fn journeys(records: &[RunRecord]) -> Option<Figure> {
    let all: Vec<(&RunRecord, TravellersSummary)> =
        records.iter().flat_map(|run| bridges::travellers(run).into_iter().map(move |t| (run, t))).collect();
    let head = ["arm", "travellers", "bridge", "journeys", "under way", "p50 (s)", "p95 (s)", "p99 (s)"];
    let tail = ["failed", "value lost", "bridges kept", "crossings", "went through", "gas (ether)"];
    let mut table = DataTable::new(head.into_iter().chain(OUTCOMES).chain(tail));
    let seconds = |ns: u64| ns as f64 / 1e9;
    for (run, found) in &all {
        let mut row = vec![
            Cell::Text(run.plan.name.clone()),
            Cell::Text(found.name.clone()),
            Cell::Text(found.bridge.clone().unwrap_or_else(|| "-".to_owned())),
            Cell::Int(found.started),
            Cell::Int(found.under_way),
        ];
        row.extend([500, 950, 990].map(|p| Cell::maybe(found.completion.percentile(p).map(seconds))));
        row.extend(found.outcomes.map(Cell::Int));
        row.extend([found.failure_rate(), found.loss, found.bridge_fees, found.hops].map(Cell::maybe));
        row.extend([found.through, found.gas_eth].map(Cell::maybe));
        table.push(row);
    }
    let values = || all.iter().flat_map(|(_, found)| found.completion.values());
    let (least, most) = (values().copied().min()?, values().copied().max()?);
    let mut canvas =
        Canvas::new("How long journeys take", "From the start until the traveller knows that it is done");
    canvas.legend(&legend(all.iter().map(|(run, found)| format!("{}: {}", run.plan.name, found.name))));
    let x = Scale::log_around([seconds(least.max(1)), seconds(most.max(2))].into_iter());
    let panel = Panel::below(&mut canvas, 240.0, x, Scale::Linear { low: 0.0, high: 100.0 });
    panel.draw_y(&mut canvas.svg, "journeys (%)");
    panel.draw_x(&mut canvas.svg, "time (s)");
    for (n, (_, found)) in all.iter().enumerate().rev() {
        let point = |share: u32| Some((seconds(found.completion.percentile(share * 10)?), f64::from(share)));
        let points: Vec<_> = (0..=100).map(point).collect();
        line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 2.2, theme::series_dash(n));
    }
    Some(Figure {
        name: "journeys",
        title: "How long journeys take".to_owned(),
        see: "Each curve ends at the share that got where it wanted; what is missing to the top failed, or was under way \
              when the run ended. The table has the reasons."
            .to_owned(),
        how: "Measured journeys. A journey that was done late counts with its time. Value lost: against the price outside, or \
              at home where there is none, when it started; over all that was brought by those that ended well."
            .to_owned(),
        svg: canvas.finish(8.0, "Cumulative distributions of completion times, one line an arm and kind of travellers."),
        table,
    })
}

/// What relayers have at hand and are owed over time.
pub fn inventories(records: &[RunRecord]) -> Option<Figure> {
    let mut table = DataTable::new(["arm", "bridge", "time (s)", "at hand (pools)", "owed (pools)"]);
    let mut all: Vec<(String, Vec<InventoryRecord>)> = Vec::new();
    for run in records {
        for found in &run.rollups.bridges {
            let of_chain = run.rollups.bridges.iter().filter(|other| other.chain == found.chain);
            let number = of_chain.take_while(|other| other.name != found.name).count() as u32;
            let of = |i: &&InventoryRecord| i.chain == found.chain && i.bridge == number;
            let samples: Vec<InventoryRecord> = run.rollups.inventories.iter().filter(of).copied().collect();
            for sample in &samples {
                table.push(vec![
                    Cell::Text(run.plan.name.clone()),
                    Cell::Text(found.name.clone()),
                    Cell::Num(sample.at_ns as f64 / 1e9),
                    Cell::Num(sample.idle),
                    Cell::Num(sample.owed),
                ]);
            }
            if !samples.is_empty() {
                all.push((format!("{}: {}", run.plan.name, found.name), samples));
            }
        }
    }
    let samples = || all.iter().flat_map(|(_, samples)| samples);
    let last = samples().map(|sample| sample.at_ns).max()? as f64 / 1e9;
    let mut canvas =
        Canvas::new("What relayers have", "Over a pool with all liquidity, summed over rollups and tokens");
    canvas.legend(&legend(all.iter().map(|(name, _)| name.clone())));
    for (name, is_owed) in [("at hand", false), ("owed", true)] {
        let get = |sample: &InventoryRecord| if is_owed { sample.owed } else { sample.idle };
        let most = samples().map(get).fold(0.0, f64::max).max(1e-9);
        let panel = Panel::below(&mut canvas, 130.0, Scale::from_zero(last), Scale::from_zero(most));
        panel.draw_y(&mut canvas.svg, name);
        panel.draw_x(&mut canvas.svg, "time (s)");
        for (n, (_, samples)) in all.iter().enumerate().rev() {
            let points: Vec<_> = samples.iter().map(|s| Some((s.at_ns as f64 / 1e9, get(s)))).collect();
            line::draw(&mut canvas.svg, &panel, &points, theme::series_colour(n), 1.8, theme::series_dash(n));
        }
    }
    Some(Figure {
        name: "inventories",
        title: "What relayers have".to_owned(),
        see: "What they are owed rises until it is the flow times the time until repayment; so much capital the bridge needs."
            .to_owned(),
        how: "After every block with an advance or a repayment, at most one value a second.".to_owned(),
        svg: canvas.finish(8.0, "What relayers have at hand and are owed over time, one line an arm and bridge."),
        table,
    })
}
