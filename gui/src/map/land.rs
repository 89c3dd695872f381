//! The world's land, from `data/land.bin`; the script beside it describes the format.

use super::{LonLat, Projection};
use eframe::egui::{Color32, Mesh, Pos2};
use std::sync::{Arc, LazyLock};

static DATA: &[u8] = include_bytes!("../../data/land.bin");
static LAND: LazyLock<Land> = LazyLock::new(|| Land::read(DATA).expect("the bundled file is sound"));

/// Outlines and triangles.
pub struct Land {
    points: Vec<LonLat>,
    /// Ends of the rings in `points`.
    ends: Vec<usize>,
    triangles: Vec<u32>,
}

impl Land {
    /// The bundled land.
    pub fn bundled() -> &'static Self {
        &LAND
    }

    fn read(data: &[u8]) -> Option<Self> {
        let mut words = data.chunks_exact(2).map(|w| u16::from_le_bytes([w[0], w[1]]));
        let rings = words.next()?;
        let mut ends = Vec::new();
        let mut total = 0;
        for _ in 0..rings {
            total += usize::from(words.next()?);
            ends.push(total);
        }
        let mut degrees = || Some(f32::from(words.next()?.cast_signed()) * (180.0 / 32767.0));
        let points = (0..total).map(|_| Some([degrees()?, degrees()?])).collect::<Option<Vec<LonLat>>>()?;
        let faces = usize::from(words.next()?);
        let triangles = (0..faces * 3).map(|_| words.next().map(u32::from)).collect::<Option<Vec<u32>>>()?;
        let whole = words.next().is_none() && triangles.iter().all(|t| (*t as usize) < total);
        whole.then_some(Self { points, ends, triangles })
    }

    /// The land as triangles in one colour.
    pub fn mesh(&self, projection: &Projection, colour: Color32) -> Arc<Mesh> {
        let mut mesh = Mesh::default();
        mesh.reserve_vertices(self.points.len());
        self.points.iter().for_each(|p| mesh.colored_vertex(projection.position(*p), colour));
        mesh.indices.clone_from(&self.triangles);
        Arc::new(mesh)
    }

    /// The coastlines, cut where the map is: a list of lines.
    pub fn outlines(&self, projection: &Projection) -> Vec<Vec<Pos2>> {
        let mut lines = Vec::new();
        let mut start = 0;
        for &end in &self.ends {
            let ring = &self.points[start..end];
            let mut line: Vec<Pos2> = Vec::new();
            for (at, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                if line.is_empty() {
                    line.push(projection.position(*at));
                }
                if at[0].abs() > 179.99 && next[0].abs() > 179.99 {
                    lines.push(std::mem::take(&mut line));
                } else {
                    line.push(projection.position(*next));
                }
            }
            lines.push(line);
            start = end;
        }
        lines.retain(|l| l.len() > 1);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_land_covers_what_is_land() {
        let land = Land::bundled();
        let inside = |lon: f32, lat: f32| {
            land.triangles.chunks_exact(3).any(|t| {
                let [a, b, c] = [t[0], t[1], t[2]].map(|i| land.points[i as usize]);
                let side = |p: LonLat, q: LonLat| (q[0] - p[0]) * (lat - p[1]) - (q[1] - p[1]) * (lon - p[0]);
                let sides = [side(a, b), side(b, c), side(c, a)];
                sides.iter().all(|s| *s >= 0.0) || sides.iter().all(|s| *s <= 0.0)
            })
        };
        for (lon, lat) in
            [(8.7, 50.1), (-119.7, 45.8), (-46.6, -22.0), (134.0, -25.0), (78.0, 22.0), (20.0, 0.0)]
        {
            assert!(inside(lon, lat), "{lon} {lat}");
        }
        for (lon, lat) in [(-40.0, 30.0), (-150.0, 0.0), (75.0, -20.0), (50.0, 42.0)] {
            assert!(!inside(lon, lat), "{lon} {lat}");
        }
    }
}
