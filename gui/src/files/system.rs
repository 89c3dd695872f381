//! The desktop's own dialogs for files, where there are any. Asked on a thread of their own.

use super::chooser::Purpose;
use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Sooner than this nobody has closed a dialog.
const AT_ONCE: Duration = Duration::from_millis(150);

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// This path.
    Chosen(PathBuf),
    /// The person closed it.
    Cancelled,
    /// There was no dialog after all.
    Absent,
}

/// Whether this desktop has dialogs for files: everywhere but on Unix for sure, there if there is a portal that
/// can be started, or `zenity`.
pub fn is_there() -> bool {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    let list = |name: &str, otherwise: &str| {
        let value = env::var_os(name).filter(|v| !v.is_empty()).unwrap_or_else(|| otherwise.into());
        env::split_paths(&value).collect::<Vec<_>>()
    };
    let display =
        ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|v| env::var_os(v).is_some_and(|v| !v.is_empty()));
    let data = list("XDG_DATA_DIRS", "/usr/local/share:/usr/share");
    display && found(&data, has_bus(), &list("PATH", ""))
}

/// There is a bus to ask a portal over.
fn has_bus() -> bool {
    env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|v| !v.is_empty())
        || env::var_os("XDG_RUNTIME_DIR").is_some_and(|d| Path::new(&d).join("bus").exists())
}

fn found(data: &[PathBuf], bus: bool, path: &[PathBuf]) -> bool {
    let service = "dbus-1/services/org.freedesktop.portal.Desktop.service";
    let portal = bus && data.iter().any(|folder| folder.join(service).is_file());
    portal || path.iter().any(|folder| folder.join("zenity").is_file())
}

/// Shows the dialog and waits for the answer.
pub fn ask(purpose: Purpose, folder: &Path, name: &str) -> Asked {
    let dialog = rfd::FileDialog::new()
        .set_directory(folder)
        .add_filter("Scenarios", &["ron", "json"])
        .add_filter("All files", &["*"]);
    let started = Instant::now();
    let path = match purpose {
        Purpose::Open => dialog.set_title("Open a scenario").pick_file(),
        Purpose::Save => dialog.set_title("Save the scenario as").set_file_name(name).save_file(),
    };
    match path {
        Some(path) => Asked::Chosen(path),
        None if started.elapsed() < AT_ONCE => Asked::Absent,
        None => Asked::Cancelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogs_are_there_with_a_portal_on_a_bus_or_with_zenity() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = [folder.path().to_path_buf()];
        assert!(!found(&here, true, &here));
        let services = folder.path().join("dbus-1/services");
        std::fs::create_dir_all(&services).expect("folders");
        std::fs::write(services.join("org.freedesktop.portal.Desktop.service"), "").expect("written");
        assert!(found(&here, true, &[]) && !found(&here, false, &[]));
        std::fs::write(folder.path().join("zenity"), "").expect("written");
        assert!(found(&[], false, &here));
    }
}
