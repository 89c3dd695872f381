//! `new`: a commented scenario to start from.

use crate::failure::Failure;
use sim_core::scenario::presets;
use std::io::{ErrorKind, Write};
use std::path::Path;

pub fn new(file: Option<&Path>, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(path) = file else {
        return Ok(out.write_all(presets::STARTER.as_bytes())?);
    };
    let refuse = |why: &str| Failure::BadInput(format!("{}: {why}", path.display()));
    let mut created = std::fs::File::create_new(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => refuse("the file exists and is left as it is; choose another name"),
        ErrorKind::NotFound => refuse("the folder does not exist"),
        _ => refuse(&format!("cannot be written: {e}")),
    })?;
    if let Err(e) = created.write_all(presets::STARTER.as_bytes()) {
        drop(created);
        // Half a scenario is worse than none.
        let _ = std::fs::remove_file(path);
        return Err(Failure::Failed(format!("{}: cannot be written: {e}", path.display())));
    }
    Ok(writeln!(out, "wrote {}; try `headless check {}`", path.display(), path.display())?)
}
