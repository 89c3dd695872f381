//! Words on the map: names of regions, which block is shown, what the colours mean.

use super::Stage;
use crate::format;
use crate::map::Places;
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{Align2, FontId, Painter, Pos2, Rect, pos2, vec2};

pub fn region_names(
    painter: &Painter,
    regions: &[sim_core::scenario::plan::Region],
    tokens: &Tokens,
    places: &Places,
    rect: Rect,
) {
    let font = FontId::proportional(10.5);
    let mut taken: Vec<Rect> = places
        .regions
        .iter()
        .map(|(_, centre, radius)| Rect::from_center_size(*centre, vec2(*radius, *radius) * 1.5))
        .collect();
    // What the caption and the legend cover.
    taken.push(Rect::from_min_max(rect.left_bottom() - vec2(0.0, 34.0), rect.right_bottom()));
    taken.push(Rect::from_min_max(rect.left_top(), rect.right_top() + vec2(0.0, 46.0)));
    for (region, centre, radius) in &places.regions {
        let name = regions[*region].name.as_str();
        let galley = painter.layout_no_wrap(name.to_owned(), font.clone(), tokens.faint);
        let (w, h) = (galley.size().x, galley.size().y);
        let candidates = [
            pos2(centre.x - w / 2.0, centre.y + radius + 1.0),
            pos2(centre.x - w / 2.0, centre.y - radius - h - 1.0),
            pos2(centre.x + radius + 3.0, centre.y - h / 2.0),
            pos2(centre.x - radius - w - 3.0, centre.y - h / 2.0),
        ];
        let free = |at: &Pos2| {
            let label = Rect::from_min_size(*at, vec2(w, h));
            rect.contains_rect(label) && taken.iter().all(|t| !t.intersects(label.shrink(1.0)))
        };
        if let Some(at) = candidates.into_iter().find(free) {
            taken.push(Rect::from_min_size(at, vec2(w, h)));
            painter.galley(at, galley, tokens.faint);
        }
    }
}

/// Which block is shown, and how far it is.
pub fn caption(painter: &Painter, session: &Session, tokens: &Tokens, rect: Rect) {
    let at = rect.left_top() + vec2(12.0, 10.0);
    let Some(block) = session.block() else {
        let text = "No block yet";
        painter.text(at, Align2::LEFT_TOP, text, FontId::proportional(15.0), tokens.ink);
        return;
    };
    let shown_ns = session.shown_ns();
    let since = shown_ns.saturating_sub(block.slot_start_ns);
    let title = format!("Block {}", block.height);
    let title = painter.text(at, Align2::LEFT_TOP, title, FontId::proportional(15.0), tokens.ink);
    let width = rect.width() - 24.0;
    let phase =
        if block.published_ns == 0 || shown_ns < block.published_ns { "being built" } else { "published" };
    let facts = format!(
        "slot {}, {phase} by node {} · {} · {}gas · {} transactions · {} into the slot",
        block.key.slot,
        block.key.proposer,
        format::bytes(block.size_bytes),
        format::prefixed(block.gas_used as f64),
        format::count(block.transactions.into()),
        format::duration(since.min(99_000_000_000)),
    );
    if session.selection.block.is_some() {
        let at = title.right_center() + vec2(10.0, 0.0);
        let note = "chosen; N follows the newest";
        painter.text(at, Align2::LEFT_CENTER, note, FontId::proportional(size::SMALL), tokens.accent);
    }
    let below = title.left_bottom() + vec2(0.0, 2.0);
    let font = FontId::proportional(size::SMALL);
    let mut facts = painter.layout_no_wrap(facts, font.clone(), tokens.faint);
    if facts.size().x > width {
        let since = format!("{} into the slot", format::duration(since.min(99_000_000_000)));
        facts = painter.layout_no_wrap(since, font, tokens.faint);
    }
    // Nodes of the far north may be drawn here.
    let ground = Rect::from_min_size(below, facts.size()).expand2(vec2(4.0, 1.0));
    painter.rect_filled(ground, 3, tokens.sea.gamma_multiply(0.75));
    painter.galley(below, facts, tokens.faint);
}

pub fn legend(painter: &Painter, tokens: &Tokens, rect: Rect, counts: [u32; 6], session: &Session) {
    let mut x = rect.left() + 14.0;
    let y = rect.bottom() - 15.0;
    let font = FontId::proportional(size::SMALL);
    let ground = Rect::from_min_max(pos2(rect.left(), y - 13.0), rect.right_bottom());
    painter.rect_filled(ground, 0.0, tokens.sea.gamma_multiply(0.8));
    let down = counts[5];
    let stages = Stage::ALL.map(|s| (s.name(), s.colour(tokens), counts[s as usize]));
    let last = ("down", tokens.error.gamma_multiply(0.7), down);
    // Where there is little room, what there is none of is left out, and then the words.
    let roomy = rect.width() >= 520.0;
    for (name, colour, count) in stages.into_iter().chain((down > 0).then_some(last)) {
        if !roomy && count == 0 {
            continue;
        }
        painter.circle_filled(pos2(x, y), 4.2, colour);
        let mut text = format!("{name} {}", format::count(count.into()));
        if rect.width() < 300.0 {
            text = format::count(count.into());
        }
        let text = painter.text(pos2(x + 9.0, y), Align2::LEFT_CENTER, text, font.clone(), tokens.ink);
        x = text.right() + if roomy { 18.0 } else { 10.0 };
    }
    let snapshot = session.snapshot();
    let under_way = snapshot.copies_under_way;
    let mut note = if under_way > 0 {
        let copies = if under_way == 1 { "copy" } else { "copies" };
        format!("{} {copies} under way", format::count(under_way.into()))
    } else {
        String::new()
    };
    if snapshot.states_every > 1 {
        let part =
            format!("every {}th of {} nodes", snapshot.states_every, format::count(snapshot.nodes.into()));
        note = if note.is_empty() { part } else { format!("{note} · {part}") };
    }
    let note = painter.layout_no_wrap(note, font, tokens.faint);
    let at = pos2(rect.right() - 12.0 - note.size().x, y - note.size().y / 2.0);
    if at.x > x {
        painter.galley(at, note, tokens.faint);
    }
}
