//! One transaction, or one journey over bridges, from hand to hand: when it was where, on a logarithmic axis of time.
//! Click a step to go there.

use crate::format;
use crate::panels::Cx;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, FontId, Rect, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::observe::plot::bars::{Piece, Row, stacked_rows};
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::observe::record::{DROP_REASONS, Fate, Resource};
use sim_core::observe::tables::transactions::kind_name;
use sim_core::rollup::bridge::record::{OUTCOMES, Outcome};
use sim_core::rollup::look::{Step, TripView, TxStep, TxView};
use sim_core::simulation::snapshot::{FleetView, Followed};

/// Height of a step.
const ROW: f32 = 26.0;
/// Room for what a step is.
const LABEL: f32 = 210.0;
/// The axis is even up to here, then logarithmic, ns.
const KNEE_NS: f64 = 20e6;

/// What is followed, and what is to be said of it.
#[derive(Clone, Debug)]
pub struct Story {
    number: Followed,
    title: String,
    steps: Vec<TxStep>,
    /// What comes next, or how it ended.
    next: Option<String>,
}

impl Story {
    /// That of what is followed in a fleet.
    pub fn of(view: &FleetView) -> Option<Self> {
        let tx = view.followed.as_ref().map(Self::of_tx);
        tx.or_else(|| view.followed_trip.as_ref().map(Self::of_trip))
    }

    fn of_tx(tx: &TxView) -> Self {
        let title = format!("#{}: {} on rollup {}", tx.number, kind_name(tx.kind), tx.rollup);
        Self { number: Followed::Tx(tx.number), title, steps: tx.steps.clone(), next: next(tx) }
    }

    fn of_trip(trip: &TripView) -> Self {
        let title = format!("Journey {}: {}", trip.number, way(trip));
        let next = match trip.outcome {
            Some(Outcome::Done) => None,
            Some(outcome) => Some(format!("ended: {}", outcome_name(outcome))),
            None => Some("under way".to_owned()),
        };
        Self { number: Followed::Trip(trip.number), title, steps: trip.steps.clone(), next }
    }
}

/// Where a journey leads.
fn way(trip: &TripView) -> String {
    let more = if trip.legs > 1 { format!(" and {} more", trip.legs - 1) } else { String::new() };
    format!("from rollup {} to {}{more}", trip.home, trip.target)
}

fn outcome_name(outcome: Outcome) -> &'static str {
    OUTCOMES.get(outcome as usize).copied().unwrap_or("unknown")
}

/// Remembers what lies ahead of a moment one has gone back to.
#[derive(Default)]
pub struct Follow {
    /// The run and its changes the steps below belong to.
    of: (u64, usize, u32),
    known: Option<Story>,
}

impl Follow {
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &FleetView) {
        let tokens = cx.tokens;
        let changes = cx.session.frame.interventions.len();
        let of = (cx.session.generation(), changes, cx.session.selection.fleet);
        let followed = cx.session.selection.followed;
        if self.of != of || self.known.as_ref().is_some_and(|story| Some(story.number) != followed) {
            (self.of, self.known) = (of, None);
        }
        let story = Story::of(view).filter(|story| Some(story.number) == followed);
        if let Some(story) = story
            && self.known.as_ref().is_none_or(|known| story.steps.len() >= known.steps.len())
        {
            self.known = Some(story);
        }
        ui.horizontal_top(|ui| {
            let height = ui.available_height();
            ui.allocate_ui(vec2(200.0, height), |ui| list(ui, cx, view));
            ui.separator();
            ui.vertical(|ui| match &self.known {
                Some(story) => steps(ui, cx, story),
                None => {
                    let text =
                        "Choose a transaction or a journey to follow it: where it was when, step by step";
                    ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
                }
            });
        });
    }
}

/// The latest transactions; a click follows one.
fn list(ui: &mut Ui, cx: &mut Cx<'_>, view: &FleetView) {
    let tokens = cx.tokens;
    ui.vertical(|ui| {
        ui.label(RichText::new("latest").size(size::SMALL).color(tokens.faint));
        ScrollArea::vertical().id_salt("latest").auto_shrink(false).show(ui, |ui| {
            let trips = view.trips.iter().map(|trip| {
                let state = trip.outcome.map_or("under way", outcome_name);
                (Followed::Trip(trip.number), format!("{} to {} · {state}", trip.home, trip.target))
            });
            let txs = view.recent.iter().map(|tx| {
                let text = format!("#{} {} on {} · {}", tx.number, kind_name(tx.kind), tx.rollup, state(tx));
                (Followed::Tx(tx.number), text)
            });
            let mut section = None;
            for (followed, text) in trips.chain(txs) {
                let of_trips = matches!(followed, Followed::Trip(_));
                if section != Some(of_trips) {
                    let name = if of_trips { "journeys" } else { "transactions" };
                    ui.label(RichText::new(name).size(size::SMALL).color(tokens.faint));
                    section = Some(of_trips);
                }
                let chosen = cx.session.selection.followed == Some(followed);
                if ui.selectable_label(chosen, RichText::new(text).size(size::SMALL)).clicked() {
                    cx.session.selection.followed = Some(followed).filter(|_| !chosen);
                }
            }
        });
    });
}

/// How far it is, in a word.
fn state(tx: &TxView) -> &'static str {
    match (tx.fate, tx.steps.last().map(|step| step.what)) {
        (Fate::Dropped(_), _) => "given up",
        (_, None | Some(Step::HandedIn)) => "on its way",
        (_, Some(Step::Received)) => "waiting",
        (_, Some(Step::Executed)) => "executed",
        (_, Some(Step::Confirmed)) => "confirmed",
        (_, Some(Step::Batched { .. })) => "in a batch",
        (_, Some(Step::Posted { .. })) => "posted",
        (_, Some(Step::Settled)) => "final on the L1",
        (_, Some(Step::Proven)) => "proven",
        (_, Some(_)) => "on a journey",
    }
}

/// What a step was, in words.
fn words(step: &TxStep) -> String {
    match step.what {
        Step::HandedIn => "handed in".to_owned(),
        Step::Received => "at the sequencer".to_owned(),
        Step::Executed => "executed in a block".to_owned(),
        Step::Confirmed => "confirmed to the user (soft)".to_owned(),
        Step::Batched { batch, transactions, bytes } => {
            format!("batch {batch}: {transactions} txs, {}", format::bytes(bytes))
        }
        Step::Posted { slot } => format!("in the L1's slot {slot} (posted)"),
        Step::Settled => "final on the L1".to_owned(),
        Step::Proven => "proven, window over".to_owned(),
        Step::SetOut => "set out at the desk".to_owned(),
        Step::Sent { from, to } => format!("sent on rollup {from}, to {to}"),
        Step::Ready { to } => format!("the bridge may let it into {to}"),
        Step::Landed { to } => format!("arrived on rollup {to}"),
        Step::Returned { from } => format!("came back to rollup {from}"),
        Step::Traded { rollup } => format!("traded on rollup {rollup}"),
        Step::Over => "over, the traveller knows".to_owned(),
    }
}

/// What it waits for next, if it is on its way.
fn next(tx: &TxView) -> Option<String> {
    if let Fate::Dropped(reason) = tx.fate {
        let reason = DROP_REASONS.get(usize::from(reason)).unwrap_or(&"unknown");
        return Some(format!("given up: {reason}"));
    }
    let text = match tx.steps.last()?.what {
        Step::HandedIn => "travels to the sequencer",
        Step::Received => "waits for its block",
        Step::Executed | Step::Confirmed => "waits for its batch to be closed",
        Step::Batched { .. } => "waits for a block of the L1",
        Step::Posted { .. } => "waits for the L1 to be final",
        Step::Settled => "waits for a proof, if there is to be one",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Where a time since the start stands: even at first, then logarithmic; 0 to 1.
fn place(ns: u64, end_ns: u64) -> f32 {
    let at = |ns: u64| (1.0 + ns as f64 / KNEE_NS).ln();
    (at(ns) / at(end_ns.max(1))) as f32
}

/// The steps, each a row that leads there.
fn steps(ui: &mut Ui, cx: &mut Cx<'_>, tx: &Story) {
    let tokens = cx.tokens;
    let now_ns = cx.session.snapshot().now_ns;
    let Some(start_ns) = tx.steps.first().map(|step| step.at_ns) else { return };
    let last_ns = tx.steps.last().map_or(start_ns, |step| step.at_ns);
    let end_ns = last_ns.max(now_ns).saturating_sub(start_ns).max(1_000_000);
    ui.horizontal(|ui| {
        ui.label(RichText::new(&tx.title).size(size::BODY).color(tokens.ink).strong());
        let before = tx.steps.iter().rev().find(|step| step.at_ns + 1 < now_ns);
        let after = tx.steps.iter().find(|step| step.at_ns >= now_ns);
        for (name, step) in [("Step back", before), ("Step on", after)] {
            let button = eframe::egui::Button::new(RichText::new(name).size(size::SMALL));
            if ui.add_enabled(step.is_some(), button).clicked()
                && let Some(step) = step
            {
                go(cx, step);
            }
        }
    });
    ScrollArea::vertical().id_salt("steps").auto_shrink(false).show(ui, |ui| {
        let size = vec2(ui.available_width(), ROW * (tx.steps.len() + 1) as f32 + 22.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "A transaction step by step"));
        let painter = ui.painter_at(rect);
        let track = Rect::from_min_max(rect.min + vec2(LABEL, 0.0), rect.max - vec2(120.0, 18.0));
        let x = |ns: u64| track.left() + place(ns.saturating_sub(start_ns), end_ns) * track.width();
        axis(&painter, tokens, track, end_ns);
        let mut from_ns = start_ns;
        let mut under = None;
        for (index, step) in tx.steps.iter().enumerate() {
            let top = rect.top() + index as f32 * ROW;
            let (y, ahead) = (top + ROW / 2.0, step.at_ns > now_ns);
            let line = Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), top + ROW));
            if response.hover_pos().is_some_and(|p| line.contains(p)) {
                painter.rect_filled(line, 3, tokens.ink.gamma_multiply(0.07));
                under = Some(step);
            }
            let ink = if ahead { tokens.faint } else { tokens.ink };
            let font = FontId::proportional(12.0);
            painter.text(pos2(rect.left() + 4.0, y), Align2::LEFT_CENTER, words(step), font, ink);
            let bar = Rect::from_min_max(
                pos2(x(from_ns), y - 5.0),
                pos2(x(step.at_ns).max(x(from_ns) + 1.5), y + 5.0),
            );
            if ahead {
                painter.rect_stroke(bar, 2, Stroke::new(1.0, tokens.faint), StrokeKind::Inside);
            } else {
                painter.rect_filled(bar, 2, colour(tokens, step.what));
            }
            let since = format!("+{}", format::duration(step.at_ns - start_ns));
            let font = FontId::proportional(11.0);
            painter.text(pos2(rect.right() - 4.0, y), Align2::RIGHT_CENTER, since, font, tokens.faint);
            from_ns = step.at_ns;
        }
        let y = rect.top() + (tx.steps.len() as f32 + 0.5) * ROW;
        if let Some(text) = &tx.next {
            let font = FontId::proportional(12.0);
            painter.text(pos2(rect.left() + 4.0, y), Align2::LEFT_CENTER, text, font, tokens.warning);
        }
        if (start_ns..=start_ns + end_ns).contains(&now_ns) {
            painter.vline(x(now_ns), track.y_range(), Stroke::new(1.5, tokens.ink));
        }
        if let Some(step) = under {
            let clicked = response.clicked();
            response.on_hover_ui_at_pointer(|ui| {
                ui.strong(words(step));
                ui.label(format!("at node {}, {}", step.node, format::clock_ns(step.at_ns)));
                ui.weak("click to go there");
            });
            if clicked {
                go(cx, step);
            }
        }
    });
}

/// Goes to just after a step, and looks at its node.
fn go(cx: &mut Cx<'_>, step: &TxStep) {
    cx.session.play(false);
    cx.session.seek(step.at_ns + 1);
    cx.session.selection.node = Some(step.node);
}

fn colour(tokens: &Tokens, what: Step) -> eframe::egui::Color32 {
    match what {
        Step::HandedIn | Step::Received => tokens.resource(Resource::Latency),
        Step::Executed => tokens.resource(Resource::Protocol),
        Step::Confirmed => tokens.resource(Resource::Latency),
        Step::Batched { .. } => tokens.resource(Resource::Protocol),
        Step::Posted { .. } => tokens.resource(Resource::Uplink),
        Step::Settled => tokens.voted,
        Step::Proven => tokens.finalised,
        Step::SetOut => tokens.faint,
        Step::Sent { .. } | Step::Traded { .. } => tokens.executed,
        Step::Ready { .. } => tokens.resource(Resource::Protocol),
        Step::Landed { .. } => tokens.accent,
        Step::Returned { .. } => tokens.warning,
        Step::Over => tokens.finalised,
    }
}

fn axis(painter: &eframe::egui::Painter, tokens: &Tokens, track: Rect, end_ns: u64) {
    const MARKS: [(u64, &str); 11] = [
        (10, "10 ms"),
        (100, "100 ms"),
        (1_000, "1 s"),
        (10_000, "10 s"),
        (60_000, "1 min"),
        (600_000, "10 min"),
        (3_600_000, "1 h"),
        (21_600_000, "6 h"),
        (86_400_000, "1 d"),
        (604_800_000, "7 d"),
        (2_592_000_000, "30 d"),
    ];
    let mut free = f32::NEG_INFINITY;
    for (ms, text) in MARKS {
        let ns = ms * 1_000_000;
        if ns > end_ns {
            break;
        }
        let at = pos2(track.left() + place(ns, end_ns) * track.width(), track.bottom());
        painter.vline(at.x, track.y_range(), Stroke::new(1.0, tokens.line));
        if at.x - 16.0 > free {
            let font = FontId::proportional(10.0);
            let drawn = painter.text(at + vec2(0.0, 3.0), Align2::CENTER_TOP, text, font, tokens.faint);
            free = drawn.right() + 6.0;
        }
    }
}

pub fn numbers(tx: &Story) -> DataTable {
    let mut table = DataTable::new([
        "step",
        "node",
        "time (s)",
        "since it was handed in (s)",
        "since the step before (s)",
    ]);
    let start_ns = tx.steps.first().map_or(0, |step| step.at_ns);
    let mut before_ns = start_ns;
    for step in &tx.steps {
        table.push(vec![
            Cell::Text(words(step)),
            Cell::Int(step.node.into()),
            Cell::Num(step.at_ns as f64 / 1e9),
            Cell::Num((step.at_ns - start_ns) as f64 / 1e9),
            Cell::Num((step.at_ns - before_ns) as f64 / 1e9),
        ]);
        before_ns = step.at_ns;
    }
    table
}

pub fn drawing(tx: &Story) -> Option<String> {
    let start_ns = tx.steps.first()?.at_ns;
    let mut canvas =
        Canvas::new(&tx.title, "Time of each step since the one before; at the end: since it was handed in");
    let mut before_ns = start_ns;
    let rows = tx.steps.iter().skip(1).map(|step| {
        let took_ns = step.at_ns - std::mem::replace(&mut before_ns, step.at_ns);
        let piece = Piece {
            value: took_ns as f64 / 1e9,
            colour: paper::resource_colour(Resource::Latency),
            tip: format::duration(took_ns),
        };
        let end = format!("{} (+{})", format::duration(took_ns), format::duration(step.at_ns - start_ns));
        Row { label: words(step), pieces: vec![piece], end, group_start: false }
    });
    let rows: Vec<Row> = rows.collect();
    stacked_rows(&mut canvas, &rows, "time since the step before (s)");
    Some(canvas.finish(8.0, "The steps of a transaction on a rollup and how long each took."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_steps_stand_further_right_and_the_last_at_the_end() {
        let end = 7 * 86_400_000_000_000_u64;
        let places: Vec<f32> =
            [0, 1_000_000, 30_000_000, 12_000_000_000, end].map(|ns| place(ns, end)).into();
        assert!(places.is_sorted() && places[0] == 0.0 && places[4] == 1.0, "{places:?}");
        assert!(places[2] > 0.04, "what takes milliseconds can be seen beside days: {places:?}");
    }
}
