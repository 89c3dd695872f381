//! JSON-RPC over HTTP: one request, one answer, and a clear error for everything else.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A whole request, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More than any block or trace; an answer beyond is not read to its end.
const MAX_ANSWER_BYTES: u64 = 256 << 20;

/// Why a node's answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// No answer: no connection, no such host, timeout, broken off.
    #[error("{method}: no answer from the node: {what}")]
    NoAnswer { method: String, what: String },
    /// An HTTP status other than success.
    #[error("{method}: the node answers with HTTP status {status}")]
    Status { method: String, status: u16 },
    /// Not JSON, or not JSON-RPC.
    #[error("{method}: the node's answer is not JSON-RPC: {what}")]
    NotRpc { method: String, what: String },
    /// The node refuses.
    #[error("{method}: the node refuses: {message} (code {code})")]
    Refused { method: String, code: i64, message: String },
    /// The answer lacks or mistypes something.
    #[error("{method}: {what}")]
    Malformed { method: String, what: String },
}

pub struct Client {
    agent: ureq::Agent,
    url: String,
    requests: AtomicU64,
}

impl Client {
    pub fn new(url: &str) -> Result<Self, super::ImportError> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let what = format!("--rpc {url}: not the address of a node; it begins with http:// or https://");
            return Err(super::ImportError::Usage(what));
        }
        let timeout = std::env::var("LIGHTCONE_RPC_TIMEOUT_MS").ok().and_then(|ms| ms.parse().ok());
        let timeout = timeout.map_or(TIMEOUT, Duration::from_millis);
        let config =
            ureq::Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).build();
        Ok(Self { agent: config.into(), url: url.to_owned(), requests: AtomicU64::new(0) })
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The result of a call, which may be null.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let no_answer =
            |error: ureq::Error| RpcError::NoAnswer { method: method.to_owned(), what: error.to_string() };
        let not_rpc = |what: String| RpcError::NotRpc { method: method.to_owned(), what };
        let post = self.agent.post(&self.url).header("content-type", "application/json");
        let mut answer = post.send(request.to_string()).map_err(no_answer)?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            return Err(RpcError::Status { method: method.to_owned(), status });
        }
        let body =
            answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(no_answer)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|error| not_rpc(error.to_string()))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = error["message"].as_str().unwrap_or("no reason given").to_owned();
            let code = error["code"].as_i64().unwrap_or(0);
            return Err(RpcError::Refused { method: method.to_owned(), code, message });
        }
        if answer["id"] != id {
            return Err(not_rpc(format!("it is for request {}, not {id}", answer["id"])));
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(not_rpc("it has neither result nor error".to_owned())),
        }
    }

    /// The result of a call that yields one value of a type.
    pub fn get<T: serde::de::DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, RpcError> {
        let result = self.call(method, params)?;
        let malformed = |what| RpcError::Malformed { method: method.to_owned(), what };
        if result.is_null() {
            return Err(malformed(format!("the node has nothing for {params}")));
        }
        serde_json::from_value(result).map_err(|error| malformed(format!("for {params}: {error}")))
    }

    /// The result of a call that yields a number of at most 64 bits.
    pub fn quantity(&self, method: &str, params: &Value) -> Result<u64, RpcError> {
        let value: parallel_evm::U256 = self.get(method, params)?;
        u64::try_from(value).map_err(|_| {
            let what = format!("{value} is more than 64 bits");
            RpcError::Malformed { method: method.to_owned(), what }
        })
    }
}
