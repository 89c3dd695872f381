//! Many small shapes at once: dots and lines go into one mesh, so that 10,000 nodes cost little.

use eframe::egui::{
    Color32, ColorImage, Context, Id, Mesh, Painter, Pos2, Rect, Shape, TextureHandle, TextureId,
    TextureOptions, Vec2, pos2, vec2,
};

/// A mesh of round dots.
pub struct Dots {
    mesh: Mesh,
}

/// Edge of the dot's picture, pixels.
const PICTURE: usize = 32;

impl Dots {
    /// No dots yet; room for `count`.
    pub fn new(context: &Context, count: usize) -> Self {
        let mut mesh = Mesh::with_texture(picture(context));
        mesh.reserve_triangles(count * 2);
        mesh.reserve_vertices(count * 4);
        Self { mesh }
    }

    /// Adds a dot.
    pub fn add(&mut self, at: Pos2, radius: f32, colour: Color32) {
        // The picture's disc ends a pixel and a half from its edge.
        let reach = radius * PICTURE as f32 / (PICTURE as f32 - 3.0);
        let rect = Rect::from_center_size(at, Vec2::splat(2.0 * reach));
        self.mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)), colour);
    }

    /// Draws them.
    pub fn paint(self, painter: &Painter) {
        if !self.mesh.is_empty() {
            painter.add(Shape::mesh(self.mesh));
        }
    }
}

/// A soft white disc, made once.
fn picture(context: &Context) -> TextureId {
    let id = Id::unique("dot-picture");
    if let Some(handle) = context.data(|d| d.get_temp::<TextureHandle>(id)) {
        return handle.id();
    }
    let middle = (PICTURE as f32 - 1.0) / 2.0;
    let radius = PICTURE as f32 / 2.0 - 1.5;
    let pixel = |index: usize| {
        let offset = vec2((index % PICTURE) as f32 - middle, (index / PICTURE) as f32 - middle);
        let cover = (radius - offset.length() + 0.5).clamp(0.0, 1.0);
        Color32::from_white_alpha((cover * 255.0) as u8)
    };
    let pixels = (0..PICTURE * PICTURE).map(pixel).collect();
    let image = ColorImage::new([PICTURE, PICTURE], pixels);
    let handle = context.load_texture("dot", image, TextureOptions::LINEAR);
    let texture = handle.id();
    context.data_mut(|d| d.insert_temp(id, handle));
    texture
}

/// A mesh of straight strokes without soft edges: for many thin ones.
#[derive(Default)]
pub struct Strokes {
    mesh: Mesh,
}

impl Strokes {
    /// Adds a stroke that changes colour along its way.
    pub fn add(&mut self, from: Pos2, to: Pos2, width: f32, colours: [Color32; 2]) {
        let along = to - from;
        let length = along.length();
        if length < 0.01 {
            return;
        }
        let side = vec2(-along.y, along.x) * (width / 2.0 / length);
        let first = self.mesh.vertices.len() as u32;
        for (at, colour) in [(from, colours[0]), (to, colours[1])] {
            self.mesh.colored_vertex(at - side, colour);
            self.mesh.colored_vertex(at + side, colour);
        }
        self.mesh.add_triangle(first, first + 1, first + 2);
        self.mesh.add_triangle(first + 1, first + 3, first + 2);
    }

    /// Draws them.
    pub fn paint(self, painter: &Painter) {
        if !self.mesh.is_empty() {
            painter.add(Shape::mesh(self.mesh));
        }
    }
}

/// A point on the arc from `a` to `b` that bends to the left by `bend` of its length, at `share` of the way.
pub fn on_arc(a: Pos2, b: Pos2, bend: f32, share: f32) -> Pos2 {
    let along = b - a;
    let control = a + along * 0.5 + vec2(along.y, -along.x) * bend;
    let (s, t) = (share, 1.0 - share);
    (t * t * a.to_vec2() + 2.0 * s * t * control.to_vec2() + s * s * b.to_vec2()).to_pos2()
}
