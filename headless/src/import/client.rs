//! JSON-RPC over HTTP: one request, one answer, and a clear error for everything else.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// More than any block or trace; an answer beyond is not read to its end.
const MAX_ANSWER_BYTES: u64 = 256 << 20;
/// The pause before a request is repeated for the first time; doubled every time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Why a node's answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// No answer: no connection, no such host, timeout, broken off.
    #[error("{method}: no answer from the node: {what}{}", repeated(*.tries))]
    NoAnswer { method: String, what: String, tries: u32 },
    /// An HTTP status other than success.
    #[error("{method}: the node answers with HTTP status {status}{}", repeated(*.tries))]
    Status { method: String, status: u16, tries: u32 },
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

fn repeated(times: u32) -> String {
    if times > 1 { format!(", tried {times} times") } else { String::new() }
}

impl RpcError {
    /// Whether the same request may fare better a little later.
    fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500 && *status != 501,
            _ => false,
        }
    }

    fn tried(mut self, times: u32) -> Self {
        if let Self::NoAnswer { tries, .. } | Self::Status { tries, .. } = &mut self {
            *tries = times;
        }
        self
    }
}

/// How patient to be with a node.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a whole request, from connecting to the last byte.
    pub timeout: Duration,
    /// How often a request is repeated that was not answered, or with a status that says: not now.
    pub retries: u32,
}

pub struct Client {
    agent: ureq::Agent,
    url: String,
    patience: Patience,
    requests: AtomicU64,
}

impl Client {
    pub fn new(url: &str, patience: Patience) -> Result<Self, super::ImportError> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let what = format!("--rpc {url}: not the address of a node; it begins with http:// or https://");
            return Err(super::ImportError::Usage(what));
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(patience.timeout))
            .http_status_as_error(false)
            .build();
        Ok(Self { agent: config.into(), url: url.to_owned(), patience, requests: AtomicU64::new(0) })
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The result of a call, which may be null. Repeats what may yet pass, up to a limit.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let (mut tries, mut pause) = (1, FIRST_PAUSE);
        loop {
            match self.once(method, params) {
                Err(error) if error.may_pass() && tries <= self.patience.retries => {
                    std::thread::sleep(pause);
                    (tries, pause) = (tries + 1, pause * 2);
                }
                Err(error) => return Err(error.tried(tries)),
                Ok(result) => return Ok(result),
            }
        }
    }

    fn once(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let not_rpc = |what: String| RpcError::NotRpc { method: method.to_owned(), what };
        let no_answer = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                not_rpc(format!("it is longer than {MAX_ANSWER_BYTES} bytes"))
            }
            other => RpcError::NoAnswer { method: method.to_owned(), what: other.to_string(), tries: 1 },
        };
        let post = self.agent.post(&self.url).header("content-type", "application/json");
        let mut answer = post.send(request.to_string()).map_err(no_answer)?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            return Err(RpcError::Status { method: method.to_owned(), status, tries: 1 });
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

    /// The result of a call that a node need not offer: none if it refuses, or has nothing.
    ///
    /// # Errors
    /// The node gives no proper answer at all.
    pub fn offered<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: &Value,
    ) -> Result<Option<T>, RpcError> {
        match self.call(method, params) {
            Ok(Value::Null) | Err(RpcError::Refused { .. }) => Ok(None),
            // Some say so by status: bad request, forbidden, not found, not allowed, ...
            Err(RpcError::Status { status: 400..=428 | 430..=499 | 501, .. }) => Ok(None),
            Ok(result) => {
                let malformed = |error| {
                    let what = format!("for {params}: {error}");
                    RpcError::Malformed { method: method.to_owned(), what }
                };
                serde_json::from_value(result).map(Some).map_err(malformed)
            }
            Err(other) => Err(other),
        }
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
