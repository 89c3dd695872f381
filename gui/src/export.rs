//! What leaves the window: the numbers of a panel as CSV, its drawing as SVG, its picture as PNG.
//!
//! A panel implements [`Exportable`] and has all three, and the table beside it. Numbers, table and drawing are
//! made from the same [`DataTable`] or from what it was made of.
//!
//! Must never be true: that a panel writes files itself, that a file that is there is overwritten.

mod picture;

pub use picture::Pictures;

use crate::session::Session;
use sim_core::observe::plot::table::DataTable;
use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What can be taken out of the window.
pub trait Exportable {
    /// Names its files, without an ending.
    fn stem(&self) -> &'static str;

    /// The numbers it shows; `None` where there are none (yet).
    fn numbers(&self, session: &Session) -> Option<DataTable>;

    /// Its drawing on white ground: a whole SVG document; `None` where there is nothing to draw (yet).
    fn drawing(&self, session: &Session) -> Option<String>;
}

/// A form in which a panel can leave the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The picture on the screen.
    Png,
    /// The drawing.
    Svg,
    /// The numbers.
    Csv,
}

impl Form {
    /// All.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Csv];

    /// As a menu says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "Picture (PNG)",
            Self::Svg => "Drawing (SVG)",
            Self::Csv => "Numbers (CSV)",
        }
    }
}

/// The drawing or the numbers of a panel: the name of the file and its contents; `None` where there is nothing.
pub fn document(of: &dyn Exportable, session: &Session, form: Form) -> Option<(String, Vec<u8>)> {
    let (ending, text) = match form {
        Form::Svg => ("svg", of.drawing(session)?),
        Form::Csv => ("csv", of.numbers(session)?.csv()),
        Form::Png => return None,
    };
    Some((format!("{}.{ending}", of.stem()), text.into_bytes()))
}

/// Where files go without being asked: beside the scenario's file, or in the current folder where it has none.
pub fn folder(scenario: Option<&Path>) -> PathBuf {
    let beside = scenario.and_then(Path::parent).unwrap_or(Path::new(""));
    let folder = beside.join("exports");
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Writes a file under its name, or with a number after it where that is taken.
///
/// # Errors
/// The folder or the file cannot be made or written; the message names it.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    for number in 1..10_000 {
        let name = if number == 1 { name.to_owned() } else { format!("{stem}-{number}.{ending}") };
        let path = folder.join(name);
        match File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(bytes).map_err(|e| format!("{}: {e}", path.display()))?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    Err(format!("{}: there are 9,999 files named {stem} already", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_overwritten() {
        let folder = std::env::temp_dir().join(format!("lightcone-exports-{}", std::process::id()));
        let first = write(&folder, "a.csv", b"1").expect("written");
        let second = write(&folder, "a.csv", b"2").expect("written");
        assert_ne!(first, second);
        assert_eq!(std::fs::read(first).expect("there"), b"1");
        assert_eq!(std::fs::read(second).expect("there"), b"2");
        std::fs::remove_dir_all(&folder).expect("it was made here");
        let message = write(Path::new("/proc/nowhere"), "a.csv", b"").expect_err("no such folder");
        assert!(message.contains("/proc/nowhere"), "{message}");
    }
}
