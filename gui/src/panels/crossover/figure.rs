//! The crossover as numbers and as a drawing.

use super::{Crossover, Dot, dots, headline};
use crate::export::Exportable;
use crate::session::Session;
use sim_core::observe::plot::canvas::{Canvas, LegendItem, Panel, Swatch};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::svg::{Anchor, TextStyle};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::{line, theme as paper};
use sim_core::observe::record::Resource;

impl Exportable for Crossover {
    fn stem(&self) -> &'static str {
        "crossover"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let blocks = &session.snapshot().blocks;
        let mut table = DataTable::new([
            "block",
            "slot",
            "network to 95 % (ms)",
            "execution (ms)",
            "network / execution",
            "size (kB)",
            "gas (Mgas)",
        ]);
        for dot in dots(blocks).iter().rev() {
            let Some(block) = blocks.iter().find(|b| b.key == dot.key) else { continue };
            table.push(vec![
                Cell::Int(block.height.into()),
                Cell::Int(block.key.slot.into()),
                Cell::Num(dot.network_ms),
                Cell::Num(dot.execution_ms),
                Cell::Num(dot.network_ms / dot.execution_ms),
                Cell::Num(block.size_bytes as f64 / 1e3),
                Cell::Num(block.gas_used as f64 / 1e6),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let dots = dots(&session.snapshot().blocks);
        let all = || dots.iter().flat_map(|d| [d.network_ms, d.execution_ms]);
        all().next()?;
        let mut canvas =
            Canvas::new("Wires or EVM?", &format!("Each dot is a block. The newest: {}", headline(&dots)));
        let colours = [Resource::Uplink, Resource::Execution].map(paper::resource_colour);
        canvas.legend(&[
            LegendItem::new("below: wires bind, a faster EVM does not help", colours[0], Swatch::Square),
            LegendItem::new("above: execution binds, a faster EVM helps", colours[1], Swatch::Square),
        ]);
        let scale = Scale::log_around(all());
        let panel = Panel::below(&mut canvas, 420.0, scale, scale);
        panel.draw_y(&mut canvas.svg, "execution at the median node (ms)");
        panel.draw_x(&mut canvas.svg, "network: publication to 95 % of the nodes (ms)");
        let (low, high) = scale.ends();
        line::draw(&mut canvas.svg, &panel, &[Some((low, low)), Some((high, high))], paper::INK, 1.5, "");
        let way: Vec<Option<(f64, f64)>> =
            dots.iter().map(|d| Some((d.network_ms, d.execution_ms))).collect();
        line::draw(&mut canvas.svg, &panel, &way, paper::GRID, 1.0, "");
        for (index, Dot { key, network_ms, execution_ms, age }) in dots.iter().enumerate() {
            let at = (panel.px(*network_ms), panel.py(*execution_ms));
            let colour = paper::sequential(f64::from(*age) * 0.9);
            let newest = index + 1 == dots.len();
            let tip =
                format!("slot {}: network {network_ms:.1} ms, execution {execution_ms:.1} ms", key.slot);
            canvas.svg.circle(at, if newest { 6.0 } else { 4.0 }, &colour, 1.0, &tip);
            if newest {
                let style = TextStyle::NOTE.at(Anchor::Start).halo();
                canvas.svg.text((at.0 + 10.0, at.1 + 4.0), style, &format!("slot {}", key.slot));
            }
        }
        Some(canvas.finish(8.0, "Execution time against network time, a dot for each block."))
    }
}
