//! A sweep's figures: lines with intervals, heat maps, small multiples, a tornado, differences, Sobol indices, parallel
//! coordinates. What is drawn and the table beside it come from the same numbers.

mod differences;
mod indices;

use super::alike::{Levels, alike, grouped};
use super::axis::Axis;
use super::effects::{Effect, main_effects};
use super::grid::{Grid, NAMES_MAX};
use super::load::Sweep;
use super::merge::Merged;
use super::metrics;
use super::stats::{Interval, Intervals, mean};
use super::tables::CONFIDENCE;
use crate::observe::format::{escape, three_digits};
use crate::observe::plot::canvas::{Canvas, LegendItem, MARGIN, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use std::borrow::Cow;

/// A figure with its numbers.
pub struct Figure {
    /// Name of its files.
    pub name: String,
    /// Title.
    pub title: String,
    /// How to read it.
    pub see: Cow<'static, str>,
    /// The drawing.
    pub svg: String,
    /// Its numbers.
    pub table: DataTable,
}

impl Figure {
    /// The figure in a page, with its numbers and links to its files in `plots`.
    pub fn section(&self) -> String {
        format!(
            "<section id=\"{name}\"><h2>{title}</h2>\n{svg}\n<p>{see} <a href=\"plots/{name}.svg\">SVG</a> \
             <a href=\"plots/{name}.csv\">CSV</a></p>\n<details><summary>The numbers</summary>{table}</details></section>\n",
            name = self.name,
            title = escape(&self.title),
            svg = self.svg,
            see = escape(&self.see),
            table = self.table.html()
        )
    }
}

/// Most values along the lines.
const ALONG_MAX: usize = 200;
/// Most lines of parallel coordinates.
const LINES_MAX: usize = 2_000;

/// All figures of a sweep, metric by metric in the order it asks for.
pub fn all(sweep: &Sweep, merged: &Merged) -> Vec<Figure> {
    let mut intervals = Intervals::new(CONFIDENCE);
    let mut figures = Vec::new();
    for &metric in &sweep.drawn {
        let effects = main_effects(sweep, merged, metric, &mut intervals);
        if effects.is_empty() {
            continue;
        }
        figures.extend(heat_map(sweep, merged, metric));
        figures.extend(lines(sweep, merged, metric, &mut intervals));
        figures.extend((sweep.axes.len() > 2).then(|| multiples(sweep, metric, &effects)));
        figures.extend((sweep.axes.len() > 1).then(|| tornado(sweep, metric, &effects)));
        figures.extend(differences::figure(sweep, merged, metric, &mut intervals));
        figures.extend(indices::figure(sweep, merged, metric));
        figures.extend(parallel(sweep, merged, metric));
    }
    figures
}

/// Name of a metric with its unit.
pub fn named(metric: usize) -> String {
    let metric = metrics::metric(metric);
    let name = metric.name.trim_end_matches("_ms").trim_end_matches("_bps").replace('_', " ");
    if metric.unit == "-" { name } else { format!("{name} ({})", metric.unit) }
}

fn axis_name(axis: &Axis) -> String {
    if axis.unit.is_empty() { axis.name.clone() } else { format!("{} ({})", axis.name, axis.unit) }
}

/// Mean of a metric over the first two axes; `None` where they do not span a grid.
pub fn heat_map(sweep: &Sweep, merged: &Merged, metric: usize) -> Option<Figure> {
    if sweep.axes.len() < 2 {
        return None;
    }
    let grid = Grid::new(sweep, merged, metric);
    let (rows, columns) = (&grid.rows, &grid.columns);
    let (low, high) = grid.ends()?;
    let full = grid.known() >= 0.5;
    if rows.len() < 2 || columns.len() < 2 || rows.len().max(columns.len()) > NAMES_MAX || !full {
        return None;
    }
    let title = format!("{} over {} and {}", named(metric), sweep.axes[0].name, sweep.axes[1].name);
    let mut canvas = Canvas::new(&title, &format!("Mean {}; dark is low, light is high", grid.over));
    let left = MARGIN + 150.0;
    let (width, height) = ((theme::WIDTH - MARGIN - left) / columns.len() as f64, 40.0);
    let top = canvas.top + 26.0;
    canvas.svg.text((MARGIN, top - 8.0), TextStyle::NOTE, &sweep.axes[0].name);
    let [first, second] = [0, 1].map(|axis: usize| sweep.axes[axis].name.as_str());
    let mut table = DataTable::new([first, second, &named(metric), "low", "high", "replications", "points"]);
    for (y, row) in rows.iter().enumerate() {
        let from_top = top + y as f64 * height;
        canvas.svg.text((left - 10.0, from_top + 25.0), TextStyle::LABEL.at(Anchor::End), row);
        for (x, column) in columns.iter().enumerate() {
            let from_left = left + x as f64 * width;
            let interval = grid.fields[y][x].interval;
            table.push(vec![
                Cell::Text(row.clone()),
                Cell::Text(column.clone()),
                Cell::maybe(interval.map(|i| i.mean)),
                Cell::maybe(interval.and_then(|i| i.low())),
                Cell::maybe(interval.and_then(|i| i.high())),
                interval.map_or(Cell::Empty, |i| Cell::Int(i.n as u64)),
                Cell::Int(grid.fields[y][x].points.len() as u64),
            ]);
            let Some(value) = interval.map(|i| i.mean) else { continue };
            let share = if high > low { (value - low) / (high - low) } else { 0.5 };
            let tip = format!("{row}, {column}: {}", three_digits(value));
            canvas.svg.rect(
                (from_left, from_top, width - 1.5, height - 1.5),
                &theme::sequential(share),
                &tip,
            );
            let colour = if share > 0.55 { theme::INK } else { theme::BACKGROUND };
            let style = TextStyle::LABEL.at(Anchor::Middle).colour(colour);
            canvas.svg.text((from_left + width / 2.0, from_top + 25.0), style, &three_digits(value));
        }
    }
    let bottom = top + rows.len() as f64 * height;
    for (x, column) in columns.iter().enumerate() {
        let middle = left + (x as f64 + 0.5) * width;
        canvas.svg.text((middle, bottom + 18.0), TextStyle::LABEL.at(Anchor::Middle), column);
    }
    let middle = left + width * columns.len() as f64 / 2.0;
    canvas.svg.text((middle, bottom + 38.0), TextStyle::NOTE.at(Anchor::Middle), &sweep.axes[1].name);
    canvas.top = bottom + 44.0;
    Some(Figure {
        name: format!("heat-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "Colour that changes along one side only: that axis alone matters. A diagonal border: the axes trade.".into(),
        table,
    })
}

/// A metric along the last axis with numbers, one line for each value of the axis before it.
fn lines(sweep: &Sweep, merged: &Merged, metric: usize, intervals: &mut Intervals) -> Option<Figure> {
    let numeric = |axis: &usize| {
        sweep.points.iter().all(|p| p.values[*axis].as_ref().is_none_or(|v| v.number.is_some()))
    };
    let x_axis = (0..sweep.axes.len()).rev().find(numeric)?;
    let series_axis = (0..sweep.axes.len()).find(|axis| *axis != x_axis);
    let along = Levels::new(sweep, x_axis, ALONG_MAX);
    let series = series_axis.map(|axis| Levels::new(sweep, axis, NAMES_MAX));
    let names = series.as_ref().map_or_else(|| vec![None], |s| s.names.iter().map(Some).collect());
    let width = along.names.len();
    if width < 2 || along.binned || names.len() > NAMES_MAX {
        return None;
    }
    let place = |point: usize| {
        let row = series.as_ref().map_or(Some(0), |series| series.of(point))?;
        Some(row * width + along.of(point)?)
    };
    let groups = grouped(merged, names.len() * width, place);
    let varied: Vec<usize> = series_axis.into_iter().chain([x_axis]).collect();
    let found = alike(sweep, &groups, &varied, metric, intervals);
    let mut drawn: Vec<Vec<Option<(f64, Interval)>>> = Vec::new();
    let series_name = series_axis.map_or_else(|| "series".to_owned(), |a| sweep.axes[a].name.clone());
    let mut table = DataTable::new([
        series_name.clone(),
        axis_name(&sweep.axes[x_axis]),
        named(metric),
        "low".to_owned(),
        "high".to_owned(),
        "replications".to_owned(),
        "points".to_owned(),
    ]);
    let xs: Vec<f64> = along.sizes.iter().map(|size| size.unwrap_or(0.0)).collect();
    for (n, label) in names.iter().enumerate() {
        let mut line = Vec::new();
        for (at, x) in xs.iter().enumerate() {
            let interval = found.intervals[n * width + at];
            if let Some(i) = interval {
                let label = Cell::Text(label.cloned().unwrap_or_default());
                let (low, high) = (Cell::maybe(i.low()), Cell::maybe(i.high()));
                let counts = [i.n, found.points[n * width + at]].map(|n| Cell::Int(n as u64));
                table.push(
                    [label, Cell::Num(*x), Cell::Num(i.mean), low, high].into_iter().chain(counts).collect(),
                );
            }
            line.push(interval.map(|i| (*x, i)));
        }
        drawn.push(line);
    }
    let all = || drawn.iter().flatten().flatten();
    let highest = all().map(|(_, i)| i.high().unwrap_or(i.mean)).fold(0.0, f64::max);
    all().next()?;
    let (least, most) = (xs[0], xs[xs.len() - 1]);
    let log = least > 0.0 && most / least >= 8.0;
    let x = if log {
        Scale::Log { low: least / 1.1, high: most * 1.1 }
    } else {
        Scale::Linear { low: least, high: most }
    };
    let title = format!("{} along {}", named(metric), sweep.axes[x_axis].name);
    let mut canvas = Canvas::new(&title, &format!("Mean {}, with 95 % t-intervals", found.over));
    let legend: Vec<LegendItem> = names
        .iter()
        .enumerate()
        .filter_map(|(n, label)| {
            let text = format!("{series_name} {}", label.as_ref()?);
            Some(LegendItem::new(text, theme::series_colour(n), Swatch::Line(theme::series_dash(n))))
        })
        .collect();
    canvas.legend(&legend);
    let panel = Panel::below(&mut canvas, 300.0, x, Scale::from_zero(highest));
    panel.draw_y(&mut canvas.svg, &named(metric));
    panel.draw_x(&mut canvas.svg, &axis_name(&sweep.axes[x_axis]));
    for (n, line) in drawn.iter().enumerate() {
        let colour = theme::series_colour(n);
        let points: Vec<Option<(f64, f64)>> = line.iter().map(|p| p.map(|(x, i)| (x, i.mean))).collect();
        crate::observe::plot::line::draw(
            &mut canvas.svg,
            &panel,
            &points,
            colour,
            2.0,
            theme::series_dash(n),
        );
        for (x, i) in line.iter().flatten() {
            let at = panel.px(*x);
            if let (Some(low), Some(high)) = (i.low(), i.high()) {
                canvas.svg.line((at, panel.py(low)), (at, panel.py(high)), colour, 1.2, "");
            }
            canvas.svg.circle((at, panel.py(i.mean)), 3.0, colour, 1.0, &three_digits(i.mean));
        }
    }
    Some(Figure {
        name: format!("lines-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "Parallel lines: the axes do not interact. Means whose intervals lie apart differ beyond chance; means whose \
              intervals overlap may do so too, the more so where points share their random numbers: then look at the \
              differences, whose intervals say it."
            .into(),
        table,
    })
}

/// Main effects of all axes, one panel each.
fn multiples(sweep: &Sweep, metric: usize, effects: &[Effect]) -> Figure {
    let title = format!("Main effects on {}", named(metric));
    let mut canvas =
        Canvas::new(&title, "Mean by value of one axis, over all values of the others; 95 % intervals");
    let highest = effects.iter().map(|e| e.interval.high().unwrap_or(e.interval.mean)).fold(0.0, f64::max);
    let y = Scale::from_zero(highest);
    let axes: Vec<usize> = (0..sweep.axes.len()).collect();
    for row in axes.chunks(3) {
        let panels = Panel::row(&mut canvas, 3, 150.0, Scale::Linear { low: -0.5, high: 0.5 }, y);
        for (axis, panel) in row.iter().zip(panels) {
            let own: Vec<&Effect> = effects.iter().filter(|e| e.axis == *axis).collect();
            let panel = Panel { x: Scale::Linear { low: -0.5, high: own.len() as f64 - 0.5 }, ..panel };
            panel.draw_y(&mut canvas.svg, &named(metric));
            panel.draw_floor(&mut canvas.svg, &sweep.axes[*axis].name);
            let crowded = own.len() > 6;
            for (n, effect) in own.iter().enumerate() {
                let (at, i) = (panel.px(n as f64), effect.interval);
                if let (Some(low), Some(high)) = (i.low(), i.high()) {
                    canvas.svg.line((at, panel.py(low)), (at, panel.py(high)), theme::INK, 1.2, "");
                }
                let tip = format!("{}: {}", effect.level, three_digits(i.mean));
                canvas.svg.circle((at, panel.py(i.mean)), 3.5, theme::series_colour(*axis), 1.0, &tip);
                if !crowded || n == 0 || n + 1 == own.len() {
                    let label = theme::shortened(&effect.level, theme::TICK_SIZE, 90.0);
                    canvas.svg.text((at, panel.bottom() + 16.0), TextStyle::NOTE.at(Anchor::Middle), &label);
                }
            }
        }
    }
    let mut table = DataTable::new(["axis", "value", "mean", "low", "high", "points"]);
    for e in effects {
        table.push(vec![
            Cell::Text(sweep.axes[e.axis].name.clone()),
            Cell::Text(e.level.clone()),
            Cell::Num(e.interval.mean),
            Cell::maybe(e.interval.low()),
            Cell::maybe(e.interval.high()),
            Cell::Int(e.points as u64),
        ]);
    }
    Figure {
        name: format!("effects-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "A level panel: the axis does nothing on average. What axes do together is in the heat map and the lines."
            .into(),
        table,
    }
}

/// How far the mean moves along each axis, the widest first.
fn tornado(sweep: &Sweep, metric: usize, effects: &[Effect]) -> Figure {
    let title = format!("What moves {}", named(metric));
    let range = |axis: usize| {
        let means = || effects.iter().filter(|e| e.axis == axis).map(|e| e.interval.mean);
        (means().fold(f64::MAX, f64::min), means().fold(f64::MIN, f64::max))
    };
    let mut rows: Vec<(usize, f64, f64)> = (0..sweep.axes.len())
        .map(|axis| (axis, range(axis).0, range(axis).1))
        .filter(|r| r.1 <= r.2)
        .collect();
    rows.sort_by(|a, b| (b.2 - b.1).total_cmp(&(a.2 - a.1)).then(a.0.cmp(&b.0)));
    let mut canvas =
        Canvas::new(&title, "Lowest to highest mean along each axis, over all values of the others");
    let (low, high) = rows.iter().fold((f64::MAX, f64::MIN), |(l, h), r| (l.min(r.1), h.max(r.2)));
    let room = ((high - low) * 0.05).max(high.abs() * 1e-3).max(1e-9);
    let height = 30.0 * rows.len() as f64;
    let scale = Scale::Linear { low: low - room, high: high + room };
    let panel = Panel::below(&mut canvas, height, scale, Scale::Linear { low: 0.0, high: 1.0 });
    let panel = Panel { left: MARGIN + 220.0, width: theme::WIDTH - 2.0 * MARGIN - 240.0, ..panel };
    panel.draw_x(&mut canvas.svg, &named(metric));
    let mut table = DataTable::new(["axis", "lowest mean", "highest mean", "range"]);
    for (n, (axis, from, to)) in rows.iter().enumerate() {
        let y = panel.top + 30.0 * n as f64;
        let name = theme::shortened(&sweep.axes[*axis].name, theme::TEXT_SIZE, 200.0);
        canvas.svg.text((panel.left - 10.0, y + 19.0), TextStyle::LABEL.at(Anchor::End), &name);
        let (a, b) = (panel.px(*from), panel.px(*to));
        let tip = format!("{} to {}", three_digits(*from), three_digits(*to));
        canvas.svg.rect((a, y + 5.0, (b - a).max(1.5), 20.0), theme::series_colour(3), &tip);
        table.push(vec![
            Cell::Text(sweep.axes[*axis].name.clone()),
            Cell::Num(*from),
            Cell::Num(*to),
            Cell::Num(to - from),
        ]);
    }
    Figure {
        name: format!("tornado-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "The widest bar is the axis to look at first; the widths depend on the ranges that were swept."
            .into(),
        table,
    }
}

/// One line a point over all axes and the metric; for three axes and more.
fn parallel(sweep: &Sweep, merged: &Merged, metric: usize) -> Option<Figure> {
    let lines: Vec<(usize, f64)> =
        merged.points.iter().filter_map(|p| Some((p.point, mean(&p.values(metric))?))).collect();
    if sweep.axes.len() < 3 || lines.len() > LINES_MAX || lines.is_empty() {
        return None;
    }
    let title = format!("All points: {}", named(metric));
    let mut canvas =
        Canvas::new(&title, "One line a point; the last axis is the metric, and so is the colour");
    let all: Vec<Levels> = (0..sweep.axes.len()).map(|axis| Levels::new(sweep, axis, usize::MAX)).collect();
    let (low, high) = lines.iter().fold((f64::MAX, f64::MIN), |(l, h), (_, v)| (l.min(*v), h.max(*v)));
    let share = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    let (top, height) = (canvas.top + 30.0, 280.0);
    let each = (theme::WIDTH - 2.0 * MARGIN - 80.0) / sweep.axes.len() as f64;
    let px = |n: usize| MARGIN + 40.0 + each * n as f64;
    let py = |share: f64| top + (1.0 - share) * height;
    let mut table = DataTable::new(sweep.axes.iter().map(axis_name).chain([named(metric)]));
    for (point, value) in &lines {
        let mut path = Vec::new();
        let mut row = Vec::new();
        for (axis, levels) in all.iter().enumerate() {
            let at = levels.of(*point);
            row.push(at.map_or(Cell::Empty, |at| Cell::Text(levels.names[at].clone())));
            let Some(at) = at else { continue };
            path.push((px(axis), py(at as f64 / (levels.names.len() - 1).max(1) as f64)));
        }
        path.push((px(sweep.axes.len()), py(share(*value))));
        row.push(Cell::Num(*value));
        table.push(row);
        canvas.svg.polyline(&path, &theme::sequential(share(*value)), 1.2, "");
    }
    for (axis, levels) in all.iter().enumerate() {
        let labels = &levels.names;
        canvas.svg.line((px(axis), top), (px(axis), top + height), theme::AXIS, 1.0, "");
        let name = theme::shortened(&sweep.axes[axis].name, theme::TICK_SIZE, each - 8.0);
        canvas.svg.text((px(axis), top - 10.0), TextStyle::NOTE.at(Anchor::Middle), &name);
        for (label, y) in [(labels.first(), top + height + 16.0), (labels.last(), top - 24.0)] {
            let label = label.map_or("", String::as_str);
            canvas.svg.text((px(axis), y), TextStyle::NOTE.at(Anchor::Middle).halo(), label);
        }
    }
    let last = px(sweep.axes.len());
    canvas.svg.line((last, top), (last, top + height), theme::AXIS, 1.0, "");
    canvas.svg.text((last, top - 10.0), TextStyle::NOTE.at(Anchor::Middle), &three_digits(high));
    canvas.svg.text((last, top + height + 16.0), TextStyle::NOTE.at(Anchor::Middle), &three_digits(low));
    canvas.top = top + height + 24.0;
    Some(Figure {
        name: format!("parallel-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "Follow the light lines back from the last axis: where they bundle, that value goes with a high result."
            .into(),
        table,
    })
}
