//! The world: coastlines, projection, where nodes are drawn. No egui widgets here, only geometry.

mod land;
mod places;

pub use land::Land;
pub use places::{Places, dot_radius};

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Longitude and latitude, degrees.
pub type LonLat = [f32; 2];

/// Latitudes of the upper and lower edge at no zoom.
const NORTH: f32 = 73.0;
const SOUTH: f32 = -52.0;

/// Miller's cylindrical projection onto a rectangle, with zoom and shift.
///
/// Source: O. M. Miller (1942): y = 5/4 ln tan(pi/4 + 2/5 latitude). Europe, where many nodes are, is larger
/// than in an equal-area map; the poles stay on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    centre: Pos2,
    /// Points a radian of longitude.
    scale: f32,
    /// In radians: what is in the centre.
    at: Vec2,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// 1: the whole world.
    pub zoom: f32,
    /// Shift from the centre of the world, radians of longitude and projected latitude.
    pub shift: Vec2,
}

impl Default for View {
    fn default() -> Self {
        Self { zoom: 1.0, shift: Vec2::ZERO }
    }
}

fn miller(latitude: f32) -> f32 {
    let phi = latitude.to_radians().clamp(-1.5, 1.5);
    1.25 * (std::f32::consts::FRAC_PI_4 + 0.4 * phi).tan().ln()
}

impl Projection {
    /// Fits the inhabited world into `rect`.
    pub fn new(rect: Rect, view: View) -> Self {
        let height = miller(NORTH) - miller(SOUTH);
        let width = std::f32::consts::TAU * 0.97;
        let fit = (rect.width() / width).min(rect.height() / height);
        let middle = vec2(0.12, f32::midpoint(miller(NORTH), miller(SOUTH)));
        Self { centre: rect.center(), scale: fit * view.zoom, at: middle + view.shift }
    }

    /// Where a place is drawn.
    pub fn position(&self, [longitude, latitude]: LonLat) -> Pos2 {
        let x = longitude.to_radians() - self.at.x;
        let y = miller(latitude) - self.at.y;
        pos2(self.centre.x + x * self.scale, self.centre.y - y * self.scale)
    }

    /// The shift that keeps what is under `pointer` there when the zoom goes from this to `zoom` times that.
    pub fn shift_for_zoom(&self, pointer: Pos2, view: View, factor: f32) -> Vec2 {
        let from_centre = pointer - self.centre;
        let here = vec2(from_centre.x, -from_centre.y) / self.scale;
        view.shift + here * (1.0 - 1.0 / factor)
    }

    /// The shift after dragging the map by `delta` points.
    pub fn shift_for_drag(&self, view: View, delta: Vec2) -> Vec2 {
        view.shift - vec2(delta.x, -delta.y) / self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_fits_and_zoom_keeps_what_is_under_the_pointer() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(1000.0, 420.0));
        let view = View::default();
        let projection = Projection::new(rect, view);
        for place in [[-77.5, 39.0], [151.2, -33.9], [18.4, -33.9], [18.1, 59.3]] {
            assert!(rect.contains(projection.position(place)), "{place:?}");
        }
        let sydney = projection.position([151.2, -33.9]);
        let zoomed = View { zoom: 3.0, shift: projection.shift_for_zoom(sydney, view, 3.0) };
        assert!((Projection::new(rect, zoomed).position([151.2, -33.9]) - sydney).length() < 0.1);
    }
}
