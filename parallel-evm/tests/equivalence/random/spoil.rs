//! What makes a transaction, and with it the block, invalid.

use super::{CHAIN_ID, RandomBlock, draws::Draws};
use parallel_evm::{B256, SpecId, TxKind, U256};

/// How many ways there are.
pub const WAYS: usize = 14;

/// Makes one transaction of a block invalid and returns its index. What the fork would put up with gives way to a
/// wrong nonce.
pub fn spoil(random: &mut RandomBlock, draws: &mut Draws) -> usize {
    let index = draws.below(random.block.transactions.len());
    let (spec, basefee) = (random.block.spec, u128::from(random.block.env.basefee));
    let block_gas_limit = random.block.env.gas_limit;
    let way = draws.below(WAYS);
    let spoils = match way {
        6 => basefee > 0,
        7..=11 => spec.is_enabled_in(SpecId::PRAGUE),
        13 => spec.is_enabled_in(SpecId::SHANGHAI),
        _ => true,
    };
    let tx = &mut random.block.transactions[index];
    match if spoils { way } else { 0 } {
        0 => tx.nonce += 1 + draws.below(3) as u64,
        1 => tx.nonce = tx.nonce.wrapping_sub(1),
        2 => tx.value = U256::MAX,
        3 => tx.gas_limit = block_gas_limit + 1,
        4 => tx.chain_id = Some(CHAIN_ID + 1),
        5 => tx.gas_limit = 20_999,
        6 => tx.gas_price = basefee.saturating_sub(1),
        // Fees that contradict each other.
        7 => (tx.tx_type, tx.gas_priority_fee) = (2, Some(tx.gas_price + 1)),
        // No blobs, or blobs of a wrong version.
        8 | 9 => {
            (tx.tx_type, tx.gas_priority_fee, tx.max_fee_per_blob_gas) = (3, Some(0), 3);
            tx.blob_hashes = if way == 8 { Vec::new() } else { vec![B256::repeat_byte(2); 2] };
        }
        // Nobody authorises anything.
        10 => (tx.tx_type, tx.gas_priority_fee, tx.authorization_list) = (4, Some(0), Vec::new()),
        // A type that no fork knows.
        11 => tx.tx_type = 9,
        // A contract sends it.
        12 => tx.caller = random.addresses.last().copied().unwrap_or_default(),
        // Init code beyond any limit.
        _ => {
            (tx.tx_type, tx.kind, tx.data) = (0, TxKind::Create, vec![0; 60_000].into());
            tx.authorization_list.clear();
        }
    }
    index
}
