//! `import-block` and `exec` against a node of our own: a few lines of HTTP that answer from a recorded block.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A node on a port of this machine. Runs until the test ends.
struct Node {
    url: String,
}

/// What a node answers to a method with parameters.
type Answers = dyn Fn(&str, &Value) -> Answer + Send + Sync;

enum Answer {
    Result(Value),
    Refusal(&'static str),
    /// Instead of JSON-RPC.
    Raw(u16, &'static str),
    Never,
}

impl Node {
    fn start(answers: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Arc<Answers> = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                std::thread::spawn(move || serve(stream, &*answers));
            }
        });
        Self { url }
    }
}

fn serve(stream: TcpStream, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let request: Value = serde_json::from_slice(&body).unwrap();
        let answer = answers(request["method"].as_str().unwrap(), &request["params"]);
        let (status, body) = match answer {
            Answer::Result(result) => {
                (200, json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string())
            }
            Answer::Refusal(message) => {
                let error = json!({ "code": -32601, "message": message });
                (200, json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }).to_string())
            }
            Answer::Raw(status, text) => (status, text.to_owned()),
            Answer::Never => {
                std::thread::sleep(Duration::from_secs(60));
                return;
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn headless(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headless"));
    command.args(args).env("LIGHTCONE_RPC_TIMEOUT_MS", "1500").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A recorded block as its file holds it, or `None` without the data.
fn recorded(name: &str) -> Option<Value> {
    let Ok(folder) = std::env::var("LIGHTCONE_DATA") else {
        std::io::stderr().write_all(b"skipped: LIGHTCONE_DATA not set\n").unwrap();
        return None;
    };
    let file = std::fs::File::open(PathBuf::from(folder).join(format!("blocks/{name}.json.gz"))).unwrap();
    Some(serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap())
}

fn hex(value: &Value) -> Value {
    value.as_u64().map_or(value.clone(), |number| json!(format!("{number:#x}")))
}

/// The block as a node tells it.
fn rpc_block(file: &Value) -> Value {
    let names = [
        ("gas_limit", "gas"),
        ("chain_id", "chainId"),
        ("gas_price", "gasPrice"),
        ("max_fee_per_gas", "maxFeePerGas"),
        ("max_priority_fee_per_gas", "maxPriorityFeePerGas"),
        ("max_fee_per_blob_gas", "maxFeePerBlobGas"),
        ("blob_versioned_hashes", "blobVersionedHashes"),
        ("y_parity", "yParity"),
    ];
    let transactions = file["transactions"].as_array().unwrap().iter().map(|tx| {
        let mut out = serde_json::Map::new();
        for (key, value) in tx.as_object().unwrap() {
            let name = names.iter().find(|(from, _)| from == key).map_or(key.as_str(), |(_, to)| to);
            out.insert(name.to_owned(), hex(value));
        }
        if let Some(list) = tx["access_list"].as_array() {
            let list =
                list.iter().map(|e| json!({"address": e["address"], "storageKeys": e["storage_keys"]}));
            out.insert("accessList".to_owned(), list.collect());
        }
        Value::Object(out)
    });
    let mut block = file["header"].clone();
    block["transactions"] = transactions.collect();
    block["size"] = hex(&file["block_size_bytes"]);
    block
}

/// A node that serves one block and the state before it.
fn answer_from(file: &Value, block: &Value, method: &str, params: &Value) -> Answer {
    let account = || &file["pre_state"][params[0].as_str().unwrap()];
    let zero = |value: &Value| if value.is_null() { json!("0x0") } else { hex(value) };
    Answer::Result(match method {
        "eth_chainId" => json!("0x1"),
        "eth_getBlockByNumber" if params[0] == block["number"] => block.clone(),
        "eth_getBlockByNumber" => {
            let number =
                u64::from_str_radix(params[0].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
            json!({ "hash": file["block_hashes"][number.to_string()] })
        }
        "eth_getBalance" => zero(&account()["balance"]),
        "eth_getTransactionCount" => zero(&account()["nonce"]),
        "eth_getCode" => match account()["code_hash"].as_str() {
            Some(hash) => file["codes"][hash].clone(),
            None => json!("0x"),
        },
        "eth_getStorageAt" => {
            let wanted = number(&params[1]);
            let slots = account()["storage"].as_object();
            let found = slots.and_then(|slots| slots.iter().find(|(slot, _)| number(&json!(slot)) == wanted));
            found.map_or(json!("0x0"), |(_, value)| value.clone())
        }
        _ => return Answer::Refusal("the method does not exist"),
    })
}

fn number(value: &Value) -> alloy_primitives::U256 {
    serde_json::from_value(value.clone()).unwrap()
}

fn import(node: &Node, number: &str, folder: &Path) -> Output {
    headless(&["import-block", "--rpc", &node.url, "--dir", &folder.display().to_string(), number])
}

#[test]
fn an_imported_block_executes_to_its_header() {
    for name in ["19923400", "46147", "19933122", "4330482"] {
        let Some(file) = recorded(name) else { return };
        let block = rpc_block(&file);
        let node = Node::start(move |method, params| answer_from(&file, &block, method, params));
        let folder = tempfile::tempdir().unwrap();
        let imported = import(&node, name, folder.path());
        assert!(imported.status.success(), "{name}: {}", text(&imported.stderr));
        assert!(text(&imported.stdout).contains("header verified"));
        let path = folder.path().join(format!("{name}.json.gz")).display().to_string();
        let executed = headless(&["exec", &path, "--threads", "2"]);
        assert!(executed.status.success(), "{}", text(&executed.stderr));
        let table = text(&executed.stdout);
        assert!(table.lines().nth(1).unwrap().ends_with("verified"), "{table}");
        let summary = table.lines().last().unwrap();
        assert!(summary.starts_with("1 blocks, 1 verified, geometric-mean speed-up "), "{summary}");
        // A second import does not overwrite.
        let again = import(&node, name, folder.path());
        assert_eq!(again.status.code(), Some(2));
    }
}

#[test]
fn a_node_that_lies_is_found_out() {
    let Some(file) = recorded("19923400") else { return };
    type Lie = fn(&mut Value, &mut Value);
    let lies: [(&str, Lie); 5] = [
        ("hashes to", |_, block| block["transactions"][0]["nonce"] = json!("0x5")),
        ("transactions' root", |_, block| drop(block["transactions"].as_array_mut().unwrap().pop())),
        ("does not yield the header", |_, block| block["gasUsed"] = json!("0x5")),
        ("asked for block", |_, block| block["number"] = json!("0x5")),
        ("", |file, _| {
            // Every balance is nothing: the first sender cannot pay.
            for (_, account) in file["pre_state"].as_object_mut().unwrap() {
                account["balance"] = json!("0x0");
            }
        }),
    ];
    for (says, lie) in lies {
        let (mut file, mut block) = (file.clone(), rpc_block(&file));
        let asked = block["number"].clone();
        lie(&mut file, &mut block);
        let node = Node::start(move |method, params| {
            if method == "eth_getBlockByNumber" && params[0] == asked {
                return Answer::Result(block.clone());
            }
            answer_from(&file, &block, method, params)
        });
        let folder = tempfile::tempdir().unwrap();
        let output = import(&node, "19923400", folder.path());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("block 19923400") && message.contains(says), "{says}: {message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing may be written");
    }
}

#[test]
fn a_node_that_does_not_answer_properly_is_an_error_and_no_hang() {
    for (says, answer) in [
        ("no answer from the node", (|| Answer::Never) as fn() -> Answer),
        ("HTTP status 502", || Answer::Raw(502, "bad gateway")),
        ("not JSON-RPC", || Answer::Raw(200, "<html>")),
        ("not JSON-RPC", || Answer::Raw(200, "{\"jsonrpc\":\"2.0\",\"id\":1}")),
        ("the node refuses: no such thing", || Answer::Refusal("no such thing")),
        ("nothing for", || Answer::Result(Value::Null)),
        ("eth_chainId", || Answer::Result(json!("0x10000000000000000"))),
    ] {
        let node = Node::start(move |_, _| answer());
        let folder = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let output = import(&node, "5", folder.path());
        let message = text(&output.stderr);
        assert!(started.elapsed() < Duration::from_secs(20), "{says}");
        assert_eq!(output.status.code(), Some(1), "{says}: {message}");
        assert!(message.contains(says) && !message.contains("panicked"), "{says}: {message}");
    }
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let output = import(&Node { url: "http://127.0.0.1:1".to_owned() }, "5", folder.path());
    assert!(text(&output.stderr).contains("no answer from the node"));
    let output = import(&Node { url: "node.example".to_owned() }, "5", folder.path());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn exec_refuses_what_is_no_block_and_fails_on_one_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.json");
    let shown = path.display().to_string();
    std::fs::write(&path, "{").unwrap();
    assert_eq!(headless(&["exec", &shown]).status.code(), Some(2));
    assert_eq!(headless(&["exec", "absent.json"]).status.code(), Some(2));
    let address = |last: u8| format!("0x{}{last:02x}", "00".repeat(19));
    let block = json!({
        "schema": "evm-block/1", "chain_id": 1, "source": "test", "spec": "OSAKA", "header": null,
        "env": { "number": 1, "timestamp": 1, "coinbase": address(9), "gas_limit": 30_000_000, "base_fee_per_gas": 0,
            "difficulty": "0x0", "prev_randao": format!("0x{}", "00".repeat(32)), "excess_blob_gas": 0 },
        "transactions": [{ "type": 0, "from": address(1), "to": address(2), "nonce": 0, "gas_limit": 21_000,
            "value": "0x5", "input": "0x", "chain_id": 1, "gas_price": 1 }],
        "pre_state": { address(1): { "balance": "0xffffff", "nonce": 0 } },
        "codes": {}, "expected": { "gas_used": 21_000, "tx_count": 1 },
    });
    std::fs::write(&path, block.to_string()).unwrap();
    let fine = headless(&["exec", &shown]);
    assert!(fine.status.success(), "{}", text(&fine.stderr));
    let mut wrong = block.clone();
    wrong["expected"]["gas_used"] = json!(21_001);
    std::fs::write(&path, wrong.to_string()).unwrap();
    let differs = headless(&["exec", &shown]);
    assert_eq!(differs.status.code(), Some(1));
    assert!(text(&differs.stdout).lines().last().unwrap().starts_with("1 blocks, 0 verified"));
    assert!(text(&differs.stderr).contains("differ from their header"));
    // Incomplete: the sender has nothing.
    let mut poor = block;
    poor["pre_state"] = json!({});
    std::fs::write(&path, poor.to_string()).unwrap();
    let invalid = headless(&["exec", &shown]);
    assert_eq!(invalid.status.code(), Some(1));
    assert!(text(&invalid.stdout).contains("cannot be executed: transaction 0 is invalid"));
}
