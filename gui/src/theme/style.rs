//! egui's own style, from the tokens.

use super::{DARK, LIGHT, Tokens};
use eframe::egui::style::{HandleShape, WidgetVisuals};
use eframe::egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Visuals,
    vec2,
};

/// Type sizes and measures, points.
pub mod size {
    /// Large numbers.
    pub const FIGURE: f32 = 21.0;
    /// The verdict.
    pub const HEADLINE: f32 = 19.0;
    /// Running text.
    pub const BODY: f32 = 13.5;
    /// Labels of axes, second lines.
    pub const SMALL: f32 = 11.5;
    /// Corners.
    pub const CORNER: u8 = 6;
    /// Space inside a panel.
    pub const INSET: i8 = 10;
    /// Space between groups.
    pub const GAP: f32 = 10.0;
}

/// Sets both themes.
pub fn apply(context: &Context) {
    context.all_styles_mut(|style| {
        let sizes = [
            (TextStyle::Heading, 16.0, FontFamily::Proportional),
            (TextStyle::Body, size::BODY, FontFamily::Proportional),
            (TextStyle::Button, size::BODY, FontFamily::Proportional),
            (TextStyle::Small, size::SMALL, FontFamily::Proportional),
            (TextStyle::Monospace, 12.5, FontFamily::Monospace),
        ];
        style.text_styles =
            sizes.into_iter().map(|(s, size, family)| (s, FontId::new(size, family))).collect();
        style.spacing.item_spacing = vec2(8.0, 5.0);
        style.spacing.button_padding = vec2(8.0, 4.0);
        style.spacing.menu_margin = Margin::same(6);
        style.spacing.slider_width = 130.0;
        style.spacing.interact_size.y = 22.0;
        style.interaction.selectable_labels = false;
    });
    context.set_visuals_of(Theme::Dark, visuals(&DARK, Visuals::dark()));
    context.set_visuals_of(Theme::Light, visuals(&LIGHT, Visuals::light()));
}

fn visuals(t: &Tokens, base: Visuals) -> Visuals {
    let corner = CornerRadius::same(size::CORNER);
    let widget = |fill: Color32, ink: Color32, line: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: corner,
        fg_stroke: Stroke::new(1.2, ink),
        expansion: 0.0,
    };
    let hover = t.raised.lerp_to_gamma(t.ink, 0.08);
    let mut v = Visuals {
        weak_text_color: Some(t.faint),
        hyperlink_color: t.accent,
        faint_bg_color: t.raised,
        extreme_bg_color: if t.is_dark() { t.window } else { t.raised },
        code_bg_color: t.raised,
        warn_fg_color: t.warning,
        error_fg_color: t.error,
        window_corner_radius: corner,
        window_fill: t.panel,
        window_stroke: Stroke::new(1.0, t.line),
        menu_corner_radius: corner,
        panel_fill: t.panel,
        popup_shadow: Shadow { offset: [0, 4], blur: 14, spread: 0, color: Color32::from_black_alpha(70) },
        window_shadow: Shadow { offset: [0, 8], blur: 26, spread: 0, color: Color32::from_black_alpha(90) },
        slider_trailing_fill: true,
        handle_shape: HandleShape::Circle,
        ..base
    };
    v.selection.bg_fill = t.accent.gamma_multiply(if t.is_dark() { 0.55 } else { 0.35 });
    v.selection.stroke = Stroke::new(1.0, t.ink);
    v.widgets.noninteractive = widget(t.panel, t.ink, t.line);
    v.widgets.inactive = widget(t.raised, t.ink, Color32::TRANSPARENT);
    v.widgets.hovered = widget(hover, t.ink, t.line);
    v.widgets.active = widget(t.accent.gamma_multiply(0.6), t.ink, t.accent);
    v.widgets.open = widget(hover, t.ink, t.line);
    v
}
