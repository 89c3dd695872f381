//! The network on the map: how soon blocks reach each region.

use super::Figure;
use crate::observe::format;
use crate::observe::measure::measured_node_blocks;
use crate::observe::plot::canvas::Canvas;
use crate::observe::plot::map::{self, Place};
use crate::observe::plot::scale::TimeUnit;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::observe::record::RunRecord;
use crate::observe::stats::Sample;

/// The figure for the base; `None` if no region has nodes with measured blocks.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let table_of = &base.plan.network.latency;
    let mut nodes = vec![0_u64; table_of.regions.len()];
    for node in &base.nodes {
        if let Some(count) = nodes.get_mut(node.region as usize) {
            *count += 1;
        }
    }
    let mut arrivals: Vec<Vec<Option<u64>>> = vec![Vec::new(); table_of.regions.len()];
    for (nb, block) in measured_node_blocks(base) {
        let region = base.nodes.get(nb.node as usize).map(|n| n.region as usize);
        if let Some(times) = region.and_then(|r| arrivals.get_mut(r)) {
            times.push(nb.arrived_ns.map(|ns| ns.saturating_sub(block.slot_start_ns)));
        }
    }
    let samples: Vec<Sample> = arrivals.into_iter().map(|times| times.into_iter().collect()).collect();
    let medians: Vec<Option<u64>> = samples.iter().map(|s| s.percentile(500)).collect();
    let (least, most) = (medians.iter().flatten().min().copied()?, medians.iter().flatten().max().copied()?);
    let unit = TimeUnit::for_max(most);

    let mut table = DataTable::new([
        "region".to_owned(),
        "latitude (degrees)".to_owned(),
        "longitude (degrees)".to_owned(),
        "nodes".to_owned(),
        "samples".to_owned(),
        format!("median arrival ({})", unit.name),
        format!("p95 arrival ({})", unit.name),
    ]);
    let largest = nodes.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut places = Vec::new();
    for (index, region) in table_of.regions.iter().enumerate() {
        if nodes[index] == 0 {
            continue;
        }
        let (latitude, longitude) =
            (f64::from(region.latitude_mdeg) / 1000.0, f64::from(region.longitude_mdeg) / 1000.0);
        table.push(vec![
            Cell::Text(region.name.clone()),
            Cell::Num(latitude),
            Cell::Num(longitude),
            Cell::Int(nodes[index]),
            Cell::Int(samples[index].len()),
            Cell::maybe(medians[index].map(|ns| unit.of(ns))),
            Cell::maybe(samples[index].percentile(950).map(|ns| unit.of(ns))),
        ]);
        let share = |ns: u64| (ns - least) as f64 / (most - least).max(1) as f64;
        places.push(Place {
            name: region.name.clone(),
            note: format!(
                "{} · {} nodes",
                format::duration_or_never(medians[index]),
                format::count(nodes[index])
            ),
            latitude,
            longitude,
            radius: 4.0 + 15.0 * libm::sqrt(nodes[index] as f64 / largest),
            colour: medians[index].map_or_else(|| theme::GRID.to_owned(), |ns| theme::sequential(share(ns))),
        });
    }
    // Large circles first, so that small ones stay visible.
    places.sort_by(|a, b| b.radius.total_cmp(&a.radius));
    let mut canvas = Canvas::new(
        "When blocks reach the regions",
        &format!(
            "Arm `{}`; area of a circle: nodes, colour: median arrival since the start of the slot",
            base.plan.name
        ),
    );
    map::colour_bar(&mut canvas, "median arrival", &format::duration(least), &format::duration(most));
    map::draw(&mut canvas, &places);
    Some(Figure {
        name: "regions",
        title: "When blocks reach the regions".to_owned(),
        see: "Yellow regions get blocks last. If they are also far from most of the nodes, latency is the cause; \
              if not, look at their hardware."
            .to_owned(),
        how: "Median over all pairs of a measured block on the winning chain and an observed node of the region, \
              from the start of the slot to the complete first copy. Equirectangular projection; lines every \
              30 degrees."
            .to_owned(),
        svg: canvas.finish(8.0, "World map of regions by node count and median arrival."),
        table,
    })
}
