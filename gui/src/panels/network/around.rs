//! One node in the middle, its peers around it: those of its mesh near, the others further out, west on the left.

use super::{Cx, Stand};
use crate::change::region_name;
use crate::format;
use crate::paint::{Dots, Strokes};
use crate::panels::map::{Stage, link_tip, tip, to_segment};
use crate::session::Session;
use crate::theme::{self, size};
use eframe::egui::{Align2, FontId, Pos2, Rect, Stroke, Ui, Vec2, pos2, vec2};
use sim_core::observe::plot::canvas::{Canvas, MARGIN};
use sim_core::observe::plot::svg::{Anchor, TextStyle};
use sim_core::observe::plot::table::{Cell, DataTable};
use sim_core::observe::plot::theme as paper;
use sim_core::simulation::snapshot::{LinkLoad, Load};
use std::f32::consts::TAU;

/// A peer and what is known of the link.
struct Peer {
    node: u32,
    region: usize,
    /// The chosen node pushes to it at once.
    mesh: bool,
    /// It brought the shown block.
    came: bool,
    /// It got the shown block from the chosen node.
    went: bool,
    load: LinkLoad,
    /// One-way latency without jitter, ns.
    latency_ns: u64,
    /// Direction from the middle, as a share of the way to the edge.
    at: Vec2,
}

/// The peers of a node, from west to east.
fn peers(session: &Session, node: u32) -> Vec<Peer> {
    let (Some(placement), Some(plan)) = (session.placement(), session.plan()) else { return Vec::new() };
    let detail = session.snapshot().node.as_deref().filter(|d| d.node == node);
    let table = &plan.network.latency;
    let own = placement.regions.get(node as usize).map_or(0, |r| usize::from(*r));
    let levels =
        crate::change::Levels::at(plan, &session.frame.interventions, session.snapshot().now_ns).latency_ppm;
    let scaled = |ns: u64| {
        let scale = u128::from(plan.network.latency_scale_ppm) * u128::from(levels) / 1_000_000;
        (u128::from(ns) * scale / 1_000_000) as u64
    };
    let peer = |other: &u32| {
        let other = *other;
        let region = usize::from(placement.regions[other as usize]);
        let load = detail.and_then(|d| d.links.iter().find(|l| l.peer == other).copied());
        Peer {
            node: other,
            region,
            mesh: detail.is_some_and(|d| d.mesh.contains(&other)),
            came: detail.is_some_and(|d| d.state.sender == other && d.state.arrived_ns > 0),
            went: session.state(other).is_some_and(|s| s.sender == node && s.arrived_ns > 0),
            load: load.unwrap_or(LinkLoad { peer: other, ..LinkLoad::default() }),
            latency_ns: scaled(table.one_way_ns[own][region]),
            at: Vec2::ZERO,
        }
    };
    let mut peers: Vec<Peer> = placement.topology.neighbours(node).iter().map(peer).collect();
    peers.sort_by_key(|p| (table.regions[p.region].longitude_mdeg, p.region, p.node));
    let count = peers.len().max(1) as f32;
    let any_mesh = peers.iter().any(|p| p.mesh);
    for (rank, peer) in peers.iter_mut().enumerate() {
        let reach = if peer.mesh || !any_mesh { 0.62 } else { 1.0 };
        peer.at = reach * Vec2::angled(TAU / 2.0 + TAU * (rank as f32 + 0.5) / count);
    }
    peers
}

pub fn show(ui: &Ui, cx: &mut Cx<'_>, stand: &Stand, node: u32) {
    let (tokens, rect) = (cx.tokens, stand.rect);
    let painter = ui.painter_at(rect);
    let peers = peers(cx.session, node);
    let centre = rect.center() - vec2(0.0, 8.0);
    let reach = vec2(rect.width() / 2.0 - 70.0, rect.height() / 2.0 - 34.0).max(vec2(20.0, 20.0));
    let place = |peer: &Peer| centre + peer.at * reach;
    let selection = &cx.session.selection;
    let chosen = |peer: &Peer| selection.link == Some([node.min(peer.node), node.max(peer.node)]);
    let hovered = |peer: &Peer| selection.hovered_link == Some([node.min(peer.node), node.max(peer.node)]);
    let mut strokes = Strokes::default();
    for peer in &peers {
        let colour = match peer {
            p if p.came => tokens.accent,
            p if p.went => tokens.good,
            p if p.mesh => tokens.faint,
            _ => tokens.faint.gamma_multiply(0.4),
        };
        let strong = chosen(peer) || hovered(peer);
        let width = if strong {
            3.6
        } else if peer.came || peer.went {
            2.4
        } else {
            1.2
        };
        strokes.add(centre, place(peer), width, [colour, colour]);
    }
    strokes.paint(&painter);
    let shown_ns = cx.session.shown_ns();
    let stage = |n: u32| cx.session.state(n).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
    let mut dots = Dots::new(ui.ctx(), peers.len() + 1);
    for peer in &peers {
        dots.add(place(peer), 5.0, stage(peer.node).colour(tokens));
    }
    dots.add(centre, 9.0, stage(node).colour(tokens));
    dots.paint(&painter);
    painter.circle_stroke(centre, 12.0, Stroke::new(2.0, tokens.accent));
    let font = FontId::proportional(10.5);
    let mut taken: Vec<Rect> = vec![Rect::from_center_size(centre, vec2(26.0, 26.0))];
    for peer in &peers {
        let at = place(peer);
        let waiting = if peer.load.waiting.messages > 0 {
            format!("{} wait", format::bytes(peer.load.waiting.bytes))
        } else {
            String::new()
        };
        let (align, offset) = if peer.at.x < -0.05 {
            (Align2::RIGHT_CENTER, vec2(-9.0, 0.0))
        } else if peer.at.x > 0.05 {
            (Align2::LEFT_CENTER, vec2(9.0, 0.0))
        } else if peer.at.y < 0.0 {
            (Align2::CENTER_BOTTOM, vec2(0.0, -8.0))
        } else {
            (Align2::CENTER_TOP, vec2(0.0, 8.0))
        };
        let name = match waiting.is_empty() {
            true => peer.node.to_string(),
            false => format!("{} · {waiting}", peer.node),
        };
        let colour = if waiting.is_empty() { tokens.faint } else { tokens.warning };
        let galley = painter.layout_no_wrap(name, font.clone(), colour);
        let label = align.anchor_size(at + offset, galley.size());
        // A name that would cover another is left out; the tip has it.
        if rect.contains_rect(label) && taken.iter().all(|t| !t.intersects(label)) {
            taken.push(label);
            painter.galley(label.min, galley, colour);
        }
    }
    let key = [
        ("brought it", tokens.accent),
        ("got it from here", tokens.good),
        ("mesh: pushed to at once", tokens.faint),
    ];
    let mut x = rect.left() + 4.0;
    for (text, colour) in key {
        let y = rect.bottom() - 8.0;
        painter.hline(x..=x + 14.0, y, Stroke::new(2.2, colour));
        let at = pos2(x + 18.0, y);
        let text = painter.text(at, Align2::LEFT_CENTER, text, FontId::proportional(size::SMALL), tokens.ink);
        x = text.right() + 12.0;
    }
    point(cx, stand, node, &peers, centre, &place);
}

/// Hover and click: a peer, else the link to one.
fn point(
    cx: &mut Cx<'_>,
    stand: &Stand,
    node: u32,
    peers: &[Peer],
    centre: Pos2,
    place: &dyn Fn(&Peer) -> Pos2,
) {
    let Some(pointer) = stand.response.hover_pos() else { return };
    let clicked = stand.response.clicked();
    let nearest = |distance: &dyn Fn(&Peer) -> f32| {
        let nearest = peers.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map(|p| (distance(p), p.node))
    };
    if let Some((_, peer)) = nearest(&|p| place(p).distance(pointer)).filter(|(d, _)| *d < 10.0) {
        cx.session.hover(peer);
        stand.response.clone().on_hover_ui_at_pointer(|ui| tip(ui, cx.session, peer));
        if clicked {
            cx.session.selection.choose_node(Some(peer));
        }
    } else if let Some((_, peer)) =
        nearest(&|p| to_segment(pointer, centre, place(p))).filter(|(d, _)| *d < 6.0)
    {
        cx.session.hover_link(node, peer);
        let ends = [node.min(peer), node.max(peer)];
        stand.response.clone().on_hover_ui_at_pointer(|ui| link_tip(ui, cx.session, ends));
        if clicked {
            cx.session.selection.choose_link(node, peer);
        }
    }
}

pub fn numbers(session: &Session, node: u32) -> Option<DataTable> {
    let plan = session.plan()?;
    let mut table = DataTable::new([
        "peer",
        "region",
        "latency (ms)",
        "mesh",
        "block",
        "waiting here",
        "waiting here (kB)",
        "going (kB)",
        "coming (kB)",
    ]);
    let kb = |load: Load| Cell::Num(load.bytes as f64 / 1e3);
    for peer in peers(session, node) {
        let block = match (peer.came, peer.went) {
            (true, _) => "brought it",
            (_, true) => "got it from here",
            _ => "",
        };
        table.push(vec![
            Cell::Int(peer.node.into()),
            Cell::Text(region_name(plan, peer.region).to_owned()),
            Cell::Num(peer.latency_ns as f64 / 1e6),
            Cell::Text(if peer.mesh { "yes" } else { "no" }.to_owned()),
            Cell::Text(block.to_owned()),
            Cell::Int(peer.load.waiting.messages.into()),
            kb(peer.load.waiting),
            kb(peer.load.going),
            kb(peer.load.coming),
        ]);
    }
    Some(table)
}

pub fn drawing(session: &Session, node: u32) -> Option<String> {
    let plan = session.plan()?;
    let mut canvas = Canvas::new(
        &format!("Node {node} and its peers"),
        "Near: its mesh, pushed to at once; blue: brought the block; green: got it from here",
    );
    let (middle, reach) = ((paper::WIDTH / 2.0, canvas.top + 290.0), (300.0, 250.0));
    let shown_ns = session.shown_ns();
    let colour = |n: u32| {
        let stage = session.state(n).map_or(Stage::Waiting, |s| Stage::of(s, shown_ns).0);
        theme::hex(stage.colour(&theme::LIGHT))
    };
    for peer in peers(session, node) {
        let at = (middle.0 + f64::from(peer.at.x) * reach.0, middle.1 + f64::from(peer.at.y) * reach.1);
        let line = match &peer {
            p if p.came => theme::LIGHT.accent,
            p if p.went => theme::LIGHT.good,
            p if p.mesh => theme::LIGHT.faint,
            _ => theme::LIGHT.waiting,
        };
        canvas.svg.line(middle, at, &theme::hex(line), if peer.came || peer.went { 2.4 } else { 1.0 }, "");
        let region = region_name(plan, peer.region);
        canvas.svg.circle(at, 6.0, &colour(peer.node), 1.0, &format!("node {}, {region}", peer.node));
        let (anchor, shift) = if peer.at.x < 0.0 { (Anchor::End, -10.0) } else { (Anchor::Start, 10.0) };
        let text = format!("{} {region}", peer.node);
        canvas.svg.text((at.0 + shift, at.1 + 4.0), TextStyle::NOTE.at(anchor), &text);
    }
    canvas.svg.circle(middle, 10.0, &colour(node), 1.0, &format!("node {node}"));
    canvas.svg.text(
        (MARGIN, canvas.top + 16.0),
        TextStyle::NOTE,
        "Colours of nodes: how far they are with the block.",
    );
    canvas.top += 580.0;
    Some(canvas.finish(8.0, "A node of the network and those it is connected to."))
}
