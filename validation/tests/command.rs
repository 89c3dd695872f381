//! The program as a user meets it.

use std::path::Path;
use std::process::{Command, Output};

fn validation(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_validation"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn one_check_prints_its_table_and_writes_its_page() {
    let home = tempfile::tempdir().unwrap();
    let output = validation(&["--quick", "--only", "amm-split"], home.path());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("amm-split [execution]: holds") && text.contains("1 checks: 1 hold"), "{text}");
    let page = std::fs::read_to_string(home.path().join("results/validation/index.html")).unwrap();
    assert!(page.contains("amm-split") && page.ends_with("</html>\n"));
    let json = std::fs::read_to_string(home.path().join("results/validation/results.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["checks"][0]["verdict"], "holds");
}

#[test]
fn bad_input_gives_one_message_and_code_2() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("file"), "").unwrap();
    for (arguments, hint) in [
        (["--quick", "--out", "file"], "not a folder"),
        (["--quick", "--out", "file/page"], "cannot write"),
        (["--quick", "--out", "/"], "is in the way"),
        (["--quick", "--only", "perpetuum"], "md1-uplink-wait"),
    ] {
        let output = validation(&arguments, home.path());
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.starts_with("error: ") && message.lines().count() == 1, "{message}");
        assert!(message.contains(hint), "{message}");
        assert!(output.stdout.is_empty());
    }
}
