//! Gas and the base fee, slot by slot.

use super::Figure;
use crate::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use crate::observe::plot::scale::Scale;
use crate::observe::plot::table::{Cell, DataTable};
use crate::observe::plot::{line, theme};
use crate::observe::record::{BlockRecord, RunRecord};

/// The figure for the base's first chain; `None` where no block on the winning chain has gas.
pub fn figure(records: &[RunRecord]) -> Option<Figure> {
    let base = records.first()?;
    let blocks: Vec<&BlockRecord> = base.blocks.iter().filter(|b| b.chain == 0 && b.canonical).collect();
    if blocks.iter().all(|b| b.gas_used == 0) {
        return None;
    }
    let (first, last) = (blocks.first()?.slot, blocks.last()?.slot);
    let mgas = |gas: u64| gas as f64 / 1e6;
    let gwei = |wei: u64| wei as f64 / 1e9;
    let mut table = DataTable::new([
        "slot",
        "measured",
        "gas used (Mgas)",
        "gas limit (Mgas)",
        "base fee (gwei)",
        "transactions",
    ]);
    for b in &blocks {
        table.push(vec![
            Cell::Int(b.slot.into()),
            Cell::Text(if b.measured { "yes" } else { "no" }.to_owned()),
            Cell::Num(mgas(b.gas_used)),
            Cell::Num(mgas(b.gas_limit)),
            Cell::Num(gwei(b.base_fee_wei)),
            Cell::Int(b.transactions.into()),
        ]);
    }

    const BAR: &str = "#62a8dc";
    const WARM_UP_BAR: &str = "#c3d9ea";
    let mut canvas = Canvas::new(
        "Gas and the base fee",
        &format!("Arm `{}`, blocks on the winning chain", base.plan.name),
    );
    let mut legend = vec![
        LegendItem::new("gas used", BAR, Swatch::Square),
        LegendItem::new("gas limit", theme::LIMIT, Swatch::Line("5 4")),
        LegendItem::new("base fee", theme::INK, Swatch::Line("")),
    ];
    if blocks.iter().any(|b| !b.measured) {
        legend.insert(1, LegendItem::new("warm-up", WARM_UP_BAR, Swatch::Square));
    }
    canvas.legend(&legend);
    let x = Scale::Linear { low: f64::from(first) - 0.7, high: f64::from(last) + 0.7 };
    let most = blocks.iter().map(|b| mgas(b.gas_used.max(b.gas_limit))).fold(0.0, f64::max);
    let gas = Panel::below(&mut canvas, 170.0, x, Scale::from_zero(most));
    gas.draw_y(&mut canvas.svg, "gas in the block (Mgas)");
    let width = (gas.width / (f64::from(last - first) + 1.4) * 0.72).min(26.0);
    for b in &blocks {
        let (middle, top) = (gas.px(b.slot.into()), gas.py(mgas(b.gas_used)));
        let tip = format!("slot {}: {:.1} Mgas", b.slot, mgas(b.gas_used));
        let fill = if b.measured { BAR } else { WARM_UP_BAR };
        canvas.svg.rect((middle - width / 2.0, top, width, gas.bottom() - top), fill, &tip);
    }
    let limit: Vec<_> = blocks.iter().map(|b| Some((f64::from(b.slot), mgas(b.gas_limit)))).collect();
    line::draw(&mut canvas.svg, &gas, &limit, theme::LIMIT, "5 4");
    gas.draw_x(&mut canvas.svg, "slot");

    let highest = blocks.iter().map(|b| gwei(b.base_fee_wei)).fold(0.0, f64::max);
    let fee = Panel::below(&mut canvas, 120.0, x, Scale::from_zero(highest));
    fee.draw_y(&mut canvas.svg, "base fee (gwei per gas)");
    let fees: Vec<_> = blocks.iter().map(|b| Some((f64::from(b.slot), gwei(b.base_fee_wei)))).collect();
    line::draw(&mut canvas.svg, &fee, &fees, theme::INK, "");
    fee.draw_x(&mut canvas.svg, "slot");
    let chain = if base.plan.chains.len() > 1 { " The first chain is shown." } else { "" };
    Some(Figure {
        name: "gas",
        title: "Gas and the base fee".to_owned(),
        see: "Blocks above half of the limit raise the base fee, blocks below it lower it. Bars at the limit with \
              a climbing fee are demand beyond capacity; low bars mean that users, not the chain, set the pace."
            .to_owned(),
        how: format!("As recorded in the blocks on the winning chain, warm-up included.{chain}"),
        svg: canvas.finish(8.0, "Gas used and base fee by slot."),
        table,
    })
}
