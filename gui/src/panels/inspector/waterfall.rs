//! A chain of causes, a row a step, on one time axis. The steps have no gaps: they add up to the nanosecond.

use crate::format;
use crate::theme::Tokens;
use eframe::egui::{Align2, FontId, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use sim_core::observe::plot::bars::{Piece, Row, stacked_rows};
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::Part;
use sim_core::simulation::snapshot::{BlockSummary, Step};

/// The chain of causes, a row a step, on one time axis.
pub fn show(ui: &mut Ui, tokens: &Tokens, way: &[Step], block: &BlockSummary) {
    const ROW: f32 = 16.0;
    const LABEL: f32 = 118.0;
    let (Some(first), Some(last)) = (way.first(), way.last()) else { return };
    let (start, end) = (first.start_ns, last.end_ns.max(first.start_ns + 1));
    let size = vec2(ui.available_width(), ROW * way.len() as f32 + 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Chain of causes"));
    let painter = ui.painter_at(rect);
    let right = rect.right() - 46.0;
    let x = |ns: u64| {
        rect.left() + LABEL + (ns - start) as f32 / (end - start) as f32 * (right - rect.left() - LABEL)
    };
    let mut hop = first.node;
    for (index, step) in way.iter().enumerate() {
        let top = rect.top() + index as f32 * ROW;
        if step.node != hop {
            painter.hline(rect.x_range(), top, Stroke::new(0.6, tokens.line));
            hop = step.node;
        }
        let y = top + ROW / 2.0;
        let font = FontId::proportional(11.0);
        painter.text(
            pos2(rect.left(), y),
            Align2::LEFT_CENTER,
            step.node.to_string(),
            FontId::monospace(10.0),
            tokens.faint,
        );
        painter.text(
            pos2(rect.left() + 34.0, y),
            Align2::LEFT_CENTER,
            short_name(step),
            font.clone(),
            tokens.ink,
        );
        let (from, to) = (x(step.start_ns), x(step.end_ns));
        let bar = Rect::from_min_max(pos2(from, top + 3.0), pos2(to.max(from + 1.5), top + ROW - 3.0));
        painter.rect_filled(bar, 2, tokens.part(step.part));
        let text = format::duration(step.end_ns - step.start_ns);
        painter.text(pos2(to + 4.0, y), Align2::LEFT_CENTER, text, FontId::proportional(10.5), tokens.faint);
    }
    let total = format!("{} ns in {} steps, without a gap", format::count(end - start), way.len());
    ui.label(RichText::new(total).size(10.5).color(tokens.faint));
    if let Some(pointer) = response.hover_pos() {
        let row = ((pointer.y - rect.top()) / ROW) as usize;
        if let Some(step) = way.get(row) {
            let from = format::duration(step.start_ns - block.slot_start_ns.min(step.start_ns));
            response.on_hover_ui_at_pointer(|ui| {
                ui.strong(step.part.name());
                ui.label(format!(
                    "node {}, {} into the slot, for {}",
                    step.node,
                    from,
                    format::duration(step.end_ns - step.start_ns)
                ));
                ui.label(format!("resource: {}", step.part.resource().name()));
            });
        }
    }
}

fn short_name(step: &Step) -> &'static str {
    match step.part {
        Part::SerialisationUp => "sending",
        Part::SerialisationDown => "receiving",
        Part::QueueUp => "uplink queue",
        Part::QueueDown => "downlink queue",
        Part::Propagation => "on the way",
        Part::Protocol => "asked for",
        other => other.name(),
    }
}

/// The steps as a table.
pub fn numbers(way: &[Step], slot_start_ns: u64) -> DataTable {
    let mut table =
        DataTable::new(["node", "part", "resource", "from (ms)", "to (ms)", "took (ms)", "took (ns)"]);
    let ms = |ns: u64| Cell::Num(ns as f64 / 1e6);
    for step in way {
        let took_ns = step.end_ns - step.start_ns;
        table.push(vec![
            Cell::Int(step.node.into()),
            Cell::Text(step.part.name().to_owned()),
            Cell::Text(step.part.resource().name().to_owned()),
            ms(step.start_ns.saturating_sub(slot_start_ns)),
            ms(step.end_ns.saturating_sub(slot_start_ns)),
            ms(took_ns),
            Cell::Int(took_ns),
        ]);
    }
    table
}

/// The steps as a drawing.
pub fn drawing(way: &[Step], block: &BlockSummary, node: u32) -> Option<String> {
    let (first, last) = (way.first()?, way.last()?);
    let total = format::duration(last.end_ns - first.start_ns);
    let mut canvas = Canvas::new(
        &format!("How block {} came to node {node}", block.height),
        &format!(
            "{total} from the start of slot {}; every step begins where the last one ended",
            block.key.slot
        ),
    );
    let ms = |ns: u64| ns as f64 / 1e6;
    let row = |step: &Step| {
        let took = format::duration(step.end_ns - step.start_ns);
        let piece =
            |value: f64, colour: &'static str| Piece { value, colour, tip: step.part.name().to_owned() };
        Row {
            label: format!("{} · {}", step.node, short_name(step)),
            pieces: vec![
                piece(ms(step.start_ns - first.start_ns), paper::BACKGROUND),
                piece(ms(step.end_ns - step.start_ns), paper::part_colour(step.part)),
            ],
            end: took,
            group_start: false,
        }
    };
    let rows: Vec<Row> = way.iter().map(row).collect();
    stacked_rows(&mut canvas, &rows, "time since the start of the slot (ms)");
    Some(canvas.finish(8.0, "A waterfall of the causes that brought a block to a node."))
}
