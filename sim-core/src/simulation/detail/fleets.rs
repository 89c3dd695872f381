//! A fleet of rollups in full, and the blobs of its L1.

use crate::rollup::labels;
use crate::rollup::record::RollupsRecord;
use crate::simulation::snapshot::{BLOB_BLOCKS_MAX, FleetDetail, FleetRequest};
use crate::simulation::world::ChainState;

/// Describes a fleet; `None` where there is none of that number.
pub fn fleet(chains: &[ChainState], request: FleetRequest) -> Option<FleetDetail> {
    let mut fleets = chains.iter().filter_map(|chain| match chain {
        ChainState::Fleet(fleet) => Some(fleet),
        _ => None,
    });
    let fleet = fleets.nth(request.index as usize)?;
    let ChainState::Slots(l1) = chains.get(fleet.l1 as usize)? else { return None };
    let mut record = RollupsRecord::default();
    labels::blob_blocks(l1, &[], &mut record);
    let mut blobs = record.blob_blocks;
    blobs.drain(..blobs.len().saturating_sub(BLOB_BLOCKS_MAX));
    Some(FleetDetail { view: fleet.look(l1, request.follow), blobs })
}
