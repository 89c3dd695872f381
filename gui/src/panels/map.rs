//! The world: where the shown block is, node by node, and the copies on their way.

mod captions;
mod figure;
mod layers;
mod pick;

pub use pick::{link_tip, tip, to_segment};

use super::{Cx, Panel, nothing};
use crate::map::{Land, Places, Projection, View};
use crate::theme::{Tokens, size};
use eframe::egui::{
    Color32, Mesh, PointerButton, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo,
    vec2,
};
use layers::Flying;
use sim_core::simulation::snapshot::NodeState;
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
/// Below this size a map has smaller dots and fewer words: one of several side by side.
const ROOMY: Vec2 = vec2(760.0, 400.0);
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
                let idle = cx.session.opened.is_none();
                let what =
                    if idle { "No scenario is open: Ctrl+O or Ctrl+N" } else { "Setting up the network" };
                nothing(ui, tokens, cx.session.failed.as_deref().unwrap_or(what));
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
                places: Places::new(&plan, &placement, &projection, self.dots(rect)),
            });
        }
        let Some(drawn) = &self.drawn else { return };
        painter.add(Shape::Mesh(Arc::clone(&drawn.land)));
        painter.extend(drawn.coast.iter().cloned());
        if !cx.session.is_ready() {
            return;
        }
        layers::links(&painter, cx.session, tokens, &drawn.places, &placement);
        let flying = layers::copies(&painter, cx.session, tokens, &drawn.places, &placement);
        let counts = layers::nodes(&painter, cx.session, tokens, &drawn.places, self.dots(rect));
        if rect.width() >= ROOMY.x * 0.75 {
            captions::region_names(&painter, &plan.network.latency.regions, tokens, &drawn.places, rect);
        }
        captions::caption(&painter, cx.session, tokens, rect);
        captions::legend(&painter, tokens, rect, counts, cx.session);
        self.choose(ui, &response, &painter, cx, &flying);
    }
}

impl Map {
    /// How much larger dots are than on a whole map with room enough.
    fn dots(&self, rect: Rect) -> f32 {
        self.view.zoom.sqrt() * (rect.size() / ROOMY).min_elem().min(1.0)
    }

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
}
