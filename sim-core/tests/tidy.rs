//! Rules of the house that the compiler does not know. They read the source tree as text.
//!
//! Each rule is a function from text to findings; beside it stands a test that a bad snippet is found.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of `sim-core`, lowest first. A module may import itself and what stands before it.
const ORDER: [&str; 13] = [
    "kernel",
    "net",
    "gossip",
    "chain",
    "execution",
    "workload",
    "consensus",
    "rollup",
    "scenario",
    "observe",
    "simulation",
    "sweep",
    "compare",
];

/// Crates of the workspace and which of the others each may depend on.
const CRATES: [(&str, &[&str]); 5] = [
    ("parallel-evm", &[]),
    ("sim-core", &["parallel-evm"]),
    ("headless", &["sim-core", "parallel-evm"]),
    ("gui", &["sim-core"]),
    ("validation", &["sim-core", "parallel-evm"]),
];

/// Longest source file, lines.
const LINES_MAX: usize = 600;

/// Files that are longer for now: path and how long they may be.
const LONG_FILES: [(&str, usize); 1] = [("sim-core/src/net/fabric.rs", 700)];

/// What README and `.ci/run` agree to call the tests.
const TEST_COMMAND: &str = "cargo test --workspace --profile checked";

// ---------------------------------------------------------------------------------------------------------
// Reading the tree.

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Files below `folder` with the ending `extension`, as sorted paths from the root.
fn files(folder: &str, extension: &str) -> Vec<String> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|n| n != "target") {
                    walk(&path, extension, found);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    let (root, mut found) = (root(), Vec::new());
    walk(&root.join(folder), extension, &mut found);
    let relative =
        |p: PathBuf| p.strip_prefix(&root).expect("below the root").to_string_lossy().replace('\\', "/");
    let mut paths: Vec<String> = found.into_iter().map(relative).collect();
    paths.sort();
    paths
}

/// Every Rust file of the workspace.
fn rust_files() -> Vec<String> {
    CRATES.iter().flat_map(|(name, _)| files(name, "rs")).collect()
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}

/// Fails with all findings, one a line.
fn tidy(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Rust text with comments and the contents of strings and characters blanked; lines stay where they are.
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let blank = |from: usize, to: usize, out: &mut String| {
        out.extend(chars[from..to.min(chars.len())].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    };
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        let after_name = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        let hashes = |from: usize| (from..).take_while(|j| at(*j) == '#').count();
        let raw = match (at(i), at(i + 1)) {
            ('r', '"' | '#') if !after_name => Some(i + 1),
            ('b', 'r') if !after_name => Some(i + 2),
            _ => None,
        };
        if at(i) == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < chars.len() {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(open) = raw.filter(|o| at(o + hashes(*o)) == '"') {
            let count = hashes(open);
            i = open + count + 1;
            while i < chars.len() && !(at(i) == '"' && hashes(i + 1) >= count) {
                i += 1;
            }
            i += 1 + count;
        } else if at(i) == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
        } else {
            out.push(at(i));
            i += 1;
            continue;
        }
        blank(start, i, &mut out);
    }
    out
}

/// Where `word` stands in `code` as a whole word: byte offsets.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        !part(code[..*at].chars().next_back()) && !part(code[at + word.len()..].chars().next())
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

// ---------------------------------------------------------------------------------------------------------
// Imports point down.

/// The names that follow a `crate::`: one, or the heads of a group.
fn heads(after: &str) -> Vec<&str> {
    let head = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let Some(group) = after.strip_prefix('{') else { return vec![&after[..head(after)]] };
    let (mut depth, mut found, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let item = group[start..at].trim_start();
                found.push(&item[..head(item)]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Imports of a `sim-core` module that do not point down. `path` is relative to `sim-core/src`.
fn upward_imports(path: &str, text: &str) -> Vec<String> {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|p| *p != "mod").collect();
    let (own, depth) = (parts[0], parts.len());
    let Some(rank) = ORDER.iter().position(|m| *m == own) else {
        return if own == "lib" {
            vec![]
        } else {
            vec![format!("{path}: `{own}` is not in the order of modules")]
        };
    };
    let code = code_only(text);
    let mut uses: Vec<(usize, &str)> = Vec::new();
    for at in words(&code, "crate") {
        if let Some(rest) = code[at + 5..].strip_prefix("::") {
            uses.extend(heads(rest).into_iter().map(|name| (at, name)));
        }
    }
    // `super::super::x` can climb to the root as well.
    for at in words(&code, "super") {
        let chain = code[at..].split("::").take_while(|p| *p == "super").count();
        if chain >= depth && !code[..at].ends_with("super::") {
            let named = heads(&code[at + 7 * chain..]).into_iter().filter(|name| ORDER.contains(name));
            uses.extend(named.map(|name| (at, name)));
        }
    }
    let mut findings = Vec::new();
    for (at, name) in uses {
        let problem = match ORDER.iter().position(|m| *m == name) {
            Some(other) if other > rank => format!("`{own}` imports `{name}`, which stands above it"),
            None if name.chars().next().is_some_and(char::is_lowercase) && name != "self" => {
                format!("`crate::{name}` is not in the order of modules")
            }
            _ => continue,
        };
        findings.push(format!("sim-core/src/{path}:{}: {problem}", line_of(&code, at)));
    }
    findings
}

#[test]
fn imports_inside_sim_core_point_down() {
    let declared: Vec<String> = read("sim-core/src/lib.rs")
        .lines()
        .filter_map(|l| Some(l.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    assert_eq!(declared, ORDER, "lib.rs declares the modules in their order, lowest first");
    let sources = files("sim-core/src", "rs");
    tidy(sources.iter().flat_map(|p| upward_imports(&p["sim-core/src/".len()..], &read(p))).collect());
}

#[test]
fn an_upward_import_is_found() {
    let found = |path: &str, text: &str| upward_imports(path, text);
    assert!(found("net/links.rs", "use crate::kernel::time;\nuse crate::net::data;").is_empty());
    let message = found("net/links.rs", "use crate::kernel::time;\nuse crate::chain::block;").join("");
    assert!(message.starts_with("sim-core/src/net/links.rs:2: `net` imports `chain`"), "{message}");
    assert_eq!(found("net/mod.rs", "use crate::{kernel::{ids, time}, gossip::flood, observe};").len(), 2);
    assert_eq!(found("net/topology/random.rs", "use super::super::chain::x;").len(), 0);
    assert_eq!(found("net/topology/random.rs", "use super::super::super::chain::x;").len(), 1);
    assert_eq!(found("net/mod.rs", "use super::chain::x;").len(), 1);
    assert_eq!(found("kernel.rs", "fn f() -> crate::net::Topology {}").len(), 1);
    assert_eq!(found("novelty/mod.rs", "").len(), 1);
    assert!(found("kernel.rs", "// crate::net\n/* crate::net */ const S: &str = \"crate::net\";").is_empty());
    assert!(found("kernel.rs", "const S: &str = r#\"a \" crate::net\"#; const C: char = '\"';").is_empty());
    assert_eq!(found("kernel.rs", "fn f<'a>(c: char) { if c == '\"' { crate::net::g() } }").len(), 1);
}

// ---------------------------------------------------------------------------------------------------------
// Manifests: who may depend on whom; everything inherited.

/// The lines of a manifest with the section each stands in.
fn manifest_lines(text: &str) -> Vec<(String, &str)> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
        } else {
            lines.push((section.clone(), line));
        }
    }
    lines
}

/// What is wrong with the manifest of a crate.
fn manifest_findings(name: &str, allowed: &[&str], text: &str) -> Vec<String> {
    let lines = manifest_lines(text);
    let mut findings = Vec::new();
    let mut find = |problem: String| findings.push(format!("{name}/Cargo.toml: {problem}"));
    if !lines.contains(&("lints".to_owned(), "workspace = true")) {
        find("does not inherit the workspace's lints".to_owned());
    }
    for key in ["version", "edition", "rust-version", "license"] {
        if !lines.contains(&("package".to_owned(), &format!("{key}.workspace = true"))) {
            find(format!("does not inherit `{key}`"));
        }
    }
    for (section, line) in &lines {
        let Some(at) = section.find("dependencies") else { continue };
        if section.len() > at + "dependencies".len() {
            find(format!("[{section}]: write a dependency on one line"));
            continue;
        }
        let dependency = line.split(['.', ' ', '=']).next().unwrap_or(line);
        if CRATES.iter().any(|(other, _)| *other == dependency) && !allowed.contains(&dependency) {
            find(format!("may not depend on `{dependency}`"));
        }
        let inherited =
            *line == format!("{dependency}.workspace = true") || line.contains("{ workspace = true");
        if !inherited {
            find(format!("`{dependency}` is not declared as `workspace = true`"));
        }
    }
    findings
}

#[test]
fn manifests_inherit_and_crates_depend_downwards() {
    let members = read("Cargo.toml");
    let members = members.lines().find(|l| l.starts_with("members")).expect("the workspace has members");
    assert_eq!(members.matches('"').count() / 2, CRATES.len(), "a crate is missing here: {members}");
    let findings = |(name, allowed): &(&str, &[&str])| {
        manifest_findings(name, allowed, &read(&format!("{name}/Cargo.toml")))
    };
    tidy(CRATES.iter().flat_map(findings).collect());
}

#[test]
fn a_bad_manifest_is_found() {
    let package = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                   license.workspace = true\n";
    let lints = "[lints]\nworkspace = true\n";
    let found = |rest: &str| manifest_findings("gui", &["sim-core"], &format!("{package}{rest}")).len();
    assert_eq!(found(&format!("{lints}[dependencies]\nsim-core.workspace = true\n")), 0);
    assert_eq!(
        found(&format!("{lints}[dependencies]\nserde = {{ workspace = true, optional = true }}\n")),
        0
    );
    assert_eq!(found("[dependencies]\nsim-core.workspace = true\n"), 1, "no lints");
    assert_eq!(found(&format!("{lints}[dependencies]\nheadless.workspace = true\n")), 1);
    assert_eq!(found(&format!("{lints}[dev-dependencies]\nparallel-evm.workspace = true\n")), 1);
    assert_eq!(found(&format!("{lints}[dependencies]\nserde = \"1\"\n")), 1);
    assert_eq!(found(&format!("{lints}[dependencies.serde]\nversion = \"1\"\n")), 1);
    assert_eq!(manifest_findings("gui", &[], lints).len(), 4);
}

// ---------------------------------------------------------------------------------------------------------
// Everything is registered.

/// `source` is a module file; its parent must declare it.
fn undeclared(source: &str, exists: impl Fn(&str) -> bool, text: impl Fn(&str) -> String) -> Option<String> {
    let (folder, file) = source.rsplit_once('/')?;
    let (folder, name) = if file == "mod.rs" { folder.rsplit_once('/')? } else { (folder, stem(file)) };
    let candidates = ["mod.rs", "lib.rs", "main.rs"].map(|n| format!("{folder}/{n}"));
    let beside = format!("{folder}.rs");
    let parents = candidates.into_iter().chain([beside]).filter(|p| exists(p) && p != source);
    let mut named = parents.map(|p| words(&code_only(&text(&p)), &format!("mod {name};")).count());
    // `words` looks at whole words, and `;` ends one.
    (!named.any(|n| n > 0)).then(|| format!("{source}: no parent declares `mod {name};`"))
}

#[test]
fn every_source_file_is_part_of_its_crate() {
    let all = rust_files();
    let roots = |p: &str| p.ends_with("/src/lib.rs") || p.ends_with("/src/main.rs");
    let sources = all.iter().filter(|p| p.contains("/src/") && !roots(p));
    tidy(sources.filter_map(|p| undeclared(p, |q| all.iter().any(|a| a == q), read)).collect());
}

#[test]
fn an_orphan_file_is_found() {
    let check = |source: &str, parent: &'static str| {
        undeclared(source, |p| p == "c/src/a/mod.rs" || p == "c/src/lib.rs", move |_| parent.to_owned())
    };
    assert!(check("c/src/a/b.rs", "pub mod b;").is_none());
    assert!(check("c/src/a/mod.rs", "mod a;").is_none());
    assert!(check("c/src/a/b.rs", "// mod b;\nmod bb;").is_some());
}

/// Protocols of a folder that the simulation never names: (file, what is looked for).
fn unregistered(folder: &str, protocols: &[String], simulation: &str) -> Vec<String> {
    let named = |p: &&String| !simulation.contains(&format!("crate::{folder}::{p}::"));
    protocols
        .iter()
        .filter(named)
        .map(|p| format!("{folder}/{p}.rs: the simulation does not name it"))
        .collect()
}

/// Files of a folder of `sim-core/src` that hold a protocol.
fn protocols(folder: &str, is_protocol: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let sources = files(&format!("sim-core/src/{folder}"), "rs");
    let found = sources.iter().filter(|p| is_protocol(stem(p), &code_only(&read(p))));
    found.map(|p| stem(p).to_owned()).collect()
}

/// A struct of the module's own name is what makes a file a protocol.
fn holds_protocol(stem: &str, code: &str) -> bool {
    let name: String = stem.split('_').flat_map(|w| [w[..1].to_uppercase(), w[1..].to_owned()]).collect();
    code.contains(&format!("Plan::{name}")) || words(code, &format!("pub struct {name}")).count() > 0
}

#[test]
fn every_protocol_is_registered() {
    let mut simulation = read("sim-core/src/simulation.rs");
    for path in files("sim-core/src/simulation", "rs") {
        simulation += &read(&path);
    }
    let plans = |folder: &str| read(&format!("sim-core/src/{folder}/params.rs"));
    let gossip = protocols("gossip", |_, code| code.contains("Dissemination for "));
    assert!(gossip.contains(&"flood".to_owned()) && gossip.contains(&"gossipsub".to_owned()), "{gossip:?}");
    // A consensus protocol is a file whose struct bears the name of a variant of the plan.
    let params = plans("consensus");
    let variant = |stem: &str| params.to_lowercase().contains(&format!("\n    {}(", stem.replace('_', "")));
    let consensus = protocols("consensus", |stem, code| variant(stem) && holds_protocol(stem, code));
    assert!(consensus.contains(&"slots".to_owned()) && consensus.contains(&"broadcast".to_owned()));
    let mut findings = unregistered("gossip", &gossip, &simulation);
    findings.extend(unregistered("consensus", &consensus, &simulation));
    let missing = |name: &&String| !plans("gossip").to_lowercase().contains(&name.replace('_', ""));
    findings
        .extend(gossip.iter().filter(missing).map(|p| format!("gossip/{p}.rs: no variant of GossipPlan")));
    tidy(findings);
}

#[test]
fn an_unregistered_protocol_is_found() {
    let list = ["flood".to_owned(), "turbine".to_owned()];
    assert_eq!(unregistered("gossip", &list, "use crate::gossip::flood::Flood;").len(), 1);
    assert!(
        holds_protocol("two_words", "pub struct TwoWords {}") && !holds_protocol("votes", "pub struct X;")
    );
}

/// What is wrong with a shipped scenario.
fn scenario_findings(path: &str, text: &str, readme: &str) -> Vec<String> {
    let head: Vec<&str> = text.lines().take_while(|l| l.starts_with("//")).collect();
    let mut findings = Vec::new();
    for start in ["Question:", "Prediction, written before the first run:", "Run time:"] {
        if !head.iter().any(|l| l.trim_start_matches('/').trim_start().starts_with(start)) {
            findings.push(format!("{path}: the comment at its head has no line `{start}`"));
        }
    }
    if !readme.contains(path) {
        findings.push(format!("{path}: README.md does not name it"));
    }
    findings
}

#[test]
fn every_scenario_has_a_head_and_is_in_the_readme() {
    let readme = read("README.md");
    let scenarios = files("scenarios", "ron");
    assert!(scenarios.len() >= 4, "{scenarios:?}");
    tidy(scenarios.iter().flat_map(|p| scenario_findings(p, &read(p), &readme)).collect());
}

#[test]
fn a_scenario_without_a_question_is_found() {
    let head = "// Question: x?\n// Prediction, written before the first run: y.\n// Run time: about 1 s.\n(";
    assert!(scenario_findings("scenarios/a.ron", head, "see scenarios/a.ron").is_empty());
    assert_eq!(scenario_findings("scenarios/a.ron", head, "").len(), 1);
    assert_eq!(
        scenario_findings("scenarios/a.ron", "(\n// Question: too late\n)", "scenarios/a.ron").len(),
        3
    );
}

/// What a contract lacks, given the module list, the hash list and the files there are.
fn contract_findings(name: &str, modules: &str, hashes: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut findings = Vec::new();
    for file in ["sol", "init.hex", "runtime.hex"].map(|e| format!("{name}.{e}")) {
        if !exists(&format!("parallel-evm/contracts/{file}")) {
            findings.push(format!("contracts/{name}.sol: {file} is missing"));
        }
        if !hashes.lines().any(|l| l.split_whitespace().nth(1) == Some(&file)) {
            findings.push(format!("contracts/{name}.sol: hashes.txt does not list {file}"));
        }
    }
    if words(modules, &format!("mod {lower}")).count() == 0 {
        findings.push(format!("contracts/{name}.sol: no module `{lower}` in src/contracts"));
    }
    findings
}

#[test]
fn every_contract_has_its_bytecode_hash_and_module() {
    let modules = code_only(&read("parallel-evm/src/contracts/mod.rs"));
    let hashes = read("parallel-evm/contracts/hashes.txt");
    let sources = files("parallel-evm/contracts", "sol");
    assert!(!sources.is_empty());
    let exists = |p: &str| root().join(p).exists();
    tidy(sources.iter().flat_map(|p| contract_findings(stem(p), &modules, &hashes, exists)).collect());
}

#[test]
fn a_contract_without_a_hash_is_found() {
    let hashes = "1  A.sol\n2  A.init.hex\n3  A.runtime.hex\n";
    assert!(contract_findings("A", "pub mod a;", hashes, |_| true).is_empty());
    assert_eq!(
        contract_findings("A", "pub mod ab;", "1  A.sol\n2  A.init.hex", |p| p.ends_with("sol")).len(),
        4
    );
}

// ---------------------------------------------------------------------------------------------------------
// What must not stand in a file.

/// Words that may not stand in code, wherever.
fn forbidden(path: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut findings = Vec::new();
    for name in ["todo", "unimplemented", "dbg"] {
        let calls = words(&code, name).filter(|at| code[at + name.len()..].starts_with('!'));
        findings.extend(calls.map(|at| format!("{path}:{}: `{name}!`", line_of(&code, at))));
    }
    let ignored = code.match_indices("#[ignore]").map(|(at, _)| at);
    findings.extend(ignored.map(|at| format!("{path}:{}: `#[ignore]` without a reason", line_of(&code, at))));
    if path.starts_with("sim-core/src/") {
        for name in ["HashMap", "HashSet", "Instant", "SystemTime"] {
            let uses = words(&code, name);
            findings
                .extend(uses.map(|at| format!("{path}:{}: `{name}` in the simulator", line_of(&code, at))));
        }
    }
    findings
}

/// A file that is too long, or an exception it no longer needs.
fn length_findings(path: &str, lines: usize) -> Vec<String> {
    match LONG_FILES.iter().find(|(long, _)| *long == path) {
        Some((_, most)) if lines > *most => vec![format!("{path}: {lines} lines, {most} allowed for now")],
        None if lines > LINES_MAX => vec![format!("{path}: {lines} lines, {LINES_MAX} allowed: split it")],
        _ => vec![],
    }
}

#[test]
fn sources_are_short_and_finished() {
    let mut findings = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        findings.extend(forbidden(&path, &text));
        findings.extend(length_findings(&path, text.lines().count()));
    }
    tidy(findings);
}

#[test]
fn unfinished_or_unrepeatable_code_is_found() {
    let found = |path: &str, text: &str| forbidden(path, text).len();
    // Put together here, so that this file passes its own rule.
    let call = |name: &str| format!("fn f() {{ {name}!() }}");
    for name in ["todo", "unimplemented", "dbg"] {
        assert_eq!(found("gui/src/main.rs", &call(name)), 1);
    }
    assert_eq!(found("gui/src/main.rs", "// todo!()\nfn todo() {}"), 0);
    assert_eq!(found("gui/src/main.rs", &format!("#[{}]\nfn f() {{}}", "ignore")), 1);
    assert_eq!(found("gui/src/main.rs", "#[ignore = \"takes an hour\"]\nfn f() {}"), 0);
    assert_eq!(found("gui/src/main.rs", "use std::collections::HashMap;"), 0);
    assert_eq!(
        found("sim-core/src/net/data.rs", "use std::collections::HashMap;\nlet t = Instant::now();"),
        2
    );
    assert_eq!(length_findings("gui/src/main.rs", LINES_MAX + 1).len(), 1);
    assert_eq!(length_findings("gui/src/main.rs", LINES_MAX).len(), 0);
    assert_eq!(length_findings(LONG_FILES[0].0, LONG_FILES[0].1 + 1).len(), 1);
}

// ---------------------------------------------------------------------------------------------------------
// The front door.

#[test]
fn the_root_documents_agree() {
    let mut missing = String::new();
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "CITATION.cff",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ];
    for name in documents.iter().filter(|name| !root().join(name).is_file()) {
        let _ = write!(missing, " {name}");
    }
    assert!(missing.is_empty(), "missing:{missing}");
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    assert!(readme.contains(TEST_COMMAND), "README.md does not give the command `{TEST_COMMAND}`");
    assert!(ci.contains(TEST_COMMAND), ".ci/run does not run `{TEST_COMMAND}`");
    let architecture = read("ARCHITECTURE.md");
    for module in ORDER {
        assert!(architecture.contains(&format!("`{module}`")), "ARCHITECTURE.md does not name `{module}`");
    }
}
