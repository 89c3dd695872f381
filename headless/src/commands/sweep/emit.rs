//! `sweep emit`: job files for engines people already have. Each part is `sweep run --shard I/N`; all of them may
//! write into one folder.

use super::load;
use crate::failure::Failure;
use crate::task::{Engine, SweepTarget};
use std::io::Write;
use std::path::{Path, PathBuf};

pub fn emit(
    engine: Engine,
    target: &SweepTarget,
    shards: usize,
    jobs: usize,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    // A job file for a sweep that cannot run would fail everywhere at once.
    let sweep = load(target, &mut std::io::sink())?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("headless"));
    let mut arguments: Vec<String> = vec![absolute(&target.file).display().to_string()];
    arguments.extend(["--out".to_owned(), absolute(&target.out).display().to_string()]);
    for set in &target.changes.set {
        arguments.extend(["--set".to_owned(), set.clone()]);
    }
    if let Some(n) = target.changes.replications {
        arguments.extend(["--replications".to_owned(), n.to_string()]);
    }
    let program = quoted(&program.display().to_string());
    let arguments = arguments.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(" ");
    let name = quoted(&format!("sweep-{}", sweep.name));
    let run = |shard: &str| format!("{program} sweep run {arguments} --quiet --jobs {jobs} --shard {shard}");
    let merge = format!("{program} sweep merge {arguments}");
    let points = sweep.points.len();
    let text = match engine {
        Engine::Slurm => format!(
            "#!/bin/bash\n\
             # {points} points in {shards} parts. Submit with: sbatch THIS-FILE\n\
             # A part that was killed goes on where it was when it is submitted again; exit code 3: some of its runs failed.\n\
             # Afterwards: {merge}\n\
             #SBATCH --job-name={name}\n\
             #SBATCH --array=1-{shards}\n\
             #SBATCH --ntasks=1\n\
             #SBATCH --cpus-per-task={jobs}\n\
             #SBATCH --requeue\n\
             set -euo pipefail\n\
             {}\n",
            run(&format!("\"$SLURM_ARRAY_TASK_ID/{shards}\""))
        ),
        Engine::Hyperqueue => format!(
            "#!/bin/bash\n\
             # {points} points in {shards} parts. Submit with: hq submit --array=1-{shards} --cpus={jobs} THIS-FILE\n\
             # (the lines below say the same to `hq submit`). A worker that dies loses nothing: its part goes on.\n\
             # Afterwards: {merge}\n\
             #HQ --name={name}\n\
             #HQ --array=1-{shards}\n\
             #HQ --cpus={jobs}\n\
             #HQ --crash-limit=20\n\
             set -euo pipefail\n\
             {}\n",
            run(&format!("\"$HQ_TASK_ID/{shards}\""))
        ),
        Engine::GnuParallel => format!(
            "#!/bin/bash\n\
             # {points} points in {shards} parts. Run with: bash THIS-FILE [options of parallel, such as --sshlogin].\n\
             # -j: parts at a time on a machine, as a share of its cores; a part uses {jobs}. A later -j replaces it.\n\
             # Afterwards: {merge}\n\
             set -euo pipefail\n\
             seq {shards} | parallel -j {}% --halt never --retries 3 \"$@\" {}\n",
            (100 / jobs).max(1),
            quoted(&run(&format!("{{}}/{shards}")))
        ),
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// An argument for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
