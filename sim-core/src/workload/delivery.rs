//! How transactions get from the RPC nodes that took them to the proposers that may include them.
//!
//! **Captures.** `Gossip`: a bundle is an item like any other and reaches every node. `Leaders`: a bundle goes
//! straight to the proposers of the next slots (their schedule is public); at the start of every slot an RPC
//! node also sends the proposer `ahead` slots later what it took earlier, is not in a block on the branch of
//! its head, and could still be included at that head's base fee (nonces in order), best payers first, up to
//! twice its share of a block's gas. So a proposer has the best of everything except the last moments, and
//! what was only in a block that lost is sent again.
//!
//! **Leaves out.** Acknowledgements: what a proposer has already is sent to it again.
//!
//! **Source.** Direct forwarding to leaders is what Solana's and Monad's RPC nodes do; gossip of every
//! transaction to everybody is what Ethereum's do.

use crate::chain::mempool::TxIx;
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use crate::net::items::Slot;
use std::collections::BTreeMap;

/// Transactions sent together.
#[derive(Clone, Debug)]
enum Bundle {
    /// Gossiped: known where the item is. A forgotten item is one that everybody has.
    Item { slot: Slot, generation: u32 },
    /// Sent to proposers: known to those it has reached.
    Letter(Vec<TxIx>),
}

/// Bundles under way and what has reached whom.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    bundles: Vec<Bundle>,
    /// (slot, bundle) of every letter sent.
    letters: Vec<(u32, u32)>,
    /// By slot: bundles that have reached its proposer.
    inboxes: BTreeMap<u32, Vec<u32>>,
}

impl Deliveries {
    /// The number the next bundle will have.
    pub fn next(&self) -> u32 {
        self.bundles.len() as u32
    }

    /// Notes a gossiped bundle.
    pub fn gossiped(&mut self, slot: Slot, generation: u32) {
        self.bundles.push(Bundle::Item { slot, generation });
    }

    /// Notes a bundle for proposers.
    pub fn written(&mut self, transactions: Vec<TxIx>) -> u32 {
        self.bundles.push(Bundle::Letter(transactions));
        self.next() - 1
    }

    /// A bundle is sent to the proposer of a slot: the letter's number.
    pub fn post(&mut self, slot: u32, bundle: u32) -> u32 {
        self.letters.push((slot, bundle));
        self.letters.len() as u32 - 1
    }

    /// A letter has arrived.
    pub fn arrived(&mut self, letter: u32) {
        let (slot, bundle) = self.letters[letter as usize];
        self.inboxes.entry(slot).or_default().push(bundle);
    }

    /// What the proposer of a slot can see: a test for a transaction and the bundle it first went out in.
    /// `count` is the number of transactions there are.
    pub fn open<'a>(
        &'a mut self,
        slot: u32,
        proposer: NodeId,
        count: usize,
        fabric: &'a Fabric,
    ) -> impl Fn(TxIx, u32) -> bool + 'a {
        let inbox = self.inboxes.remove(&slot).unwrap_or_default();
        // Older inboxes belong to slots that are over.
        self.inboxes = self.inboxes.split_off(&slot);
        let mut received = vec![false; count];
        for bundle in inbox {
            if let Bundle::Letter(transactions) = &self.bundles[bundle as usize] {
                transactions.iter().for_each(|ix| received[ix.index()] = true);
            }
        }
        let bundles = &self.bundles;
        move |ix, bundle| match bundles[bundle as usize] {
            Bundle::Letter(_) => received[ix.index()],
            Bundle::Item { slot, generation } => {
                !fabric.items().is_current(slot, generation) || fabric.has(proposer, slot)
            }
        }
    }
}
