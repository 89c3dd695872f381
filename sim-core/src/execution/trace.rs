//! What an executed block did, in the form schedules need: locations as small numbers, only conflicts in full.
//!
//! **Captures** for each transaction its work, how much it reads and writes, and every access to a location
//! that two transactions of the block share, one of them writing. **Leaves out** accesses that cannot
//! conflict (only counted); nonces of senders, which are known from the transactions before anything
//! executes. The beneficiary's fee is commutative and absent already in the executor's reports.
//! **Parameters** none. **Source** the reports of `parallel-evm`. **Checked against** hand-made reports below.

use super::profile::Rates;
use super::virtual_cores::{BlockWork, TxWork};
use parallel_evm::{Address, Location, TxReport, WorkVector};
use std::collections::BTreeMap;

/// One transaction of a [`BlockTrace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxTrace {
    /// All its work.
    pub work: WorkVector,
    /// Gas used.
    pub gas_used: u64,
    /// Reads of shared locations, with the work done before the first read.
    pub reads: Vec<(u32, WorkVector)>,
    /// Writes of shared locations.
    pub writes: Vec<u32>,
    /// Reads of locations that nobody else writes.
    pub private_reads: u32,
    /// Writes of locations that nobody else touches.
    pub private_writes: u32,
}

/// What an executed block did. A property of block and pre-state, not of host or engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockTrace {
    /// The transactions in block order.
    pub transactions: Vec<TxTrace>,
    /// Number of shared locations; numbers follow the locations' order.
    pub locations: u32,
    /// Changed accounts and slots: what a state root has to visit.
    pub touched_keys: u64,
}

impl BlockTrace {
    /// Digests an executor's reports. `senders` are the transactions' senders, in block order.
    pub fn new(reports: &[TxReport], senders: &[Address], touched_keys: u64) -> Self {
        assert_eq!(reports.len(), senders.len(), "one report a transaction");
        let relevant = |location: &Location, tx: usize| *location != Location::Nonce(senders[tx]);
        // By location: readers and writers that are different transactions?
        let mut uses: BTreeMap<Location, Use> = BTreeMap::new();
        for (tx, report) in reports.iter().enumerate() {
            for write in report.writes.iter().filter(|write| relevant(write, tx)) {
                uses.entry(*write).or_default().add(tx as u32);
            }
        }
        for (tx, report) in reports.iter().enumerate() {
            for read in &report.reads {
                if let Some(found) = uses.get_mut(&read.location) {
                    found.add(tx as u32);
                }
            }
        }
        uses.retain(|_, found| found.shared);
        for (number, found) in uses.values_mut().enumerate() {
            found.number = number as u32;
        }
        let number = |location: &Location| uses.get(location).map(|found| found.number);
        let transactions = reports.iter().enumerate().map(|(tx, report)| {
            let reads: Vec<(u32, WorkVector)> = report
                .reads
                .iter()
                .filter(|read| relevant(&read.location, tx))
                .filter_map(|read| Some((number(&read.location)?, read.prefix)))
                .collect();
            let writes: Vec<u32> =
                report.writes.iter().filter(|write| relevant(write, tx)).filter_map(&number).collect();
            TxTrace {
                work: report.work,
                gas_used: report.gas_used,
                private_reads: (report.reads.len() - reads.len()) as u32,
                private_writes: (report.writes.len() - writes.len()) as u32,
                reads,
                writes,
            }
        });
        Self { transactions: transactions.collect(), locations: uses.len() as u32, touched_keys }
    }

    /// Prices the trace.
    pub fn work(&self, rates: &Rates) -> BlockWork {
        let transactions = self.transactions.iter().map(|tx| TxWork {
            duration_ps: rates.work_ps(&tx.work),
            reads: tx.reads.iter().map(|(location, prefix)| (*location, rates.work_ps(prefix))).collect(),
            writes: tx.writes.clone(),
            private_reads: tx.private_reads,
            private_writes: tx.private_writes,
        });
        BlockWork { transactions: transactions.collect(), locations: self.locations }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    first: Option<u32>,
    shared: bool,
    number: u32,
}

impl Use {
    /// Notes a use. Writers come first, so a location is shared once a second transaction appears.
    fn add(&mut self, tx: u32) {
        match self.first {
            None => self.first = Some(tx),
            Some(first) => self.shared |= first != tx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallel_evm::{Access, U256, WorkClass};

    fn account(n: u8) -> Address {
        Address::repeat_byte(n)
    }

    fn slot(n: u64) -> Location {
        Location::Slot(account(9), U256::from(n))
    }

    /// A report whose k-th read comes after k cheap opcodes.
    fn report(reads: &[Location], writes: &[Location]) -> TxReport {
        let work = |units| {
            let mut work = WorkVector::ZERO;
            work.add(WorkClass::Simple, units);
            work
        };
        let reads =
            reads.iter().zip(1..).map(|(location, k)| Access { location: *location, prefix: work(k) });
        let (reads, writes) = (reads.collect(), writes.to_vec());
        TxReport { gas_used: 21_000, work: work(10), reads, writes, balances: Vec::new() }
    }

    #[test]
    fn only_what_two_transactions_share_is_kept() {
        let reports = [
            // Writes slot 1; reads and writes slot 2, which nobody else touches; reads slot 3, nobody writes it.
            report(&[slot(2), slot(3)], &[slot(1), slot(2)]),
            report(&[slot(1), slot(3)], &[]),
        ];
        let trace = BlockTrace::new(&reports, &[account(1), account(2)], 5);
        assert_eq!((trace.locations, trace.touched_keys), (1, 5));
        let [first, second] = &trace.transactions[..] else { panic!("two transactions") };
        assert_eq!((first.reads.len(), first.writes.as_slice()), (0, &[0][..]));
        assert_eq!((first.private_reads, first.private_writes), (2, 1));
        assert_eq!(second.reads, [(0, reports[1].reads[0].prefix)]);
        assert_eq!((second.private_reads, second.private_writes), (1, 0));
    }

    #[test]
    fn nonces_of_senders_are_known_before_anything_executes() {
        let nonce = |n| Location::Nonce(account(n));
        let reports = [
            report(&[], &[nonce(1)]),
            // Same sender, and one that looks at the first sender's nonce.
            report(&[], &[nonce(1)]),
            report(&[nonce(1)], &[nonce(2)]),
        ];
        let trace = BlockTrace::new(&reports, &[account(1), account(1), account(2)], 0);
        assert_eq!(trace.locations, 0);
        assert!(trace.transactions.iter().all(|tx| tx.reads.is_empty() && tx.writes.is_empty()));
        // A contract's nonce is another matter.
        let reports = [report(&[], &[nonce(9)]), report(&[nonce(9)], &[nonce(9)])];
        let trace = BlockTrace::new(&reports, &[account(1), account(2)], 0);
        assert_eq!((trace.locations, trace.transactions[1].reads.len()), (1, 1));
    }

    #[test]
    fn locations_are_numbered_in_their_own_order() {
        let reports = [report(&[], &[slot(5), slot(8)]), report(&[slot(5), slot(8)], &[])];
        let backwards = [report(&[], &[slot(8), slot(5)]), report(&[slot(5), slot(8)], &[])];
        let senders = [account(1), account(2)];
        assert_eq!(BlockTrace::new(&reports, &senders, 0).transactions[0].writes, [0, 1]);
        assert_eq!(BlockTrace::new(&backwards, &senders, 0).transactions[0].writes, [1, 0]);
    }
}
