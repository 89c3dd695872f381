//! What blocks with transactions of bridges and travellers bring about.
//!
//! What came of a transaction is known when its block is executed and takes effect when the block counts: then tokens have left
//! circulation, or arrived, and the sequencer's node tells whom it concerns. May import what `rollup` may.

use super::params::BridgeKind;
use super::record::Stage;
use super::{Fleet, Letter, Receipt, Step, Wake};
use crate::execution::builder::ExecutedBlock;
use crate::execution::host::{Host, RunError};
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use parallel_evm::U256;

impl Fleet {
    /// Notes what came of these accounts' transactions in a block that was executed, before it counts.
    pub(in crate::rollup) fn note_crossings(
        &mut self,
        place: usize,
        chosen: &[u32],
        executed: &ExecutedBlock,
    ) {
        if self.crossings.steps.is_empty() {
            return;
        }
        let base_fee_wei = self.active[place].base_fee_wei;
        for (handle, receipt) in chosen.iter().zip(&executed.output.receipts) {
            let tx = &self.txs[*handle as usize];
            let Some(step) = self.crossings.steps.get(&(tx.gateway, tx.sequence)).copied() else { continue };
            let success = receipt.success;
            let out = match step {
                Step::Swap(_) if success => U256::from_be_slice(&receipt.output),
                _ => U256::ZERO,
            };
            if let (Step::Fill(message), true) = (step, success) {
                self.crossings.messages[message as usize].filled = true;
            }
            let price_wei = base_fee_wei + self.transaction(tx).effective_tip(base_fee_wei).unwrap_or(0);
            let paid_wei = u128::from(receipt.gas_used) * u128::from(price_wei);
            self.crossings.receipts.insert(*handle, Receipt { step, success, out, paid_wei });
        }
    }

    /// A block with transactions of these accounts counts.
    ///
    /// # Errors
    /// When tokens are not accounted for.
    pub(in crate::rollup) fn seal_crossings<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        txs: &[u32],
    ) -> Result<(), RunError> {
        let mut any = false;
        for tx in txs {
            if let Some(receipt) = self.crossings.receipts.remove(tx) {
                any = true;
                self.sealed(host, now, self.active[place].number, *tx, receipt)?;
            }
        }
        if any { self.audit_rollup(place) } else { Ok(()) }
    }

    fn sealed<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        rollup: u32,
        tx: u32,
        receipt: Receipt,
    ) -> Result<(), RunError> {
        let node = self.hosts[self.host_index(rollup) as usize].node;
        let crossings = &mut self.crossings;
        let leg = match receipt.step {
            Step::Swap(leg) => Some(leg),
            Step::Send(number) => Some(crossings.messages[number as usize].leg),
            _ => None,
        };
        if let Some(leg) = leg {
            let trip = crossings.legs[leg as usize].trip;
            crossings.trips[trip as usize].paid_wei += receipt.paid_wei;
        }
        match receipt.step {
            Step::Swap(leg) => crossings.legs[leg as usize].out = receipt.success.then_some(receipt.out),
            Step::Send(number) => {
                let message = &mut crossings.messages[number as usize];
                message.sent_by = tx;
                if !receipt.success {
                    message.stage = Stage::Failed;
                    return Ok(());
                }
                (message.stage, message.sent_ns) = (Stage::Travelling, now.time.0);
                crossings.ledger.lock(rollup, message.token, message.amount);
                self.on_sent(host, now, node, number);
            }
            Step::Arrive(number) if receipt.success => {
                let message = &mut crossings.messages[number as usize];
                (message.stage, message.arrived_ns) = (Stage::Arrived, now.time.0);
                crossings.ledger.release(rollup, message.token, message.amount);
                let to = self.desk_node(number);
                self.tell(host, now, (node, to), Letter::Arrived(number));
            }
            Step::Fill(number) if receipt.success => self.on_filled(host, now, node, number),
            Step::Repay(number) if receipt.success => {
                let message = &mut crossings.messages[number as usize];
                (message.stage, message.settled_ns) = (Stage::Settled, now.time.0);
                crossings.ledger.release(rollup, message.token, message.amount);
                let (bridge, amount, name) = (message.bridge as usize, message.amount, message.name());
                crossings.books[bridge].repaid(now.time.0, name, amount);
                let to = self.gateways[self.crossings.relayer_gateway_of(number)].node;
                self.tell(host, now, (node, to), Letter::Repaid(number));
            }
            Step::Refund(number) if receipt.success => {
                let message = &mut crossings.messages[number as usize];
                (message.stage, message.arrived_ns) = (Stage::Returned, now.time.0);
                crossings.ledger.release(rollup, message.token, message.amount);
                let to = self.desk_node(number);
                self.tell(host, now, (node, to), Letter::Returned(number));
            }
            // The deadline was over; its relayer learns of it.
            Step::Fill(_) => {}
            Step::Arrive(_) | Step::Repay(_) | Step::Refund(_) => {
                return Err(
                    self.broken(rollup, format!("an operator's transaction was reverted: {receipt:?}"))
                );
            }
        }
        Ok(())
    }

    /// Tokens have left circulation at the source: what the bridge does with them.
    fn on_sent<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, node: NodeId, number: u32) {
        let message = &self.crossings.messages[number as usize];
        let (from, to) = (message.from, message.to);
        match self.crossings.kind(number) {
            BridgeKind::Interop => {
                let at = self.hosts[self.host_index(to) as usize].node;
                self.tell(host, now, (node, at), Letter::Carried(number));
            }
            BridgeKind::Fast { .. } => {
                let at = self.gateways[self.crossings.attester_gateway()].node;
                self.tell(host, now, (node, at), Letter::Seen(number));
            }
            BridgeKind::Standard { .. } | BridgeKind::Canonical => {
                self.crossings.labelled.entry(from).or_default().push(number);
            }
            BridgeKind::Intents { repay_ns, .. } => {
                let wait_ns = (message.deadline_ns + repay_ns).saturating_sub(now.time.0);
                let at = self.gateways[self.crossings.relayer_gateway_of(number)].node;
                self.wake_in(host, now, wait_ns, node, Wake::Expired(number));
                self.tell(host, now, (node, at), Letter::Seen(number));
            }
        }
    }

    /// An operator lets a message's tokens arrive.
    pub(super) fn let_arrive<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        gateway: usize,
        number: u32,
    ) {
        let message = &mut self.crossings.messages[number as usize];
        message.stage = Stage::Arriving;
        let to = message.to;
        self.take_step(host, now, gateway, to, Step::Arrive(number));
    }
}
