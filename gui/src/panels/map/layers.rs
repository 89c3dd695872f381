//! What moves on the map: links, copies on their way, nodes.

use super::{COPIES_MAX, DRAWN_MAX, FLASH_NS, Stage};
use crate::map::{Places, dot_radius};
use crate::paint::{Dots, Strokes, on_arc};
use crate::session::{Ends, Session};
use crate::theme::Tokens;
use eframe::egui::{Color32, Painter, Pos2, Stroke};
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::NO_SENDER;

/// The links of the chosen node, and the way the block took to it.
pub fn links(painter: &Painter, session: &Session, tokens: &Tokens, places: &Places, placement: &Placement) {
    let mut strokes = Strokes::default();
    let place = |n: u32| places.nodes.get(n as usize).copied();
    let mut stroke = |[a, b]: Ends, width: f32, colour: Color32| {
        if let (Some(from), Some(to)) = (place(a), place(b)) {
            strokes.add(from, to, width, [colour, colour]);
        }
    };
    let selection = &session.selection;
    if let Some(node) = selection.hovered.or(selection.node) {
        let detail = session.snapshot().node.as_deref().filter(|d| d.node == node);
        for peer in placement.topology.neighbours(node) {
            let mesh = detail.is_some_and(|d| d.mesh.contains(peer));
            let strength = if mesh { 0.75 } else { 0.3 };
            stroke([node, *peer], if mesh { 1.3 } else { 1.0 }, tokens.faint.gamma_multiply(strength));
        }
        way(session, node).into_iter().for_each(|ends| stroke(ends, 2.2, tokens.accent));
    }
    if let Some(ends) = selection.link {
        stroke(ends, 3.4, tokens.accent);
    }
    if let Some(ends) = selection.hovered_link {
        stroke(ends, 3.4, tokens.ink);
    }
    strokes.paint(painter);
}

/// The links the shown block came over to a node, back from it to the proposer.
pub fn way(session: &Session, node: u32) -> Vec<Ends> {
    let mut way = Vec::new();
    let mut here = node;
    // A way has no circles, but a frame may be half of one block and half of another.
    for _ in 0..64 {
        let Some(sender) = session.state(here).map(|s| s.sender).filter(|s| *s != NO_SENDER) else { break };
        way.push([sender, here]);
        here = sender;
    }
    way
}

/// A first copy on its way.
pub struct Flying {
    /// Where it is drawn.
    pub at: Pos2,
    /// Sender and receiver.
    pub ends: Ends,
}

/// First copies on their way, and where they came by a moment ago.
pub fn copies(
    painter: &Painter,
    session: &Session,
    tokens: &Tokens,
    places: &Places,
    placement: &Placement,
) -> Vec<Flying> {
    let snapshot = session.snapshot();
    let (shown_ns, every) = (session.shown_ns(), snapshot.states_every);
    let trail_ns = 180e6;
    let mut strokes = Strokes::default();
    let mut dots = Dots::new(painter.ctx(), COPIES_MAX);
    let mut drawn = 0;
    let mut flying = Vec::new();
    // Long ways first, they are the ones to see.
    for long in [true, false] {
        for (index, state) in snapshot.states.iter().enumerate() {
            let node = index as u32 * every;
            if state.sender == NO_SENDER
                || state.sent_ns == 0
                || state.sent_ns > shown_ns
                || drawn >= COPIES_MAX
            {
                continue;
            }
            let since = shown_ns as f32 - state.arrived_ns as f32;
            let between = placement.regions[node as usize] != placement.regions[state.sender as usize];
            if between != long || since > trail_ns {
                continue;
            }
            drawn += 1;
            let (from, to) = (places.nodes[state.sender as usize], places.nodes[node as usize]);
            let flight = (state.arrived_ns - state.sent_ns).max(1) as f32;
            let head = ((shown_ns - state.sent_ns) as f32 / flight).min(1.0);
            let fade = (1.0 - since.max(0.0) / trail_ns).clamp(0.0, 1.0);
            let bend = if between { 0.16 } else { 0.05 };
            let tail = (head - 0.45).max(0.0);
            const PIECES: usize = 10;
            for piece in 0..PIECES {
                let at = |i: usize| tail + (head - tail) * i as f32 / PIECES as f32;
                let alpha = |i: usize| fade * (i as f32 / PIECES as f32).powi(2) * 0.75;
                let colours = [piece, piece + 1].map(|i| tokens.message.gamma_multiply(alpha(i)));
                let ends = [piece, piece + 1].map(|i| on_arc(from, to, bend, at(i)));
                strokes.add(ends[0], ends[1], 1.3, colours);
            }
            if head < 1.0 {
                let at = on_arc(from, to, bend, head);
                dots.add(at, 1.8, tokens.message);
                flying.push(Flying { at, ends: [state.sender, node] });
            }
        }
    }
    strokes.paint(painter);
    dots.paint(painter);
    flying
}

/// The nodes; how many are at each stage, and how many are down.
pub fn nodes(painter: &Painter, session: &Session, tokens: &Tokens, places: &Places, scale: f32) -> [u32; 6] {
    let snapshot = session.snapshot();
    let (shown_ns, every) = (session.shown_ns(), snapshot.states_every as usize);
    let radius = dot_radius(places.nodes.len().min(DRAWN_MAX)) * scale;
    let mut counts = [0; 6];
    let mut dots = Dots::new(painter.ctx(), places.nodes.len());
    for (node, at) in places.nodes.iter().enumerate() {
        let state = node.is_multiple_of(every).then(|| snapshot.states.get(node / every)).flatten();
        let Some(state) = state else {
            if places.nodes.len() > DRAWN_MAX {
                continue;
            }
            dots.add(*at, radius * 0.7, tokens.waiting.gamma_multiply(0.35));
            continue;
        };
        if state.down {
            counts[5] += 1;
            dots.add(*at, radius * 0.75, tokens.error.gamma_multiply(0.55));
            continue;
        }
        let (stage, since_ns) = Stage::of(state, shown_ns);
        counts[stage as usize] += 1;
        let mut colour = stage.colour(tokens);
        let mut grown = radius;
        let flash = 1.0 - (shown_ns - since_ns) as f32 / FLASH_NS;
        if stage != Stage::Waiting && flash > 0.0 {
            if tokens.is_dark() {
                colour = colour.lerp_to_gamma(Color32::WHITE, flash * 0.6);
            }
            grown *= 1.0 + 0.7 * flash;
        }
        if !session.selection.includes(node as u32) {
            colour = colour.gamma_multiply(0.25);
        }
        dots.add(*at, grown, colour);
    }
    dots.paint(painter);
    let ring = |node: u32, colour: Color32, width: f32| {
        if let Some(at) = places.nodes.get(node as usize) {
            painter.circle_stroke(*at, radius + 4.0, Stroke::new(width, colour));
        }
    };
    if let Some(block) = session.block() {
        ring(block.key.proposer, tokens.ink, 1.6);
    }
    if let Some(node) = session.selection.hovered {
        ring(node, tokens.accent.gamma_multiply(0.7), 1.2);
    }
    let chosen = session.selection.node.into_iter().chain(session.selection.link.into_iter().flatten());
    chosen.for_each(|node| ring(node, tokens.accent, 2.0));
    counts
}
