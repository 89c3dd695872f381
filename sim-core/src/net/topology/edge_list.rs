//! Reads edge lists: one undirected edge a line, two node numbers separated by a comma, a semicolon or
//! blanks; `#` starts a comment; a first line of two words is a header.

use super::TopologyError;

/// Reads an edge list over nodes `0..nodes`. `file` is the name used in errors and in the plan.
///
/// # Errors
/// [`TopologyError::EdgeList`] with the line: not two numbers, a node out of range, a loop, an edge that was
/// given before (in either direction, with the line where), or a file without edges.
pub fn read_edge_list(file: &str, text: &str, nodes: u32) -> Result<Vec<(u32, u32)>, TopologyError> {
    let mut found: Vec<((u32, u32), usize)> = Vec::new();
    let mut before_data = true;
    for (line, content) in (1usize..).zip(text.lines()) {
        let content = content.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        let bad = |message: String| TopologyError::EdgeList { file: file.to_owned(), line, message };
        let separator = |c: char| c == ',' || c == ';' || c.is_whitespace();
        let fields: Vec<&str> = content.split(separator).filter(|f| !f.is_empty()).collect();
        let word = |f: &&str| f.starts_with(|c: char| c.is_alphabetic());
        if std::mem::take(&mut before_data) && fields.len() == 2 && fields.iter().all(word) {
            continue;
        }
        let [a, b] = fields[..] else {
            return Err(bad(format!("expected two node numbers, found `{}`", excerpt(content))));
        };
        let number = |field: &str| match field.parse::<u32>() {
            Ok(node) if node < nodes => Ok(node),
            Ok(node) => {
                Err(bad(format!("node {node} is out of range: {nodes} nodes, 0 to {}", i64::from(nodes) - 1)))
            }
            Err(_) => Err(bad(format!("`{}` is not a node number", excerpt(field)))),
        };
        let (a, b) = (number(a)?, number(b)?);
        if a == b {
            return Err(bad(format!("node {a} is connected to itself")));
        }
        found.push(((a, b), line));
    }
    if found.is_empty() {
        let message = "no edges: one edge a line, two node numbers each".to_owned();
        return Err(TopologyError::EdgeList { file: file.to_owned(), line: 1, message });
    }
    check_repeats(file, &found)?;
    Ok(found.into_iter().map(|(edge, _)| edge).collect())
}

/// Reports the earliest line that repeats an edge.
fn check_repeats(file: &str, found: &[((u32, u32), usize)]) -> Result<(), TopologyError> {
    let mut sorted: Vec<(u32, u32, usize)> =
        found.iter().map(|&((a, b), line)| (a.min(b), a.max(b), line)).collect();
    sorted.sort_unstable();
    let repeats = sorted.windows(2).filter(|w| (w[0].0, w[0].1) == (w[1].0, w[1].1));
    match repeats.min_by_key(|w| w[1].2) {
        None => Ok(()),
        Some(w) => {
            let (a, b, first) = w[0];
            let message = format!("edge {a} {b} was given in line {first} already (edges have no direction)");
            Err(TopologyError::EdgeList { file: file.to_owned(), line: w[1].2, message })
        }
    }
}

/// The first 40 characters.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}
