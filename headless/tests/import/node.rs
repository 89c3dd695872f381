//! A node of our own: a few lines of HTTP.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A node on a port of this machine. Runs until the test ends.
pub struct Node {
    pub url: String,
}

/// What a node answers to a method with parameters.
type Answers = dyn Fn(&str, &Value) -> Answer + Send + Sync;

pub enum Answer {
    Result(Value),
    Refusal(&'static str),
    /// Instead of JSON-RPC.
    Raw(u16, &'static str),
    /// The beginning of an answer, then the connection ends.
    Broken,
    /// An answer without end.
    Endless,
    Never,
}

impl Node {
    pub fn start(answers: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
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
            Answer::Broken => {
                let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n{\"jsonrpc\":");
                return;
            }
            Answer::Endless => {
                let _ = stream.write_all(b"HTTP/1.1 200 X\r\n\r\n[");
                let blanks = vec![b' '; 1 << 20];
                while stream.write_all(&blanks).is_ok() {}
                return;
            }
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
