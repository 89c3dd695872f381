//! Pictures of the window or of a part of it: asked for in one frame, delivered in the next.

use eframe::egui::{ColorImage, Context, Rect};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A file, or why there is none.
type Taken = Result<(String, Vec<u8>), String>;

/// A picture that was asked for.
struct Wanted {
    name: String,
    /// Part of the window, points; `None`: all of it.
    part: Option<Rect>,
    /// Frames until it is taken: menus and tips go away first.
    frames: u8,
}

/// Pictures that were asked for.
pub struct Pictures {
    wanted: Vec<Wanted>,
    outbox: Sender<Taken>,
    inbox: Receiver<Taken>,
}

impl Default for Pictures {
    fn default() -> Self {
        let (outbox, inbox) = channel();
        Self { wanted: Vec::new(), outbox, inbox }
    }
}

impl Pictures {
    /// Asks for one.
    pub fn take(&mut self, name: impl Into<String>, part: Option<Rect>) {
        self.wanted.push(Wanted { name: name.into(), part, frames: 3 });
    }

    /// Call once a frame: passes on what is asked for, and gives what has come.
    pub fn update(&mut self, context: &Context) -> Vec<Taken> {
        if !self.wanted.is_empty() {
            context.request_repaint();
        }
        self.wanted.iter_mut().for_each(|w| w.frames -= 1);
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.wanted).into_iter().partition(|w| w.frames == 0);
        self.wanted = later;
        for Wanted { name, part, .. } in now {
            let (outbox, wake, scale) = (self.outbox.clone(), context.clone(), context.pixels_per_point());
            context.request_screenshot(move |image| {
                let file = png(&cut(&image, part, scale)).map(|bytes| (name, bytes));
                // The window may have gone.
                let _ = outbox.send(file.map_err(|e| e.to_string()));
                wake.request_repaint();
            });
        }
        self.inbox.try_iter().collect()
    }
}

/// A part of a picture, as far as it lies inside.
fn cut(image: &ColorImage, part: Option<Rect>, pixels_per_point: f32) -> ColorImage {
    let Some(part) = part else { return image.clone() };
    let [width, height] = image.size;
    let at = |points: f32, most: usize| ((points * pixels_per_point).round().max(0.0) as usize).min(most);
    let (x, y) = (at(part.min.x, width), at(part.min.y, height));
    let (right, bottom) = (at(part.max.x, width).max(x), at(part.max.y, height).max(y));
    image.region_by_pixels([x, y], [right - x, bottom - y])
}

/// A picture as PNG, without transparency.
fn png(image: &ColorImage) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.size[0] as u32, image.size[1] as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, pos2};

    #[test]
    fn a_part_of_a_picture_is_a_png_of_its_size_and_colours() {
        let pixels = (0..20 * 10).map(|i| Color32::from_rgb(i as u8, 7, 9)).collect();
        let image = ColorImage::new([20, 10], pixels);
        let part = Rect::from_min_max(pos2(2.0, 1.0), pos2(6.0, 99.0));
        let part = cut(&image, Some(part), 2.0);
        assert_eq!(part.size, [8, 8]);
        let bytes = png(&part).expect("it is encoded");
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().expect("it is a PNG");
        let mut read = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut read).expect("it has a picture");
        assert_eq!((reader.info().width, reader.info().height), (8, 8));
        assert_eq!(&read[..3], &[2 * 20 + 4, 7, 9]);
    }
}
