//! Who misses votes: by stake and by hardware.

use super::Figure;
use crate::observe::plot::bars::grouped_columns;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::theme;
use crate::observe::record::{NodeRecord, RunRecord};

/// More arms than this would make the bars unreadable; the table has them all.
const MOST_ARMS: usize = 6;

/// The figure; `None` where no vote was due.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    if base.nodes.iter().all(|n| n.votes_due == 0) {
        return None;
    }
    let classes = &base.plan.nodes.hardware;
    // (label, percentage by arm)
    let deciles: Vec<(String, Vec<Option<f64>>)> = (0..10)
        .map(|decile| {
            let shares = records.iter().map(|r| {
                let voters = voters_by_stake(r);
                let cut = |k: usize| voters.len() * k / 10;
                missed(voters[cut(decile)..cut(decile + 1)].iter().copied())
            });
            ((decile + 1).to_string(), shares.collect())
        })
        .collect();
    let by_class: Vec<(String, Vec<Option<f64>>)> = classes
        .iter()
        .enumerate()
        .map(|(index, (class, _))| {
            let shares = records.iter().map(|r| missed(r.nodes.iter().filter(|n| n.class as usize == index)));
            (class.name.clone(), shares.collect())
        })
        .collect();

    let arms = records.iter().map(|r| format!("{} missed (%)", r.plan.name));
    let mut table = DataTable::new(["grouped by".to_owned(), "group".to_owned()].into_iter().chain(arms));
    for (by, groups) in [("stake decile", &deciles), ("hardware", &by_class)] {
        for (label, shares) in groups {
            let mut row = vec![Cell::Text(by.to_owned()), Cell::Text(label.clone())];
            row.extend(shares.iter().map(|&s| Cell::maybe(s)));
            table.push(row);
        }
    }

    let mut canvas = Canvas::new("Who misses votes", "Share of due votes that were missed or late");
    let drawn = records.len().min(MOST_ARMS);
    if drawn > 1 {
        let legend: Vec<LegendItem> = records[..drawn]
            .iter()
            .enumerate()
            .map(|(n, r)| LegendItem::new(&r.plan.name, theme::series_colour(n), Swatch::Square))
            .collect();
        canvas.legend(&legend);
    }
    let most = deciles
        .iter()
        .chain(&by_class)
        .flat_map(|(_, s)| s[..drawn].iter().flatten())
        .fold(0.0, |a: f64, b| a.max(*b));
    let x = Scale::Linear { low: 0.0, high: 1.0 };
    let panels = Panel::row(&mut canvas, 2, 240.0, x, Scale::from_zero(most.max(0.1)));
    let floors = ["nodes in ten groups by stake, least first", "hardware class"];
    for ((panel, groups), floor) in panels.iter().zip([&deciles, &by_class]).zip(floors) {
        panel.draw_y(&mut canvas.svg, "missed or late votes (%)");
        let names: Vec<String> = groups.iter().map(|(name, _)| name.clone()).collect();
        let values: Vec<Vec<Option<f64>>> = groups.iter().map(|(_, s)| s[..drawn].to_vec()).collect();
        let tip =
            |g: usize, s: usize, value: f64| format!("{}, {}: {value:.2} %", records[s].plan.name, names[g]);
        grouped_columns(&mut canvas.svg, panel, &names, &values, &tip);
        panel.draw_floor(&mut canvas.svg, floor);
    }
    let cut = if records.len() > drawn { " The table also has the arms not drawn." } else { "" };
    Some(Figure {
        name: "missed-votes",
        title: "Who misses votes".to_owned(),
        see:
            "A class of machines that misses more than the others is being squeezed out by the parameters; a \
              slope over stake means that the small pay for the settings of the large."
                .to_owned(),
        how: format!(
            "1 - votes cast in time for the slot's own block / votes due after the warm-up, by number of votes. \
             Nodes with votes due are sorted by stake and cut into ten groups of equal number; a dash marks an \
             empty group.{cut}"
        ),
        svg: canvas.finish(8.0, "Missed votes by stake decile and hardware class."),
        table,
    })
}

/// Nodes with votes due, by stake, then number.
fn voters_by_stake(record: &RunRecord) -> Vec<&NodeRecord> {
    let mut voters: Vec<&NodeRecord> = record.nodes.iter().filter(|n| n.votes_due > 0).collect();
    // Stable: equal stakes stay in node order.
    voters.sort_by_key(|n| n.stake);
    voters
}

/// Percentage of due votes that were not timely; `None` if none was due.
fn missed<'a>(nodes: impl Iterator<Item = &'a NodeRecord>) -> Option<f64> {
    let (due, timely) = nodes.fold((0, 0), |(d, t), n| (d + n.votes_due, t + n.votes_timely));
    (due > 0).then(|| due.saturating_sub(timely) as f64 / due as f64 * 100.0)
}
