//! The program as a whole: what it says and the exit code it leaves with.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn headless(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headless"))
        .args(args)
        .current_dir(root())
        .env_remove("LIGHTCONE_DATA")
        .output()
        .unwrap()
}

fn fine(args: &[&str]) -> String {
    let output = headless(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Refused with exit code 2 and one message, which is returned.
fn refused(args: &[&str]) -> String {
    let output = headless(args);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    assert!(!message.contains("panicked") && !message.contains("RUST_BACKTRACE"), "{message}");
    message
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn check_says_what_was_understood() {
    let text = fine(&["check", "scenarios/quickstart.ron"]);
    for snippet in
        ["what limits", "1,000", "Block-STM on 8 cores", "arm          10x EVM", "cost", "\nfine\n"]
    {
        assert!(text.contains(snippet), "{snippet}: {text}");
    }
}

#[test]
fn check_resolved_prints_a_plan_in_either_notation() {
    let json = fine(&["check", "--resolved=json", "scenarios/quickstart.ron", "--set", "seed=12"]);
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((plan["name"].as_str(), plan["seed"].as_u64()), (Some("base"), Some(12)));
    let arm = fine(&["check", "--resolved=json", "--arm", "10x EVM", "scenarios/quickstart.ron"]);
    let plan: serde_json::Value = serde_json::from_str(&arm).unwrap();
    assert_eq!(plan["chains"][0]["execution"]["speed_ppm"].as_u64(), Some(10_000_000));
    assert!(fine(&["check", "--resolved", "scenarios/quickstart.ron"]).starts_with("(\n  name: \"base\","));
    assert!(
        refused(&["check", "--resolved", "--arm", "10x EV", "scenarios/quickstart.ron"])
            .contains("`10x EVM`")
    );
}

#[test]
fn bad_input_is_refused_with_its_line_and_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "bad.ron", "(\n  version: 1,\n  nodes: (count: 1e12),\n)");
    let message = refused(&["check", &path]);
    assert!(message.contains(&format!("{path}:3:18: nodes.count:")), "{message}");
    let json = file(&folder, "bad.json", "{\n  \"version\": 1,\n  \"network\": {\"gosip\": \"Flood\"}\n}");
    let message = refused(&["check", &json]);
    assert!(message.contains(&format!("{json}:3:15: network.gosip:")), "{message}");
    let binary = folder.path().join("binary.ron");
    std::fs::write(&binary, [0xff, 0xfe, 0, 1]).unwrap();
    assert!(refused(&["check", &binary.display().to_string()]).contains("not a text"));
    refused(&["check", &folder.path().display().to_string()]);
    assert!(refused(&["check", "absent.ron"]).contains("absent.ron: there is no such file"));
    let set = refused(&["check", "scenarios/quickstart.ron", "--set", "network.gossip=Flod"]);
    assert!(set.contains("--set network.gossip=Flod: network.gossip:") && set.contains("`Flood`"), "{set}");
    let blocks =
        ["check", "scenarios/quickstart.ron", "--set", "nodes.count=9000000", "--set", "run.blocks=100000"];
    assert!(refused(&blocks).contains("events, more than"));
}

#[test]
fn a_scenario_without_its_data_says_what_to_do() {
    let message = refused(&["check", "scenarios/mainnet-blocks.ron"]);
    for snippet in ["scenarios/mainnet-blocks.ron:", "LIGHTCONE_DATA is not set", "export LIGHTCONE_DATA="] {
        assert!(message.contains(snippet), "{message}");
    }
}

/// A run that takes no time, with one more line.
fn small(line: &str) -> String {
    format!(
        "(\n  version: 1, base: \"broadcast\", seed: 1,\n  run: (blocks: 2, warm_up: 0),\n  \
         nodes: (count: 4),\n  {line}\n)"
    )
}

/// Names in a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

const FULL_MESH: &str = "network: (topology: FullMesh),";

#[test]
fn a_run_that_cannot_start_is_one_message_and_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("new/out").display().to_string();
    let fine_one = file(&folder, "fine.ron", &small(FULL_MESH));

    file(&folder, "two.csv", "0,1\n2,3\n");
    let parted = file(&folder, "parted.ron", &small("network: (topology: File(\"two.csv\")),"));
    let message = refused(&["run", &parted, "--out", &out]);
    assert!(message.contains("two.csv") && message.contains("2 separate components"), "{message}");

    std::fs::write(folder.path().join("cut.json.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab]).unwrap();
    let path = folder.path().join("cut.json.gz").display().to_string();
    let consensus = "consensus: Slots(), chain: (slot: \"2 s\", attest_by: \"1 s\"),";
    let cut = small(&format!("{FULL_MESH} {consensus} workload: Blocks(\"{path}\"),"))
        .replace("\"broadcast\"", "\"ethereum-2026\"");
    let message = refused(&["run", &file(&folder, "cut.ron", &cut), "--out", &out]);
    assert!(message.contains(&path), "{message}");

    let below = folder.path().join("fine.ron/out").display().to_string();
    let message = refused(&["run", &fine_one, "--out", &below]);
    assert!(message.contains("fine.ron"), "{message}");
    // Nobody can make a folder there, not even root.
    if Path::new("/sys/kernel").is_dir() {
        let message = refused(&["run", &fine_one, "--out", "/sys/lightcone/out"]);
        assert!(message.contains("/sys/lightcone"), "{message}");
    }
    assert!(names(place.path()).is_empty(), "{:?}", names(place.path()));
}

/// Needs a system that lets us mount a tiny file system in a name space of our own; says so where it does not.
#[test]
fn a_full_disk_fails_the_run_with_one_message_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = file(&folder, "fine.ron", &small(FULL_MESH));
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let script = "mount -t tmpfs -o size=32k tmpfs \"$0\" || exit 99
        \"$1\" run \"$2\" --out \"$0/out\"; code=$?
        ls -A \"$0\"; exit $code";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .args([disk.as_os_str(), env!("CARGO_BIN_EXE_headless").as_ref(), scenario.as_ref()])
        .current_dir(root())
        .output();
    let output = match output {
        Ok(output) if !matches!(output.status.code(), Some(99 | 125..) | None) => output,
        other => {
            eprintln!("skipped: no tiny file system could be mounted: {other:?}");
            return;
        }
    };
    let message = String::from_utf8(output.stderr).unwrap();
    if output.status.code() == Some(1) && message.starts_with("unshare:") {
        eprintln!("skipped: no name space of our own: {message}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    assert!(message.contains("disk/out") && message.contains("No space left"), "{message}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "the disk is empty again");
}

#[test]
fn wrong_usage_is_bad_input() {
    for args in [&["bogus"][..], &[], &["check"], &["completions", "tcl"], &["check", "a", "--seed", "x"]] {
        assert_eq!(headless(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn new_writes_a_scenario_that_checks_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.ron").display().to_string();
    assert!(fine(&["new", &path]).contains("wrote"));
    assert!(fine(&["check", &path]).ends_with("\nfine\n"));
    assert!(refused(&["new", &path]).contains("exists"));
    assert_eq!(fine(&["new"]), std::fs::read_to_string(&path).unwrap());
    assert!(refused(&["new", &folder.path().join("no/x.ron").display().to_string()]).contains("folder"));
}

#[test]
fn explain_tells_unit_default_and_choices() {
    let slot = fine(&["explain", "chain.slot"]);
    assert!(slot.contains("ns, us, ms, s, min or h") && slot.contains("\"12 s\""), "{slot}");
    assert!(fine(&["explain", "network.gossip"]).contains("Flood"));
    assert!(fine(&["explain"]).lines().count() > 60);
    assert!(refused(&["explain", "network.gosip"]).contains("network.gossip"));
}

#[test]
fn list_shows_scenarios_with_their_question() {
    let text = fine(&["list"]);
    for snippet in ["quickstart.ron", "what limits", "aws-2026", "attester", "ethereum-2026", "disk-2026"] {
        assert!(text.contains(snippet), "{snippet}");
    }
    assert!(refused(&["list", "--dir", "no-such-folder"]).contains("no-such-folder"));
}

#[test]
fn schema_and_completions_are_printed() {
    let schema: serde_json::Value = serde_json::from_str(&fine(&["schema"])).unwrap();
    assert_eq!(schema["title"], "Lightcone scenario");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(fine(&["completions", shell]).contains("headless"));
    }
}
