//! First and total Sobol indices of a metric, axis by axis.

use super::{Figure, named};
use crate::observe::format::three_digits;
use crate::observe::plot::canvas::{Canvas, LegendItem, MARGIN, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::svg::{Anchor, TextStyle};
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::sweep::effects::sobol_indices;
use crate::sweep::load::Sweep;
use crate::sweep::merge::Merged;
use crate::sweep::metrics;

/// Height of an axis's two rows.
const ROW: f64 = 40.0;
/// Room for the names of axes.
const NAMES: f64 = 220.0;

/// Both indices of every axis with their intervals; `None` for designs that are not made for them, and where a point has
/// no value.
pub fn figure(sweep: &Sweep, merged: &Merged, metric: usize) -> Option<Figure> {
    let found = sobol_indices(sweep, merged, metric);
    if found.is_empty() {
        return None;
    }
    let title = format!("Sobol indices of {}", named(metric));
    let mut canvas =
        Canvas::new(&title, "Share of the variance over the swept ranges, with 95 % bootstrap intervals");
    let (first, total) = (theme::series_colour(3), theme::series_colour(1));
    canvas.legend(&[
        LegendItem::new("first: by this axis alone", first, Swatch::Dot),
        LegendItem::new("total: with all it does together with others", total, Swatch::Dot),
    ]);
    let ends = found.iter().flat_map(|i| [i.first_interval, i.total_interval]);
    let (low, high) = ends.fold((0.0_f64, 1.0_f64), |(l, h), (a, b)| (l.min(a), h.max(b)));
    let scale = Scale::Linear { low: low - 0.02, high: high + 0.02 };
    let height = ROW * found.len() as f64;
    let panel = Panel::below(&mut canvas, height, scale, Scale::Linear { low: 0.0, high: 1.0 });
    let panel = Panel { left: MARGIN + NAMES, width: theme::WIDTH - 2.0 * MARGIN - NAMES - 20.0, ..panel };
    panel.draw_x(&mut canvas.svg, "share of the variance");
    for at in [0.0, 1.0].map(|share| panel.px(share)) {
        canvas.svg.line((at, panel.top), (at, panel.bottom()), theme::GRID, 1.0, "");
    }
    let mut table =
        DataTable::new(["axis", "first", "low", "high", "total", "low of total", "high of total"]);
    for (n, i) in found.iter().enumerate() {
        let middle = panel.top + ROW * (n as f64 + 0.5);
        let name = theme::shortened(&sweep.axes[i.axis].name, theme::TEXT_SIZE, NAMES - 16.0);
        canvas.svg.text((panel.left - 10.0, middle + 4.0), TextStyle::LABEL.at(Anchor::End), &name);
        let shares = [(i.first, i.first_interval, first, -7.0), (i.total, i.total_interval, total, 7.0)];
        for (share, (low, high), colour, down) in shares {
            let y = middle + down;
            canvas.svg.line((panel.px(low), y), (panel.px(high), y), colour, 2.0, "");
            canvas.svg.circle((panel.px(share), y), 4.0, colour, 1.0, &three_digits(share));
        }
        let (f, t) = (i.first_interval, i.total_interval);
        let numbers = [i.first, f.0, f.1, i.total, t.0, t.1].map(Cell::Num);
        table.push([Cell::Text(sweep.axes[i.axis].name.clone())].into_iter().chain(numbers).collect());
    }
    Some(Figure {
        name: format!("indices-{}", metrics::metric(metric).name),
        svg: canvas.finish(8.0, &title),
        title,
        see: "A total index whose interval reaches zero: the axis can be fixed. A total well above the first: the axis acts \
              together with others. Wide intervals: give the design a larger base."
            .into(),
        table,
    })
}
