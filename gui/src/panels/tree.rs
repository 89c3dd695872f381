//! The propagation tree of a block: every node to the right of the one it got its first copy from, by time or by
//! hops. Scroll to stretch it, drag to move along it.

use super::map::{Stage, tip};
use super::{Cx, Panel, nothing};
use crate::export::Exportable;
use crate::format;
use crate::paint::{Dots, Strokes};
use crate::session::Session;
use crate::session::ways::Ways;
use crate::theme::{self, Tokens, size};
use eframe::egui::{
    Align, Align2, FontId, Layout, Pos2, Rect, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::observe::plot::canvas::{Canvas, Panel as Plot};
use sim_core::observe::plot::scale::Scale;
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::stats::Sample;

/// The tree.
#[derive(Default)]
pub struct Tree {
    by_hops: bool,
    /// How much taller than the panel it is drawn, and how far it is scrolled, as a share of its height.
    stretch: f32,
    scrolled: f32,
    laid: Option<Laid>,
}

/// The tree as it is laid out, until the frame or the time changes.
struct Laid {
    key: (u64, u64, usize),
    ways: Ways,
    rows: Vec<f32>,
    count: f32,
    below: Vec<u32>,
}

/// Tallest stretch.
const STRETCH_MAX: f32 = 60.0;
/// Space below for the axis.
const AXIS: f32 = 18.0;

impl Panel for Tree {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        if !cx.session.is_ready() {
            nothing(ui, tokens, "");
            return;
        }
        ui.horizontal(|ui| {
            let text = match cx.session.block() {
                Some(block) => format!("Who got block {} from whom", block.height),
                None => String::new(),
            };
            ui.label(RichText::new(text).size(size::SMALL).color(tokens.faint));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                for (by_hops, name) in [(true, "by hops"), (false, "by time")] {
                    ui.selectable_value(&mut self.by_hops, by_hops, RichText::new(name).size(size::SMALL));
                }
            });
        });
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Who got the block from whom"));
        let key = (cx.session.frame.number, cx.session.shown_ns(), cx.session.lane());
        if self.laid.as_ref().is_none_or(|l| l.key != key) {
            self.laid = Ways::new(cx.session.snapshot(), key.1).map(|ways| {
                let ((rows, count), below) = (ways.rows(), ways.below());
                Laid { key, ways, rows, count, below }
            });
        }
        let Some(laid) = &self.laid else {
            let text = if cx.session.snapshot().states_every > 1 {
                "Too many nodes for a tree: only every k-th is listed"
            } else {
                "Appears when the block is published"
            };
            ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(rect), |ui| nothing(ui, tokens, text));
            return;
        };
        if response.hovered() {
            let scroll = ui.input(|i| i.smooth_scroll_delta.y);
            if scroll != 0.0 {
                self.stretch = (self.stretch.max(1.0) * (scroll / 200.0).exp()).clamp(1.0, STRETCH_MAX);
            }
        }
        let tall = rect.height() * self.stretch.max(1.0);
        self.scrolled -= response.drag_delta().y / tall;
        self.scrolled = self.scrolled.clamp(0.0, 1.0 - 1.0 / self.stretch.max(1.0));
        if response.double_clicked() {
            (self.stretch, self.scrolled) = (1.0, 0.0);
        }
        let plot = Rect::from_min_max(rect.min + vec2(8.0, 6.0), rect.max - vec2(10.0, AXIS));
        let span = Span::of(cx.session, &laid.ways, self.by_hops);
        let place = |node: u32| {
            let x = plot.left() + span.share(cx.session, &laid.ways, node) * plot.width();
            let row = (laid.rows[node as usize] + 0.5) / laid.count.max(1.0) - self.scrolled;
            pos2(x, plot.top() + row * plot.height() * self.stretch.max(1.0))
        };
        let painter = ui.painter_at(rect);
        axis(&painter, tokens, plot, &span);
        let painter = painter.with_clip_rect(plot.expand(6.0));
        let selection = &cx.session.selection;
        let chosen = selection.hovered.or(selection.node).filter(|n| laid.ways.holds(*n));
        let way = chosen.map(|n| laid.ways.back(n)).unwrap_or_default();
        let mut strokes = Strokes::default();
        let strength = if laid.ways.order.len() > 3_000 { 0.25 } else { 0.5 };
        for node in &laid.ways.order {
            let sender = laid.ways.sender[*node as usize];
            if *node != laid.ways.order[0] {
                let dim = if selection.includes(*node) { strength } else { strength * 0.25 };
                elbow(&mut strokes, place(sender), place(*node), 0.8, tokens.faint.gamma_multiply(dim));
            }
        }
        for pair in way.windows(2) {
            elbow(&mut strokes, place(pair[1]), place(pair[0]), 2.2, tokens.accent);
        }
        strokes.paint(&painter);
        let radius = (plot.height() * self.stretch.max(1.0) / laid.count.max(1.0) * 0.45).clamp(1.1, 4.0);
        let mut dots = Dots::new(ui.ctx(), laid.ways.order.len());
        let shown_ns = cx.session.shown_ns();
        for node in &laid.ways.order {
            let stage = cx.session.state(*node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
            let colour = stage.colour(tokens);
            let colour = if selection.includes(*node) { colour } else { colour.gamma_multiply(0.25) };
            dots.add(place(*node), radius, colour);
        }
        dots.paint(&painter);
        for (node, colour) in [(selection.hovered, tokens.ink), (selection.node, tokens.accent)] {
            if let Some(node) = node.filter(|n| laid.ways.holds(*n)) {
                painter.circle_stroke(place(node), radius + 3.0, Stroke::new(1.8, colour));
            }
        }
        let near = |pointer: Pos2| {
            let distance = |n: &u32| (place(*n).distance_sq(pointer), *n);
            let nearest = laid.ways.order.iter().map(distance).min_by(|a, b| a.0.total_cmp(&b.0));
            nearest.filter(|(d, _)| *d < 144.0).map(|(_, n)| n)
        };
        let under = response.hover_pos().filter(|p| rect.contains(*p)).and_then(near);
        if let Some(node) = under {
            cx.session.hover(node);
            response.clone().on_hover_ui_at_pointer(|ui| {
                tip(ui, cx.session, node);
                ui.label(format!(
                    "{} hops from the proposer; {} got it through this one, {} at once",
                    laid.ways.depth[node as usize],
                    format::count(laid.below[node as usize].into()),
                    laid.ways.children(node).len(),
                ));
            });
        }
        if response.clicked() {
            cx.session.selection.choose_node(under);
        }
    }
}

/// What the horizontal axis spans.
struct Span {
    by_hops: bool,
    /// Its end: hops, or ns since publication.
    end: u64,
    published_ns: u64,
}

impl Span {
    fn of(session: &Session, ways: &Ways, by_hops: bool) -> Self {
        let published_ns = session.block().map_or(0, |b| b.published_ns);
        let times = ways.order.iter().filter_map(|n| session.state(*n)).map(|s| s.arrived_ns);
        let end = if by_hops {
            ways.depth.iter().copied().max().unwrap_or(0).into()
        } else {
            times.map(|ns| ns.saturating_sub(published_ns)).max().unwrap_or(0).max(400_000_000)
        };
        Self { by_hops, end: end.max(1), published_ns }
    }

    /// Where a node stands, 0 to 1.
    fn share(&self, session: &Session, ways: &Ways, node: u32) -> f32 {
        let value = if self.by_hops {
            ways.depth[node as usize].into()
        } else {
            let arrived = session.state(node).map_or(0, |s| s.arrived_ns);
            if ways.root == Some(node) { 0 } else { arrived.saturating_sub(self.published_ns) }
        };
        value as f32 / self.end as f32
    }

    /// Marks along the axis: where, and what they say.
    fn marks(&self) -> Vec<(f32, String)> {
        if self.by_hops {
            return (0..=self.end).map(|hop| (hop as f32 / self.end as f32, hop.to_string())).collect();
        }
        let steps = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000].map(|ms| ms * 1_000_000_u64);
        let step = steps.into_iter().find(|s| self.end / s <= 5).unwrap_or(self.end);
        let text = |ns: u64| if ns == 0 { "0".to_owned() } else { format!("{} ms", ns / 1_000_000) };
        (0..=self.end).step_by(step as usize).map(|ns| (ns as f32 / self.end as f32, text(ns))).collect()
    }

    fn name(&self) -> &'static str {
        if self.by_hops { "hops from the proposer" } else { "time since publication" }
    }
}

fn axis(painter: &eframe::egui::Painter, tokens: &Tokens, plot: Rect, span: &Span) {
    let font = FontId::proportional(10.0);
    let mut last = f32::NEG_INFINITY;
    for (share, text) in span.marks() {
        let x = plot.left() + share * plot.width();
        painter.vline(x, plot.y_range(), Stroke::new(1.0, tokens.line));
        let align = if share < 0.02 { Align2::LEFT_TOP } else { Align2::CENTER_TOP };
        let text = painter.text(pos2(x, plot.bottom() + 3.0), align, text, font.clone(), tokens.faint);
        last = last.max(text.right());
    }
    let name = painter.layout_no_wrap(span.name().to_owned(), font, tokens.faint);
    if plot.right() - name.size().x > last + 8.0 {
        let at = pos2(plot.right() - name.size().x, plot.bottom() + 3.0);
        painter.galley(at, name, tokens.faint);
    }
}

/// From a sender across, then to the receiver.
fn elbow(strokes: &mut Strokes, from: Pos2, to: Pos2, width: f32, colour: eframe::egui::Color32) {
    let knee = pos2(from.x + (to.x - from.x).min(6.0), to.y);
    strokes.add(from, knee, width, [colour, colour]);
    strokes.add(knee, to, width, [colour, colour]);
}

impl Exportable for Tree {
    fn stem(&self) -> &'static str {
        "propagation-tree"
    }

    fn numbers(&self, session: &Session) -> Option<DataTable> {
        let ways = Ways::new(session.snapshot(), session.shown_ns())?;
        let (block, below) = (session.block()?, ways.below());
        let deepest = ways.depth.iter().copied().max().unwrap_or(0);
        let mut table = DataTable::new([
            "hops",
            "nodes",
            "first (ms)",
            "median (ms)",
            "95 % (ms)",
            "last (ms)",
            "passed it on",
            "most receivers of one",
        ]);
        for hops in 0..=deepest {
            let depth = &ways.depth;
            let here = || ways.order.iter().filter(move |n| depth[**n as usize] == hops);
            let since = |n: &u32| {
                let arrived = session.state(*n).map_or(0, |s| s.arrived_ns);
                if hops == 0 { 0 } else { arrived.saturating_sub(block.published_ns) }
            };
            let times: Sample = here().map(|n| Some(since(n))).collect();
            let at = |permille| Cell::maybe(times.percentile(permille).map(|ns| ns as f64 / 1e6));
            let most = here().map(|n| ways.children(*n).len()).max().unwrap_or(0);
            table.push(vec![
                Cell::Int(hops.into()),
                Cell::Int(here().count() as u64),
                at(0),
                at(500),
                at(950),
                at(1000),
                Cell::Int(here().filter(|n| below[**n as usize] > 0).count() as u64),
                Cell::Int(most as u64),
            ]);
        }
        Some(table)
    }

    fn drawing(&self, session: &Session) -> Option<String> {
        let ways = Ways::new(session.snapshot(), session.shown_ns())?;
        let block = session.block()?;
        let (rows, count) = ways.rows();
        let span = Span::of(session, &ways, self.by_hops);
        let title = format!("Block {}: who got it from whom", block.height);
        let nodes = format::count(ways.order.len() as u64);
        let mut canvas =
            Canvas::new(&title, &format!("{nodes} nodes, each joined to the sender of its first copy"));
        let end = if self.by_hops { span.end as f64 } else { span.end as f64 / 1e6 };
        let height = (f64::from(count) * 3.0).clamp(240.0, 1_600.0);
        let (x, y) = (Scale::from_zero(end), Scale::Linear { low: 0.0, high: 1.0 });
        let plot = Plot::below(&mut canvas, height, x, y);
        let unit = if self.by_hops { "" } else { " (ms)" };
        plot.draw_x(&mut canvas.svg, &format!("{}{unit}", span.name()));
        let place = |node: u32| {
            let row = f64::from((rows[node as usize] + 0.5) / count.max(1.0));
            (plot.px(f64::from(span.share(session, &ways, node)) * end), plot.top + row * plot.height)
        };
        for node in ways.order.iter().skip(1) {
            let (from, to) = (place(ways.sender[*node as usize]), place(*node));
            let knee = (from.0 + (to.0 - from.0).min(5.0), to.1);
            canvas.svg.polyline(&[from, knee, to], sim_core::observe::plot::theme::AXIS, 0.5, "");
        }
        let shown_ns = session.shown_ns();
        for node in &ways.order {
            let stage = session.state(*node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
            let colour = theme::hex(stage.colour(&theme::LIGHT));
            canvas.svg.circle(place(*node), 2.0, &colour, 1.0, &format!("node {node}: {}", stage.name()));
        }
        Some(canvas.finish(8.0, "The propagation tree of a block."))
    }
}
