//! Reading and writing files: whole or not at all.

use sim_core::scenario::reader::MAX_BYTES;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Reads a text that may be a scenario.
///
/// # Errors
/// Why it cannot be one, naming the file.
pub fn read(path: &Path) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("{}: {why}", path.display()));
    // Asked before it is opened: opening a pipe would wait for a writer.
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return refuse("there is no such file"),
        Err(error) => return refuse(&format!("cannot be read: {error}")),
    };
    if about.is_dir() {
        return refuse("is a folder, not a scenario file");
    }
    if !about.is_file() {
        return refuse("is not a file");
    }
    let too_long = |bytes: u64| {
        let (found, most) = (bytes >> 10, MAX_BYTES >> 10);
        refuse(&format!("is too long for a scenario: {found} KiB, at most {most} KiB"))
    };
    if about.len() > MAX_BYTES as u64 {
        return too_long(about.len());
    }
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    if let Err(error) = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        return refuse(&format!("cannot be read: {error}"));
    }
    if bytes.len() > MAX_BYTES {
        return too_long(bytes.len() as u64);
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => refuse("is not a text, so not a scenario"),
    }
}

/// Why a file was not written.
#[derive(Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// There is one that nobody has agreed to replace, and why that matters.
    Exists(&'static str),
    /// It cannot be.
    Failed(String),
}

/// What may be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Whatever is there.
    Anything,
    /// A file with this text.
    This(String),
    /// Nothing.
    Nothing,
}

/// Writes a file under a temporary name and renames it, so that there is at every moment either the old file or
/// the new one.
///
/// # Errors
/// [`Unwritten`]; what was there is then as it was.
pub fn write(path: &Path, text: &str, replace: &Replace) -> Result<(), Unwritten> {
    let failed = |e: io::Error| Unwritten::Failed(format!("{}: cannot be written: {e}", path.display()));
    // A link stays a link: what it points to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if target.is_dir() {
        return Err(Unwritten::Failed(format!("{}: is a folder", path.display())));
    }
    let exists = target.exists();
    match replace {
        Replace::Nothing if exists => return Err(Unwritten::Exists("There is a file of this name.")),
        Replace::This(known) if exists => {
            let same = fs::read(&target).is_ok_and(|found| found == known.as_bytes());
            if !same {
                return Err(Unwritten::Exists("Another program has changed this file since it was read."));
            }
        }
        _ => {}
    }
    let temporary = temporary(&target);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        if let Ok(old) = fs::metadata(&target) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &target)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

/// A name beside `target` that nobody else uses.
fn temporary(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("binary"), [0xff, 0xfe, 0, 1]).expect("written");
        fs::write(at("zeros"), [0; 100]).expect("written");
        File::create(at("huge")).and_then(|f| f.set_len(50 << 30)).expect("a sparse file");
        for (path, why) in [
            (at("binary"), "not a text"),
            (at("zeros"), "not a text"),
            (at("huge"), "52428800 KiB, at most 4096 KiB"),
            (at("none"), "no such file"),
            (folder.path().to_path_buf(), "is a folder"),
        ] {
            let message = read(&path).expect_err("not a text");
            assert!(message.contains(why) && message.contains(&*path.to_string_lossy()), "{message}");
        }
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero")).expect_err("endless").contains("not a file"));
        fs::write(at("text"), "(version: 1)").expect("written");
        assert_eq!(read(&at("text")).as_deref(), Ok("(version: 1)"));
    }

    #[test]
    fn an_old_file_is_replaced_as_a_whole_or_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.ron");
        let text = || fs::read_to_string(&path).expect("a file");
        assert_eq!(write(&path, "one", &Replace::Nothing), Ok(()));
        assert!(matches!(write(&path, "two", &Replace::Nothing), Err(Unwritten::Exists(_))));
        assert_eq!(write(&path, "two", &Replace::This("one".to_owned())), Ok(()));
        assert!(matches!(write(&path, "three", &Replace::This("one".to_owned())), Err(Unwritten::Exists(_))));
        assert_eq!(text(), "two");
        assert_eq!(write(&path, "three", &Replace::Anything), Ok(()));
        assert_eq!(text(), "three");
        let nowhere = folder.path().join("none").join("a.ron");
        assert!(matches!(write(&nowhere, "x", &Replace::Anything), Err(Unwritten::Failed(_))));
        assert!(matches!(write(folder.path(), "x", &Replace::Anything), Err(Unwritten::Failed(_))));
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 1, "nothing temporary is left: {left:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, link) = (folder.path().join("a.ron"), folder.path().join("link.ron"));
        fs::write(&file, "one").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        symlink(&file, &link).expect("a link");
        assert_eq!(write(&link, "two", &Replace::Anything), Ok(()));
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("a file"), "two");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
    }
}
