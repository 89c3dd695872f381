//! From the cells of a finished block to its changes, in order.

use super::{
    cells::{AccountCell, SlotCell},
    memory::Handle,
};
use crate::{AccountDelta, account::by_address};
use revm::primitives::Address;
use std::collections::BTreeMap;

/// What the block did to each account. Cells come by shards, as handles say.
pub(super) fn changes(
    accounts: Vec<Vec<AccountCell>>,
    slots: Vec<Vec<SlotCell>>,
) -> BTreeMap<Address, AccountDelta> {
    let written =
        slots.iter().flatten().filter_map(|cell| Some((cell.key.account, cell.key.slot, cell.committed?)));
    let mut slots: Vec<_> = written.collect();
    slots.sort_unstable_by_key(|(account, slot, _)| (*account, *slot));
    let handled = |(shard, cells)| {
        std::iter::zip(0.., cells).map(move |(at, cell): (u32, &AccountCell)| (Handle::new(shard, at), cell))
    };
    let cells = accounts.iter().enumerate().flat_map(handled);
    let change = |(handle, cell): (Handle, &AccountCell)| {
        let first = slots.partition_point(|(account, ..)| *account < handle);
        let own = slots[first..].iter().take_while(|(account, ..)| *account == handle);
        let valid = own.filter(|(_, _, written)| cell.voided.is_none_or(|voided| voided <= written.tx));
        let storage: BTreeMap<_, _> = valid.map(|(_, slot, written)| (*slot, written.value)).collect();
        Some((cell.address, cell.state.delta(storage)?))
    };
    by_address(cells, |(_, cell)| cell.address).filter_map(change).collect()
}
