//! Executed blocks on disk, by content, so that processes share them.
//!
//! **Captures** what an execution leaves for later blocks and for timing: receipts, gas, state changes and the
//! trace. **Leaves out** what real threads did. **Parameters** the folder. **Source** none: a private format of
//! little-endian numbers and lengths, sealed by a hash, named by the block's content key and meant for one
//! version of the engine only. **Checked against** executing again (`tests/execution_blocks.rs`).
//!
//! What is unreadable, damaged or cannot be written is as if it were not there: a result never depends on it.

use super::trace::{BlockTrace, TxTrace};
use alloy_primitives::{LogData, keccak256};
use parallel_evm::{
    AccountChange, AccountDelta, AccountFields, Address, B256, BlockOutput, Bytecode, Bytes, Diagnostics,
    Log, Receipt, SpecId, StateDelta, U256, WorkClass, WorkVector,
};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of executed blocks.
#[derive(Debug)]
pub struct BlockFolder {
    dir: PathBuf,
    written: AtomicU64,
}

impl BlockFolder {
    /// A folder; made when the first block is written.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, written: AtomicU64::new(0) }
    }

    fn path(&self, key: &B256) -> PathBuf {
        let name = format!("{key:x}");
        self.dir.join(&name[..2]).join(name)
    }

    /// The execution of the block with this content key.
    pub fn read(&self, key: &B256, spec: SpecId) -> Option<(BlockOutput, BlockTrace)> {
        let bytes = fs::read(self.path(key)).ok()?;
        let (seal, body) = bytes.split_at_checked(32)?;
        (keccak256(body).as_slice() == seal).then_some(())?;
        let mut reader = Reader(body);
        let output = reader.output(spec)?;
        let trace = reader.trace()?;
        reader.0.is_empty().then_some((output, trace))
    }

    /// Keeps an execution, under a temporary name first.
    pub fn write(&self, key: &B256, output: &BlockOutput, trace: &BlockTrace) {
        let path = self.path(key);
        let mut writer = Writer(vec![0; 32]);
        writer.output(output);
        writer.trace(trace);
        let seal = keccak256(&writer.0[32..]);
        writer.0[..32].copy_from_slice(seal.as_slice());
        let n = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{n}", std::process::id()));
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        if made
            .and_then(|()| fs::write(&temporary, &writer.0))
            .and_then(|()| fs::rename(&temporary, &path))
            .is_err()
        {
            let _ = fs::remove_file(&temporary);
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn word(&mut self, value: U256) {
        self.fixed(&value.to_le_bytes::<32>());
    }

    fn output(&mut self, output: &BlockOutput) {
        self.u64(output.gas_used);
        self.u64(output.receipts.len() as u64);
        output.receipts.iter().for_each(|receipt| self.receipt(receipt));
        self.u64(output.state.accounts.len() as u64);
        for (address, change) in &output.state.accounts {
            self.fixed(address.as_slice());
            match change.info {
                AccountChange::Unchanged => self.u64(0),
                AccountChange::Deleted => self.u64(1),
                AccountChange::Updated(fields) => {
                    self.u64(2);
                    self.u64(fields.nonce);
                    self.word(fields.balance);
                    self.fixed(fields.code_hash.as_slice());
                }
            }
            self.u64(u64::from(change.storage_cleared));
            self.u64(change.storage.len() as u64);
            for (slot, value) in &change.storage {
                self.word(*slot);
                self.word(*value);
            }
        }
        self.u64(output.state.codes.len() as u64);
        for (hash, code) in &output.state.codes {
            self.fixed(hash.as_slice());
            self.bytes(&code.original_bytes());
        }
    }

    fn receipt(&mut self, receipt: &Receipt) {
        self.u64(u64::from(receipt.tx_type));
        self.u64(u64::from(receipt.success));
        self.u64(receipt.cumulative_gas_used);
        self.u64(receipt.gas_used);
        self.u64(receipt.logs.len() as u64);
        for log in &receipt.logs {
            self.fixed(log.address.as_slice());
            self.u64(log.data.topics().len() as u64);
            log.data.topics().iter().for_each(|topic| self.fixed(topic.as_slice()));
            self.bytes(&log.data.data);
        }
        self.u64(u64::from(receipt.contract_address.is_some()));
        self.fixed(receipt.contract_address.unwrap_or_default().as_slice());
        self.bytes(&receipt.output);
    }

    /// Only classes that were used: most are not.
    fn work(&mut self, work: &WorkVector) {
        let used = work.counts().iter().enumerate().filter(|(_, units)| **units > 0);
        self.0.push(used.clone().count() as u8);
        for (class, units) in used {
            self.0.push(class as u8);
            self.fixed(&units.to_le_bytes());
        }
    }

    fn trace(&mut self, trace: &BlockTrace) {
        self.u64(u64::from(trace.locations));
        self.u64(trace.touched_keys);
        self.u64(trace.transactions.len() as u64);
        for tx in &trace.transactions {
            self.work(&tx.work);
            self.u64(tx.gas_used);
            self.u64(tx.reads.len() as u64);
            for (location, prefix) in &tx.reads {
                self.fixed(&location.to_le_bytes());
                self.work(prefix);
            }
            self.u64(tx.writes.len() as u64);
            tx.writes.iter().for_each(|location| self.fixed(&location.to_le_bytes()));
            self.u64(u64::from(tx.private_reads));
            self.u64(u64::from(tx.private_writes));
        }
    }
}

/// What is left to read; every step is `None` where bytes are missing or make no sense.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.u64()?).ok()
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.u64()? != 0)
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let length = self.small()?;
        Some(Bytes::copy_from_slice(self.take(length)?))
    }

    fn word(&mut self) -> Option<U256> {
        Some(U256::from_le_slice(self.take(32)?))
    }

    fn hash(&mut self) -> Option<B256> {
        Some(B256::from_slice(self.take(32)?))
    }

    fn address(&mut self) -> Option<Address> {
        Some(Address::from_slice(self.take(20)?))
    }

    /// As many things as a count before them says.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count: usize = self.small()?;
        // Nothing is smaller than a byte: a false count cannot reserve more than there is.
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn output(&mut self, spec: SpecId) -> Option<BlockOutput> {
        let gas_used = self.u64()?;
        let receipts = self.list(Self::receipt)?;
        let accounts = self.list(|r| Some((r.address()?, r.account()?)))?;
        let codes = self.list(|r| Some((r.hash()?, Bytecode::new_raw_checked(r.bytes()?).ok()?)))?;
        let state =
            StateDelta { accounts: accounts.into_iter().collect(), codes: codes.into_iter().collect() };
        let diagnostics = Diagnostics::default();
        Some(BlockOutput { spec, receipts, gas_used, state, transactions: Vec::new(), diagnostics })
    }

    fn account(&mut self) -> Option<AccountDelta> {
        let info = match self.u64()? {
            0 => AccountChange::Unchanged,
            1 => AccountChange::Deleted,
            2 => AccountChange::Updated(AccountFields {
                nonce: self.u64()?,
                balance: self.word()?,
                code_hash: self.hash()?,
            }),
            _ => return None,
        };
        let storage_cleared = self.flag()?;
        let storage = self.list(|r| Some((r.word()?, r.word()?)))?.into_iter().collect();
        Some(AccountDelta { info, storage_cleared, storage })
    }

    fn receipt(&mut self) -> Option<Receipt> {
        Some(Receipt {
            tx_type: self.small()?,
            success: self.flag()?,
            cumulative_gas_used: self.u64()?,
            gas_used: self.u64()?,
            logs: self.list(|r| {
                let address = r.address()?;
                let topics = r.list(Self::hash)?;
                Some(Log { address, data: LogData::new(topics, r.bytes()?)? })
            })?,
            contract_address: {
                let created = self.flag()?;
                Some(self.address()?).filter(|_| created)
            },
            output: self.bytes()?,
        })
    }

    fn work(&mut self) -> Option<WorkVector> {
        let mut work = WorkVector::ZERO;
        for _ in 0..self.take(1)?[0] {
            let class = *WorkClass::ALL.get(usize::from(self.take(1)?[0]))?;
            work.add(class, self.u32()?);
        }
        Some(work)
    }

    fn trace(&mut self) -> Option<BlockTrace> {
        let (locations, touched_keys) = (self.small()?, self.u64()?);
        let transactions = self.list(|r| {
            Some(TxTrace {
                work: r.work()?,
                gas_used: r.u64()?,
                reads: r.list(|r| Some((r.u32()?, r.work()?)))?,
                writes: r.list(Self::u32)?,
                private_reads: r.small()?,
                private_writes: r.small()?,
            })
        })?;
        Some(BlockTrace { transactions, locations, touched_keys })
    }
}
