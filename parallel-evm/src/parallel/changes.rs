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
    // Account and the slot's upper bits as a number, so that a comparison seldom follows the reference.
    let number = |cell: &SlotCell| {
        u128::from(cell.key.account.number()) << 64 | u128::from(cell.key.slot.as_limbs()[3])
    };
    let written =
        slots.iter().flatten().filter_map(|cell| Some((number(cell), cell, cell.committed.as_ref()?)));
    let mut slots: Vec<_> = written.collect();
    slots.sort_unstable_by(|(a, x, _), (b, y, _)| a.cmp(b).then_with(|| x.key.slot.cmp(&y.key.slot)));
    let handled = |(shard, cells)| {
        std::iter::zip(0.., cells).map(move |(at, cell): (u32, &AccountCell)| (Handle::new(shard, at), cell))
    };
    let cells = accounts.iter().enumerate().flat_map(handled);
    let change = |(handle, cell): (Handle, &AccountCell)| {
        let first = slots.partition_point(|(number, ..)| number >> 64 < u128::from(handle.number()));
        let own = slots[first..].iter().take_while(|(_, slot, _)| slot.key.account == handle);
        let valid = own.filter(|(_, _, written)| cell.voided.is_none_or(|voided| voided <= written.tx));
        let storage: BTreeMap<_, _> =
            valid.map(|(_, slot, written)| (slot.key.slot, written.value)).collect();
        Some((cell.address, cell.state.delta(storage)?))
    };
    by_address(cells, |(_, cell)| cell.address).filter_map(change).collect()
}
