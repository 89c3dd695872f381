//! All nodes: one by one on a circle, west on the left, while they are few; else by region, links counted.

use super::{Cx, Stand};
use crate::change::region_name;
use crate::format;
use crate::paint::{Dots, Strokes, on_arc};
use crate::panels::map::{Stage, tip};
use crate::session::Session;
use crate::theme::{self, size};
use eframe::egui::{Align2, Color32, FontId, Pos2, Stroke, Ui, Vec2, pos2};
use sim_core::observe::plot::canvas::Canvas;
use sim_core::observe::plot::svg::{Anchor, TextStyle};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Placement;
use std::collections::BTreeMap;
use std::f32::consts::TAU;
use std::sync::Arc;

/// Up to so many nodes are drawn one by one.
const SINGLE_MAX: usize = 300;

/// The graph, counted once.
pub struct Whole {
    placement: Arc<Placement>,
    /// Regions with nodes, from west to east, with their nodes.
    regions: Vec<(usize, Vec<u32>)>,
    /// By two regions, as positions in `regions`, the lower first: links between them.
    links: BTreeMap<(usize, usize), u32>,
    edges: u64,
    /// By node: its position in `regions`.
    position: Vec<usize>,
    /// By node: direction.
    directions: Vec<Vec2>,
}

impl Whole {
    pub fn new(plan: &Plan, placement: &Arc<Placement>) -> Self {
        let table = &plan.network.latency.regions;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); table.len()];
        for (node, region) in placement.regions.iter().enumerate() {
            members[usize::from(*region)].push(node as u32);
        }
        let mut regions: Vec<(usize, Vec<u32>)> =
            members.into_iter().enumerate().filter(|(_, nodes)| !nodes.is_empty()).collect();
        regions.sort_by_key(|(region, _)| (table[*region].longitude_mdeg, *region));
        let mut position = vec![0; placement.regions.len()];
        let mut directions = vec![Vec2::ZERO; placement.regions.len()];
        let (mut rank, total) = (0.0, placement.regions.len().max(1) as f32);
        for (at, (_, nodes)) in regions.iter().enumerate() {
            for node in nodes {
                position[*node as usize] = at;
                directions[*node as usize] = Vec2::angled(TAU / 2.0 + TAU * (rank + 0.5) / total);
                rank += 1.0;
            }
        }
        let mut links = BTreeMap::new();
        for node in 0..placement.topology.nodes() {
            for peer in placement.topology.neighbours(node).iter().filter(|p| **p > node) {
                let (a, b) = (position[node as usize], position[*peer as usize]);
                *links.entry((a.min(b), a.max(b))).or_insert(0) += 1;
            }
        }
        let edges = placement.topology.edges();
        Self { placement: Arc::clone(placement), regions, links, edges, position, directions }
    }

    pub fn is_of(&self, placement: &Arc<Placement>) -> bool {
        Arc::ptr_eq(&self.placement, placement)
    }

    fn single(&self) -> bool {
        self.placement.regions.len() <= SINGLE_MAX
    }

    pub fn title(&self) -> String {
        let nodes = format::count(self.placement.regions.len() as u64);
        let links = format::count(self.edges);
        let how = if self.single() { "" } else { ", counted by region; choose a node for its own" };
        format!("{nodes} nodes, {links} links{how}")
    }

    /// Direction of a region, and its radius as a share of the circle's.
    fn region(&self, at: usize) -> (Vec2, f32) {
        let angle = TAU / 2.0 + TAU * (at as f32 + 0.5) / self.regions.len().max(1) as f32;
        let share = self.regions[at].1.len() as f32 / self.placement.regions.len().max(1) as f32;
        (Vec2::angled(angle), 0.03 + 0.30 * share.sqrt() * (9.0 / (self.regions.len() as f32 + 6.0)).min(1.0))
    }

    pub fn show(&self, ui: &Ui, cx: &mut Cx<'_>, stand: &Stand) {
        let rect = stand.rect;
        let reach = (rect.width() / 2.0 - 74.0).min(rect.height() / 2.0 - 20.0).max(20.0);
        if self.single() {
            self.one_by_one(ui, cx, stand, reach);
        } else {
            self.by_region(ui, cx, stand, reach);
        }
    }

    fn one_by_one(&self, ui: &Ui, cx: &mut Cx<'_>, stand: &Stand, reach: f32) {
        let (tokens, centre) = (cx.tokens, stand.rect.center());
        let painter = ui.painter_at(stand.rect);
        let place = |node: u32| centre + self.directions[node as usize] * reach;
        let selection = &cx.session.selection;
        let mut strokes = Strokes::default();
        let chosen = selection.hovered.or(selection.node);
        for node in 0..self.placement.topology.nodes() {
            for peer in self.placement.topology.neighbours(node).iter().filter(|p| **p > node) {
                let strong = chosen.is_some_and(|c| c == node || c == *peer);
                let within = selection.includes(node) && selection.includes(*peer);
                let strength = if within { 0.22 } else { 0.05 };
                let colour = if strong { tokens.accent } else { tokens.faint.gamma_multiply(strength) };
                strokes.add(place(node), place(*peer), if strong { 1.6 } else { 0.8 }, [colour, colour]);
            }
        }
        strokes.paint(&painter);
        let shown_ns = cx.session.shown_ns();
        let mut dots = Dots::new(ui.ctx(), self.directions.len());
        for node in 0..self.directions.len() as u32 {
            let stage = cx.session.state(node).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
            let colour = stage.colour(tokens);
            dots.add(
                place(node),
                4.0,
                if selection.includes(node) { colour } else { colour.gamma_multiply(0.3) },
            );
        }
        dots.paint(&painter);
        if let Some(node) = selection.node.filter(|n| (*n as usize) < self.directions.len()) {
            painter.circle_stroke(place(node), 7.0, Stroke::new(2.0, tokens.accent));
        }
        let Some(pointer) = stand.response.hover_pos() else { return };
        let distance = |n: &u32| place(*n).distance(pointer);
        let nearest = (0..self.directions.len() as u32).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(node) = nearest.filter(|n| distance(n) < 10.0) {
            cx.session.hover(node);
            stand.response.clone().on_hover_ui_at_pointer(|ui| tip(ui, cx.session, node));
            if stand.response.clicked() {
                cx.session.selection.choose_node(Some(node));
            }
        }
    }

    fn by_region(&self, ui: &Ui, cx: &mut Cx<'_>, stand: &Stand, reach: f32) {
        let (tokens, centre) = (cx.tokens, stand.rect.center());
        let Some(plan) = cx.session.plan().cloned() else { return };
        let painter = ui.painter_at(stand.rect);
        let place = |at: usize| centre + self.region(at).0 * reach * 0.86;
        let radius = |at: usize| self.region(at).1 * reach;
        let pointer = stand.response.hover_pos();
        let under = pointer
            .and_then(|p| (0..self.regions.len()).find(|at| place(*at).distance(p) < radius(*at).max(7.0)));
        let chosen = cx.session.selection.hovered.or(cx.session.selection.node);
        let lit = under.or(chosen.and_then(|n| self.position.get(n as usize).copied()));
        let most = self.links.iter().filter(|((a, b), _)| a != b).map(|(_, n)| *n).max().unwrap_or(1) as f32;
        let mut strokes = Strokes::default();
        let bend = |a: usize, b: usize, share: f32| {
            let (from, to) = (place(a), place(b));
            let control = from.lerp(to, 0.5).lerp(centre, 0.45);
            let (s, t) = (share, 1.0 - share);
            (t * t * from.to_vec2() + 2.0 * s * t * control.to_vec2() + s * s * to.to_vec2()).to_pos2()
        };
        for ((a, b), count) in self.links.iter().filter(|((a, b), _)| a != b) {
            let strong = lit.is_some_and(|l| l == *a || l == *b);
            let share = *count as f32 / most;
            let colour =
                if strong { tokens.accent } else { tokens.faint.gamma_multiply(0.12 + 0.35 * share) };
            let width = 0.6 + 6.0 * share;
            for piece in 0..12 {
                let [from, to] = [piece, piece + 1].map(|i| bend(*a, *b, i as f32 / 12.0));
                strokes.add(from, to, width, [colour, colour]);
            }
        }
        strokes.paint(&painter);
        let snapshot = cx.session.snapshot();
        let font = FontId::proportional(10.5);
        for (at, (region, nodes)) in self.regions.iter().enumerate() {
            let (middle, r) = (place(at), radius(at));
            let progress = snapshot.regions.get(*region).copied().unwrap_or_default();
            disc(&painter, middle, r, tokens.waiting);
            let share = |n: u32| n as f32 / progress.nodes.max(1) as f32;
            // Areas: those with the block, of them those that have executed it.
            disc(&painter, middle, r * share(progress.arrived).sqrt(), tokens.arrived);
            disc(&painter, middle, r * share(progress.executed).sqrt(), tokens.executed);
            disc(&painter, middle, r * share(progress.finalised).sqrt(), tokens.finalised);
            let brushed = nodes.iter().filter(|n| cx.session.selection.nodes.contains(n)).count();
            if brushed > 0 {
                painter.circle_stroke(middle, r + 2.5, Stroke::new(1.8, tokens.accent));
            }
            let direction = self.region(at).0;
            let align = match direction.x {
                x if x > 0.3 => Align2::LEFT_CENTER,
                x if x < -0.3 => Align2::RIGHT_CENTER,
                _ if direction.y < 0.0 => Align2::CENTER_BOTTOM,
                _ => Align2::CENTER_TOP,
            };
            let name = region_name(&plan, *region);
            painter.text(middle + direction * (r + 5.0), align, name, font.clone(), tokens.faint);
        }
        let note = "disc: how many nodes have the block; line: links between two regions";
        let at = pos2(stand.rect.left() + 2.0, stand.rect.bottom());
        painter.text(at, Align2::LEFT_BOTTOM, note, FontId::proportional(size::SMALL), tokens.faint);
        let Some(at) = under else { return };
        let inside = self.links.get(&(at, at)).copied().unwrap_or(0);
        let outside: u32 =
            self.links.iter().filter(|((a, b), _)| (*a == at) != (*b == at)).map(|(_, n)| *n).sum();
        stand.response.clone().on_hover_ui_at_pointer(|ui| {
            ui.strong(region_name(&plan, self.regions[at].0));
            ui.label(format!("{} nodes", format::count(self.regions[at].1.len() as u64)));
            ui.label(format!(
                "{} links inside, {} to others",
                format::count(inside.into()),
                format::count(outside.into())
            ));
            ui.weak("click to select its nodes");
        });
        if stand.response.clicked() {
            cx.session.selection.choose_nodes(self.regions[at].1.iter().copied().collect());
        }
    }

    pub fn numbers(&self, session: &Session) -> Option<DataTable> {
        let plan = session.plan()?;
        let mut table = DataTable::new(["region", "other region", "links", "latency (ms)"]);
        for ((a, b), count) in &self.links {
            let (from, to) = (self.regions[*a].0, self.regions[*b].0);
            let one_way = plan.network.latency.one_way_ns[from][to];
            let scaled = u128::from(one_way) * u128::from(plan.network.latency_scale_ppm) / 1_000_000;
            table.push(vec![
                Cell::Text(region_name(plan, from).to_owned()),
                Cell::Text(region_name(plan, to).to_owned()),
                Cell::Int((*count).into()),
                Cell::Num(scaled as f64 / 1e6),
            ]);
        }
        Some(table)
    }

    pub fn drawing(&self) -> Option<String> {
        let mut canvas = Canvas::new("Who is connected to whom", &self.title());
        let (middle, reach) = ((paper::WIDTH / 2.0, canvas.top + 300.0), 250.0);
        let at = |v: Vec2| (middle.0 + f64::from(v.x) * reach, middle.1 + f64::from(v.y) * reach);
        let most = self.links.iter().filter(|((a, b), _)| a != b).map(|(_, n)| *n).max().unwrap_or(1);
        for ((a, b), count) in self.links.iter().filter(|((a, b), _)| a != b) {
            let share = f64::from(*count) / f64::from(most);
            let [from, to] = [*a, *b].map(|r| Pos2::ZERO + self.region(r).0);
            let arc: Vec<(f64, f64)> =
                (0..=12).map(|i| at(on_arc(from, to, 0.15, i as f32 / 12.0).to_vec2())).collect();
            canvas.svg.polyline(&arc, paper::AXIS, 0.4 + 5.0 * share, "");
        }
        for (position, (region, nodes)) in self.regions.iter().enumerate() {
            let (direction, radius) = self.region(position);
            let colour = theme::hex(theme::LIGHT.accent);
            let tip = format!("region {region}: {} nodes", nodes.len());
            canvas.svg.circle(at(direction), f64::from(radius) * reach, &colour, 1.0, &tip);
            let label = at(direction * (1.06 + radius));
            let anchor = match direction.x {
                x if x > 0.3 => Anchor::Start,
                x if x < -0.3 => Anchor::End,
                _ => Anchor::Middle,
            };
            canvas.svg.text(
                (label.0, label.1 + 4.0),
                TextStyle::NOTE.at(anchor),
                &format!("{} nodes", nodes.len()),
            );
        }
        canvas.top += 610.0;
        Some(canvas.finish(8.0, "The network by region, with the number of links between regions."))
    }
}

fn disc(painter: &eframe::egui::Painter, at: Pos2, radius: f32, colour: Color32) {
    if radius > 0.3 {
        painter.circle_filled(at, radius, colour);
    }
}
