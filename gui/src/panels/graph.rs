//! The light cone of a block: the proposer in the middle, every node at the time at which the block came to
//! it, joined to the node it came from. Directions are regions, from west to east.

mod figure;

use super::map::{Stage, tip};
use super::{Cx, Panel, nothing};
use crate::paint::{Dots, Strokes};
use crate::theme::size;
use eframe::egui::{Align2, Color32, FontId, Pos2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Placement;
use sim_core::simulation::snapshot::{BlockSummary, NO_SENDER};
use std::f32::consts::TAU;
use std::sync::Arc;

/// The cone.
#[derive(Default)]
pub struct Graph {
    directions: Option<Directions>,
}

/// Where nodes lie, as unit vectors.
struct Directions {
    key: usize,
    nodes: Vec<Vec2>,
    /// Middle and half width of every region's sector, radians, with its number.
    sectors: Vec<(usize, f32, f32)>,
}

impl Panel for Graph {
    fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let tokens = cx.tokens;
        let (Some(placement), Some(plan), true) =
            (cx.session.placement().cloned(), cx.session.plan().cloned(), cx.session.is_ready())
        else {
            nothing(ui, tokens, "");
            return;
        };
        let key = Arc::as_ptr(&placement) as usize;
        if self.directions.as_ref().is_none_or(|d| d.key != key) {
            self.directions = Some(Directions::new(&plan, &placement, key));
        }
        let Some(directions) = &self.directions else { return };
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Propagation tree of the block"));
        let painter = ui.painter_at(rect);
        let Some(block) = cx.session.block().cloned() else { return };
        let snapshot = cx.session.snapshot();
        let (shown_ns, every) = (cx.session.shown_ns(), snapshot.states_every);
        let centre = rect.center();
        // Names of regions stand beside and above.
        let outer = (rect.width() / 2.0 - 84.0).min(rect.height() / 2.0 - 20.0).max(10.0);
        let rim = outer * 0.9;
        let elapsed = shown_ns.saturating_sub(block.published_ns.max(1));
        let horizon_ns = horizon_ns(&block, elapsed);
        let reach = |ns: u64| (ns as f32 / horizon_ns as f32).min(1.0) * rim;

        let step = horizon_ns / 4;
        for ring in 1..=4 {
            let radius = reach(step * ring);
            painter.circle_stroke(centre, radius, Stroke::new(1.0, tokens.line));
        }
        for (region, middle, half) in &directions.sectors {
            if *half > 0.07 {
                let at = centre + Vec2::angled(*middle) * (outer + 9.0);
                let name = plan.network.latency.regions[*region].name.as_str();
                let anchor = match middle.cos() {
                    c if c > 0.35 => Align2::LEFT_CENTER,
                    c if c < -0.35 => Align2::RIGHT_CENTER,
                    _ => Align2::CENTER_CENTER,
                };
                painter.text(at, anchor, name, FontId::proportional(10.0), tokens.faint);
            }
            let edge = centre + Vec2::angled(middle + half) * outer;
            painter.line_segment([centre, edge], Stroke::new(0.6, tokens.line.gamma_multiply(0.6)));
        }
        if block.published_ns > 0 && shown_ns > block.published_ns && elapsed < horizon_ns {
            let front = Stroke::new(1.5, tokens.message.gamma_multiply(0.8));
            painter.circle_stroke(centre, reach(elapsed), front);
        }
        let within = |node: u32| cx.session.selection.includes(node);
        let mut positions: Vec<Pos2> = directions.nodes.iter().map(|d| centre + *d * outer).collect();
        for (index, state) in snapshot.states.iter().enumerate() {
            if state.arrived_ns > 0 && state.arrived_ns <= shown_ns {
                let node = index * every as usize;
                positions[node] =
                    centre + directions.nodes[node] * reach(state.arrived_ns - block.published_ns);
            }
        }
        positions[block.key.proposer as usize] = centre;
        let mut strokes = Strokes::default();
        let faint = if snapshot.states.len() > 3_000 { 0.14 } else { 0.30 };
        for (index, state) in snapshot.states.iter().enumerate() {
            let node = index as u32 * every;
            if state.sender != NO_SENDER
                && state.arrived_ns <= shown_ns
                && state.arrived_ns > 0
                && within(node)
            {
                let colour = tokens.faint.gamma_multiply(faint);
                let ends = [positions[state.sender as usize], positions[node as usize]];
                strokes.add(ends[0], ends[1], 0.8, [colour, colour]);
            }
        }
        let chosen = cx.session.selection.hovered.or(cx.session.selection.node);
        let mut here = chosen;
        for _ in 0..64 {
            let Some(node) = here else { break };
            let Some(sender) = cx.session.state(node).map(|s| s.sender).filter(|s| *s != NO_SENDER) else {
                break;
            };
            let ends = [positions[sender as usize], positions[node as usize]];
            strokes.add(ends[0], ends[1], 2.2, [tokens.accent, tokens.accent]);
            here = Some(sender);
        }
        strokes.paint(&painter);
        let radius = (60.0 / (positions.len() as f32).sqrt()).clamp(0.9, 3.4);
        let mut dots = Dots::new(ui.ctx(), positions.len());
        for (index, state) in snapshot.states.iter().enumerate() {
            let node = index as u32 * every;
            let (stage, _) = Stage::of(state, shown_ns);
            let colour = stage.colour(tokens);
            let colour = if within(node) { colour } else { colour.gamma_multiply(0.25) };
            dots.add(positions[node as usize], radius, colour);
        }
        dots.paint(&painter);
        painter.circle_filled(centre, radius + 2.0, tokens.ink);
        let ring = |node: Option<u32>, colour: Color32| {
            if let Some(at) = node.and_then(|n| positions.get(n as usize)) {
                painter.circle_stroke(*at, radius + 3.0, Stroke::new(1.8, colour));
            }
        };
        ring(cx.session.selection.hovered, tokens.accent.gamma_multiply(0.7));
        ring(cx.session.selection.node, tokens.accent);
        for mark in 1..=4 {
            let text = format!("{} ms", step * mark / 1_000_000);
            let galley = painter.layout_no_wrap(text, FontId::proportional(10.0), tokens.ink);
            let place = Rect::from_center_size(centre + vec2(0.0, -reach(step * mark)), galley.size());
            painter.rect_filled(place.expand2(vec2(3.0, 0.5)), 4, tokens.panel.gamma_multiply(0.85));
            painter.galley(place.min, galley, tokens.ink);
        }
        let note = "distance: time since publication";
        let font = FontId::proportional(size::SMALL);
        painter.text(rect.left_top() + vec2(2.0, 0.0), Align2::LEFT_TOP, note, font, tokens.faint);
        if let Some(pointer) = response.hover_pos() {
            let distance = |(i, p): (usize, &Pos2)| (p.distance_sq(pointer), i as u32);
            let nearest = positions.iter().enumerate().map(distance).min_by(|a, b| a.0.total_cmp(&b.0));
            let under = nearest.filter(|(d, _)| *d < 64.0).map(|(_, n)| n);
            if let Some(node) = under {
                cx.session.hover(node);
                response.clone().on_hover_ui_at_pointer(|ui| tip(ui, cx.session, node));
            }
            if response.clicked() {
                cx.session.selection.choose_node(under);
            }
        }
    }
}

impl Directions {
    fn new(plan: &Plan, placement: &Placement, key: usize) -> Self {
        let regions = &plan.network.latency.regions;
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); regions.len()];
        for (node, region) in placement.regions.iter().enumerate() {
            members[usize::from(*region)].push(node);
        }
        let mut order: Vec<usize> = (0..regions.len()).filter(|r| !members[*r].is_empty()).collect();
        order.sort_by_key(|r| regions[*r].longitude_mdeg);
        let gap = 0.03;
        let total = placement.regions.len().max(1) as f32;
        let room = TAU - gap * order.len() as f32;
        let mut nodes = vec![Vec2::ZERO; placement.regions.len()];
        let mut sectors = Vec::new();
        // From the left edge, clockwise over the top: west on the left, as on the map.
        let mut angle = TAU / 2.0;
        for region in order {
            let width = room * members[region].len() as f32 / total;
            let count = members[region].len() as f32;
            for (rank, node) in members[region].iter().enumerate() {
                nodes[*node] = Vec2::angled(angle + width * (rank as f32 + 0.5) / count);
            }
            sectors.push((region, angle + width / 2.0, width / 2.0 + gap / 2.0));
            angle += width + gap;
        }
        Self { key, nodes, sectors }
    }
}

/// The time at the rim, ns: enough for 95 % of the nodes, at least half a second, rounded up so that it stays put.
fn horizon_ns(block: &BlockSummary, elapsed_ns: u64) -> u64 {
    let known = block.network_ns[2].or(block.network_ns[1]).unwrap_or(0);
    let horizon_ns = match block.network_ns[3] {
        _ if block.published_ns == 0 => 0,
        Some(all) => all,
        None => known.max(elapsed_ns.min(4_000_000_000)),
    };
    round_up(horizon_ns.max(400_000_000))
}

/// The next of 0.4, 0.8, 1.2, 2, 4, 8, ... seconds.
fn round_up(ns: u64) -> u64 {
    let steps = [400, 800, 1_200, 2_000, 4_000, 8_000, 12_000, 20_000, 40_000].map(|ms| ms * 1_000_000);
    steps.into_iter().find(|s| *s >= ns).unwrap_or(ns)
}
