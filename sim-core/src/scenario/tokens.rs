//! A scenario's text cut into tokens, whether it can be read or not: for writing into it and for showing it in
//! colours.

/// Whether a token is blanks or a comment.
pub fn is_blank(piece: &str) -> bool {
    piece.trim().is_empty() || piece.starts_with("//") || piece.starts_with("/*")
}

/// The tokens of a text with their byte offsets; together they are the text.
pub fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        (start < text.len()).then(|| {
            at += token(&text[start..]);
            (start, &text[start..at])
        })
    })
}

/// Length of the next token: blanks, a comment, a text, a name or number, or one character; never 0.
pub fn token(rest: &str) -> usize {
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
    } else if let Some(text) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = text.find(|c| {
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
