//! Text to tree. Reads the part of RON that scenario files use, and JSON.
//!
//! Why not the `ron` crate here: it deserialises straight into types, and its `Value` cannot hold enums, so
//! presets, overrides and arms could not be merged with every value keeping its line. That both read the
//! same thing from the same file is a test (`the_reader_agrees_with_the_ron_crate`).

use super::tree::{Entry, Node, Span, Value};

/// Why a text is not a tree: where and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Where reading stopped.
    pub span: Span,
    /// What is wrong.
    pub problem: String,
}

/// Deepest nesting; a scenario needs 6, and a bound keeps hostile files from exhausting the stack.
const MAX_DEPTH: u32 = 64;

/// Longest text read, bytes; the largest honest scenario is a few kilobytes.
pub const MAX_BYTES: usize = 4 << 20;

/// Reads a whole text as one value.
pub fn read(text: &str, source: u16) -> Result<Node, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 1, column: 1, source, depth: 0 };
    if text.len() > MAX_BYTES {
        return Err(reader.error(format!("{} bytes is too long for a scenario", text.len())));
    }
    reader.skip_blank()?;
    reader.skip_attributes()?;
    let node = reader.value()?;
    reader.skip_blank()?;
    if let Some(c) = reader.peek() {
        return Err(reader.error(format!("`{}` after the end of the value", printable(c))));
    }
    Ok(node)
}

/// The comment lines at the head of a text, without their slashes.
pub fn head_comment(text: &str) -> Vec<String> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .map_while(|line| line.strip_prefix("//"))
        .map(|line| line.trim().to_owned())
        .collect()
}

struct Reader<'t> {
    rest: &'t str,
    line: u32,
    column: u32,
    source: u16,
    depth: u32,
}

type Read<T> = Result<T, ReadError>;

impl Reader<'_> {
    fn span(&self) -> Span {
        Span { source: self.source, line: self.line, column: self.column }
    }

    fn error(&self, problem: impl Into<String>) -> ReadError {
        ReadError { span: self.span(), problem: problem.into() }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn take(&mut self, c: char) -> bool {
        let hit = self.peek() == Some(c);
        if hit {
            self.bump();
        }
        hit
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek().filter(|c| keep(*c)) {
            out.push(c);
            self.bump();
        }
        out
    }

    /// White space and comments.
    fn skip_blank(&mut self) -> Read<()> {
        loop {
            if self.peek().is_some_and(char::is_whitespace) {
                self.bump();
            } else if self.rest.starts_with("//") {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.bump();
                }
            } else if self.rest.starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_block_comment(&mut self) -> Read<()> {
        let open = self.error("this comment is never closed with `*/`");
        let mut level = 0u32;
        loop {
            if self.rest.starts_with("/*") {
                level += 1;
                self.bump();
            } else if self.rest.starts_with("*/") {
                level -= 1;
                self.bump();
            }
            if self.bump().is_none() {
                return Err(open);
            }
            if level == 0 {
                return Ok(());
            }
        }
    }

    /// `#![enable(..)]` lines of RON: what they could enable is always on.
    fn skip_attributes(&mut self) -> Read<()> {
        while self.rest.starts_with("#!") {
            let open = self.error("this attribute is never closed with `]`");
            self.take_while(|c| c != ']');
            if !self.take(']') {
                return Err(open);
            }
            self.skip_blank()?;
        }
        Ok(())
    }

    fn value(&mut self) -> Read<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.skip_blank()?;
        let span = self.span();
        let value = match self.peek() {
            None => return Err(self.error("the text ends where a value is expected")),
            Some('(') => self.parentheses()?,
            Some('[') => Value::List(self.list('[', ']')?),
            Some('{') => self.map('{', '}')?,
            Some('"') => Value::Text(self.string()?),
            Some('r') if self.rest.starts_with("r\"") || self.rest.starts_with("r#") => {
                Value::Text(self.raw_string()?)
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.named()?,
            Some(c) => {
                return Err(self.error(format!("`{}` where a value is expected", printable(c))));
            }
        };
        self.depth -= 1;
        Ok(Node::new(value, span))
    }

    /// `Name` or `Name(..)`.
    fn named(&mut self) -> Read<Value> {
        let name = self.identifier()?;
        self.skip_blank()?;
        if self.peek() != Some('(') {
            return Ok(match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "None" | "null" => Value::Null,
                _ => Value::Variant(name, None),
            });
        }
        let span = self.span();
        let inner = match self.parentheses()? {
            // `Zipf(0.8)` holds a number, not a list of one.
            Value::List(mut items) if items.len() == 1 => items.remove(0),
            Value::Null => Node::new(Value::Map(Vec::new()), span),
            other => Node::new(other, span),
        };
        if name == "Some" {
            return Ok(inner.value);
        }
        Ok(Value::Variant(name, Some(Box::new(inner))))
    }

    fn identifier(&mut self) -> Read<String> {
        if self.rest.starts_with("r#") {
            self.bump();
            self.bump();
        }
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
        if name.is_empty() { Err(self.error("a name is expected here")) } else { Ok(name) }
    }

    /// `()`, `(a, b)` or `(field: a)`: fields if the first thing is a name followed by a colon.
    fn parentheses(&mut self) -> Read<Value> {
        if self.holds_fields()? {
            return self.map('(', ')');
        }
        let items = self.list('(', ')')?;
        Ok(if items.is_empty() { Value::Null } else { Value::List(items) })
    }

    fn holds_fields(&self) -> Read<bool> {
        let mut ahead = Reader { ..*self };
        ahead.bump();
        ahead.skip_blank()?;
        if !ahead.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            return Ok(false);
        }
        ahead.identifier()?;
        ahead.skip_blank()?;
        Ok(ahead.peek() == Some(':'))
    }

    fn list(&mut self, open: char, close: char) -> Read<Vec<Node>> {
        let unclosed = self.error(format!("this `{open}` is never closed with `{close}`"));
        self.bump();
        let mut items = Vec::new();
        loop {
            self.skip_blank()?;
            if self.take(close) {
                return Ok(items);
            }
            if self.peek().is_none() {
                return Err(unclosed);
            }
            items.push(self.value()?);
            self.separator(close, &unclosed)?;
        }
    }

    fn map(&mut self, open: char, close: char) -> Read<Value> {
        let unclosed = self.error(format!("this `{open}` is never closed with `{close}`"));
        self.bump();
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            self.skip_blank()?;
            if self.take(close) {
                return Ok(Value::Map(entries));
            }
            let span = self.span();
            let key = match self.peek() {
                None => return Err(unclosed),
                Some('"') => self.string()?,
                Some(c) if c.is_alphabetic() || c == '_' => self.identifier()?,
                Some(c) => {
                    return Err(self.error(format!("`{}` where a field is expected", printable(c))));
                }
            };
            if entries.iter().any(|e| e.key == key) {
                return Err(ReadError { span, problem: format!("`{key}` is given twice") });
            }
            self.skip_blank()?;
            if !self.take(':') {
                return Err(self.error(format!("a `:` is expected after `{key}`")));
            }
            let value = self.value()?;
            entries.push(Entry { key, span, value });
            self.separator(close, &unclosed)?;
        }
    }

    /// A comma, unless the closing bracket follows.
    fn separator(&mut self, close: char, unclosed: &ReadError) -> Read<()> {
        self.skip_blank()?;
        match self.peek() {
            Some(',') => {
                self.bump();
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            None => Err(unclosed.clone()),
            Some(c) => Err(self.error(format!("`{}` where a `,` or `{close}` is expected", printable(c)))),
        }
    }

    fn number(&mut self) -> Read<Value> {
        let span = self.span();
        let written = self.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '+' | '.' | '_'));
        let text: String = written.chars().filter(|c| *c != '_').collect();
        let text = text.strip_prefix('+').unwrap_or(&text).to_owned();
        for (prefix, radix) in [("0x", 16), ("0b", 2), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                return match u64::from_str_radix(digits, radix) {
                    Ok(n) => Ok(Value::Number(n.to_string())),
                    Err(_) => Err(ReadError { span, problem: format!("`{written}` is not a number") }),
                };
            }
        }
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let plain = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if plain && text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(Value::Number(text));
        }
        let problem = if digits.chars().any(char::is_alphabetic) {
            format!("`{written}` is not a number; a number with a unit is written in quotes: \"{written}\"")
        } else {
            format!("`{written}` is not a number")
        };
        Err(ReadError { span, problem })
    }

    fn string(&mut self) -> Read<String> {
        let unclosed = self.error("this text is never closed with `\"`");
        self.bump();
        let mut out = String::new();
        loop {
            match self.bump() {
                None => return Err(unclosed),
                Some('"') => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Read<()> {
        let bad = self.error("unknown escape in a text");
        let c = match self.bump() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(c @ ('"' | '\\' | '/' | '\'')) => c,
            Some('x') => self.hex_digits(2).and_then(char::from_u32).ok_or(bad)?,
            Some('u') if self.take('{') => {
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                if !self.take('}') {
                    return Err(bad);
                }
                code.ok_or(bad)?
            }
            Some('u') => {
                let high = self.hex_digits(4).ok_or_else(|| bad.clone())?;
                // JSON writes characters beyond the basic plane as two halves.
                let code = if (0xd800..0xdc00).contains(&high) && self.rest.starts_with("\\u") {
                    self.bump();
                    self.bump();
                    let low = self.hex_digits(4).ok_or_else(|| bad.clone())?;
                    0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff)
                } else {
                    high
                };
                char::from_u32(code).ok_or(bad)?
            }
            _ => return Err(bad),
        };
        out.push(c);
        Ok(())
    }

    fn hex_digits(&mut self, count: usize) -> Option<u32> {
        let mut code = 0;
        for _ in 0..count {
            code = code * 16 + self.bump()?.to_digit(16)?;
        }
        Some(code)
    }

    fn raw_string(&mut self) -> Read<String> {
        let unclosed = self.error("this raw text is never closed");
        self.bump();
        let hashes = self.take_while(|c| c == '#');
        if !self.take('"') {
            return Err(unclosed);
        }
        let end = format!("\"{hashes}");
        let mut out = String::new();
        while !self.rest.starts_with(&end) {
            out.push(self.bump().ok_or_else(|| unclosed.clone())?);
        }
        for _ in end.chars() {
            self.bump();
        }
        Ok(out)
    }
}

fn printable(c: char) -> String {
    c.escape_debug().to_string()
}
