//! Native interop: the destination's sequencer takes the source's word.
//!
//! **Captures.** As soon as the source's sequencer has executed the block that sends tokens, it tells the destination's sequencer over
//! the network; that one puts a transaction of its own into its queue, and they arrive with its next block. Nothing is
//! kept. **Leaves out.** What happens when the source's block is not the one that is posted: here it always is.
//! **Parameters** none. **Source** OP Stack interop (about 2 s, minted and burnt). **Checked against** a wait of at
//! most a block and the way there (`tests/rollup_bridges.rs`).

use super::Fleet;
use crate::execution::host::Host;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;

impl Fleet {
    /// The source's word has come to the destination's sequencer.
    pub(super) fn on_carried<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, number: u32) {
        let message = &mut self.crossings.messages[number as usize];
        message.ready_ns = now.time.0;
        let to = message.to;
        let gateway = self.crossings.operator_gateway(self.host_index(to));
        self.let_arrive(host, now, gateway, number);
    }
}
