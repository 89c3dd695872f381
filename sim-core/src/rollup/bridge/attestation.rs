//! Burnt here and minted there on the word of an attester.
//!
//! **Captures.** *Fast*: the source's sequencer shows the attester's node the block; after some blocks of the source
//! and a time for its word it lets the tokens arrive, and keeps a fee. *Standard*: the attester waits for the batch to be final on the L1 at
//! the source's node, and a time after that; nothing is kept. Minting is a transaction of the attester that travels
//! to the destination's sequencer.
//!
//! **Leaves out.** The allowance that bounds fast transfers; several attesters; a price for the transaction there.
//!
//! **Parameters** [`super::params::BridgeKind::Fast`], [`super::params::BridgeKind::Standard`]. **Source** CCTP v2: about 8 s from a
//! rollup after one confirmation, for a basis point; or 65 blocks of the L1 after the batch, for nothing.
//! **Checked against** the labels of the same transactions (`tests/rollup_bridges.rs`).

use super::params::BridgeKind;
use super::{Fleet, Letter, Wake};
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;

impl Fleet {
    /// The attester has seen a message and waits for confirmations.
    pub(super) fn on_confirmations<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) {
        let BridgeKind::Fast { confirmations, attest_ns, .. } = *self.crossings.kind(number) else { return };
        let wait_ns = u64::from(confirmations) * self.common.plan.rules.block_ns + attest_ns;
        let node = self.gateways[self.crossings.attester_gateway()].node;
        self.wake_in(host, now, wait_ns, node, Wake::Attested(number));
    }

    /// The batches of messages are final on the L1 for long enough: the source's node tells the attester.
    pub(super) fn on_standard<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        messages: &[u32],
    ) {
        let to = self.gateways[self.crossings.attester_gateway()].node;
        for number in messages {
            let message = &mut self.crossings.messages[*number as usize];
            message.ready_ns = now.time.0;
            let from = message.from;
            let node = self.hosts[self.host_index(from) as usize].node;
            self.tell(host, now, (node, to), Letter::Signed(*number));
        }
    }

    /// The attester gives its word.
    pub(super) fn on_attested<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let message = &mut self.crossings.messages[number as usize];
        if message.ready_ns == 0 {
            message.ready_ns = now.time.0;
        }
        let gateway = self.crossings.attester_gateway();
        self.let_arrive(host, now, gateway, number);
    }
}
