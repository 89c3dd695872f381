//! The look: type sizes, spacing and colours in one place. Dark or light follows the system.

use eframe::egui::{Color32, Context, FontFamily, FontId, Margin, TextStyle, ThemePreference, Ui, vec2};

/// Size of the app's name.
pub const TITLE: f32 = 24.0;
/// Size of a question in the detail pane.
pub const QUESTION: f32 = 19.0;
/// Size of a scenario's name in the list.
pub const NAME: f32 = 15.5;
/// Size of running text.
const BODY: f32 = 14.0;
/// Size of a row's second line.
pub const SMALL: f32 = 12.5;

/// Space between sections.
pub const SECTION: f32 = 18.0;
/// Space between a section's title and what it says.
pub const UNDER_TITLE: f32 = 4.0;
/// Widest running text: longer lines are hard to read.
pub const TEXT_WIDTH: f32 = 760.0;
/// Width of the list.
pub const LIST_WIDTH: f32 = 360.0;
/// Around a pane.
pub const PANE: Margin = Margin::same(20);
/// Around a row or box.
pub const ROW: Margin = Margin::symmetric(12, 10);
/// Corners of rows and boxes.
pub const CORNER: u8 = 6;

/// Sets sizes and spacing for both themes.
pub fn apply(context: &Context) {
    context.set_theme(ThemePreference::System);
    context.all_styles_mut(|style| {
        let sizes = [
            (TextStyle::Heading, QUESTION, FontFamily::Proportional),
            (TextStyle::Body, BODY, FontFamily::Proportional),
            (TextStyle::Button, BODY, FontFamily::Proportional),
            (TextStyle::Small, SMALL, FontFamily::Proportional),
            (TextStyle::Monospace, 13.0, FontFamily::Monospace),
        ];
        style.text_styles =
            sizes.into_iter().map(|(s, size, family)| (s, FontId::new(size, family))).collect();
        style.spacing.item_spacing = vec2(8.0, 6.0);
        style.spacing.button_padding = vec2(10.0, 5.0);
    });
}

/// Colour of things that are wrong.
pub fn error(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(255, 133, 117) } else { Color32::from_rgb(178, 34, 24) }
}

/// Colour of things to check.
pub fn warning(ui: &Ui) -> Color32 {
    if ui.visuals().dark_mode { Color32::from_rgb(240, 190, 90) } else { Color32::from_rgb(140, 84, 0) }
}
