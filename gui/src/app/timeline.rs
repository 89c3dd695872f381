//! The timeline: blocks as they went, interventions, checkpoints; drag to go anywhere.

use crate::format;
use crate::session::Session;
use crate::theme::Tokens;
use eframe::egui::{
    Align2, FontId, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::simulation::snapshot::BlockSummary;

/// The timeline.
#[derive(Default)]
pub struct Timeline {
    was_playing: bool,
}

/// Height of the strip of blocks.
const TRACK: f32 = 26.0;

impl Timeline {
    /// Draws it; dragging goes to where the pointer is.
    pub fn show(&mut self, ui: &mut Ui, session: &mut Session, tokens: &Tokens) {
        let width = ui.available_width();
        let (rect, response) = ui.allocate_exact_size(vec2(width, 50.0), Sense::click_and_drag());
        let snapshot = session.snapshot();
        let (now_ns, end_ns) = (snapshot.now_ns, snapshot.end_ns.max(1));
        response.widget_info(|| WidgetInfo::slider(session.is_ready(), now_ns as f64 / 1e9, "Timeline"));
        let painter = ui.painter_at(rect.expand(4.0));
        let track = Rect::from_min_size(rect.min + vec2(0.0, 4.0), vec2(rect.width(), TRACK));
        let x = |ns: u64| track.left() + (ns as f64 / end_ns as f64) as f32 * track.width();
        painter.rect_filled(track, 4, tokens.raised);
        let known = snapshot.blocks.last().map_or(0, |b| b.slot_start_ns).max(now_ns);
        let past = Rect::from_min_max(track.min, pos2(x(now_ns), track.bottom()));
        painter.rect_filled(past, 4, tokens.line.gamma_multiply(0.6));
        let slot_ns = session.opened.as_ref().map_or(1, |o| o.slot_ns);
        for block in &snapshot.blocks {
            draw_block(&painter, tokens, block, track, &x, slot_ns);
            let selection = &session.selection;
            if [selection.hovered_block, selection.block].contains(&Some(block.key)) {
                let ends = x(block.slot_start_ns)..=x(block.slot_start_ns + slot_ns);
                let cell = Rect::from_x_y_ranges(ends, track.y_range());
                painter.rect_stroke(cell, 3, Stroke::new(1.5, tokens.accent), StrokeKind::Inside);
            }
        }
        let font = FontId::proportional(10.5);
        ticks(&painter, tokens, rect, track, end_ns, &x, &font);
        for saved in session.frame.checkpoints.iter() {
            let at = pos2(x(*saved), track.bottom() + 3.5);
            painter.circle_filled(at, 1.6, tokens.faint);
        }
        for made in session.frame.interventions.iter() {
            let at = x(made.at_ns);
            painter.vline(at, track.y_range(), Stroke::new(1.5, tokens.warning));
            let flag = vec![
                pos2(at, track.top() - 3.0),
                pos2(at + 8.0, track.top() + 1.0),
                pos2(at, track.top() + 5.0),
            ];
            painter.add(Shape::convex_polygon(flag, tokens.warning, Stroke::NONE));
        }
        let fleet = session.snapshot().fleet.as_deref();
        let tx = fleet.and_then(|f| f.view.followed.as_ref()).map(|tx| &tx.steps);
        let steps = tx.or(fleet.and_then(|f| f.view.followed_trip.as_ref()).map(|trip| &trip.steps));
        for step in steps.map_or(&[][..], |steps| steps) {
            if step.at_ns <= end_ns {
                let at = pos2(x(step.at_ns), track.center().y);
                let corners = [vec2(0.0, -5.0), vec2(4.0, 0.0), vec2(0.0, 5.0), vec2(-4.0, 0.0)];
                let diamond = corners.map(|corner| at + corner).to_vec();
                painter.add(Shape::convex_polygon(diamond, tokens.accent, Stroke::new(1.0, tokens.panel)));
            }
        }
        let shown = session.seek_target().unwrap_or_else(|| session.shown_ns().min(known));
        let at = x(shown);
        painter.vline(at, track.top() - 4.0..=track.bottom() + 5.0, Stroke::new(2.0, tokens.ink));
        painter.circle_filled(pos2(at, track.top() - 3.0), 4.0, tokens.ink);
        self.interact(&response, session, track, end_ns);
    }

    fn interact(
        &mut self,
        response: &eframe::egui::Response,
        session: &mut Session,
        track: Rect,
        end_ns: u64,
    ) {
        let time_at = |p: Pos2| {
            let share = ((p.x - track.left()) / track.width()).clamp(0.0, 1.0);
            (f64::from(share) * end_ns as f64) as u64
        };
        if response.drag_started() {
            self.was_playing = session.frame.playing;
            session.play(false);
        }
        if (response.dragged() || response.clicked())
            && let Some(pointer) = response.interact_pointer_pos()
        {
            session.seek(time_at(pointer));
        }
        if response.drag_stopped() && self.was_playing {
            session.play(true);
        }
        if let Some(pointer) = response.hover_pos().filter(|_| !response.dragged()) {
            let ns = time_at(pointer);
            let block = session.snapshot().blocks.iter().rev().find(|b| b.slot_start_ns <= ns).cloned();
            let block = block.filter(|_| ns <= session.snapshot().now_ns);
            if let Some(block) = &block {
                session.hover_block(block.key);
                if response.secondary_clicked() {
                    session.selection.choose_block(block.key);
                }
            }
            response.clone().on_hover_ui_at_pointer(|ui| {
                ui.strong(format::clock(ns));
                if let Some(block) = &block {
                    ui.label(format!("block {}, slot {}", block.height, block.key.slot));
                }
                let near = session.frame.interventions.iter().filter(|i| i.at_ns.abs_diff(ns) < end_ns / 150);
                if let Some(plan) = session.plan() {
                    near.for_each(|i| _ = ui.label(crate::change::words(&i.change, plan)));
                }
                ui.weak("click or drag to go there");
                if block.is_some() {
                    ui.weak("right click to look at the block from here");
                }
            });
        }
    }
}

/// A block from its slot's start to finality, its stages one after the other.
fn draw_block(
    painter: &eframe::egui::Painter,
    tokens: &Tokens,
    block: &BlockSummary,
    track: Rect,
    x: &impl Fn(u64) -> f32,
    slot_ns: u64,
) {
    let left = x(block.slot_start_ns) + 0.5;
    let right = x(block.slot_start_ns + slot_ns) - 0.5;
    if right - left < 1.5 {
        let mark = Rect::from_min_max(pos2(left, track.center().y), pos2(left + 1.0, track.bottom() - 3.0));
        painter.rect_filled(mark, 0.0, tokens.arrived);
        return;
    }
    let cell = Rect::from_min_max(pos2(left, track.top() + 3.0), pos2(right, track.bottom() - 3.0));
    let share = |ns: Option<u64>| ns.map(|ns| (ns as f32 / slot_ns as f32).min(1.0));
    let published = block.published_ns.saturating_sub(block.slot_start_ns);
    let network = block.network_ns[2].map(|ns| ns + published);
    let stages = [
        (share(network), tokens.arrived),
        (share(block.executed_ns[2]), tokens.executed),
        (share(block.final_ns[2]), tokens.voted),
    ];
    let mut from = cell.left();
    for (to, colour) in stages {
        let Some(to) = to else { continue };
        let to = cell.left() + to * cell.width();
        if to > from {
            painter.rect_filled(
                Rect::from_min_max(pos2(from, cell.top()), pos2(to, cell.bottom())),
                1,
                colour.gamma_multiply(0.85),
            );
            from = to;
        }
    }
    if from == cell.left() && block.published_ns > 0 {
        painter.rect_filled(Rect::from_min_size(cell.min, vec2(2.0, cell.height())), 1, tokens.arrived);
    }
}

fn ticks(
    painter: &eframe::egui::Painter,
    tokens: &Tokens,
    rect: Rect,
    track: Rect,
    end_ns: u64,
    x: &impl Fn(u64) -> f32,
    font: &FontId,
) {
    let fitting = (rect.width() / 90.0).max(2.0) as u64;
    let steps = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 3_600, 7_200, 14_400, 86_400];
    let step = steps.into_iter().map(|s| s * 1_000_000_000).find(|s| end_ns / s <= fitting).unwrap_or(end_ns);
    for tick in (0..=end_ns).step_by(step as usize) {
        let at = pos2(x(tick), track.bottom() + 7.0);
        let align = if tick == 0 { Align2::LEFT_TOP } else { Align2::CENTER_TOP };
        let seconds = tick / 1_000_000_000;
        let text = if seconds < 60 {
            format!("{seconds} s")
        } else {
            format!("{}:{:02}", seconds / 60, seconds % 60)
        };
        painter.text(at, align, text, font.clone(), tokens.faint);
    }
}
