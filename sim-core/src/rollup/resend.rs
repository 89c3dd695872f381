//! Gateways that send again what nobody answered.
//!
//! **Captures.** A message to a sequencer's node that is down is lost, and so is a sequencer's answer to a gateway that is
//! down. A gateway therefore sends a transaction again that has had no answer for two blocks and [`GRACE_NS`]; then after
//! twice as long, four times, and so on, up to [`DOUBLINGS_MAX`]. A sequencer that has it already does nothing while it
//! waits, and repeats its answer if there was one. A gateway has one timer, and only while something is unanswered;
//! where nothing is lost and nothing waits that long, no message is sent. Ways within a node lose nothing.
//!
//! **Leaves out.** People who give up or turn to another node; letters of bridges. Based rollups have their own rule
//! (`based`). **Parameters** [`GRACE_NS`], [`DOUBLINGS_MAX`]: our assumptions. **Checked against** an outage after which
//! every transaction is included (`tests/rollup_outages.rs`). May import what `rollup` may. Must never be true: that a
//! transaction counts twice, or that a gateway hears of one twice.

use super::fleet::Fleet;
use super::record::Fate;
use crate::execution::host::{Host, timers};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use std::collections::BTreeSet;

/// Beside two blocks, how long an answer may take, ns: a few round trips and a busy sequencer.
pub const GRACE_NS: u64 = 5_000_000_000;
/// Most a wait is doubled.
pub const DOUBLINGS_MAX: u8 = 6;
/// Tells what is sent again from what is sent first.
pub(super) const AGAIN: u64 = 1 << 51;

/// What a gateway waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered {
    /// By the time it is sent again: transaction, and how often it was.
    due: BTreeSet<(u64, u32, u8)>,
    timer_pending: bool,
}

impl Fleet {
    fn patience_ns(&self, times: u8) -> u64 {
        (2 * self.common.plan.rules.block_ns + GRACE_NS) << times.min(DOUBLINGS_MAX)
    }

    /// A gateway has sent a transaction to another node and waits for its answer.
    pub(super) fn await_answer<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        handle: u32,
        times: u8,
    ) {
        let index = usize::from(self.txs[handle as usize].gateway);
        let due_ns = now.time.0 + self.patience_ns(times);
        self.gateways[index].unanswered.due.insert((due_ns, handle, times));
        self.await_look(host, now, index);
    }

    fn await_look<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, index: usize) {
        let (node, unanswered) = (self.gateways[index].node, &mut self.gateways[index].unanswered);
        let Some((due_ns, ..)) = unanswered.due.first().copied().filter(|_| !unanswered.timer_pending) else {
            return;
        };
        unanswered.timer_pending = true;
        let wait_ns = due_ns.saturating_sub(now.time.0);
        host.task_timer(now, wait_ns, node, timers::RESEND, (self.chain, index as u32));
    }

    /// A gateway looks whether what it sent was answered.
    pub(super) fn on_look_for_answers<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        index: usize,
    ) {
        self.gateways[index].unanswered.timer_pending = false;
        while let Some((due_ns, handle, times)) = self.gateways[index].unanswered.due.first().copied() {
            let told = self.txs[handle as usize].told;
            if !told && due_ns > now.time.0 {
                break;
            }
            self.gateways[index].unanswered.due.pop_first();
            if !told {
                let times = times.saturating_add(1);
                self.tally.sent_again += 1;
                self.send(host, now, handle, AGAIN | u64::from(times.min(15)) << 52);
                self.await_answer(host, now, handle, times);
            }
        }
        self.await_look(host, now, index);
    }

    /// A transaction has reached its sequencer once more.
    pub(super) fn on_transaction_again<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        handle: u32,
    ) {
        let tx = self.txs[handle as usize];
        let refused = match tx.fate {
            Fate::Included => false,
            Fate::Dropped(_) => true,
            Fate::Travelling | Fate::Queued => return,
        };
        let place = self.places[tx.rollup as usize] as usize;
        self.answer_one(host, now, place, (tx.gateway, vec![handle]), refused, AGAIN);
    }
}
