//! The headers below a block, each proven by the hash that the one above it names.

use super::client::Client;
use super::header::Header;
use super::{ImportError, inconsistent};
use parallel_evm::B256;
use serde_json::json;
use std::sync::{Mutex, PoisonError};

/// The chain below a block, fetched downwards as far as somebody asks.
pub struct Headers<'c> {
    client: &'c Client<'c>,
    /// The number of the block above.
    above: u64,
    known: Mutex<Known>,
}

struct Known {
    /// Hashes of the blocks below, the parent's first.
    hashes: Vec<B256>,
    /// What the parent's header says of its state, if the node gives the header.
    state_root: Option<Option<B256>>,
}

impl<'c> Headers<'c> {
    pub fn below(client: &'c Client<'c>, above: u64, parent_hash: B256) -> Self {
        let known = Known { hashes: vec![parent_hash], state_root: None };
        Self { client, above, known: Mutex::new(known) }
    }

    /// The hash of an earlier block.
    ///
    /// # Errors
    /// The node does not give a header in between, or gives one that does not belong there.
    pub fn hash_of(&self, number: u64) -> Result<B256, ImportError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let depth = (self.above.saturating_sub(number) as usize).max(1);
        while known.hashes.len() < depth {
            let lowest = self.above - known.hashes.len() as u64;
            let expected = known.hashes[known.hashes.len() - 1];
            let Some(header) = self.fetch(lowest, expected)? else {
                let what = format!(
                    "a transaction needs the hash of block {number}, but the node has no block {lowest}"
                );
                return Err(inconsistent(what));
            };
            known.hashes.push(header.parent_hash);
        }
        Ok(known.hashes[depth - 1])
    }

    /// The root of the state after the parent, if the node gives the parent's header.
    ///
    /// # Errors
    /// It gives another.
    pub fn parent_state_root(&self) -> Result<Option<B256>, ImportError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = known.state_root {
            return Ok(root);
        }
        let root = self.fetch(self.above - 1, known.hashes[0])?.map(|header| header.state_root);
        known.state_root = Some(root);
        Ok(root)
    }

    fn fetch(&self, number: u64, expected: B256) -> Result<Option<Header>, ImportError> {
        let params = json!([format!("{number:#x}"), false]);
        let Some(header) = self.client.offered::<Header>("eth_getBlockByNumber", &params)? else {
            return Ok(None);
        };
        header.check().map_err(inconsistent)?;
        if header.hash != expected {
            let what = format!("block {number} has hash {}, its child names {expected}", header.hash);
            return Err(inconsistent(what));
        }
        Ok(Some(header))
    }
}
