//! Places in a text: from lines and columns to characters, the word there, and the field it belongs to.

use super::colours::{Kind, kind};
use sim_core::scenario::tokens::tokens;
use std::ops::Range;

/// The characters of the word at a line and column, both from 1; at least one character where there is one.
pub fn word(text: &str, line: u32, column: u32) -> Range<usize> {
    let bytes = byte_at(text, line, column);
    let piece = tokens(text).find(|(at, piece)| (*at..at + piece.len()).contains(&bytes));
    let length = piece.map_or(0, |(at, piece)| {
        if piece.trim().is_empty() { 1 } else { text[bytes..at + piece.len()].chars().count() }
    });
    let start = text[..bytes].chars().count();
    start..start + length
}

/// The text with the word at a place replaced; a text in quotes stays one.
pub fn mended(text: &str, line: u32, column: u32, meant: &str) -> String {
    let bytes = byte_at(text, line, column);
    let Some((at, piece)) = tokens(text).find(|(at, piece)| (*at..at + piece.len()).contains(&bytes)) else {
        return text.to_owned();
    };
    let new = if kind(piece) == Kind::Text { format!("{meant:?}") } else { meant.to_owned() };
    format!("{}{new}{}", &text[..at], &text[at + piece.len()..])
}

fn byte_at(text: &str, line: u32, column: u32) -> usize {
    let before = line.saturating_sub(1) as usize;
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let rest = &text[start..];
    let within = rest.char_indices().nth(column.saturating_sub(1) as usize).map_or(rest.len(), |(i, _)| i);
    // A mark at the end of the file or of the line stays on its line.
    let end = rest.find('\n').unwrap_or(rest.len());
    start + within.min(end)
}

/// A level of nesting.
#[derive(Default)]
struct Level {
    key: Option<String>,
    index: usize,
    list: bool,
}

/// The dotted path of the field at a character of the text; `None` outside of all. In the overrides of an arm it
/// is the path that is overridden.
pub fn field(text: &str, at: usize) -> Option<String> {
    let cursor = text.char_indices().nth(at).map_or(text.len(), |(i, _)| i);
    let mut levels: Vec<Level> = Vec::new();
    let mut name: Option<String> = None;
    for (start, piece) in tokens(text) {
        // The word that the cursor touches counts; what opens behind it does not.
        if start > cursor || (start == cursor && kind(piece) == Kind::Mark) {
            break;
        }
        match (kind(piece), piece) {
            (Kind::Field, _) => name = Some(piece.to_owned()),
            (Kind::Text, _) => name = Some(piece.trim_matches('"').to_owned()),
            (Kind::Mark, ":") => {
                if let Some(level) = levels.last_mut() {
                    level.key = name.take();
                }
            }
            (Kind::Mark, "(" | "{") => levels.push(Level::default()),
            (Kind::Mark, "[") => levels.push(Level { list: true, ..Level::default() }),
            (Kind::Mark, ")" | "}" | "]") => {
                levels.pop();
                name = None;
            }
            (Kind::Mark, ",") => {
                if let Some(level) = levels.last_mut() {
                    level.index += 1;
                    level.key = None;
                }
                name = None;
            }
            _ => {}
        }
        // The name the cursor stands on is the field, though its colon comes later.
        let within = start + piece.len() >= cursor;
        if within && kind(piece) == Kind::Field {
            let follows = tokens(&text[start + piece.len()..]).find(|(_, p)| kind(p) != Kind::Blank);
            if let (Some((_, ":")), Some(level)) = (follows, levels.last_mut()) {
                level.key = Some(piece.to_owned());
            }
        }
    }
    let outermost = levels.first()?.key.clone()?;
    let parts: Vec<String> = levels
        .iter()
        .filter_map(|level| if level.list { Some(level.index.to_string()) } else { level.key.clone() })
        .collect();
    if outermost == "compare" {
        // ("name", { "a.b": value })
        return parts.into_iter().skip(1).find(|p| p.contains('.')).or(Some(outermost));
    }
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// é: comment\n(version: 1,\n  network: (gossip: Gossipsub(mesh: 8)),\n  \
                        interventions: [(at: \"1 s\", change: Cores(2)), (at: \"2 s\", change: Kill(All))],\n  \
                        compare: [(\"fast\", { \"execution.speed\": 10 })],\n)";

    fn field_at(word: &str, nth: usize) -> Option<String> {
        let byte = TEXT.match_indices(word).nth(nth).expect("it is there").0;
        field(TEXT, TEXT[..byte].chars().count())
    }

    #[test]
    fn the_field_under_the_cursor_is_known_by_its_path() {
        assert_eq!(field_at("comment", 0), None);
        assert_eq!(field_at("ersion", 0).as_deref(), Some("version"));
        assert_eq!(field_at("1,", 0).as_deref(), Some("version"));
        assert_eq!(field_at("ossip: G", 0).as_deref(), Some("network.gossip"));
        assert_eq!(field_at("esh: 8", 0).as_deref(), Some("network.gossip.mesh"));
        assert_eq!(field_at("8)", 0).as_deref(), Some("network.gossip.mesh"));
        assert_eq!(field_at("s\", change", 0).as_deref(), Some("interventions.0.at"));
        assert_eq!(field_at("All", 0).as_deref(), Some("interventions.1.change"));
        assert_eq!(field_at("10 }", 0).as_deref(), Some("execution.speed"));
    }

    #[test]
    fn a_place_is_a_word_that_can_be_replaced() {
        let text = "// é\n(nodes: (cuont: \"eu\"))";
        assert_eq!(word(text, 2, 10), 14..19);
        assert_eq!(mended(text, 2, 10, "count"), "// é\n(nodes: (count: \"eu\"))");
        assert_eq!(mended(text, 2, 17, "us"), "// é\n(nodes: (cuont: \"us\"))");
        for (line, column) in [(0, 0), (1, 99), (9, 9), (2, 99)] {
            let range = word(text, line, column);
            assert!(range.start <= text.chars().count(), "{range:?}");
        }
    }
}
