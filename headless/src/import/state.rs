//! A state that asks a node and remembers the answers.

use super::block::RpcBlock;
use super::client::{Client, RpcError};
use parallel_evm::{AccountInfo, Address, B256, Bytecode, Bytes, PreState, StateError, U256};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state before a block, as its node tells it.
pub struct RemoteState<'c> {
    client: &'c Client,
    /// The parent block, as parameter of requests.
    at: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    accounts: BTreeMap<Address, Account>,
    slots: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytes>,
    hashes: BTreeMap<u64, B256>,
    failure: Option<RpcError>,
}

#[derive(Clone)]
struct Account {
    balance: U256,
    nonce: u64,
    code_hash: Option<B256>,
}

impl Account {
    fn exists(&self) -> bool {
        self.nonce != 0 || !self.balance.is_zero() || self.code_hash.is_some()
    }
}

impl<'c> RemoteState<'c> {
    pub fn new(client: &'c Client, number: u64) -> Self {
        Self { client, at: format!("{:#x}", number.saturating_sub(1)), known: Mutex::default() }
    }

    /// What went wrong first, if anything did.
    pub fn take_failure(&self) -> Option<RpcError> {
        self.known().failure.take()
    }

    /// Asks the prestate tracer, which few nodes offer, for all at once. What it tells of an account or slot
    /// that appears for the first time is from before the block, except for the beneficiary, whom every
    /// transaction pays. Without an answer everything is asked for one by one.
    pub fn prefetch(&self, block: &RpcBlock) {
        let options = json!([block.number_hex(), { "tracer": "prestateTracer" }]);
        let Ok(Value::Array(traces)) = self.client.call("debug_traceBlockByNumber", &options) else { return };
        let mut known = self.known();
        for (address, state) in traces.iter().filter_map(|trace| trace["result"].as_object()).flatten() {
            let Ok(address) = address.parse::<Address>() else { continue };
            if address == block.beneficiary {
                continue;
            }
            known.learn(address, state);
        }
    }

    /// Adds what was learnt to a block file. Returns how many accounts and slots it holds.
    pub fn write_to(&self, file: &mut Value) -> (usize, usize) {
        let known = self.known();
        let mut accounts = Map::new();
        for (address, account) in known.accounts.iter().filter(|(_, account)| account.exists()) {
            let mut entry = json!({ "balance": account.balance, "nonce": account.nonce, "storage": {} });
            if let Some(hash) = account.code_hash {
                entry["code_hash"] = json!(hash);
            }
            accounts.insert(address.to_string(), entry);
        }
        let mut slots = 0;
        for ((address, slot), value) in known.slots.iter().filter(|(_, value)| !value.is_zero()) {
            if let Some(account) = accounts.get_mut(&address.to_string()) {
                account["storage"][format!("{slot:#x}")] = json!(value);
                slots += 1;
            }
        }
        let count = accounts.len();
        file["pre_state"] = Value::Object(accounts);
        file["codes"] = known.codes.iter().map(|(hash, code)| (hash.to_string(), json!(code))).collect();
        file["block_hashes"] =
            known.hashes.iter().map(|(number, hash)| (number.to_string(), json!(hash))).collect();
        (count, slots)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: RpcError) -> StateError {
        let message = error.to_string();
        self.known().failure.get_or_insert(error);
        StateError::Backend(message)
    }

    fn fetch_account(&self, address: Address) -> Result<Account, RpcError> {
        let at = json!([address, self.at]);
        let balance = self.client.get("eth_getBalance", &at)?;
        let nonce = self.client.quantity("eth_getTransactionCount", &at)?;
        let code: Bytes = self.client.get("eth_getCode", &at)?;
        let code_hash = self.known().file_code(code);
        Ok(Account { balance, nonce, code_hash })
    }
}

impl Known {
    fn file_code(&mut self, code: Bytes) -> Option<B256> {
        if code.is_empty() {
            return None;
        }
        let hash = alloy_primitives::keccak256(&code);
        self.codes.insert(hash, code);
        Some(hash)
    }

    /// Takes over what a trace tells of an account, unless more is known.
    fn learn(&mut self, address: Address, state: &Value) {
        let field = |name: &str| state.get(name).cloned().unwrap_or(Value::Null);
        if !self.accounts.contains_key(&address)
            && let Ok(balance) = serde_json::from_value(field("balance"))
        {
            let code = serde_json::from_value(field("code")).unwrap_or_default();
            let code_hash = self.file_code(code);
            let nonce = state["nonce"].as_u64().unwrap_or(0);
            self.accounts.insert(address, Account { balance, nonce, code_hash });
        }
        for (slot, value) in state["storage"].as_object().into_iter().flatten() {
            if let (Ok(slot), Ok(value)) = (slot.parse(), serde_json::from_value(value.clone())) {
                self.slots.entry((address, slot)).or_insert(value);
            }
        }
    }
}

impl PreState for RemoteState<'_> {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let known = self.known().accounts.get(&address).cloned();
        let account = match known {
            Some(account) => account,
            None => {
                let account = self.fetch_account(address).map_err(|error| self.failed(error))?;
                self.known().accounts.insert(address, account.clone());
                account
            }
        };
        Ok(account.exists().then(|| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash.unwrap_or_default(),
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let known = self.known().slots.get(&(address, slot)).copied();
        if let Some(value) = known {
            return Ok(value);
        }
        let at = json!([address, format!("{slot:#x}"), self.at]);
        let value = self.client.get("eth_getStorageAt", &at).map_err(|error| self.failed(error))?;
        self.known().slots.insert((address, slot), value);
        Ok(value)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        let code = self.known().codes.get(&hash).cloned().ok_or(StateError::MissingCode(hash))?;
        Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let known = self.known().hashes.get(&number).copied();
        if let Some(hash) = known {
            return Ok(hash);
        }
        let block: Value = self
            .client
            .get("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]))
            .map_err(|error| self.failed(error))?;
        let hash = serde_json::from_value(block["hash"].clone()).map_err(|error| {
            let what = format!("the hash of block {number}: {error}");
            self.failed(RpcError::Malformed { method: "eth_getBlockByNumber".to_owned(), what })
        })?;
        self.known().hashes.insert(number, hash);
        Ok(hash)
    }
}
