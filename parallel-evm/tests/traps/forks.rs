//! Every fork, Frontier to Osaka: each runs under its own rules, serially and ahead.

use crate::world::{DESTROYS_ITSELF, World, person, wei, word};
use parallel_evm::{Address, B256, Bytes, SpecId, TxKind, U256};

/// Forks in order, each with the gas of a cold read of a slot (EIP-150, EIP-1884, EIP-2929) and with a program
/// of an opcode that came with it, if one did.
const FORKS: [(SpecId, u64, Option<&str>); 14] = [
    (SpecId::FRONTIER, 50, None),
    // DELEGATECALL
    (SpecId::HOMESTEAD, 50, Some("6000600060006000 60ee 60ff f4 00")),
    (SpecId::TANGERINE, 200, None),
    (SpecId::SPURIOUS_DRAGON, 200, None),
    // RETURNDATASIZE
    (SpecId::BYZANTIUM, 200, Some("3d 00")),
    // SHL
    (SpecId::PETERSBURG, 200, Some("6001 6001 1b 00")),
    // CHAINID
    (SpecId::ISTANBUL, 800, Some("46 00")),
    (SpecId::BERLIN, 2_100, None),
    // BASEFEE
    (SpecId::LONDON, 2_100, Some("48 00")),
    (SpecId::MERGE, 2_100, None),
    // PUSH0
    (SpecId::SHANGHAI, 2_100, Some("5f 00")),
    // TSTORE
    (SpecId::CANCUN, 2_100, Some("6001 6001 5d 00")),
    (SpecId::PRAGUE, 2_100, None),
    // CLZ
    (SpecId::OSAKA, 2_100, Some("6001 1e 00")),
];

#[test]
fn every_fork_charges_and_knows_what_it_should() {
    for (at, (spec, read_gas, _)) in FORKS.into_iter().enumerate() {
        let mut world = World::under(spec);
        let reads = world.program(0, "600054 50 00");
        world.send(person(0), reads, 0, Bytes::new());
        let mut known = vec![true];
        for (introduced, (_, _, program)) in FORKS.iter().enumerate() {
            if let Some(program) = program {
                let program = world.program(introduced as u8 + 1, program);
                world.send(person(1), program, 0, Bytes::new());
                known.push(introduced <= at);
            }
        }
        let ran = world.run();
        assert_eq!(ran.succeeded(), known, "{spec:?}");
        assert_eq!(ran.gas()[0], 21_000 + 3 + read_gas + 2, "{spec:?}");
    }
}

#[test]
fn every_fork_executes_a_block_of_conflicts() {
    for (spec, _, _) in FORKS {
        let mut world = World::under(spec);
        let nobody = Address::repeat_byte(0x77);
        let counts = world.program(1, "600054 600101 600055 00");
        // Pays 5 wei of its own to the address in the input, with little gas, and stores whether it could.
        let pays = world.program(2, "6000600060006000 6005 600035 6103e8 f1 600055 00");
        let looks = world.program(3, "600035 31 600055 00");
        let suicidal = world.program(4, DESTROYS_ITSELF);
        world.state.insert_balance(pays, wei(12));
        world.state.insert_balance(suicidal, wei(100));
        for number in 0..3 {
            world.send(person(number), counts, 1, Bytes::new());
            world.send(person(number), pays, 0, word(nobody));
            world.pay(person(number), nobody, u64::from(number));
        }
        world.send(person(3), looks, 0, word(nobody));
        world.send(person(4), suicidal, 0, word(pays));
        world.send(person(5), pays, 0, word(nobody));
        let created = world.send(person(6), nobody, 1, Bytes::new());
        created.kind = TxKind::Create;
        let ran = world.run();
        assert_eq!(ran.succeeded(), [true; 13], "{spec:?}");
        assert_eq!(ran.after.slot(counts, U256::ZERO), wei(3), "{spec:?}");
        // 5 + 5, then too little; 1 + 2 from persons; after the inheritance 5 more.
        assert_eq!(ran.after.slot(looks, U256::ZERO), wei(13), "{spec:?}");
        assert_eq!(ran.after_account(nobody).unwrap().balance, wei(18), "{spec:?}");
        assert_eq!(ran.after_account(pays).unwrap().balance, wei(97), "{spec:?}");
        // EIP-6780: since Cancun the contract stays.
        let stays = spec.is_enabled_in(SpecId::CANCUN);
        assert_eq!(ran.after_account(suicidal).is_some(), stays, "{spec:?}");
        // EIP-161: a new contract's nonce is one.
        let nonce = u64::from(spec.is_enabled_in(SpecId::SPURIOUS_DRAGON));
        assert_eq!(ran.after_account(person(6).create(0)).unwrap().nonce, nonce, "{spec:?}");
    }
}

#[test]
fn blob_transactions_see_their_hashes_and_burn_their_fee() {
    for spec in [SpecId::CANCUN, SpecId::PRAGUE, SpecId::OSAKA] {
        let mut world = World::under(spec);
        // Stores BLOBHASH(1) and BLOBBASEFEE.
        let tells = world.program(1, "6001 49 600055 4a 600155 00");
        let hash = |last| {
            let mut hash = B256::with_last_byte(last);
            hash.0[0] = 1;
            hash
        };
        for number in 0..2 {
            let tx = world.send(person(number), tells, 0, Bytes::new());
            (tx.tx_type, tx.gas_priority_fee, tx.max_fee_per_blob_gas) = (3, Some(1), 9);
            tx.blob_hashes = vec![hash(number), hash(number + 10)];
        }
        let ran = world.run();
        assert_eq!(ran.after.slot(tells, U256::ZERO), U256::from_be_bytes(hash(11).0), "{spec:?}");
        assert_eq!(ran.after.slot(tells, U256::ONE), U256::ONE, "{spec:?}");
        // EIP-4844: 131,072 blob gas a blob, here at one wei; the beneficiary gets none of it.
        let usage = ran.usage(0, person(0)).unwrap();
        assert_eq!(usage.debit, wei(ran.gas()[0] + 2 * 131_072), "{spec:?}");
        let fees = ran.after_account(world.beneficiary).unwrap().balance;
        assert_eq!(fees, wei(ran.gas().iter().sum()), "{spec:?}");
    }
}
