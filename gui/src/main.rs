//! Opens the window. With a scenario file it runs that one, without the one made for a first look.
//!
//! Exit codes: 0 fine, 1 no window could be opened, 2 bad arguments.

use gui::app::App;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Lightcone: watch a block race across the world

Usage: gui [FILE]

Arguments:
  FILE  Scenario to open [default: the quickstart that comes with the program]

Options:
  -h, --help     Print help
  -V, --version  Print version
";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Open(Option<PathBuf>),
    Print(String),
}

fn main() -> ExitCode {
    let file = match parse(std::env::args_os().skip(1)) {
        Ok(Task::Open(file)) => file,
        Ok(Task::Print(text)) => {
            // A reader that has gone is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(&message, 2),
    };
    match open(file) {
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
    let mut file = None;
    for argument in arguments {
        match argument.to_string_lossy().as_ref() {
            "-h" | "--help" => return Ok(Task::Print(HELP.to_owned())),
            "-V" | "--version" => {
                return Ok(Task::Print(concat!("gui ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
            }
            text if text.starts_with('-') => {
                return Err(format!(
                    "unknown argument `{text}`; allowed: a scenario file, --help, --version"
                ));
            }
            _ => {}
        }
        if file.replace(PathBuf::from(argument)).is_some() {
            return Err("more than one file is given".to_owned());
        }
    }
    Ok(Task::Open(file))
}

fn open(file: Option<PathBuf>) -> eframe::Result {
    let viewport = eframe::egui::ViewportBuilder::default()
        .with_title("Lightcone")
        .with_app_id(gui::app::NAME)
        .with_inner_size([1600.0, 1000.0])
        .with_min_inner_size([1100.0, 700.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native(
        "Lightcone",
        options,
        Box::new(|creation| {
            let mut app = App::new(creation);
            match file {
                Some(file) => app.open(&file),
                None => app.open_first(),
            }
            Ok(Box::new(app))
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
    fn arguments_mean_a_file_or_are_refused() {
        assert_eq!(parsed(&[]), Ok(Task::Open(None)));
        assert_eq!(parsed(&["a.ron"]), Ok(Task::Open(Some("a.ron".into()))));
        assert!(matches!(parsed(&["--help"]), Ok(Task::Print(text)) if text.contains("FILE")));
        for bad in [&["--dri", "src"][..], &["a.ron", "b.ron"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
