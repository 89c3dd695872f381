//! A scenario's text in colours: comments, names of fields, choices, texts, numbers.

use crate::theme::Tokens;
use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Color32, FontId};
use sim_core::scenario::tokens::{is_blank, tokens};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Blanks.
    Blank,
    /// A comment.
    Comment,
    /// The name of a field.
    Field,
    /// The name of a choice.
    Choice,
    /// A text in quotes.
    Text,
    /// A number, `true`, `false`.
    Number,
    /// Brackets, commas, colons.
    Mark,
}

/// Says what a token is.
pub fn kind(piece: &str) -> Kind {
    let first = piece.chars().next().unwrap_or(' ');
    match first {
        _ if piece.trim().is_empty() => Kind::Blank,
        _ if is_blank(piece) => Kind::Comment,
        '"' => Kind::Text,
        'r' if piece.ends_with(['"', '#']) => Kind::Text,
        '0'..='9' => Kind::Number,
        _ if matches!(piece, "true" | "false" | "inf" | "NaN") => Kind::Number,
        'A'..='Z' => Kind::Choice,
        _ if first.is_alphabetic() || first == '_' => Kind::Field,
        _ => Kind::Mark,
    }
}

/// Lays a text out in colours, without wrapping.
pub fn coloured(text: &str, font: &FontId, t: &Tokens) -> LayoutJob {
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    let format = |color: Color32| TextFormat::simple(font.clone(), color);
    for (_, piece) in tokens(text) {
        let colour = match kind(piece) {
            Kind::Comment => t.faint,
            Kind::Field => t.accent,
            Kind::Choice => t.warning,
            Kind::Text | Kind::Number => t.good,
            Kind::Blank | Kind::Mark => t.ink,
        };
        job.append(piece, 0.0, format(colour));
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_has_its_kind_and_nothing_of_the_text_is_lost() {
        let text = "// é\n(rate: 1.5, mix: { \"a\": r\"b\" }, on: true, go: Slots(x: [ /* ) */ ]) \u{1f600}";
        let job = coloured(text, &FontId::monospace(12.0), &crate::theme::DARK);
        assert_eq!(job.text, text);
        let kinds: Vec<(&str, Kind)> =
            tokens(text).map(|(_, p)| (p, kind(p))).filter(|(_, k)| *k != Kind::Blank).collect();
        for (piece, expected) in [
            ("// é", Kind::Comment),
            ("rate", Kind::Field),
            ("\"a\"", Kind::Text),
            ("r\"b\"", Kind::Text),
            ("true", Kind::Number),
            ("Slots", Kind::Choice),
            ("/* ) */", Kind::Comment),
            ("[", Kind::Mark),
        ] {
            assert!(kinds.contains(&(piece, expected)), "{piece}: {kinds:?}");
        }
        // Whatever is typed on the way to a scenario.
        for end in (0..text.len()).filter(|i| text.is_char_boundary(*i)) {
            assert_eq!(
                coloured(&text[..end], &FontId::monospace(12.0), &crate::theme::DARK).text,
                text[..end]
            );
        }
    }
}
