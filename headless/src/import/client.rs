//! JSON-RPC over HTTP: one request, one answer, and a clear error for everything else.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    /// There is no time left to ask.
    #[error("{method}: the time for everything is used up")]
    OutOfTime { method: String },
    /// The node refuses.
    #[error("{method}: the node refuses: {message} (code {code})")]
    Refused { method: String, code: i64, message: String },
    /// The answer lacks or mistypes something.
    #[error("{method}: {what}")]
    Malformed { method: String, what: String },
}

/// Longer words of a node are cut.
const LEGIBLE_CHARS: usize = 200;

/// What a node says, as far as it belongs on a screen: on one line, without control characters, not too long.
pub fn legible(text: impl AsRef<str>) -> String {
    let (mut out, mut blank) = (String::new(), false);
    for (count, c) in text.as_ref().chars().enumerate() {
        if count == LEGIBLE_CHARS {
            out.push_str("...");
            break;
        }
        // Unicode's formatting characters can reorder and hide what stands around them.
        let hidden = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || c.is_whitespace() || hidden {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !out.is_empty() {
            out.push(' ');
        }
        out.push(c);
    }
    out
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
    /// Nothing is asked after this.
    pub until: Option<Instant>,
}

impl Patience {
    /// How long the next request may take; none if it is too late for any.
    fn next(&self) -> Option<Duration> {
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        (!left.is_zero()).then(|| left.min(self.timeout))
    }
}

pub struct Client<'w> {
    agent: ureq::Agent,
    url: String,
    patience: Patience,
    requests: AtomicU64,
    /// Hears how many requests were made, at each.
    watch: &'w (dyn Fn(u64) + Sync),
}

impl<'w> Client<'w> {
    pub fn new(
        url: &str,
        patience: Patience,
        watch: &'w (dyn Fn(u64) + Sync),
    ) -> Result<Self, super::ImportError> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let what = format!("--rpc {url}: not the address of a node; it begins with http:// or https://");
            return Err(super::ImportError::Usage(what));
        }
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Ok(Self { agent: config.into(), url: url.to_owned(), patience, requests: AtomicU64::new(0), watch })
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
                    std::thread::sleep(self.patience.next().map_or(Duration::ZERO, |left| left.min(pause)));
                    (tries, pause) = (tries + 1, pause * 2);
                }
                Err(error) => return Err(error.tried(tries)),
                Ok(result) => return Ok(result),
            }
        }
    }

    fn once(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let Some(timeout) = self.patience.next() else {
            return Err(RpcError::OutOfTime { method: method.to_owned() });
        };
        let id = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        (self.watch)(id);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let not_rpc = |what: String| RpcError::NotRpc { method: method.to_owned(), what: legible(what) };
        let no_answer = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                not_rpc(format!("it is longer than {MAX_ANSWER_BYTES} bytes"))
            }
            other => {
                RpcError::NoAnswer { method: method.to_owned(), what: legible(other.to_string()), tries: 1 }
            }
        };
        let post = self.agent.post(&self.url).header("content-type", "application/json");
        let post = post.config().timeout_global(Some(timeout)).build();
        let mut answer = post.send(request.to_string()).map_err(no_answer)?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            return Err(RpcError::Status { method: method.to_owned(), status, tries: 1 });
        }
        let body =
            answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(no_answer)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|error| not_rpc(error.to_string()))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = legible(error["message"].as_str().unwrap_or("no reason given"));
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
        let malformed = |what: String| RpcError::Malformed { method: method.to_owned(), what: legible(what) };
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
                    let what = legible(format!("for {params}: {error}"));
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

#[cfg(test)]
mod tests {
    use super::legible;

    #[test]
    fn what_a_node_says_cannot_take_over_the_screen() {
        assert_eq!(legible("no such\n\tmethod"), "no such method");
        assert_eq!(legible("\u{1b}[31mred\u{202e}\u{7}"), "[31mred");
        assert_eq!(legible("x".repeat(1_000)), format!("{}...", "x".repeat(200)));
    }
}
