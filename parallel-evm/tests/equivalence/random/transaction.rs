//! One transaction.

use super::{
    CHAIN_ID, Kind, World,
    draws::Draws,
    programs::{INIT_OF_SUICIDAL, at, bytes},
};
use parallel_evm::{
    Address, B256, BlockEnv, Bytes, SpecId, TxEnv, TxKind, U256,
    contracts::{amm, compute, erc20, nft},
};
use revm::context_interface::{
    either::Either,
    transaction::{
        AccessList, AccessListItem, Authorization, RecoveredAuthority, RecoveredAuthorization,
        SignedAuthorization,
    },
};
use std::collections::BTreeMap;

/// A versioned hash as EIP-4844 wants it.
const BLOB: B256 = {
    let mut hash = [7; 32];
    hash[0] = 1;
    B256::new(hash)
};

type Nonces = BTreeMap<Address, u64>;

pub fn draw(
    draws: &mut Draws,
    spec: SpecId,
    env: &BlockEnv,
    world: &World,
    nonces: &mut Nonces,
) -> (TxEnv, Vec<Kind>) {
    let from_coinbase = world.users.contains(&env.beneficiary) && draws.chance(15);
    let caller = if from_coinbase { env.beneficiary } else { draws.pick(&world.users) };
    let nonce = nonces.entry(caller).or_default();
    let gas_price = u128::from(env.basefee) + if draws.chance(30) { 0 } else { draws.below(50) as u128 };
    let mut tx = TxEnv {
        caller,
        nonce: *nonce,
        gas_limit: 400_000,
        gas_price,
        chain_id: spec.is_enabled_in(SpecId::SPURIOUS_DRAGON).then_some(CHAIN_ID),
        ..TxEnv::default()
    };
    *nonce += 1;
    let kind = deed(draws, spec, env, world, &mut tx);
    let mut kinds = vec![kind];
    if from_coinbase {
        kinds.push(Kind::CoinbaseSends);
    }
    if tx.kind == TxKind::Create {
        return (tx, kinds);
    }
    if spec.is_enabled_in(SpecId::PRAGUE) && draws.chance(10) {
        delegate(draws, world, nonces, &mut tx);
        kinds.push(Kind::Delegation);
    } else if spec.is_enabled_in(SpecId::CANCUN) && draws.chance(5) {
        (tx.tx_type, tx.gas_priority_fee, tx.max_fee_per_blob_gas) = (3, Some(0), 3);
        tx.blob_hashes = vec![BLOB];
        kinds.push(Kind::Blob);
    } else if spec.is_enabled_in(SpecId::BERLIN) && draws.chance(8) {
        tx.tx_type = 1;
        let storage_keys = vec![B256::ZERO, B256::with_last_byte(1)];
        let address = tx.kind.to().copied().unwrap_or_default();
        tx.access_list = AccessList(vec![AccessListItem { address, storage_keys }]);
        kinds.push(Kind::AccessList);
    }
    (tx, kinds)
}

/// Target, input and value.
fn deed(draws: &mut Draws, spec: SpecId, env: &BlockEnv, world: &World, tx: &mut TxEnv) -> Kind {
    let to = draws.pick(&world.targets);
    let amount = U256::from(draws.below(40));
    let program = |index: usize| TxKind::Call(world.programs[index]);
    let word = |address: Address| Bytes::from(address.into_word().to_vec());
    let salt = B256::with_last_byte(draws.below(2) as u8);
    let (kind, target, data, value) = match draws.below(26) {
        // Plain transfers, of nothing too: a touch.
        0..=3 => (Kind::Transfer, TxKind::Call(to), Bytes::new(), amount),
        4 => (Kind::Transfer, TxKind::Call(env.beneficiary), Bytes::new(), amount),
        // By contracts, which ask whether the account is empty, and by some that take it back.
        5 | 6 => {
            let payer = draws.pick(&[at::PASSES_ON, at::PASSES_ON, at::PAYS, at::PAYS_THEN_REVERTS]);
            (Kind::Payout, program(payer), word(draws.pick(&world.empty)), amount)
        }
        7 => {
            let data = match draws.below(3) {
                0 => erc20::transfer(draws.pick(&world.users), amount),
                1 => erc20::transfer_from(draws.pick(&world.users), tx.caller, amount),
                _ => erc20::approve(draws.pick(&world.users), amount),
            };
            (Kind::Token, TxKind::Call(draws.pick(&world.tokens)), data, U256::ZERO)
        }
        8 => {
            let data = amm::swap(draws.chance(50), amount * U256::from(50), U256::ONE);
            (Kind::Token, TxKind::Call(world.market), data, U256::ZERO)
        }
        9 => (Kind::Token, TxKind::Call(world.collection), nft::mint(), U256::ZERO),
        10 => {
            let data = compute::keccak_loop(draws.below(50) as u64, B256::repeat_byte(1));
            (Kind::Other, TxKind::Call(world.computer), data, U256::ZERO)
        }
        // Of a suicidal contract or of one that fails.
        11 => {
            let init = if draws.chance(80) { INIT_OF_SUICIDAL } else { "fe" };
            (Kind::Creation, TxKind::Create, bytes(init), amount)
        }
        12 => (Kind::Creation, program(at::CREATES), salt.to_vec().into(), amount),
        // With two salts, so that they collide and recreate.
        13 | 14 => {
            let factory =
                draws.pick(&[at::CREATES2, at::CREATES2, at::CREATES_AND_DESTROYS, at::CREATES_THEN_REVERTS]);
            tx.gas_limit = draws.pick(&[400_000, 4_000_000]);
            (Kind::Creation2, program(factory), [salt.0, to.into_word().0].concat().into(), amount)
        }
        // Of the suicidal program, or of what the factories have made.
        15 => {
            let made =
                |factory: usize| world.programs[factory].create2_from_code(salt, bytes(INIT_OF_SUICIDAL));
            let victim = match draws.below(4) {
                0 => world.programs[at::SUICIDAL],
                1 => world.programs[at::CREATES].create(1),
                _ => made(at::CREATES2),
            };
            (Kind::Destruction, TxKind::Call(victim), word(to), amount)
        }
        16 => (Kind::Revert, program(at::REVERTS), Bytes::new(), amount),
        17 => {
            // In more gas than a transaction may use since Osaka's cap there would be no point.
            tx.gas_limit = if draws.chance(25) { 3_000_000 } else { 400_000 };
            (Kind::DeepCall, program(at::DEEP), Bytes::new(), U256::ZERO)
        }
        18 | 19 => {
            let looker = draws.pick(&[at::LOOKS, at::LOOKS, at::LOOKS_AT_COINBASE, at::LOOKS_AT_ITSELF]);
            (Kind::Observer, program(looker), word(to), amount)
        }
        20 => {
            let number = draws.pick(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 17, 0x100_u64]);
            let precompile = Address::from_word(U256::from(number).into());
            let mut data = precompile.into_word().to_vec();
            data.extend([0; 31]);
            data.push(draws.below(4) as u8);
            data.extend([0; 96]);
            let target = if draws.chance(80) { program(at::CALLS) } else { TxKind::Call(precompile) };
            (Kind::Precompile, target, data.into(), if draws.chance(30) { amount } else { U256::ZERO })
        }
        21 => {
            let target = world.programs[at::COUNTS + draws.below(2)];
            (Kind::Storage, TxKind::Call(target), Bytes::new(), U256::ZERO)
        }
        22 => match draws.below(3) {
            0 => (Kind::Whale, TxKind::Call(world.whale), Bytes::new(), amount),
            1 => (Kind::Whale, program(at::LOOKS), word(world.whale), U256::ZERO),
            _ => (Kind::Whale, program(at::PASSES_ON), word(world.whale), amount),
        },
        _ => {
            let target = if draws.chance(70) { draws.pick(&world.programs) } else { to };
            let data = [to.into_word().0, B256::with_last_byte(draws.below(2) as u8).0].concat();
            let value = if draws.chance(40) { amount } else { U256::ZERO };
            (Kind::Other, TxKind::Call(target), data.into(), value)
        }
    };
    // CREATE2 is not known yet: what a contract so created does is not either.
    if !spec.is_enabled_in(SpecId::PETERSBURG) && kind == Kind::Creation2 {
        (tx.kind, tx.data, tx.value) = (program(at::CREATES), data, value);
        return Kind::Creation;
    }
    (tx.kind, tx.data, tx.value) = (target, data, value);
    kind
}

/// Adds authorisations by users: they change those users' nonces and codes. Some are no good, and skipped.
fn delegate(draws: &mut Draws, world: &World, nonces: &mut Nonces, tx: &mut TxEnv) {
    (tx.tx_type, tx.gas_priority_fee) = (4, Some(0));
    for _ in 0..1 + draws.below(2) {
        let authority = draws.pick(&world.users);
        let nonce = nonces.entry(authority).or_default();
        let address = if draws.chance(25) { Address::ZERO } else { draws.pick(&world.programs) };
        let mut inner = Authorization { chain_id: U256::ZERO, address, nonce: *nonce };
        let entry = match draws.below(12) {
            0 => {
                inner.nonce += 1_000;
                recovered(inner, authority)
            }
            1 => {
                inner.chain_id = U256::from(CHAIN_ID + 1);
                recovered(inner, authority)
            }
            2 => {
                inner.nonce = u64::MAX;
                recovered(inner, authority)
            }
            // By nobody: s is out of range.
            3 => Either::Left(SignedAuthorization::new_unchecked(inner, 0, U256::ONE, U256::MAX)),
            // By somebody, whoever it is: a signature nobody made may yet be one.
            4 => {
                inner.nonce = 0;
                let (parity, r) = (draws.below(4) as u8, U256::from(1 + draws.below(4)));
                Either::Left(SignedAuthorization::new_unchecked(inner, parity, r, U256::ONE))
            }
            _ => {
                *nonce += 1;
                recovered(inner, authority)
            }
        };
        tx.authorization_list.push(entry);
    }
}

fn recovered(
    inner: Authorization,
    authority: Address,
) -> Either<SignedAuthorization, RecoveredAuthorization> {
    Either::Right(RecoveredAuthorization::new_unchecked(inner, RecoveredAuthority::Valid(authority)))
}
