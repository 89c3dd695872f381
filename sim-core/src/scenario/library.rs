//! What resolving reads besides the scenario: built-in tables and profiles, files beside it, the data folder.

use super::units::Duration;
use crate::execution::profile;
use crate::net::data;
use crate::net::geography::{TableRules, check_table};
use crate::scenario::plan::{CostProfile, HardwareClass, JitterPlan, LatencyTable};
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::{Path, PathBuf};

/// Variable naming the folder with recorded blocks.
pub const DATA_VARIABLE: &str = "LIGHTCONE_DATA";

/// Why something could not be had. `allowed` is filled when a name is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is wrong.
    pub problem: String,
    /// Names that exist.
    pub allowed: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Missing {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), allowed: Vec::new(), help: None }
    }

    fn name(what: &str, found: &str, allowed: Vec<&'static str>) -> Self {
        let allowed = allowed.into_iter().map(str::to_owned).collect();
        Self { problem: format!("there is no {what} `{}`", super::tree::shorten(found)), allowed, help: None }
    }
}

/// The surroundings of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    /// Folder relative paths start from.
    pub folder: PathBuf,
    /// Value of `LIGHTCONE_DATA`.
    pub data: Option<PathBuf>,
}

impl Library {
    /// Surroundings of the scenario file at `path`, with the data folder from the environment.
    pub fn of(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { folder, data: std::env::var_os(DATA_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from) }
    }

    /// A latency table: built in, or a `.ron` file.
    pub fn latency_table(&self, name: &str) -> Result<LatencyTable, Missing> {
        if is_file_name(name) {
            let table: LatencyTable = self.ron_file(name)?;
            let rules = TableRules::PUBLISHED;
            check_table(&table, &rules).map_err(|e| Missing::new(format!("`{name}`: {e}")))?;
            return Ok(table);
        }
        let names = data::latency_table_names();
        known("latency table", name, names, data::latency_table(name))
    }

    /// A built-in region mix, as weights of the table's regions.
    pub fn region_mix(&self, name: &str, table: &LatencyTable) -> Result<Vec<(usize, u64)>, Missing> {
        known("region mix", name, data::region_mix_names(), data::region_mix(name, table))
    }

    /// A built-in hardware class.
    pub fn hardware_class(&self, name: &str) -> Result<HardwareClass, Missing> {
        known("hardware class", name, data::hardware_class_names(), data::hardware_class(name))
    }

    /// Jitter as measured.
    pub fn measured_jitter(&self) -> JitterPlan {
        data::default_jitter()
    }

    /// A cost profile: built in, or a `.ron` file.
    pub fn cost_profile(&self, name: &str) -> Result<CostProfile, Missing> {
        if is_file_name(name) {
            let text = self.text(name)?;
            return profile::parse(&text).map_err(|e| Missing::new(format!("`{name}`: {e}")));
        }
        profile::named(name).ok_or_else(|| Missing::name("cost profile", name, profile::names()))
    }

    /// Edges of a graph, one `a,b` a line.
    pub fn edges(&self, name: &str, nodes: u64) -> Result<Vec<(u32, u32)>, Missing> {
        let text = self.text(name)?;
        let mut edges = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let bad = |why: String| Missing::new(format!("{name}:{}: {why}", index + 1));
            let mut ends = line.split([',', ';', ' ', '\t']).filter(|s| !s.is_empty()).map(str::parse::<u32>);
            let (Some(Ok(a)), Some(Ok(b)), None) = (ends.next(), ends.next(), ends.next()) else {
                if index == 0 && line.starts_with(char::is_alphabetic) {
                    continue; // a header line
                }
                return Err(bad(format!("`{}` is not a pair of node numbers", super::tree::shorten(line))));
            };
            if a == b {
                return Err(bad(format!("node {a} is connected with itself")));
            }
            if u64::from(a.max(b)) >= nodes {
                return Err(bad(format!("node {} does not exist: there are {nodes}, from 0", a.max(b))));
            }
            edges.push((a.min(b), a.max(b)));
            if edges.len() as u64 > super::limits::EDGES_MAX {
                return Err(bad(format!("more than {} connections", super::limits::EDGES_MAX)));
            }
        }
        edges.sort_unstable();
        edges.dedup();
        if edges.is_empty() {
            return Err(Missing::new(format!("`{name}` holds no connection")));
        }
        Ok(edges)
    }

    /// The files a path, folder or pattern stands for, in the order of the numbers in their names.
    pub fn block_files(&self, written: &str) -> Result<Vec<String>, Missing> {
        let path = self.expand(written)?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let files = if name.contains(['*', '?']) {
            listing(path.parent().unwrap_or(Path::new("")), |file| matches(&name, file))?
        } else if path.is_dir() {
            listing(&path, |file| file.ends_with(".json") || file.ends_with(".json.gz"))?
        } else {
            vec![path.clone()]
        };
        if files.is_empty() {
            return Err(Missing::new(format!("`{written}` matches no file")).or_data_help(written));
        }
        for file in &files {
            let length = std::fs::metadata(file).and_then(|m| std::fs::File::open(file).map(|_| m.len()));
            match length {
                Ok(0) => return Err(Missing::new(format!("the file {} is empty", file.display()))),
                Ok(_) => {}
                Err(e) => {
                    return Err(Missing::new(format!(
                        "cannot read the file {}: {}",
                        file.display(),
                        plain(&e)
                    ))
                    .or_data_help(written));
                }
            }
        }
        Ok(files.iter().map(|f| f.to_string_lossy().into_owned()).collect())
    }

    /// Puts in `${LIGHTCONE_DATA}` and makes the path start from the scenario's folder.
    fn expand(&self, written: &str) -> Result<PathBuf, Missing> {
        let mut out = String::new();
        let mut rest = written;
        while let Some(start) = rest.find("${") {
            out.push_str(&rest[..start]);
            let Some(end) = rest[start..].find('}') else {
                return Err(Missing::new(format!("`{written}`: the `${{` is never closed with `}}`")));
            };
            let variable = &rest[start + 2..start + end];
            if variable != DATA_VARIABLE {
                return Err(Missing {
                    problem: format!("there is no variable `{}`", super::tree::shorten(variable)),
                    allowed: vec![DATA_VARIABLE.to_owned()],
                    help: None,
                });
            }
            let Some(folder) = &self.data else {
                return Err(Missing::new(format!(
                    "recorded data are needed, and {DATA_VARIABLE} is not set"
                ))
                .or_data_help(written));
            };
            out.push_str(&folder.to_string_lossy());
            rest = &rest[start + end + 1..];
        }
        out.push_str(rest);
        Ok(self.folder.join(out))
    }

    fn text(&self, name: &str) -> Result<String, Missing> {
        let path = self.expand(name)?;
        std::fs::read_to_string(&path)
            .map_err(|e| Missing::new(format!("cannot read the file {}: {}", path.display(), plain(&e))))
    }

    fn ron_file<T: DeserializeOwned>(&self, name: &str) -> Result<T, Missing> {
        let text = self.text(name)?;
        ron::from_str(&text).map_err(|e| {
            Missing::new(format!("{name}:{}:{}: {}", e.span.start.line, e.span.start.col, e.code))
        })
    }
}

impl Missing {
    /// Says how to get recorded data, if that is what the path was about.
    fn or_data_help(mut self, written: &str) -> Self {
        if written.contains(DATA_VARIABLE) {
            self.help = Some(format!(
                "set {DATA_VARIABLE} to the folder that holds `blocks/` with evm-block/1 files \
                 (export {DATA_VARIABLE}=/path/to/data), or run a scenario with `workload: Users(..)`"
            ));
        }
        self
    }
}

fn known<T, E: fmt::Display>(
    what: &str,
    name: &str,
    names: Vec<&'static str>,
    result: Result<T, E>,
) -> Result<T, Missing> {
    result.map_err(|e| {
        if names.contains(&name) { Missing::new(e.to_string()) } else { Missing::name(what, name, names) }
    })
}

fn is_file_name(name: &str) -> bool {
    name.ends_with(".ron")
}

/// An I/O error without the number the system gives it.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::InvalidData => "it is not a text".into(),
        _ => error.to_string(),
    }
}

fn listing(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Missing> {
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |e: std::io::Error| {
        Missing::new(format!("cannot read the folder {}: {}", shown.display(), plain(&e)))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(shown).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if keep(&name) {
            names.push(name);
        }
    }
    if names.len() > super::limits::BLOCK_FILES_MAX {
        return Err(Missing::new(format!(
            "{} files; at most {}",
            names.len(),
            super::limits::BLOCK_FILES_MAX
        )));
    }
    names.sort_by_cached_key(|name| natural_key(name));
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Sort key in which "9.json" comes before "10.json", and numbers before words.
fn natural_key(name: &str) -> Vec<(u8, usize, String)> {
    let mut key: Vec<(u8, usize, String)> = Vec::new();
    for c in name.chars() {
        let class = u8::from(!c.is_ascii_digit());
        match key.last_mut() {
            Some((last, length, text)) if *last == class => {
                text.push(c);
                *length += usize::from(class == 0);
            }
            _ => key.push((class, usize::from(class == 0), c.to_string())),
        }
    }
    key
}

/// Whether a name fits a pattern in which `*` stands for any text and `?` for any character.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // fits[j]: the pattern read so far fits the first j characters.
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for p in pattern {
        let mut next = vec![false; name.len() + 1];
        next[0] = p == '*' && fits[0];
        for (j, c) in name.iter().enumerate() {
            next[j + 1] = match p {
                '*' => next[j] || fits[j + 1],
                '?' => fits[j],
                _ => fits[j] && p == *c,
            };
        }
        fits = next;
    }
    fits[name.len()]
}

/// A duration in the words of the scenario format, for messages.
pub(super) fn duration(ns: u64) -> String {
    Duration(ns).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_like_a_shell() {
        assert!(matches("*.json.gz", "116525.json.gz"));
        assert!(matches("1?6*", "116525.json.gz"));
        assert!(!matches("*.json", "116525.json.gz"));
        assert!(matches("*", ""));
    }

    #[test]
    fn block_files_are_ordered_by_number() {
        let mut names = vec!["1150000.json", "116525.json", "synth.json", "930196.json"];
        names.sort_by_cached_key(|n| natural_key(n));
        assert_eq!(names, ["116525.json", "930196.json", "1150000.json", "synth.json"]);
    }

    #[test]
    fn a_missing_data_folder_says_what_to_set() {
        let error = Library::default().block_files("${LIGHTCONE_DATA}/blocks/*.json.gz").unwrap_err();
        assert!(error.problem.contains("LIGHTCONE_DATA is not set"));
        assert!(error.help.is_some_and(|h| h.contains("export LIGHTCONE_DATA=")));
    }
}
