//! Writing the interventions of a live run into a scenario's text, and leaving everything else in it alone.

use super::intervention;
use super::plan::Plan;
use std::ops::Range;

/// The text of a scenario file with `plan`'s interventions in place of its own. A run of the result repeats
/// the live run that `plan` was taken from. `None` if the text is not a scenario in RON, `(...)`.
pub fn with_interventions(text: &str, plan: &Plan) -> Option<String> {
    let layout = Layout::of(text)?;
    let list = intervention::to_ron(plan);
    let (range, new) = match layout.value {
        Some(range) => (range, list),
        None => {
            let comma = if layout.needs_comma { "," } else { "" };
            // Before whatever comment stands between the last field and the end.
            (layout.fields_end..layout.fields_end, format!("{comma}\n  interventions: {list},"))
        }
    };
    Some(format!("{}{new}{}", &text[..range.start], &text[range.end..]))
}

/// Where things are in a scenario's text, as byte offsets.
struct Layout {
    /// The value of `interventions`.
    value: Option<Range<usize>>,
    /// After the last field, comma included.
    fields_end: usize,
    /// The last field has no comma after it.
    needs_comma: bool,
}

impl Layout {
    fn of(text: &str) -> Option<Self> {
        let (mut depth, mut at) = (0_usize, 0);
        let (mut key_at, mut value_from, mut value) = (None, None, None);
        let (mut last, mut last_end) = (' ', 0);
        while at < text.len() {
            let end = at + token(&text[at..]);
            let piece = &text[at..end];
            let blank = piece.trim().is_empty() || piece.starts_with("//") || piece.starts_with("/*");
            if blank {
                at = end;
                continue;
            }
            match piece {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 && piece == ")" {
                        if let (Some(from), None) = (value_from, &value) {
                            value = Some(from..last_end);
                        }
                        let needs_comma = !matches!(last, ',' | '(');
                        return Some(Self { value, fields_end: last_end, needs_comma });
                    }
                }
                "interventions" if depth == 1 => key_at = Some(end),
                ":" if depth == 1 && key_at == Some(last_end) && value_from.is_none() => {
                    value_from = Some(end + text[end..].len() - text[end..].trim_start().len());
                }
                "," if depth == 1 => {
                    if let (Some(from), None) = (value_from, &value) {
                        value = Some(from..last_end);
                    }
                }
                _ => {}
            }
            (last, last_end) = (piece.chars().next_back()?, end);
            at = end;
        }
        None
    }
}

/// Length of the next token: blanks, a comment, a text, a name or number, or one character; never 0.
fn token(rest: &str) -> usize {
    let span = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |i| from + i + end.len());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let hashes = rest.strip_prefix('r').map(|r| r.len() - r.trim_start_matches('#').len());
    match hashes {
        Some(count) if rest[1 + count..].starts_with('"') => {
            return until(&format!("\"{}", "#".repeat(count)), count + 2);
        }
        _ => {}
    }
    if rest.starts_with(char::is_whitespace) {
        span(char::is_whitespace)
    } else if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if let Some(inside) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        end.map_or(rest.len(), |i| i + 2)
    } else if rest.starts_with(word) {
        span(|c| c.is_alphanumeric() || c == '_')
    } else {
        first
    }
}

/// Length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}
