//! Blobs and other parties' transactions on a chain of slots: offered, fetched, included, paid for.
//!
//! **Captures.** Whoever wants a transaction in a block tells the proposers of coming slots what it pays and
//! carries: an announcement of [`OFFER_BYTES`] each over the network. The proposer asks for the bodies of the best
//! it could include, as EIP-4844 has it: blobs are announced and fetched, never pushed. At the start of its slot
//! it includes the best payers by tip whose bodies are there, that cover the base fee and the price of blob gas,
//! that no block on its branch holds, up to the most blobs and half the block's gas; users get the rest. The
//! block's blobs spread over the gossip network beside it ([`BlobPlan::gossip_bytes`]), and a node executes a block
//! only when it has them. Excess and price of blob gas follow the chain's own branch, exactly.
//!
//! **Leaves out.** Execution of these transactions (their gas counts); proposers that fetch for others; the
//! work of checking proofs. A node that was down takes the blobs it missed as given. In the decomposition of time,
//! waiting for blobs is a protocol wait: which wires it went to is not told.
//!
//! **Parameters.** [`BlobPlan`]. **Source.** EIP-4844 (networking: blob transactions are announced by hash, then
//! requested), EIP-7594. **Checked against** the bound, price and inclusion tests in `tests/rollup_fleet.rs`.

use super::Slots;
use crate::chain::blob::BlobPlan;
use crate::chain::offer::{Offer, OfferId};
use crate::chain::tree::BlockIx;
use crate::consensus::Host;
use crate::consensus::ledger::GENESIS;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use crate::net::items::Slot;
use crate::net::message::{CONTROL_BYTES, MessageKind};
use crate::workload::Draft;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An offer in an announcement or request, bytes: hash, size, type and fees.
pub const OFFER_BYTES: u64 = 56;

/// What a block holds of others' transactions, and its price of blob gas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The transactions, in order.
    pub offers: Vec<Offer>,
    /// Blobs.
    pub blobs: u32,
    /// Excess blob gas.
    pub excess: u64,
    /// Price of blob gas, wei.
    pub blob_fee_wei: u128,
    /// Offers whose bodies were there and that covered the prices.
    pub eligible: u32,
    /// Item of the blobs on the network, with its generation.
    item: Option<(Slot, u32)>,
}

impl Contents {
    /// Gas of the transactions.
    pub fn gas(&self) -> u64 {
        self.offers.iter().map(|offer| offer.gas).sum()
    }

    /// Adds the transactions to a draft made for the gas they leave.
    pub(super) fn add_to(&self, draft: &mut Draft, gas_limit: u64) {
        let header = &mut draft.block.header;
        header.gas_limit = gas_limit;
        header.gas_used += self.gas();
        draft.block.size_bytes += self.offers.iter().map(|offer| offer.bytes).sum::<u64>();
        draft.transactions += self.offers.len() as u32;
        if let Some(after) = &mut draft.after {
            after.used.gas_limit = gas_limit;
            after.used.gas += self.gas();
        }
    }
}

/// A block with others' transactions was executed by a node, or became final for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The node.
    pub node: NodeId,
    /// The block.
    pub block: BlockIx,
    /// It is final.
    pub is_final: bool,
}

/// An offer as the proposer of a slot knows it.
#[derive(Clone, Copy, Debug)]
struct Known {
    offer: Offer,
    /// The sender's head when it offered: no block up to it holds the transaction.
    head: BlockIx,
    asked: bool,
    here: bool,
}

#[derive(Clone, Debug)]
enum Letter {
    Announcement { slot: u32, head: BlockIx, offers: Vec<Offer> },
    Request { slot: u32, offers: Vec<Offer> },
    Body { slot: u32, id: OfferId },
}

/// Offers, letters and contents of one chain.
#[derive(Clone, Debug)]
pub struct Offers {
    /// The blob rules.
    pub plan: BlobPlan,
    letters: Vec<Letter>,
    /// By slot, what its proposer knows.
    inboxes: BTreeMap<u32, BTreeMap<OfferId, Known>>,
    contents: BTreeMap<BlockIx, Contents>,
    notices: Vec<Notice>,
    /// When the blobs were complete at nodes that had the block and waited for them, ns; of open blocks.
    awaited: BTreeMap<(BlockIx, NodeId), u64>,
}

impl Offers {
    /// Nothing offered yet.
    pub fn new(plan: BlobPlan) -> Self {
        let (excess, blob_fee_wei) = (plan.initial_excess, plan.market.fee_wei(plan.initial_excess));
        let genesis = Contents { excess, blob_fee_wei, ..Contents::default() };
        Self {
            plan,
            letters: Vec::new(),
            inboxes: BTreeMap::new(),
            contents: BTreeMap::from([(GENESIS, genesis)]),
            notices: Vec::new(),
            awaited: BTreeMap::new(),
        }
    }

    /// What a block holds.
    pub fn contents(&self, ix: BlockIx) -> &Contents {
        &self.contents[&ix]
    }

    /// The best offers that fit into a block: by tip, then by identity.
    fn best(
        &self,
        base_fee_wei: u64,
        blob_fee_wei: u128,
        gas_limit: u64,
        offers: impl Iterator<Item = Offer>,
    ) -> (Vec<Offer>, u32) {
        let priced = offers.filter_map(|o| Some((Reverse(o.tip_at(base_fee_wei, blob_fee_wei)?), o.id, o)));
        let mut priced: Vec<_> = priced.collect();
        priced.sort_unstable_by_key(|(tip, id, _)| (*tip, *id));
        let eligible = priced.len() as u32;
        let (mut blobs, mut gas) = (0, 0);
        let fits = |(_, _, offer): &(_, OfferId, Offer)| {
            let fits = blobs + offer.blobs <= self.plan.max_blobs()
                && u64::from(offer.blobs) <= self.plan.market.max_blobs_per_tx
                && gas + offer.gas <= gas_limit / 2;
            if fits {
                blobs += offer.blobs;
                gas += offer.gas;
            }
            fits
        };
        (priced.into_iter().filter(fits).map(|(_, _, offer)| offer).collect(), eligible)
    }
}

impl Slots {
    /// Prices a block on `parent` would have: (base fee, price of blob gas), wei; `None` where the chain takes no
    /// offers.
    pub fn next_prices(&self, parent: BlockIx) -> Option<(u64, u128)> {
        let offers = self.offers.as_ref()?;
        let header = &self.ledger.get(parent).block.header;
        let base_fee =
            crate::chain::fee_market::next_base_fee(header.base_fee_wei, header.gas_used, header.gas_limit);
        let before = offers.contents(parent);
        let excess = offers.plan.next_excess(before.excess, before.blobs, header.base_fee_wei);
        Some((base_fee, offers.plan.market.fee_wei(excess)))
    }

    /// A node offers transactions to the proposer of a slot. None of them is in a block up to the node's head.
    pub fn announce<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        slot: u32,
        offers: Vec<Offer>,
    ) {
        if offers.is_empty() || slot == 0 || slot > self.last_slot {
            return;
        }
        let head = self.head(node);
        let to = self.schedule.proposer(slot);
        let bytes = CONTROL_BYTES + OFFER_BYTES * offers.len() as u64;
        self.write(host, now, (node, to), Letter::Announcement { slot, head, offers }, bytes);
    }

    fn write<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        (from, to): (NodeId, NodeId),
        letter: Letter,
        bytes: u64,
    ) {
        let Some(offers) = &mut self.offers else { return };
        let round = match &letter {
            Letter::Announcement { slot, .. } | Letter::Request { slot, .. } => {
                now.time.0 ^ u64::from(*slot) << 20
            }
            Letter::Body { id, .. } => id.1 << 20 ^ u64::from(id.2),
        };
        let number = offers.letters.len() as u32;
        offers.letters.push(letter);
        if from == to {
            self.on_letter(host, now, to, number);
        } else {
            host.fabric.send_direct(now, from, to, MessageKind::Blob, bytes, self.chain, number, round);
        }
    }

    /// A message about offers is complete at a node.
    pub fn on_letter<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        number: u32,
    ) {
        let Some(market) = &mut self.offers else { return };
        let empty = Letter::Body { slot: 0, id: (0, 0, 0) };
        match std::mem::replace(&mut market.letters[number as usize], empty) {
            Letter::Announcement { slot, head, offers } => {
                // Too late: the block is made.
                if u64::from(slot) * self.plan.slot_ns <= now.time.0 {
                    return;
                }
                let inbox = market.inboxes.entry(slot).or_default();
                for offer in offers {
                    let here = offer.host == node;
                    let known = inbox.entry(offer.id).or_insert(Known { offer, head, asked: here, here });
                    (known.offer, known.head) = (offer, head);
                }
                self.request(host, now, node, slot);
            }
            Letter::Request { slot, offers } => {
                let sidecars: Vec<u64> =
                    offers.iter().map(|o| o.bytes + market.plan.sidecar_bytes(o.blobs)).collect();
                let to = self.schedule.proposer(slot);
                for (offer, bytes) in offers.into_iter().zip(sidecars) {
                    self.write(host, now, (node, to), Letter::Body { slot, id: offer.id }, bytes);
                }
            }
            Letter::Body { slot, id } => {
                if let Some(known) = market.inboxes.get_mut(&slot).and_then(|inbox| inbox.get_mut(&id)) {
                    known.here = true;
                }
            }
        }
    }

    /// The proposer of a slot asks for what it would include now and does not have.
    fn request<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId, slot: u32) {
        let head = self.head(node);
        let Some((base_fee, blob_fee)) = self.next_prices(head) else { return };
        let Some(market) = &mut self.offers else { return };
        let known = market.inboxes[&slot].values().map(|known| known.offer);
        let (wanted, _) = market.best(base_fee, blob_fee, self.gas_limit, known);
        let inbox = market.inboxes.get_mut(&slot).expect("just read");
        let mut by_host: BTreeMap<NodeId, Vec<Offer>> = BTreeMap::new();
        for offer in wanted {
            let known = inbox.get_mut(&offer.id).expect("taken from it");
            if !known.asked {
                known.asked = true;
                by_host.entry(offer.host).or_default().push(offer);
            }
        }
        for (holder, offers) in by_host {
            let bytes = CONTROL_BYTES + OFFER_BYTES * offers.len() as u64;
            self.write(host, now, (node, holder), Letter::Request { slot, offers }, bytes);
        }
    }

    /// What the block of a slot on `parent` holds of offers; `None` where the chain takes none.
    pub(super) fn choose_offers(&mut self, slot: u32, parent: BlockIx) -> Option<Contents> {
        let (base_fee, blob_fee_wei) = self.next_prices(parent)?;
        let header_base_fee = self.ledger.get(parent).block.header.base_fee_wei;
        let market = self.offers.as_mut()?;
        let inbox = market.inboxes.remove(&slot).unwrap_or_default();
        market.inboxes = market.inboxes.split_off(&slot);
        let before = &market.contents[&parent];
        let excess = market.plan.next_excess(before.excess, before.blobs, header_base_fee);
        let tree = &self.ledger.tree;
        let is_new = |known: &&Known| {
            let fork = tree.common_ancestor(parent, known.head);
            let mut above = tree.ancestors(parent).take_while(|ix| *ix != fork);
            !above.any(|ix| market.contents[&ix].offers.iter().any(|o| o.id == known.offer.id))
        };
        let here = inbox.values().filter(|known| known.here).filter(is_new).map(|known| known.offer);
        let (offers, eligible) = market.best(base_fee, blob_fee_wei, self.gas_limit, here);
        let blobs = offers.iter().map(|offer| offer.blobs).sum();
        Some(Contents { offers, blobs, excess, blob_fee_wei, eligible, item: None })
    }

    /// The block was given a handle.
    pub(super) fn keep_contents(&mut self, ix: BlockIx, contents: Option<Contents>) {
        if let (Some(market), Some(contents)) = (&mut self.offers, contents) {
            market.contents.insert(ix, contents);
        }
    }

    /// The blobs of a block go out beside it.
    pub(super) fn publish_blobs<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
    ) {
        let Some(blobs) = self.offers.as_ref().map(|m| m.contents(ix).blobs).filter(|n| *n > 0) else {
            return;
        };
        let sequence = self.next_item(node);
        let Some(market) = &mut self.offers else { return };
        let bytes = market.plan.gossip_bytes(blobs);
        let kind = MessageKind::Blob;
        let item = host.fabric.create_item(now, node, sequence, kind, self.chain, ix.0, bytes, false);
        let contents = market.contents.get_mut(&ix).expect("kept when it was built");
        contents.item = Some((item, host.fabric.item(item).generation));
        host.publish(now, node, item);
    }

    /// A block's blobs are complete at a node: it may have waited for them.
    pub(super) fn on_blobs<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        ix: BlockIx,
    ) {
        let parent = self.ledger.tree.parent(ix).expect("a proposed block has a parent");
        let waiting = &mut self.nodes[node.index()].waiting;
        let Some(place) = waiting.iter().position(|w| *w == ix) else { return };
        if let Some(market) = &mut self.offers {
            market.awaited.insert((ix, node), now.time.0);
        }
        if self.ledger.is_verified(parent, node) {
            waiting.remove(place);
            self.execute(host, now, node, ix);
        }
    }

    /// When the blobs of an open block were complete at a node that waited for them, ns.
    pub fn blobs_awaited_until(&self, ix: BlockIx, node: NodeId) -> Option<u64> {
        self.offers.as_ref()?.awaited.get(&(ix, node)).copied()
    }

    /// Nothing more happens to a block: nobody asks any more how long its blobs were awaited.
    pub(super) fn forget_waits(&mut self, ix: BlockIx) {
        if let Some(market) = &mut self.offers {
            let later = market.awaited.split_off(&(ix, NodeId(0)));
            let after = (ix, NodeId(u32::MAX));
            market.awaited.extend(later.into_iter().filter(|(key, _)| *key > after));
        }
    }

    /// Whether a node has a block's blobs, if it holds any.
    pub(super) fn has_blobs(&self, fabric: &Fabric, node: NodeId, ix: BlockIx) -> bool {
        let Some((item, generation)) = self.offers.as_ref().and_then(|m| m.contents(ix).item) else {
            // None, or not published yet: then the block is not out either.
            return true;
        };
        // An item that was forgotten is one that everybody has.
        !fabric.items().is_current(item, generation)
            || fabric.has(node, item)
            || self.is_fetched(ix, node)
            || fabric.was_down(node)
    }

    /// Notes what a node has come to know of a block, for those whose transactions it holds.
    pub(super) fn notice(&mut self, node: NodeId, block: BlockIx, is_final: bool) {
        if let Some(market) = &mut self.offers
            && market.contents.get(&block).is_some_and(|c| !c.offers.is_empty())
        {
            market.notices.push(Notice { node, block, is_final });
        }
    }

    /// Takes the notices of the last event.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        match &mut self.offers {
            Some(market) if !market.notices.is_empty() => std::mem::take(&mut market.notices),
            _ => Vec::new(),
        }
    }
}
