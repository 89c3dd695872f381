//! The desktop app: a window that lists scenarios and says what each of them means.
//!
//! `entries` reads a folder through `sim_core::scenario`, `window` draws what it found, `style` holds the
//! look. It never runs anything: the command line does.
//!
//! Exit codes: 0 fine, 1 no window could be opened, 2 bad arguments.

mod entries;
mod style;
mod window;

use entries::Folder;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use window::Window;

const HELP: &str = "\
Lightcone: a window that lists scenarios

Usage: gui [--dir DIR]

Options:
  --dir DIR      Folder with scenario files [default: ./scenarios]
  -h, --help     Print help
  -V, --version  Print version
";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Open(PathBuf),
    Print(String),
}

fn main() -> ExitCode {
    let folder = match parse(std::env::args_os().skip(1)) {
        Ok(Task::Open(folder)) => folder,
        Ok(Task::Print(text)) => {
            // A reader that has gone is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(&message, 2),
    };
    match open(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("no window can be opened: {error}"), 1),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    // If even that cannot be written, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "error: {message}");
    ExitCode::from(code)
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Task, String> {
    let mut folder = None;
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let given = match text.as_ref() {
            "-h" | "--help" => return Ok(Task::Print(HELP.to_owned())),
            "-V" | "--version" => {
                return Ok(Task::Print(concat!("gui ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
            }
            "--dir" => PathBuf::from(arguments.next().ok_or("--dir needs a folder; see --help")?),
            _ => match text.strip_prefix("--dir=") {
                Some(path) => PathBuf::from(path),
                None => {
                    return Err(format!("unknown argument `{text}`; allowed: --dir DIR, --help, --version"));
                }
            },
        };
        if !given.is_dir() {
            return Err(format!("--dir: {} is not a folder", given.display()));
        }
        if folder.replace(given).is_some() {
            return Err("--dir is given twice".to_owned());
        }
    }
    Ok(Task::Open(folder.unwrap_or_else(|| PathBuf::from("scenarios"))))
}

fn open(folder: PathBuf) -> eframe::Result {
    let viewport = eframe::egui::ViewportBuilder::default()
        .with_title("Lightcone")
        .with_app_id("lightcone")
        .with_inner_size([1180.0, 780.0])
        .with_min_inner_size([640.0, 400.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native(
        "Lightcone",
        options,
        Box::new(|creation| {
            style::apply(&creation.egui_ctx);
            Ok(Box::new(Window::new(Folder::read(folder))))
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Task, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn arguments_mean_a_folder_or_are_refused() {
        assert_eq!(parsed(&[]), Ok(Task::Open("scenarios".into())));
        assert_eq!(parsed(&["--dir", "src"]), Ok(Task::Open("src".into())));
        assert_eq!(parsed(&["--dir=src"]), Ok(Task::Open("src".into())));
        assert!(matches!(parsed(&["--help"]), Ok(Task::Print(text)) if text.contains("--dir")));
        for bad in
            [&["--dri", "src"][..], &["--dir"], &["--dir", "no-such-folder"], &["--dir=src", "--dir=src"]]
        {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
