//! `list`: the scenarios of a folder, and what a scenario can name.

use crate::failure::Failure;
use sim_core::execution::profile;
use sim_core::net::data;
use sim_core::rollup::presets as rollup_presets;
use sim_core::scenario::{presets, question_of, reader};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub fn list(dir: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = dir.unwrap_or(Path::new("scenarios"));
    match (scenario_files(folder), dir) {
        (Ok(files), _) => scenarios(folder, &files, out)?,
        (Err(_), None) => {
            writeln!(out, "Scenarios: no folder `scenarios` here; name one with --dir\n")?;
        }
        (Err(e), Some(_)) => {
            return Err(Failure::BadInput(format!("{}: cannot be listed: {e}", folder.display())));
        }
    }
    writeln!(out, "Presets (base)")?;
    for preset in presets::ALL {
        writeln!(out, "  {:<22} {}", preset.name, first_sentence(&preset.description()))?;
    }
    let broken = |e: data::DataError| Failure::Failed(e.to_string());
    writeln!(out, "\nLatency tables (network.latency)")?;
    for name in data::latency_table_names() {
        let table = data::latency_table(name).map_err(broken)?;
        let regions: Vec<_> = table.regions.iter().map(|r| r.name.as_str()).collect();
        writeln!(out, "  {name:<22} {}", regions.join(", "))?;
    }
    writeln!(out, "\nRegion mixes (nodes.regions)")?;
    for name in data::region_mix_names() {
        let source = data::region_mix_source(name).map_err(broken)?;
        writeln!(out, "  {name:<22} {}", short(&source))?;
    }
    writeln!(out, "\nHardware classes (nodes.hardware)")?;
    for name in data::hardware_class_names() {
        let class = data::hardware_class(name).map_err(broken)?;
        writeln!(out, "  {name:<22} {}", short(&class.source))?;
    }
    writeln!(out, "\nCost profiles (execution.profile)")?;
    for name in profile::names() {
        let source = profile::named(name).map(|p| p.source).unwrap_or_default();
        writeln!(out, "  {name:<22} {}", short(&source))?;
    }
    writeln!(out, "\nDesigns of rollups (rollups.N.preset)")?;
    for preset in rollup_presets::all() {
        writeln!(out, "  {:<22} {}", preset.name, short(&preset.source))?;
    }
    Ok(())
}

fn scenarios(folder: &Path, files: &[PathBuf], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Scenarios in {}", folder.display())?;
    if files.is_empty() {
        writeln!(out, "  none; `headless new FILE` writes one to start from")?;
    }
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let comment = std::fs::read_to_string(file).map(|text| reader::head_comment(&text));
        let question = match &comment {
            Ok(lines) => question_of(lines).unwrap_or("(asks no question)"),
            Err(_) => "(cannot be read)",
        };
        writeln!(out, "  {name:<22} {question}")?;
    }
    writeln!(out)
}

fn scenario_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let known = path.extension().is_some_and(|e| e == "ron" || e == "json");
        if known && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// A source cut to a line.
fn short(text: &str) -> String {
    const WIDTH: usize = 90;
    let text = text.split(';').next().unwrap_or(text);
    if text.chars().count() <= WIDTH {
        text.to_owned()
    } else {
        text.chars().take(WIDTH).chain("...".chars()).collect()
    }
}
