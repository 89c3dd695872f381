//! The plots of several runs as numbers and as a drawing.

use super::Curve;
use crate::panels::parts::{ORDER, draw_bars};
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::{line, theme as paper};

/// Every point of every plot, a line each; `None` of nothing.
pub fn numbers(curves: &[Curve], gas_unit: &str) -> Option<DataTable> {
    let mut table = DataTable::new(["run", "plot", "x", "y"]);
    for run in curves {
        let mut add = |plot: &str, points: &mut dyn Iterator<Item = [f64; 2]>| {
            for [x, y] in points {
                let names = [&run.name, plot].map(|name| Cell::Text(name.to_owned()));
                table.push(names.into_iter().chain([Cell::Num(x), Cell::Num(y)]).collect());
            }
        };
        let ms = |log: &[f64; 2]| log.map(|v| 10_f64.powf(v));
        add("network (ms), execution (ms)", &mut run.crossover.iter().map(ms));
        add("wait until final (s), users (%)", &mut run.waits.iter().copied());
        add(&format!("slot, gas ({gas_unit})"), &mut run.gas.iter().copied());
        for (index, part) in ORDER.iter().enumerate() {
            let ns = run.spent.map_or(0, |spent| spent.get(*part));
            let at = [index as f64, ns as f64 / 1e6];
            let name = format!("mean time (ms): {}", part.name());
            add(&name, &mut std::iter::once(at).filter(|_| ns > 0));
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// The plots one below the other, on white ground; `None` of nothing.
pub fn drawing(curves: &[Curve], gas_unit: &str) -> Option<String> {
    let shown: Vec<&Curve> =
        curves.iter().filter(|c| c.spent.is_some() || !c.crossover.is_empty() || !c.gas.is_empty()).collect();
    shown.first()?;
    let mut canvas = Canvas::new("Runs laid over each other", "The same network under the same demand");
    let legend = shown.iter().map(|c| {
        let (colour, dash) = (paper::series_colour(c.lane), paper::series_dash(c.lane));
        LegendItem::new(&c.name, colour, Swatch::Line(dash))
    });
    canvas.legend(&legend.collect::<Vec<_>>());
    scatter(&mut canvas, &shown);
    let all_waits: Vec<_> = shown.iter().map(|c| (c.lane, &c.waits)).collect();
    lines(&mut canvas, &all_waits, ["wait until final (s)", "users who waited no longer (%)"]);
    let gas: Vec<_> = shown.iter().map(|c| (c.lane, &c.gas)).collect();
    lines(&mut canvas, &gas, ["slot", &format!("gas ({gas_unit})")]);
    let known: Vec<_> = shown.iter().filter_map(|c| Some((c.name.clone(), c.spent?))).collect();
    if !known.is_empty() {
        draw_bars(&mut canvas, &known, None, "mean time (ms)");
    }
    Some(
        canvas
            .finish(8.0, "Several runs: network against execution, users' waits, gas, where the time went."),
    )
}

/// A dot a block: execution against network.
fn scatter(canvas: &mut Canvas, shown: &[&Curve]) {
    let ms = |log: f64| 10_f64.powf(log);
    let mut values = shown.iter().flat_map(|c| &c.crossover).flatten().map(|v| ms(*v)).peekable();
    if values.peek().is_none() {
        return;
    }
    let scale = Scale::log_around(values);
    let panel = Panel::below(canvas, 320.0, scale, scale);
    panel.draw_y(&mut canvas.svg, "execution at the median node (ms)");
    panel.draw_x(&mut canvas.svg, "network: publication to 95 % of the nodes (ms)");
    let (low, high) = scale.ends();
    line::draw(&mut canvas.svg, &panel, &[Some((low, low)), Some((high, high))], paper::GRID, 1.5, "");
    for run in shown {
        for [network, execution] in &run.crossover {
            let (network, execution) = (ms(*network), ms(*execution));
            let tip = format!("{}: network {network:.1} ms, execution {execution:.1} ms", run.name);
            let at = (panel.px(network), panel.py(execution));
            canvas.svg.circle(at, 3.5, paper::series_colour(run.lane), 0.7, &tip);
        }
    }
}

/// A line a run, from zero.
fn lines(canvas: &mut Canvas, series: &[(usize, &Vec<[f64; 2]>)], [x, y]: [&str; 2]) {
    let most = |axis: usize| series.iter().flat_map(|(_, s)| s.iter()).map(|p| p[axis]).fold(0.0, f64::max);
    let (right, top) = (most(0), most(1));
    if right <= 0.0 {
        return;
    }
    let panel = Panel::below(canvas, 220.0, Scale::from_zero(right), Scale::from_zero(top));
    panel.draw_y(&mut canvas.svg, y);
    panel.draw_x(&mut canvas.svg, x);
    for (lane, points) in series {
        let points: Vec<_> = points.iter().map(|p| Some((p[0], p[1]))).collect();
        let (colour, dash) = (paper::series_colour(*lane), paper::series_dash(*lane));
        line::draw(&mut canvas.svg, &panel, &points, colour, 2.0, dash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::observe::record::{Breakdown, Part};

    fn curve(name: &str, lane: usize) -> Curve {
        let mut spent = Breakdown::default();
        spent.0[Part::Execution as usize] = 5_000_000;
        Curve {
            name: name.to_owned(),
            lane,
            crossover: vec![[2.0, 1.0]],
            waits: vec![[1.0, 50.0], [2.0, 100.0]],
            gas: vec![[1.0, 10.0]],
            spent: Some(spent),
        }
    }

    #[test]
    fn every_plot_of_every_run_leaves_with_its_numbers_and_in_the_drawing() {
        let curves = [curve("base", 0), curve("10x EVM", 1)];
        let table = numbers(&curves, "Mgas/s").expect("numbers");
        // A block, two points of waiting, a slot, a part, for both.
        assert_eq!(table.rows.len(), 2 * (1 + 2 + 1 + 1));
        let csv = table.csv();
        assert!(csv.contains("base,\"network (ms), execution (ms)\",100,10\n"), "{csv}");
        let svg = drawing(&curves, "Mgas/s").expect("a drawing");
        for what in ["10x EVM", "users who waited no longer (%)", "gas (Mgas/s)", "execution"] {
            assert!(svg.contains(what), "{what}");
        }
        assert!(numbers(&[], "").is_none() && drawing(&[], "").is_none());
    }
}
