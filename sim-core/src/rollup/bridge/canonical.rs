//! The canonical bridge: through the L1, on nobody's word.
//!
//! **Captures.** Tokens that leave wait for the batch with their transaction to be posted, and for its proof or assertion to be final
//! on the L1 at the source's node, and for the window after it. Then that node claims all that have become ready
//! together, by a transaction on the L1 that bids for gas like any other. When its block is final at a destination's
//! node, its sequencer derives the deposit: a transaction of its own in its queue. Nothing is kept.
//!
//! **Leaves out.** The contract on the L1 and who pays for the claim (it is counted); claims one by one; deposits
//! before their L1 block is final.
//!
//! **Parameters** [`CLAIM_GAS`], [`CLAIM_EACH_GAS`], [`CLAIM_BYTES`]; the rest is the rollup's own
//! ([`crate::rollup::params::ProofPlan`]). **Source** OP Stack and Arbitrum withdrawals; gas is our estimate. **Checked against** the labels of the
//! same transactions (`tests/rollup_bridges.rs`, `validation`).

use super::params::BridgeKind;
use super::{Fleet, Wake};
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;

/// Gas of a claim, whatever it claims.
pub const CLAIM_GAS: u64 = 100_000;
/// Gas of each message it claims.
pub const CLAIM_EACH_GAS: u64 = 60_000;
/// Bytes of a claim and of each message in it.
pub const CLAIM_BYTES: u64 = 500;
/// Most messages in a claim.
const CLAIMED_AT_ONCE: usize = 64;
/// Accounts that claim are apart from those of batchers and provers.
const CLAIMS: u64 = 1 << 42;

impl Fleet {
    /// A post is final at its node: messages in it may have got the label they wait for.
    pub(in crate::rollup) fn on_final_post<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        let post = &self.posts[number as usize];
        let (batches, is_proof, index) = (post.batches.clone(), post.is_proof, post.host);
        let (tip_wei, node) = (post.first_tip_wei, self.hosts[index as usize].node);
        let window_ns = self.common.plan.proof.map_or(0, |proof| proof.window_ns);
        for batch in batches {
            let rollup = self.batches[batch as usize].rollup;
            let Some(waiting) = self.crossings.labelled.remove(&rollup) else { continue };
            let (messages, txs) = (&self.crossings.messages, &self.txs);
            let bridges = &self.crossings.bridges;
            let (mut claimable, mut settled, mut rest) = (Vec::new(), Vec::new(), Vec::new());
            for m in waiting {
                let message = &messages[m as usize];
                let kind = &bridges[message.bridge as usize].kind;
                let inside = txs[message.sent_by as usize].batch == batch;
                match kind {
                    BridgeKind::Canonical if inside && is_proof => claimable.push(m),
                    BridgeKind::Standard { after_final_ns } if inside && !is_proof => {
                        settled.push((*after_final_ns, m));
                    }
                    _ => rest.push(m),
                }
            }
            if !rest.is_empty() {
                self.crossings.labelled.insert(rollup, rest);
            }
            for (after_ns, message) in settled {
                self.wake_in(host, now, after_ns, node, Wake::Final(vec![message]));
            }
            for messages in claimable.chunks(CLAIMED_AT_ONCE) {
                let wake = Wake::Claimable { host: index, tip_wei, messages: messages.to_vec() };
                self.wake_in(host, now, window_ns, node, wake);
            }
        }
    }

    /// The source's node claims messages on the L1.
    pub(super) fn claim(&mut self, now: Moment, index: u32, tip_wei: u64, messages: Vec<u32>) {
        for message in &messages {
            self.crossings.messages[*message as usize].ready_ns = now.time.0;
        }
        let many = messages.len() as u64;
        let size = (0, CLAIM_GAS + CLAIM_EACH_GAS * many, CLAIM_BYTES * (1 + many));
        let claimed = self.crossings.claimed.entry(index).or_default();
        *claimed += 1;
        let id = (self.chain, CLAIMS | u64::from(index), *claimed);
        let post = self.add_post(index as usize, id, size, 0, tip_wei, now.time.0, Vec::new(), true);
        self.crossings.claims.insert(post, messages);
    }

    /// A claim's block is final at a node of sequencers: it derives the deposits of its rollups.
    pub(in crate::rollup) fn on_final_claim<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        post: u32,
        own_host: u32,
    ) {
        let Some(messages) = self.crossings.claims.get(&post).cloned() else { return };
        for number in messages {
            let message = &mut self.crossings.messages[number as usize];
            let to = message.to;
            if message.derived_ns == 0 && self.host_index(to) == own_host {
                self.crossings.messages[number as usize].derived_ns = now.time.0;
                let gateway = self.crossings.operator_gateway(own_host);
                self.let_arrive(host, now, gateway, number);
            }
        }
    }
}
