//! A state that asks a node and remembers the answers.

use super::block::RpcBlock;
use super::client::{Client, RpcError};
use super::forks::has_empty_accounts;
use super::headers::Headers;
use super::proof::{self, Account, Proven};
use super::system;
use super::{ImportError, inconsistent};
use parallel_evm::{AccountInfo, Address, B256, Bytecode, Bytes, PreState, StateError, U256};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state in which a block's transactions begin, as its node tells it: that after the parent block, with what
/// the system calls at the block's start write.
pub struct RemoteState<'c> {
    client: &'c Client<'c>,
    /// The parent block, as parameter of requests.
    at: String,
    headers: Headers<'c>,
    /// Whether accounts may exist although they are empty.
    empty_accounts: bool,
    /// Slots that the system calls write.
    system: BTreeMap<(Address, U256), U256>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    accounts: BTreeMap<Address, Account>,
    slots: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytes>,
    hashes: BTreeMap<u64, B256>,
    failure: Option<ImportError>,
}

impl<'c> RemoteState<'c> {
    pub fn new(client: &'c Client<'c>, block: &RpcBlock, spec: &str) -> Self {
        Self {
            client,
            at: format!("{:#x}", block.number.saturating_sub(1)),
            headers: Headers::below(client, block.number, block.header.parent_hash),
            empty_accounts: has_empty_accounts(spec),
            system: system::writes(&block.header, block.number, block.timestamp, spec),
            known: Mutex::default(),
        }
    }

    /// What went wrong first, if anything did.
    pub fn take_failure(&self) -> Option<ImportError> {
        self.known().failure.take()
    }

    /// Asks the prestate tracer, which few nodes offer, for all at once; tells whether it answered. What it tells
    /// of an account or slot that appears for the first time is from before the block, except for the
    /// beneficiary, whom every transaction pays.
    pub fn prefetch(&self, block: &RpcBlock) -> bool {
        let options = json!([block.number_hex(), { "tracer": "prestateTracer" }]);
        let Ok(Value::Array(traces)) = self.client.call("debug_traceBlockByNumber", &options) else {
            return false;
        };
        let mut known = self.known();
        for (address, state) in traces.iter().filter_map(|trace| trace["result"].as_object()).flatten() {
            let Ok(address) = address.parse::<Address>() else { continue };
            if address != block.header.miner {
                known.learn(address, state, self.empty_accounts);
            }
        }
        true
    }

    /// Has the node prove all that was learnt against the parent's state root, if it can; what is proven replaces
    /// what was told. Returns whether all is proven.
    ///
    /// # Errors
    /// A proof proves something else, or nothing.
    pub fn prove(&self) -> Result<bool, ImportError> {
        let Some(root) = self.headers.parent_state_root()? else { return Ok(false) };
        let (accounts, slots) = {
            let known = self.known();
            (known.accounts.clone(), known.slots.clone())
        };
        for (address, told) in accounts {
            let of_account = slots.range((address, U256::ZERO)..=(address, U256::MAX));
            // What the system calls write is in no state; it was computed.
            let asked: Vec<U256> = of_account
                .map(|((_, slot), _)| *slot)
                .filter(|slot| !self.system.contains_key(&(address, *slot)))
                .collect();
            let Some(proven) = proof::ask(self.client, &self.at, root, address, &asked)? else {
                return Ok(false);
            };
            let Proven { account, slots } = proven;
            if account.code_hash != told.code_hash {
                let what = format!(
                    "the code of {address} hashes to {:?}, proven is {:?}",
                    told.code_hash, account.code_hash
                );
                return Err(inconsistent(what));
            }
            let mut known = self.known();
            known.accounts.insert(address, account);
            known.slots.extend(slots.into_iter().map(|(slot, value)| ((address, slot), value)));
        }
        Ok(true)
    }

    /// Adds what was learnt to a block file. Returns how many accounts and slots it holds.
    pub fn write_to(&self, file: &mut Value) -> (usize, usize) {
        let known = self.known();
        let mut accounts = Map::new();
        for (address, account) in known.accounts.iter().filter(|(_, account)| account.exists) {
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

    fn failed(&self, error: impl Into<ImportError>) -> StateError {
        let error = error.into();
        let message = error.to_string();
        self.known().failure.get_or_insert(error);
        StateError::Backend(message)
    }

    fn fetch_account(&self, address: Address) -> Result<Account, ImportError> {
        let at = json!([address, self.at]);
        let balance = self.client.get("eth_getBalance", &at)?;
        let nonce = self.client.quantity("eth_getTransactionCount", &at)?;
        let code: Bytes = self.client.get("eth_getCode", &at)?;
        let code_hash = self.known().file_code(code);
        let mut account = Account::new(balance, nonce, code_hash);
        if self.empty_accounts && !account.exists {
            // Whether it exists all the same, only a proof can tell; without one, few do.
            account.exists = match self.headers.parent_state_root()? {
                Some(root) => proof::ask(self.client, &self.at, root, address, &[])?
                    .is_some_and(|proven| proven.account.exists),
                None => false,
            };
        }
        Ok(account)
    }

    fn fetch_slot(&self, address: Address, slot: U256) -> Result<U256, RpcError> {
        match self.system.get(&(address, slot)) {
            Some(value) => Ok(*value),
            None => self.client.get("eth_getStorageAt", &json!([address, format!("{slot:#x}"), self.at])),
        }
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
    fn learn(&mut self, address: Address, state: &Value, empty_accounts: bool) {
        let field = |name: &str| state.get(name).cloned().unwrap_or(Value::Null);
        if !self.accounts.contains_key(&address)
            && let Ok(balance) = serde_json::from_value(field("balance"))
        {
            let code = serde_json::from_value(field("code")).unwrap_or_default();
            let code_hash = self.file_code(code);
            let account = Account::new(balance, state["nonce"].as_u64().unwrap_or(0), code_hash);
            // Whether an empty one exists, a trace does not tell.
            if account.exists || !empty_accounts {
                self.accounts.insert(address, account);
            }
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
        Ok(account.exists.then(|| AccountInfo {
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
        let value = self.fetch_slot(address, slot).map_err(|error| self.failed(error))?;
        self.known().slots.insert((address, slot), value);
        Ok(value)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        let code = self.known().codes.get(&hash).cloned().ok_or(StateError::MissingCode(hash))?;
        Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let hash = self.headers.hash_of(number).map_err(|error| self.failed(error))?;
        self.known().hashes.insert(number, hash);
        Ok(hash)
    }
}
