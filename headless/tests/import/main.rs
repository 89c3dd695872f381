//! `import-block` and `exec` against a node of our own that answers from recorded blocks and from a chain made here.

mod chain;
mod node;
mod recorded;

use node::{Answer, Node};
use recorded::{answer_from, recorded, rpc_block, traces};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

fn headless(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headless")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Imports a block, with little patience unless told otherwise.
fn import(node: &Node, number: &str, folder: &Path, more: &[&str]) -> Output {
    let folder = folder.display().to_string();
    let mut args = vec!["import-block", "--rpc", &node.url, "--dir", &folder, "--retries", "1", number];
    if !more.contains(&"--timeout") {
        args.extend(["--timeout", "2"]);
    }
    args.extend(more);
    headless(&args)
}

/// Imports a block that is fine; what the program said and the file.
fn imported(node: &Node, number: &str) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let output = import(node, number, folder.path(), &[]);
    assert!(output.status.success(), "{number}: {}", text(&output.stderr));
    let path = folder.path().join(format!("{number}.json.gz"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    let shown = path.display().to_string();
    let executed = headless(&["exec", &shown, "--threads", "2"]);
    assert!(executed.status.success(), "{}", text(&executed.stderr));
    let table = text(&executed.stdout);
    assert!(table.lines().nth(1).unwrap().ends_with("verified"), "{table}");
    let summary = table.lines().last().unwrap();
    assert!(summary.starts_with("1 blocks, 1 verified, geometric-mean speed-up "), "{summary}");
    // A second import does not overwrite.
    assert_eq!(import(node, number, folder.path(), &[]).status.code(), Some(2));
    let file = std::fs::File::open(path).unwrap();
    let file: Value = serde_json::from_reader(flate2::read::GzDecoder::new(file)).unwrap();
    // A header that says otherwise is not overlooked; the other files are executed all the same.
    let mut forged = file.clone();
    forged["header"]["gasUsed"] = json!("0x1");
    let path = folder.path().join("forged.json");
    std::fs::write(&path, forged.to_string()).unwrap();
    let executed = headless(&["exec", &path.display().to_string(), &shown]);
    assert_eq!(executed.status.code(), Some(2));
    assert!(text(&executed.stderr).contains("header.gasUsed is 1"), "{}", text(&executed.stderr));
    let summary = text(&executed.stdout);
    assert!(summary.lines().last().unwrap().starts_with("2 blocks, 1 verified, 1 unreadable, "), "{summary}");
    // Without what it was recorded to yield, the header alone counts.
    forged["expected"] = json!({});
    std::fs::write(&path, forged.to_string()).unwrap();
    let executed = headless(&["exec", &path.display().to_string()]);
    assert_eq!(executed.status.code(), Some(1));
    assert!(text(&executed.stdout).contains("expected 1"), "{}", text(&executed.stdout));
    (text(&output.stdout), file)
}

/// Refused: the message; and nothing was written.
fn refused(node: &Node, number: &str, code: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = import(node, number, folder.path(), &[]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing may be written");
    message
}

#[test]
fn recorded_blocks_are_imported_with_and_without_a_tracer() {
    // Frontier, Spurious Dragon, Byzantium and London (both with a block hash), the merge, Cancun.
    for name in ["46147", "4330482", "5526571", "15537393", "15752489", "19426587", "19933122"] {
        let Some(file) = recorded(name) else { continue };
        let block = rpc_block(&file);
        let recorded_size = file["block_size_bytes"].clone();
        // Before Shanghai there were none; then the record says null.
        let withdrawals = json!(file["withdrawals"].as_array().cloned().unwrap_or_default());
        let uncles = file["uncles"].clone();
        let (plain_file, plain_block) = (file.clone(), block.clone());
        let plain = Node::start(move |method, params| answer_from(&plain_file, &plain_block, method, params));
        let (said, without) = imported(&plain, name);
        assert!(said.contains("header verified") && said.contains("as the node tells it"), "{said}");
        let traces = traces(&file);
        let tracing = Node::start(move |method, params| match method {
            "debug_traceBlockByNumber" => Answer::Result(traces.clone()),
            _ => answer_from(&file, &block, method, params),
        });
        let (said_tracing, with) = imported(&tracing, name);
        let requests = |said: &str| {
            let (before, _) = said.split_once(" requests").unwrap();
            before.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()
        };
        let transactions = with["transactions"].as_array().unwrap().len();
        assert!(transactions < 2 || requests(&said_tracing) * 4 < requests(&said), "{said}{said_tracing}");
        assert_eq!(with["transactions"], without["transactions"]);
        // Measured here; recorded from the node.
        assert_eq!(with["block_size_bytes"], recorded_size, "{name}");
        assert_eq!((&with["uncles"], &with["withdrawals"]), (&uncles, &withdrawals), "{name}");
        assert_eq!(with["block_hashes"], without["block_hashes"]);
        // The tracer lists more than is read; of what both know, they say the same.
        for (address, account) in without["pre_state"].as_object().unwrap() {
            let traced = &with["pre_state"][address];
            assert_eq!(traced["balance"], account["balance"], "{name}: {address}");
            assert_eq!(traced["nonce"], account["nonce"], "{name}: {address}");
            assert_eq!(traced["code_hash"], account["code_hash"], "{name}: {address}");
            for (slot, value) in account["storage"].as_object().unwrap() {
                assert_eq!(&traced["storage"][slot], value, "{name}: {address}, {slot}");
            }
        }
    }
}

#[test]
fn a_tracer_that_misleads_is_done_without() {
    let Some(file) = recorded("19933122") else { return };
    let block = rpc_block(&file);
    let traces = traces(&file);
    // The first is missing, so that later states pass for earlier ones.
    let late: Value = traces.as_array().unwrap()[1..].iter().cloned().collect();
    for told in [late, json!("nonsense"), json!([{ "result": { "0x12": 5 } }, 7])] {
        let (file, block) = (file.clone(), block.clone());
        let node = Node::start(move |method, params| match method {
            "debug_traceBlockByNumber" => Answer::Result(told.clone()),
            _ => answer_from(&file, &block, method, params),
        });
        imported(&node, "19933122");
    }
}

#[test]
fn a_node_that_lies_is_found_out() {
    let Some(file) = recorded("19933122") else { return };
    type Lie = fn(&mut Value, &mut Value);
    let lies: [(&str, Lie); 10] = [
        ("withdrawals' root", |_, block| block["withdrawals"][3]["amount"] = json!("0x5")),
        ("it tells of 1 uncles", |_, block| block["uncles"] = json!([block["hash"]])),
        ("hashes to", |_, block| block["transactions"][0]["nonce"] = json!("0x5")),
        ("is signed by", |_, block| {
            block["transactions"][0]["from"] = json!("0x00000000000000000000000000000000000000aa");
        }),
        ("transactions' root", |_, block| drop(block["transactions"].as_array_mut().unwrap().pop())),
        ("the header of block", |_, block| block["gasUsed"] = json!("0x5")),
        ("the header of block", |_, block| block["excessBlobGas"] = json!("0x20000")),
        ("asked for block", |_, block| block["number"] = json!("0x5")),
        // Every balance is nothing: the first sender cannot pay.
        ("cannot be executed over the node's state", |file, _| {
            for (_, account) in file["pre_state"].as_object_mut().unwrap() {
                account["balance"] = json!("0x0");
            }
        }),
        // No contract is one.
        ("does not yield the header", |file, _| {
            for (_, account) in file["pre_state"].as_object_mut().unwrap() {
                account["code_hash"] = Value::Null;
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
        let message = refused(&node, "19933122", 1);
        assert!(message.contains("block 19933122") && message.contains(says), "{says}: {message}");
    }
}

#[test]
fn a_node_that_does_not_answer_properly_is_an_error_and_no_hang() {
    for (says, answer) in [
        ("no answer from the node", (|| Answer::Never) as fn() -> Answer),
        ("tried 2 times", || Answer::Broken),
        ("HTTP status 502", || Answer::Raw(502, "bad gateway")),
        ("not JSON-RPC", || Answer::Raw(200, "<html>")),
        ("not JSON-RPC", || Answer::Raw(200, "{\"jsonrpc\":\"2.0\",\"id\":1}")),
        ("the node refuses: no such thing", || Answer::Refusal("no such thing")),
        ("nothing for", || Answer::Result(Value::Null)),
        ("eth_chainId", || Answer::Result(json!("0x10000000000000000"))),
    ] {
        let node = Node::start(move |_, _| answer());
        let started = Instant::now();
        let message = refused(&node, "5", 1);
        // Two tries of two seconds, and time to spare for a busy machine: a hang would last as long as the node.
        assert!(started.elapsed() < Duration::from_secs(50), "{says}");
        assert!(message.contains(says), "{says}: {message}");
    }
    // Nobody listens there; that is no address; there is nothing below the first block.
    let nobody = Node { url: "http://127.0.0.1:1".to_owned() };
    assert!(refused(&nobody, "5", 1).contains("no answer from the node"));
    refused(&Node { url: "node.example".to_owned() }, "5", 2);
    let quiet = Node::start(|_, _| Answer::Result(json!("0x1")));
    assert!(refused(&quiet, "0", 2).contains("has no parent"));
    let absent = headless(&["import-block", "--rpc", &quiet.url, "--dir", "/no/such/folder", "5"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("no such folder"));
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let node = Node::start(|_, _| Answer::Endless);
    let folder = tempfile::tempdir().unwrap();
    // Enough time to get to the limit even if the machine is busy.
    let output = import(&node, "5", folder.path(), &["--timeout", "120"]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("longer than"), "{message}");
}

#[test]
fn a_request_is_repeated_while_the_node_is_busy_but_not_forever() {
    let Some(file) = recorded("46147") else { return };
    let block = rpc_block(&file);
    for (busy, fine) in [(1, true), (2, false)] {
        let (file, block) = (file.clone(), block.clone());
        let requests = AtomicU32::new(0);
        let node = Node::start(move |method, params| match method {
            "eth_getBalance" if requests.fetch_add(1, Ordering::SeqCst) < busy => Answer::Raw(503, "busy"),
            _ => answer_from(&file, &block, method, params),
        });
        if fine {
            imported(&node, "46147");
        } else {
            let message = refused(&node, "46147", 1);
            assert!(message.contains("HTTP status 503, tried 2 times"), "{message}");
        }
    }
}

#[test]
fn a_node_that_fails_in_the_middle_leaves_nothing_behind() {
    let Some(file) = recorded("46147") else { return };
    let block = rpc_block(&file);
    for method_that_fails in ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"] {
        for answer in
            [|| Answer::Never, || Answer::Broken, || Answer::Raw(200, "{}"), || Answer::Result(json!("zz"))]
                as [fn() -> Answer; 4]
        {
            let (file, block) = (file.clone(), block.clone());
            let node = Node::start(move |method, params| match method {
                method if method == method_that_fails => answer(),
                _ => answer_from(&file, &block, method, params),
            });
            let message = refused(&node, "46147", 1);
            assert!(message.contains(method_that_fails), "{message}");
        }
    }
}

#[test]
fn a_block_of_the_newest_rules_is_imported_with_all_of_its_state_proven() {
    let chain = chain::osaka();
    let number = chain.number.to_string();
    let node = Node::start(chain.answers());
    let (said, file) = imported(&node, &number);
    assert!(said.contains("state proven"), "{said}");
    assert_eq!(
        (file["spec"].as_str(), file["env"]["blob_fee_fraction"].as_u64()),
        (Some("OSAKA"), Some(11_684_671))
    );
    let types = file["transactions"].as_array().unwrap().iter().map(|tx| tx["type"].as_u64().unwrap());
    assert_eq!(types.collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    // The hash of the third block below came from the chain of headers.
    assert_eq!(file["block_hashes"].as_object().unwrap().len(), 1);
}

#[test]
fn nothing_gets_into_a_file_that_the_header_does_not_prove() {
    let chain = chain::osaka();
    let (number, truth) = (chain.number, chain.block().clone());
    let answers = chain.answers();
    let said_block = move |change: fn(&mut Value)| {
        let answers = chain.answers();
        move |method: &str, params: &Value| match answers(method, params) {
            Answer::Result(mut block)
                if method == "eth_getBlockByNumber" && block["transactions"].is_array() =>
            {
                change(&mut block);
                Answer::Result(block)
            }
            other => other,
        }
    };
    let (_, fine) = imported(&Node::start(answers), &number.to_string());
    assert_eq!((&fine["withdrawals"], &fine["uncles"]), (&truth["withdrawals"], &json!([])));
    assert!(fine["block_size_bytes"].as_u64().unwrap() > 1_000, "header, transactions, withdrawals");
    // What is hashed elsewhere or nowhere makes no difference: it is not copied.
    let (_, with_extras) = imported(
        &Node::start(said_block(|block| {
            block["totalDifficulty"] = json!("0x5");
            block["note"] = json!("trust me");
            block["size"] = json!("0x1");
            for tx in block["transactions"].as_array_mut().unwrap() {
                let tx_type = tx["type"].clone();
                tx[if tx_type == json!("0x0") { "chainId" } else { "v" }] = json!("0x7");
                if !["0x0", "0x1"].contains(&tx_type.as_str().unwrap()) {
                    tx["gasPrice"] = json!("0x7");
                }
            }
        })),
        &number.to_string(),
    );
    // Each node has its own address.
    let anonymous = |mut file: Value| {
        file["source"] = Value::Null;
        file
    };
    assert_eq!(anonymous(with_extras), anonymous(fine));
    // What is not told is left out, and so is the size that it would be part of.
    let (_, without) = imported(
        &Node::start(said_block(|block| drop(block.as_object_mut().unwrap().remove("withdrawals")))),
        &number.to_string(),
    );
    assert_eq!((without.get("withdrawals"), &without["block_size_bytes"]), (None, &Value::Null));
}

#[test]
fn uncles_count_only_with_their_headers() {
    let chain = chain::homestead();
    let number = chain.number.to_string();
    let (_, file) = imported(&Node::start(chain.answers()), &number);
    assert_eq!(file["uncles"], json!([chain::other_header(chain.number - 1)["hash"]]));
    let size = file["block_size_bytes"].as_u64().unwrap();
    assert!(size > 2 * 500, "two headers of more than 500 bytes: {size}");
    for answer in [Answer::Refusal("no uncles here"), Answer::Result(Value::Null)] {
        let (answers, refusal) = (chain.answers(), matches!(answer, Answer::Refusal(_)));
        let node = Node::start(move |method, params| match method {
            "eth_getUncleByBlockNumberAndIndex" if refusal => Answer::Refusal("no uncles here"),
            "eth_getUncleByBlockNumberAndIndex" => Answer::Result(Value::Null),
            _ => answers(method, params),
        });
        let (_, file) = imported(&node, &number);
        assert_eq!((file.get("uncles"), &file["block_size_bytes"]), (None, &Value::Null));
    }
    let answers = chain.answers();
    let node = Node::start(move |method, params| match method {
        "eth_getUncleByBlockNumberAndIndex" => Answer::Result(chain::other_header(5)),
        _ => answers(method, params),
    });
    assert!(refused(&node, &number, 1).contains("uncle 0 has hash"));
}

#[test]
fn a_file_that_exists_stops_its_block_and_a_silent_node_the_list() {
    let chain = chain::osaka();
    let (number, folder) = (chain.number, tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("7.json.gz"), "not to be lost").unwrap();
    let node = Node::start(chain.answers());
    let output = import(&node, "7", folder.path(), &[&number.to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("7.json.gz: exists already, not replaced"));
    assert!(text(&output.stdout).contains(&format!("{number}.json.gz: 5 transactions")));
    assert_eq!(std::fs::read(folder.path().join("7.json.gz")).unwrap(), b"not to be lost");
    // A block that the node does not have does not stop the others either; a node that is gone does.
    std::fs::remove_file(folder.path().join(format!("{number}.json.gz"))).unwrap();
    let output = import(&node, "9", folder.path(), &[&number.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("block 9: eth_getBlockByNumber: the node has nothing"));
    assert!(text(&output.stdout).contains(&format!("{number}.json.gz: 5 transactions")));
    let nobody = Node { url: "http://127.0.0.1:1".to_owned() };
    let output = import(&nobody, "9", folder.path(), &["10", "11"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("the 2 blocks after it were not tried") && !message.contains("block 10"),
        "{message}"
    );
}

#[test]
fn the_time_for_everything_is_limited() {
    let node = Node::start(|_, _| Answer::Never);
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    // Each request may take an hour, and be repeated.
    let more = ["6", "--timeout", "3600", "--total-timeout", "1"];
    let output = import(&node, "5", folder.path(), &more);
    // A second, and time to spare for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(50));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the time for everything is used up"), "{}", text(&output.stderr));
}

#[test]
fn a_fork_that_is_none_is_refused_before_anything_is_asked() {
    let nobody = Node { url: "http://127.0.0.1:1".to_owned() };
    let folder = tempfile::tempdir().unwrap();
    let output = import(&nobody, "5", folder.path(), &["--fork", "FOO"]);
    assert_eq!(output.status.code(), headless(&["import-block", "--rpc"]).status.code());
    let message = text(&output.stderr);
    assert!(message.contains("FRONTIER") && message.contains("OSAKA"), "{message}");
}

#[test]
fn what_a_node_says_is_told_on_one_line_and_not_at_length() {
    let node = Node::start(|_, _| Answer::Refusal("\u{1b}[2Jclear\nthis\u{202e} screen"));
    let message = refused(&node, "5", 1);
    assert!(message.contains("the node refuses: [2Jclear this screen (code"), "{message}");
    assert!(!message.contains('\u{1b}'));
    let node = Node::start(|method, _| match method {
        "eth_chainId" => Answer::Result(json!("x".repeat(100_000))),
        _ => Answer::Result(json!("0x1")),
    });
    assert!(refused(&node, "5", 1).len() < 500);
}

#[test]
fn what_the_header_does_not_show_a_proof_does() {
    let poor = |params: &Value| params[0] == json!(chain::PAYEE);
    // Nobody looks at the balance of who is paid: without proofs a wrong one passes, and is said not to be proven.
    let number = chain::osaka().number.to_string();
    let true_balance = chain::osaka().balance_of(chain::PAYEE);
    let lying = move |offers_proofs: bool, corrupt: bool| {
        let answers = chain::osaka().answers();
        Node::start(move |method, params| match method {
            "eth_getBalance" if poor(params) => Answer::Result(json!("0x7")),
            "eth_getProof" if !offers_proofs => Answer::Refusal("the method does not exist"),
            "eth_getProof" if corrupt && poor(params) => match answers(method, params) {
                Answer::Result(mut proof) => {
                    proof["balance"] = json!("0x7");
                    Answer::Result(proof)
                }
                other => other,
            },
            _ => answers(method, params),
        })
    };
    let (said, file) = imported(&lying(false, false), &number);
    assert!(said.contains("as the node tells it"), "{said}");
    assert_eq!(file["pre_state"][chain::PAYEE]["balance"], json!("0x7"));
    let (said, file) = imported(&lying(true, false), &number);
    assert!(said.contains("state proven"), "{said}");
    assert_eq!(file["pre_state"][chain::PAYEE]["balance"], json!(true_balance));
    let message = refused(&lying(true, true), &number, 1);
    assert!(
        message.contains("does not lead to the state root") && message.contains(chain::PAYEE),
        "{message}"
    );
}

#[test]
fn a_price_of_blob_gas_that_is_not_the_forks_must_be_said() {
    let chain = chain::osaka();
    let number = chain.number.to_string();
    let answers = chain.answers();
    let node = Node::start(move |method, params| match method {
        "eth_getTransactionReceipt" => Answer::Result(json!({ "blobGasPrice": "0x5" })),
        _ => answers(method, params),
    });
    let message = refused(&node, &number, 2);
    assert!(message.contains("--blob-fee-fraction") && message.contains("5 wei"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(chain::osaka().answers());
    let other = import(&node, &number, folder.path(), &["--blob-fee-fraction", "5007716"]);
    // By Prague's fraction so much excess would cost more than thirty ether: there is no such block.
    assert_eq!(other.status.code(), Some(1), "{}", text(&other.stderr));
    assert!(text(&other.stderr).contains("excess_blob_gas"), "{}", text(&other.stderr));
}

#[test]
fn a_block_hash_is_one_of_the_chain_below() {
    let chain = chain::osaka();
    let number = chain.number;
    let answers = chain.answers();
    let node = Node::start(move |method, params| match answers(method, params) {
        // The grandparent is another block, with a hash that fits it.
        Answer::Result(_)
            if method == "eth_getBlockByNumber" && params[0] == json!(format!("{:#x}", number - 2)) =>
        {
            Answer::Result(chain::other_header(number - 2))
        }
        other => other,
    });
    let message = refused(&node, &number.to_string(), 1);
    assert!(message.contains("its child names"), "{message}");
}

#[test]
fn before_eip_161_a_proof_tells_whether_an_empty_account_exists() {
    let chain = chain::homestead();
    let number = chain.number.to_string();
    let (said, file) = imported(&Node::start(chain.answers()), &number);
    assert!(said.contains("state proven"), "{said}");
    assert_eq!(file["pre_state"][chain::EMPTY]["balance"], json!("0x0"));
    // Without proofs it passes for absent, which costs 25,000 gas more than the header says.
    let answers = chain::homestead().answers();
    let node = Node::start(move |method, params| match method {
        "eth_getProof" => Answer::Refusal("the method does not exist"),
        _ => answers(method, params),
    });
    assert!(refused(&node, &number, 1).contains("gas used is"));
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
