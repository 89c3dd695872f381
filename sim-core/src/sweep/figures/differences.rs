//! What each point does to a metric, against the first point of the design.

use super::{Figure, named};
use crate::observe::format::three_digits;
use crate::observe::plot::canvas::{Canvas, MARGIN, Panel};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::sweep::effects::difference;
use crate::sweep::load::Sweep;
use crate::sweep::merge::Merged;
use crate::sweep::metrics;
use crate::sweep::spec::RandomNumbers;
use crate::sweep::stats::{Difference, Intervals};

/// Points drawn; the table has all.
const DRAWN: usize = 40;
/// Height of a row.
const ROW: f64 = 22.0;
/// Room for the names of points.
const NAMES: f64 = 250.0;

/// Differences with the first point and their intervals, point by point.
pub fn figure(sweep: &Sweep, merged: &Merged, metric: usize, intervals: &mut Intervals) -> Option<Figure> {
    let (first, others) = merged.points.split_first()?;
    let all: Vec<(usize, Difference)> = others
        .iter()
        .filter_map(|point| Some((point.point, difference(sweep, first, point, metric, intervals)?)))
        .collect();
    if all.is_empty() {
        return None;
    }
    let mut drawn = all.clone();
    if drawn.len() > DRAWN {
        let size = |d: &Difference| d.interval.mean.abs();
        drawn.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(&b.0)));
        drawn.truncate(DRAWN);
        drawn.sort_by_key(|(point, _)| *point);
    }
    let title = format!("Differences in {} from point 0", named(metric));
    let kind = match sweep.random_numbers {
        RandomNumbers::Common => "paired by replication",
        RandomNumbers::Independent => "of independent runs",
    };
    let cut = if drawn.len() < all.len() {
        format!("; the {DRAWN} largest of {}", all.len())
    } else {
        String::new()
    };
    let mut canvas = Canvas::new(&title, &format!("Mean difference {kind}, with 95 % intervals{cut}"));
    let reference = format!("Point 0: {}", sweep.points[first.point].describe(&sweep.axes));
    let reference = theme::shortened(&reference, theme::TICK_SIZE, theme::WIDTH - 2.0 * MARGIN);
    canvas.svg.text((MARGIN, canvas.top + 12.0), TextStyle::NOTE, &reference);
    canvas.top += 14.0;
    let ends = |d: &Difference| {
        let i = d.interval;
        [i.low().unwrap_or(i.mean), i.high().unwrap_or(i.mean)]
    };
    let (low, high) =
        drawn.iter().flat_map(|(_, d)| ends(d)).fold((0.0_f64, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
    let room = ((high - low) * 0.05).max(1e-9);
    let scale = Scale::Linear { low: low - room, high: high + room };
    let height = ROW * drawn.len() as f64;
    let panel = Panel::below(&mut canvas, height, scale, Scale::Linear { low: 0.0, high: 1.0 });
    let panel = Panel { left: MARGIN + NAMES, width: theme::WIDTH - 2.0 * MARGIN - NAMES - 20.0, ..panel };
    panel.draw_x(&mut canvas.svg, &format!("difference in {}", named(metric)));
    let zero = panel.px(0.0);
    canvas.svg.line((zero, panel.top), (zero, panel.bottom()), theme::AXIS, 1.0, "");
    for (n, (point, d)) in drawn.iter().enumerate() {
        let y = panel.top + ROW * (n as f64 + 0.5);
        let name = theme::shortened(&short(sweep, *point), theme::TEXT_SIZE, NAMES - 16.0);
        canvas.svg.text((panel.left - 10.0, y + 4.0), TextStyle::LABEL.at(Anchor::End), &name);
        let (i, colour) = (d.interval, if is_clear(d) { theme::series_colour(1) } else { theme::AXIS });
        if let (Some(low), Some(high)) = (i.low(), i.high()) {
            canvas.svg.line((panel.px(low), y), (panel.px(high), y), colour, 2.0, "");
        }
        let tip = format!("point {point}: {}", three_digits(i.mean));
        canvas.svg.circle((panel.px(i.mean), y), 4.0, colour, 1.0, &tip);
    }
    let mut table =
        DataTable::new(["point", "values", "difference", "low", "high", "replications", "effect size"]);
    for (point, d) in &all {
        let i = d.interval;
        table.push(vec![
            Cell::Int(*point as u64),
            Cell::Text(sweep.points[*point].describe(&sweep.axes)),
            Cell::Num(i.mean),
            Cell::maybe(i.low()),
            Cell::maybe(i.high()),
            Cell::Int(i.n as u64),
            Cell::maybe(d.effect),
        ]);
    }
    Some(Figure {
        name: format!("differences-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "Coloured: the interval leaves zero out. Grey: the runs do not tell the point from point 0. One interval in \
              twenty leaves zero out by chance, so look at the pattern where there are many."
            .into(),
        table,
    })
}

/// The interval leaves zero out.
fn is_clear(d: &Difference) -> bool {
    matches!((d.interval.low(), d.interval.high()), (Some(low), Some(high)) if low > 0.0 || high < 0.0)
}

/// A point's values; with the axes' names where it leaves some as they are.
fn short(sweep: &Sweep, point: usize) -> String {
    let point = &sweep.points[point];
    let labels: Option<Vec<&str>> =
        point.values.iter().map(|v| v.as_ref().map(|v| v.label.as_str())).collect();
    labels.map_or_else(|| point.describe(&sweep.axes), |labels| labels.join(", "))
}
