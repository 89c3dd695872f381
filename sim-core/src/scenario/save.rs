//! Writing the interventions of a live run into a scenario's text, and leaving everything else in it alone.

use super::intervention;
use super::plan::Plan;
use super::tokens::{is_blank, token};
use std::ops::Range;

/// The text of a scenario file with `plan`'s interventions in place of its own. A run of the result repeats
/// the live run that `plan` was taken from. Entries that say the same stay as they are written, comments
/// included. `None` if the text is not a scenario in RON, `(...)`.
pub fn with_interventions(text: &str, plan: &Plan) -> Option<String> {
    let layout = Layout::of(text)?;
    let (range, new) = match layout.value {
        Some(range) => {
            let list = list_like(&text[range.clone()], plan);
            (range, list)
        }
        None => {
            let comma = if layout.needs_comma { "," } else { "" };
            let list = intervention::to_ron(plan);
            // Before whatever comment stands between the last field and the end.
            (layout.fields_end..layout.fields_end, format!("{comma}\n  interventions: {list},"))
        }
    };
    Some(format!("{}{new}{}", &text[..range.start], &text[range.end..]))
}

/// Where the value of `interventions` stands in a scenario's text, as byte offsets; `None` if there is none, or
/// if the text is not a scenario in RON.
pub fn interventions_at(text: &str) -> Option<Range<usize>> {
    Layout::of(text)?.value
}

/// `plan`'s interventions as a list; those that `written` has are copied from it.
fn list_like(written: &str, plan: &Plan) -> String {
    let (mut old, rest) = entries(written);
    if old.is_empty() || plan.interventions.is_empty() {
        return intervention::to_ron(plan);
    }
    let mut list = "[".to_owned();
    for made in &plan.interventions {
        let new = made.to_ron(plan);
        let essence = essence(&new);
        let kept = old.iter().position(|e| e.essence == essence).map(|at| old.remove(at));
        let (text, remark) = kept.map_or((new, String::new()), |e| (e.text, e.remark));
        let space = if remark.is_empty() { "" } else { " " };
        list += &format!("\n    {text},{space}{remark}");
    }
    if !rest.is_empty() {
        list += &format!("\n    {rest}");
    }
    list + "\n  ]"
}

/// An entry of a list as it is written.
struct Entry {
    /// With the comments before it.
    text: String,
    /// The comment after it, on its line.
    remark: String,
    /// Without blanks and comments.
    essence: String,
}

/// The entries of a list `[...]`, and the comments after the last.
fn entries(list: &str) -> (Vec<Entry>, String) {
    let (mut found, mut depth, mut at) = (Vec::<Entry>::new(), 0_usize, 0);
    // Where the entry begins, and where what it says ends.
    let (mut from, mut said) = (1, 1);
    while at < list.len() {
        let end = at + token(&list[at..]);
        let piece = &list[at..end];
        match piece {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let closes = depth == 0 && piece == "]";
        if closes || depth == 1 && piece == "," {
            let essence = essence(&list[from..said.max(from)]);
            if essence.is_empty() {
                return (found, list[from..at].trim().to_owned());
            }
            let text = list[from..said].trim().to_owned();
            found.push(Entry { text, remark: list[said..at].trim().to_owned(), essence });
            (from, said) = (end, end);
        } else if piece.starts_with("//")
            && let Some(before) = found.last_mut()
            && before.remark.is_empty()
            && list[from..at].chars().all(|c| c == ' ' || c == '\t')
        {
            // After the comma, on the same line: it speaks of the entry before.
            before.remark = piece.trim_end().to_owned();
            (from, said) = (end, end);
        } else if !is_blank(piece) && depth > 0 && at > 0 {
            said = end;
        }
        at = end;
    }
    (found, String::new())
}

/// What a text says: its tokens without blanks and comments.
fn essence(text: &str) -> String {
    let (mut essence, mut at) = (String::new(), 0);
    while at < text.len() {
        let end = at + token(&text[at..]);
        let piece = &text[at..end];
        if !is_blank(piece) {
            essence += piece;
        }
        at = end;
    }
    essence
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
            if is_blank(piece) {
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
