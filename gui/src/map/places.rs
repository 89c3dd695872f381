//! Where nodes are drawn on the map: every region is a disc of dots at its place, strong machines in the middle;
//! discs push each other aside until none covers another.

use super::Projection;
use eframe::egui::{Pos2, Vec2, vec2};
use sim_core::scenario::plan::Plan;
use sim_core::simulation::Placement;

/// Positions of all nodes.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Of every node, points.
    pub nodes: Vec<Pos2>,
    /// Centre and radius of every region that has nodes: (region, centre, radius).
    pub regions: Vec<(usize, Pos2, f32)>,
}

/// Radius of a dot, points, where `count` nodes are drawn.
pub fn dot_radius(count: usize) -> f32 {
    (70.0 / (count.max(1) as f32).sqrt()).clamp(0.9, 4.0)
}

/// The golden angle, radians: consecutive dots of a disc never line up.
const GOLDEN: f32 = 2.399_963_2;

impl Places {
    /// Places every node; dots are `scale` times as large as usual.
    pub fn new(plan: &Plan, placement: &Placement, projection: &Projection, scale: f32) -> Self {
        let regions = &plan.network.latency.regions;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); regions.len()];
        for (node, region) in placement.regions.iter().enumerate() {
            members[usize::from(*region)].push(node as u32);
        }
        let strength = |node: &u32| {
            let class = usize::from(placement.classes[*node as usize]);
            plan.nodes.hardware.get(class).map_or(0, |(c, _)| c.up_bps)
        };
        let dot = dot_radius(placement.regions.len()) * scale;
        let step = dot * 1.22;
        let mut discs: Vec<(usize, Pos2, f32)> = Vec::new();
        for (index, region) in regions.iter().enumerate().filter(|(i, _)| !members[*i].is_empty()) {
            let place = [region.longitude_mdeg as f32 / 1e3, region.latitude_mdeg as f32 / 1e3];
            let radius = step * (members[index].len() as f32).sqrt() + dot;
            discs.push((index, projection.position(place), radius));
        }
        separate(&mut discs);
        let mut nodes = vec![Pos2::ZERO; placement.regions.len()];
        for (region, centre, _) in &discs {
            let here = &mut members[*region];
            here.sort_by_key(|n| (std::cmp::Reverse(strength(n)), *n));
            for (rank, node) in here.iter().enumerate() {
                let (distance, angle) = (step * (rank as f32 + 0.5).sqrt(), rank as f32 * GOLDEN);
                nodes[*node as usize] = *centre + distance * Vec2::angled(angle);
            }
        }
        Self { nodes, regions: discs }
    }

    /// The node nearest to a place, within `reach` points.
    pub fn nearest(&self, at: Pos2, reach: f32) -> Option<u32> {
        let distance = |(i, p): (usize, &Pos2)| (p.distance_sq(at), i as u32);
        let nearest = self.nodes.iter().enumerate().map(distance).min_by(|a, b| a.0.total_cmp(&b.0))?;
        (nearest.0 <= reach * reach).then_some(nearest.1)
    }
}

/// Moves discs apart, a little at a time, while they are drawn back to their places.
fn separate(discs: &mut [(usize, Pos2, f32)]) {
    let homes: Vec<Pos2> = discs.iter().map(|d| d.1).collect();
    // Places in one line would never leave it.
    for (index, disc) in discs.iter_mut().enumerate() {
        disc.1 += 2.0 * Vec2::angled(index as f32 * GOLDEN);
    }
    for _ in 0..200 {
        for (disc, home) in discs.iter_mut().zip(&homes) {
            disc.1 += (*home - disc.1) * 0.02;
        }
        for i in 0..discs.len() {
            for j in i + 1..discs.len() {
                let apart = discs[j].1 - discs[i].1;
                let wanted = discs[i].2 + discs[j].2 + 2.0;
                let distance = apart.length();
                if distance < wanted {
                    let direction = if distance > 0.01 { apart / distance } else { vec2(1.0, 0.0) };
                    let push = direction * (wanted - distance) / 2.0;
                    discs[i].1 -= push;
                    discs[j].1 += push;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn discs_do_not_cover_each_other_and_stay_near_their_places() {
        let mut discs: Vec<(usize, Pos2, f32)> =
            (0..6).map(|i| (i, pos2(100.0 + 5.0 * i as f32, 50.0), 20.0)).collect();
        separate(&mut discs);
        for (i, a) in discs.iter().enumerate() {
            for b in &discs[i + 1..] {
                assert!(a.1.distance(b.1) > 38.0, "{discs:?}");
            }
            assert!(a.1.distance(pos2(112.0, 50.0)) < 110.0);
        }
    }
}
