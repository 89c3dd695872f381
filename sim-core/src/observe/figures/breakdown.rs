//! Where the time went: mean parts of the road from slot start to verified.

use super::Figure;
use crate::observe::format;
use crate::observe::measure::{mean_breakdown, measured_node_blocks, to_verified_ns};
use crate::observe::plot::bars::{Piece, Row, stacked_rows};
use crate::observe::plot::canvas::{Canvas, LegendItem, Swatch};
use crate::observe::plot::scale::TimeUnit;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::observe::record::{Breakdown, Part, RunRecord};

const HOW: &str = "The time of every pair of a measured block on the winning chain and an observed node that \
verified it is split exactly into parts along its chain of causes. `mean` averages all pairs; `around p50` \
and `around p95` average the pairs ranked within 2.5 percentage points of that percentile, so that parts of \
a typical and of a slow delivery still add up. Serialisation is bytes over the line rate; what sharing the \
line adds is queueing.";

/// Time to verified with its parts, ascending.
type Timed<'a> = Vec<(u64, &'a Breakdown)>;

fn timed<'a>(record: &'a RunRecord, keep: impl Fn(u32) -> bool) -> Timed<'a> {
    let mut timed: Timed<'a> = measured_node_blocks(record)
        .filter(|(nb, _)| keep(nb.node))
        .filter_map(|(nb, b)| Some((to_verified_ns(record, nb, b)?, &nb.to_verified)))
        .collect();
    // Stable: equal times stay in record order.
    timed.sort_by_key(|(ns, _)| *ns);
    timed
}

/// The pairs ranked within 2.5 points of a percentile (in permille); at least the nearest one.
fn around<'a, 'b>(timed: &'b Timed<'a>, permille: usize) -> &'b [(u64, &'a Breakdown)] {
    let n = timed.len();
    let low = (n * (permille - 25)).div_euclid(1000);
    let high = (n * (permille + 25)).div_ceil(1000).min(n);
    &timed[low.min(high)..high]
}

/// By arm; `None` without verified measured blocks.
pub fn by_arm(records: &[RunRecord]) -> Option<Figure> {
    let mut bars = Vec::new();
    for record in records {
        let timed = timed(record, |_| true);
        if timed.is_empty() {
            continue;
        }
        let bands =
            [("mean", &timed[..]), ("around p50", around(&timed, 500)), ("around p95", around(&timed, 950))];
        for (n, (band, pairs)) in bands.into_iter().enumerate() {
            let mean = mean_breakdown(pairs.iter().map(|(_, b)| *b));
            let label = if n == 0 { format!("{} · {band}", record.plan.name) } else { band.to_owned() };
            bars.push(Bar { names: [record.plan.name.clone(), band.to_owned()], label, first: n == 0, mean });
        }
    }
    figure(
        "time-breakdown",
        "Where the time went",
        "From the start of the slot until a node has verified the block, by cause",
        ["arm", "pairs"],
        bars,
        "The longest colour is what binds; compare it with the arm that relieves that resource. Where `around \
         p95` differs in colour from `around p50`, slow nodes are slow for another reason than typical ones.",
        HOW,
    )
}

/// By region of the base, slowest first; `None` with fewer than two regions.
pub fn by_region(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let regions = &base.plan.network.latency.regions;
    let mut bars: Vec<(f64, [Bar; 2])> = Vec::new();
    for (index, region) in regions.iter().enumerate() {
        let here = |node: u32| base.nodes.get(node as usize).is_some_and(|n| n.region as usize == index);
        let timed = timed(base, here);
        if timed.is_empty() {
            continue;
        }
        let bar = |band: &str, pairs: &[(u64, &Breakdown)]| {
            let first = band == "mean";
            let label = if first { format!("{} · {band}", region.name) } else { band.to_owned() };
            let mean = mean_breakdown(pairs.iter().map(|(_, b)| *b));
            Bar { names: [region.name.clone(), band.to_owned()], label, first, mean }
        };
        let pair = [bar("mean", &timed), bar("around p95", around(&timed, 950))];
        bars.push((pair[0].mean.iter().sum(), pair));
    }
    if bars.len() < 2 {
        return None;
    }
    bars.sort_by(|a, b| b.0.total_cmp(&a.0));
    figure(
        "time-breakdown-by-region",
        "Where the time went, by region",
        &format!("Arm `{}`, slowest region first", base.plan.name),
        ["region", "pairs"],
        bars.into_iter().flat_map(|(_, pair)| pair).collect(),
        "Regions should differ in propagation; where they differ in queueing, hardware or position in the \
         overlay is uneven.",
        HOW,
    )
}

struct Bar {
    names: [String; 2],
    label: String,
    first: bool,
    mean: [f64; Part::COUNT],
}

fn figure(
    name: &'static str,
    title: &str,
    subtitle: &str,
    heads: [&str; 2],
    bars: Vec<Bar>,
    see: &str,
    how: &str,
) -> Option<Figure> {
    let total = |bar: &Bar| bar.mean.iter().sum::<f64>();
    let most = bars.iter().map(total).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let unit = TimeUnit::for_max(most as u64);
    let parts: Vec<Part> =
        Part::ALL.into_iter().filter(|&p| bars.iter().any(|b| b.mean[p as usize] > 0.0)).collect();
    let heads = heads.map(str::to_owned).into_iter();
    let columns = parts.iter().map(|p| format!("{} ({})", p.name(), unit.name));
    let mut table = DataTable::new(heads.chain(columns).chain([format!("total ({})", unit.name)]));
    let mut rows = Vec::new();
    for bar in &bars {
        let value = |part: Part| bar.mean[part as usize] / unit.ns as f64;
        let mut cells: Vec<Cell> = bar.names.iter().cloned().map(Cell::Text).collect();
        cells.extend(parts.iter().map(|&p| Cell::Num(value(p))));
        cells.push(Cell::Num(total(bar) / unit.ns as f64));
        table.push(cells);
        let piece = |&part: &Part| Piece {
            value: value(part),
            colour: theme::part_colour(part),
            tip: format!("{}: {}", part.name(), format::duration(bar.mean[part as usize] as u64)),
        };
        rows.push(Row {
            label: bar.label.clone(),
            pieces: parts.iter().map(piece).collect(),
            end: format::duration(total(bar) as u64),
            group_start: bar.first,
        });
    }
    let mut canvas = Canvas::new(title, subtitle);
    let legend: Vec<LegendItem> =
        parts.iter().map(|&p| LegendItem::new(p.name(), theme::part_colour(p), Swatch::Square)).collect();
    canvas.legend(&legend);
    stacked_rows(&mut canvas, &rows, &format!("time since the start of the slot ({})", unit.name));
    Some(Figure {
        name,
        title: title.to_owned(),
        see: see.to_owned(),
        how: how.to_owned(),
        svg: canvas.finish(8.0, "Stacked bars of mean time by cause."),
        table,
    })
}
