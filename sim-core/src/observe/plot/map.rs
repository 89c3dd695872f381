//! A world map: equirectangular, a graticule, circles with names that keep out of each other's way.

use super::canvas::{Canvas, MARGIN};
use super::svg::{Anchor, TextStyle};
use super::theme;

/// A circle on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Name beside it.
    pub name: String,
    /// Second, fainter line.
    pub note: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Radius, user units.
    pub radius: f64,
    /// Fill.
    pub colour: String,
}

const NORTH: f64 = 80.0;
const SOUTH: f64 = -60.0;

/// Draws the map below everything on the page. Places keep their given order in drawing; names are placed
/// greedily: right, left, above, below, then further out with a leader line.
pub fn draw(canvas: &mut Canvas, places: &[Place]) {
    let (left, top) = (MARGIN, canvas.top + 12.0);
    let width = theme::WIDTH - 2.0 * MARGIN;
    let scale = width / 360.0;
    let height = (NORTH - SOUTH) * scale;
    let at = |latitude: f64, longitude: f64| {
        (left + (longitude + 180.0) * scale, top + (NORTH - latitude.clamp(SOUTH, NORTH)) * scale)
    };
    canvas.svg.rect((left, top, width, height), theme::SHADE, "");
    for step in 0..=12 {
        let longitude = -180.0 + 30.0 * f64::from(step);
        canvas.svg.line(at(NORTH, longitude), at(SOUTH, longitude), "#dfe4e9", 1.0, "");
    }
    for (latitude, label) in [(60.0, "60° N"), (30.0, "30° N"), (0.0, "equator"), (-30.0, "30° S")] {
        let (from, to) = (at(latitude, -180.0), at(latitude, 180.0));
        canvas.svg.line(from, to, if latitude == 0.0 { "#c4ccd4" } else { "#dfe4e9" }, 1.0, "");
        canvas.svg.text((from.0 + 4.0, from.1 - 3.0), TextStyle { size: 10.0, ..TextStyle::NOTE }, label);
    }

    // Boxes already taken: (left, top, right, bottom).
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    for place in places {
        let (x, y) = at(place.latitude, place.longitude);
        let r = place.radius;
        canvas.svg.circle((x, y), r, &place.colour, 0.92, &format!("{}: {}", place.name, place.note));
        taken.push((x - r, y - r, x + r, y + r));
    }
    for (i, place) in places.iter().enumerate() {
        let (x, y) = at(place.latitude, place.longitude);
        let w = theme::text_width(&place.name, 12.0).max(theme::text_width(&place.note, 10.5));
        let (h, r) = (25.0, place.radius);
        let free = |b: &(f64, f64, f64, f64)| {
            let inside = b.0 >= left && b.2 <= left + width && b.1 >= top && b.3 <= top + height;
            let clear = taken
                .iter()
                .enumerate()
                .all(|(j, t)| j == i || b.2 <= t.0 || b.0 >= t.2 || b.3 <= t.1 || b.1 >= t.3);
            inside && clear
        };
        let (label, leader) = label_boxes(x, y, w, h, r)
            .find(|(b, _)| free(b))
            .unwrap_or(((x + r + 4.0, y - h / 2.0, x + r + 4.0 + w, y + h / 2.0), false));
        if leader {
            let edge = (x.clamp(label.0, label.2), y.clamp(label.1, label.3));
            canvas.svg.line((x, y), edge, theme::AXIS, 1.0, "");
        }
        let anchor = if label.2 < x { Anchor::End } else { Anchor::Start };
        let tx = if anchor == Anchor::End { label.2 } else { label.0 };
        canvas.svg.text(
            (tx, label.1 + 11.0),
            TextStyle { size: 12.0, ..TextStyle::LABEL.bold() }.at(anchor),
            &place.name,
        );
        canvas.svg.text(
            (tx, label.1 + 23.0),
            TextStyle { size: 10.5, ..TextStyle::NOTE }.at(anchor),
            &place.note,
        );
        taken.push(label);
    }
    canvas.top = top + height + 8.0;
}

/// A box: left, top, right, bottom.
type Box4 = (f64, f64, f64, f64);

/// Candidate boxes for a label, best first, and whether they need a leader line.
fn label_boxes(x: f64, y: f64, w: f64, h: f64, r: f64) -> impl Iterator<Item = (Box4, bool)> {
    [4.0, 18.0, 34.0, 52.0, 74.0, 100.0].into_iter().flat_map(move |gap| {
        let d = r + gap;
        let s = d * 0.75;
        let from = move |left: f64, top: f64| ((left, top, left + w, top + h), gap > 4.0);
        [
            from(x + d, y - h / 2.0),
            from(x - d - w, y - h / 2.0),
            from(x - w / 2.0, y - d - h),
            from(x - w / 2.0, y + d),
            from(x + s, y - s - h),
            from(x + s, y + s),
            from(x - s - w, y - s - h),
            from(x - s - w, y + s),
        ]
    })
}

/// Draws a horizontal colour bar with both ends' labels.
pub fn colour_bar(canvas: &mut Canvas, label: &str, low: &str, high: &str) {
    let (x, y, width) = (MARGIN, canvas.top + 6.0, 180.0);
    let start = x + theme::text_width(label, theme::TEXT_SIZE) + 12.0;
    canvas.svg.text((x, y + 11.0), TextStyle::LABEL, label);
    let low_at = start + theme::text_width(low, theme::TICK_SIZE) + 6.0;
    canvas.svg.text((low_at - 6.0, y + 11.0), TextStyle::NOTE.at(Anchor::End), low);
    const STEPS: u32 = 36;
    for step in 0..STEPS {
        let share = f64::from(step) / f64::from(STEPS - 1);
        let piece = width / f64::from(STEPS);
        let shape = (low_at + f64::from(step) * piece, y, piece + 0.5, 13.0);
        canvas.svg.rect(shape, &theme::sequential(share), "");
    }
    canvas.svg.text((low_at + width + 6.0, y + 11.0), TextStyle::NOTE, high);
    canvas.top = y + 18.0;
}
