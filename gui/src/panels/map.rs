//! The world: where the shown block is, node by node, and the copies on their way.

use super::{Cx, Panel, nothing};
use crate::format;
use crate::map::{Land, Places, Projection, View, dot_radius};
use crate::paint::{Dots, Strokes, on_arc};
use crate::session::Session;
use crate::theme::{Tokens, size};
use eframe::egui::{
    Align2, Color32, FontId, Mesh, Painter, PointerButton, Pos2, Rect, Response, Role, Sense, Shape, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::{NO_SENDER, NodeState};
use std::sync::Arc;

/// The map.
#[derive(Default)]
pub struct Map {
    view: View,
    brush: Option<Pos2>,
    drawn: Option<Drawn>,
}

/// What depends only on the size of the panel and the nodes' places.
struct Drawn {
    key: (Rect, View, bool, usize),
    land: Arc<Mesh>,
    coast: Vec<Shape>,
    places: Places,
}

/// How far a node is with the shown block at the shown time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not there.
    Waiting,
    /// There.
    Arrived,
    /// Executed.
    Executed,
    /// Voted for.
    Voted,
    /// Final.
    Final,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Arrived, Self::Executed, Self::Voted, Self::Final];

    /// The stage of a node at a time, and since when.
    pub fn of(state: &NodeState, at_ns: u64) -> (Self, u64) {
        let by = |ns: u64| ns > 0 && ns <= at_ns;
        if by(state.final_ns) {
            (Self::Final, state.final_ns)
        } else if by(state.voted_ns) {
            (Self::Voted, state.voted_ns)
        } else if by(state.executed_ns) {
            (Self::Executed, state.executed_ns)
        } else if by(state.arrived_ns) {
            (Self::Arrived, state.arrived_ns)
        } else {
            (Self::Waiting, 0)
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Arrived => "arrived",
            Self::Executed => "executed",
            Self::Voted => "voted",
            Self::Final => "final",
        }
    }

    /// Its colour.
    pub fn colour(self, tokens: &Tokens) -> Color32 {
        match self {
            Self::Waiting => tokens.waiting,
            Self::Arrived => tokens.arrived,
            Self::Executed => tokens.executed,
            Self::Voted => tokens.voted,
            Self::Final => tokens.finalised,
        }
    }
}

/// A change of stage flashes for so long, simulated ns.
const FLASH_NS: f32 = 140e6;
/// Copies drawn on their way at most.
const COPIES_MAX: usize = 500;
/// More nodes than this are drawn in part: those that are listed.
const DRAWN_MAX: usize = 10_000;
/// Largest zoom.
const ZOOM_MAX: f32 = 12.0;

impl Panel for Map {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "World map of nodes"));
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, size::CORNER, tokens.sea);
        let (Some(placement), Some(plan)) = (cx.session.placement().cloned(), cx.session.plan().cloned())
        else {
            ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(rect), |ui| {
                nothing(ui, tokens, cx.session.failed.as_deref().unwrap_or("Setting up the network"));
            });
            return;
        };
        self.navigate(ui, &response, rect);
        let key = (rect, self.view, tokens.is_dark(), Arc::as_ptr(&placement) as usize);
        if self.drawn.as_ref().is_none_or(|d| d.key != key) {
            let projection = Projection::new(rect, self.view);
            let stroke = Stroke::new(0.7, tokens.coast);
            let coast = Land::bundled().outlines(&projection).into_iter().map(|l| Shape::line(l, stroke));
            self.drawn = Some(Drawn {
                key,
                land: Land::bundled().mesh(&projection, tokens.land),
                coast: coast.collect(),
                places: Places::new(&plan, &placement, &projection, self.view.zoom),
            });
        }
        let Some(drawn) = &self.drawn else { return };
        painter.add(Shape::Mesh(Arc::clone(&drawn.land)));
        painter.extend(drawn.coast.iter().cloned());
        if !cx.session.is_ready() {
            return;
        }
        links(&painter, cx.session, tokens, &drawn.places, &placement);
        copies(&painter, cx.session, tokens, &drawn.places, &placement);
        let counts = nodes(&painter, cx.session, tokens, &drawn.places, self.view.zoom);
        region_names(&painter, &plan.network.latency.regions, tokens, &drawn.places, rect);
        caption(&painter, cx.session, tokens, rect);
        legend(&painter, tokens, rect, counts, cx.session);
        self.choose(ui, &response, &painter, cx);
    }
}

impl Map {
    fn navigate(&mut self, ui: &Ui, response: &Response, rect: Rect) {
        let projection = Projection::new(rect, self.view);
        if let Some(pointer) = response.hover_pos() {
            let scroll = ui.input(|i| i.smooth_scroll_delta.y + 400.0 * i.zoom_delta().ln());
            if scroll != 0.0 {
                let zoom = (self.view.zoom * (scroll / 200.0).exp()).clamp(1.0, ZOOM_MAX);
                let factor = zoom / self.view.zoom;
                let shift = projection.shift_for_zoom(pointer, self.view, factor);
                self.view = View { zoom, shift };
            }
        }
        if response.dragged_by(PointerButton::Middle) || response.dragged_by(PointerButton::Secondary) {
            self.view.shift = projection.shift_for_drag(self.view, response.drag_delta());
        }
        if response.double_clicked() || self.view.zoom <= 1.001 && self.view.shift.length() > 1.2 {
            self.view = View::default();
        }
    }

    /// Hover, click, brush.
    fn choose(&mut self, ui: &Ui, response: &Response, painter: &Painter, cx: &mut Cx<'_>) {
        let Some(drawn) = &self.drawn else { return };
        let reach = dot_radius(drawn.places.nodes.len()) * self.view.zoom.sqrt() + 5.0;
        let under = response.hover_pos().and_then(|p| drawn.places.nearest(p, reach));
        if let Some(node) = under {
            cx.session.hover(node);
            response.clone().on_hover_ui_at_pointer(|ui| tip(ui, cx.session, node));
        }
        if response.clicked() {
            cx.session.selection.node = under;
            cx.session.selection.nodes.clear();
        }
        if response.drag_started_by(PointerButton::Primary) {
            self.brush = response.interact_pointer_pos();
        }
        if let (Some(from), Some(to)) = (self.brush, response.interact_pointer_pos()) {
            let area = Rect::from_two_pos(from, to);
            painter.rect(
                area,
                2,
                cx.tokens.accent.gamma_multiply(0.12),
                Stroke::new(1.0, cx.tokens.accent),
                StrokeKind::Inside,
            );
            if response.drag_stopped() {
                let inside = drawn.places.nodes.iter().enumerate().filter(|(_, p)| area.contains(**p));
                cx.session.selection.nodes = inside.map(|(n, _)| n as u32).collect();
                self.brush = None;
                ui.ctx().request_repaint();
            }
        }
    }
}

/// What a node is and how far it has got.
pub fn tip(ui: &mut Ui, session: &Session, node: u32) {
    let (Some(plan), Some(placement)) = (session.plan(), session.placement()) else { return };
    let region = placement.regions.get(node as usize).map_or(0, |r| usize::from(*r));
    let class = placement.classes.get(node as usize).map_or(0, |c| usize::from(*c));
    let name = plan.network.latency.regions.get(region).map_or("?", |r| r.name.as_str());
    let hardware = plan.nodes.hardware.get(class).map_or("?", |(c, _)| c.name.as_str());
    ui.strong(format!("Node {node}"));
    ui.label(format!("{name}, {hardware}"));
    let (Some(state), Some(block)) = (session.state(node), session.block()) else { return };
    let (stage, since_ns) = Stage::of(state, session.shown_ns());
    if stage == Stage::Waiting {
        ui.label("waiting for the block");
    } else {
        let after = since_ns.saturating_sub(block.slot_start_ns);
        ui.label(format!("{} {} after the slot began", stage.name(), format::duration(after)));
    }
    if state.sender != NO_SENDER && stage != Stage::Waiting {
        ui.label(format!("first copy from node {}", state.sender));
    }
}

/// The links of the chosen node, and the way the block took to it.
fn links(painter: &Painter, session: &Session, tokens: &Tokens, places: &Places, placement: &Placement) {
    let Some(node) = session.selection.node.or(session.selection.hovered) else { return };
    let Some(at) = places.nodes.get(node as usize) else { return };
    let mut strokes = Strokes::default();
    for neighbour in placement.topology.neighbours(node) {
        let colour = tokens.faint.gamma_multiply(0.45);
        strokes.add(*at, places.nodes[*neighbour as usize], 1.0, [colour, colour]);
    }
    let mut here = node;
    // A way has no circles, but a frame may be half of one block and half of another.
    for _ in 0..64 {
        let Some(sender) = session.state(here).map(|s| s.sender).filter(|s| *s != NO_SENDER) else { break };
        let (from, to) = (places.nodes[sender as usize], places.nodes[here as usize]);
        strokes.add(from, to, 2.2, [tokens.accent, tokens.accent]);
        here = sender;
    }
    strokes.paint(painter);
}

/// First copies on their way, and where they came by a moment ago.
fn copies(painter: &Painter, session: &Session, tokens: &Tokens, places: &Places, placement: &Placement) {
    let snapshot = session.snapshot();
    let (shown_ns, every) = (session.shown_ns(), snapshot.states_every);
    let trail_ns = 180e6;
    let mut strokes = Strokes::default();
    let mut dots = Dots::new(painter.ctx(), COPIES_MAX);
    let mut drawn = 0;
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
                dots.add(on_arc(from, to, bend, head), 1.8, tokens.message);
            }
        }
    }
    strokes.paint(painter);
    dots.paint(painter);
}

/// The nodes; how many are at each stage, and how many are down.
fn nodes(painter: &Painter, session: &Session, tokens: &Tokens, places: &Places, zoom: f32) -> [u32; 6] {
    let snapshot = session.snapshot();
    let (shown_ns, every) = (session.shown_ns(), snapshot.states_every as usize);
    let radius = dot_radius(places.nodes.len().min(DRAWN_MAX)) * zoom.sqrt();
    let brushed = &session.selection.nodes;
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
        if !brushed.is_empty() && !brushed.contains(&(node as u32)) {
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
    if let Some(node) = session.selection.node {
        ring(node, tokens.accent, 2.0);
    }
    counts
}

fn region_names(
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
fn caption(painter: &Painter, session: &Session, tokens: &Tokens, rect: Rect) {
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
    painter.text(below, Align2::LEFT_TOP, facts, FontId::proportional(size::SMALL), tokens.faint);
}

fn legend(painter: &Painter, tokens: &Tokens, rect: Rect, counts: [u32; 6], session: &Session) {
    let mut x = rect.left() + 14.0;
    let y = rect.bottom() - 15.0;
    let font = FontId::proportional(size::SMALL);
    let ground = Rect::from_min_max(pos2(rect.left(), y - 13.0), rect.right_bottom());
    painter.rect_filled(ground, 0.0, tokens.sea.gamma_multiply(0.8));
    for stage in Stage::ALL {
        painter.circle_filled(pos2(x, y), 4.2, stage.colour(tokens));
        let text = format!("{} {}", stage.name(), format::count(counts[stage as usize].into()));
        let text = painter.text(pos2(x + 9.0, y), Align2::LEFT_CENTER, text, font.clone(), tokens.ink);
        x = text.right() + 18.0;
    }
    if counts[5] > 0 {
        painter.circle_filled(pos2(x, y), 4.2, tokens.error.gamma_multiply(0.7));
        let text = format!("down {}", format::count(counts[5].into()));
        painter.text(pos2(x + 9.0, y), Align2::LEFT_CENTER, text, font.clone(), tokens.ink);
    }
    let snapshot = session.snapshot();
    let under_way = snapshot.copies_under_way;
    let mut note = if under_way > 0 {
        format!("{} copies under way", format::count(under_way.into()))
    } else {
        String::new()
    };
    if snapshot.states_every > 1 {
        let part =
            format!("every {}th of {} nodes", snapshot.states_every, format::count(snapshot.nodes.into()));
        note = if note.is_empty() { part } else { format!("{note} · {part}") };
    }
    painter.text(pos2(rect.right() - 12.0, y), Align2::RIGHT_CENTER, note, font, tokens.faint);
}
