//! Balances: commutative shifts, predicates, emptiness, observation.

use crate::world::{BENEFICIARY, DESTROYS_ITSELF, HASHES, LOOKS, PASSES_ON, RICH, World, person, wei, word};
use parallel_evm::{AccountChange, Address, PreState, SpecId, U256};

const NOBODY: Address = Address::repeat_byte(0x77);

#[test]
fn credits_commute_and_a_senders_nonces_are_known() {
    let mut world = World::new();
    for number in 0..8 {
        world.pay(person(number % 3), person(9), 5);
    }
    let ran = world.run();
    assert_eq!(ran.conflicts.fine.dependent(), 0);
    assert_eq!(ran.conflicts.coarse.longest_chain(), 8);
    assert_eq!(ran.after.account(person(9)).unwrap().unwrap().balance, wei(RICH + 40));
}

#[test]
fn fees_to_the_beneficiary_commute_until_it_is_looked_at() {
    let mut world = World::new();
    let looks = world.program(1, LOOKS);
    for number in 0..4 {
        world.pay(person(number), person(9), 1);
    }
    world.send(person(5), looks, 0, word(BENEFICIARY));
    let ran = world.run();
    assert!(ran.needs(3).is_empty());
    assert_eq!(ran.needs(4), [3]);
    assert_eq!(ran.after.slot(looks, U256::ZERO), wei(4 * 21_000));
}

#[test]
fn a_failed_check_is_a_predicate_and_outlives_the_revert_of_its_frame() {
    let mut world = World::new();
    let suicidal = world.program(1, DESTROYS_ITSELF);
    // Pays 100 wei to 0xee; reverts if it cannot.
    let payer = world.program(2, "6000600060006000 6064 60ee 5a f1 6016 57 60006000fd 5b 00");
    world.state.insert_balance(payer, wei(50));
    // Calls it and stores whether that worked.
    let call = format!("6000600060006000 6000 73{} 5a f1 600055 00", alloy_primitives::hex::encode(payer));
    let caller = world.program(3, &call);
    world.send(person(0), caller, 0, Default::default());
    world.send(person(1), suicidal, 60, word(payer));
    world.send(person(2), caller, 0, Default::default());
    let ran = world.run();
    // It failed at first and would have passed with 100; then it passed and would have failed with 99.
    assert_eq!(ran.range(0, payer), (U256::ZERO, wei(99)));
    assert_eq!(ran.range(2, payer), (wei(100), U256::MAX));
    assert!(ran.needs(0).is_empty());
    assert_eq!(ran.needs(2), [1], "storing a zero over a zero is no write");
    assert_eq!(ran.after.slot(caller, U256::ZERO), U256::ONE);
}

#[test]
fn a_passed_check_outlives_the_revert_of_its_frame() {
    let mut world = World::new();
    // Without input pays 100 wei to 0xee and reverts all the same, telling whether it could; with input pays 60.
    let payer = world.program(
        1,
        "36601a57 6000600060006000606460ee5af1 600052 60206000fd 5b 6000600060006000603c60ee5af1 00",
    );
    world.state.insert_balance(payer, wei(150));
    // Calls it and stores what it tells.
    let call =
        format!("6020600060006000 6000 73{} 5a f1 50 600051 600055 00", alloy_primitives::hex::encode(payer));
    let caller = world.program(2, &call);
    world.send(person(0), caller, 0, Default::default());
    world.send(person(1), payer, 0, word(person(9)));
    world.send(person(2), caller, 0, Default::default());
    let ran = world.run();
    // It passed and would have failed with 99; then it failed and would have passed with 100.
    assert_eq!(ran.range(0, payer), (wei(100), U256::MAX));
    assert_eq!(ran.range(2, payer), (U256::ZERO, wei(99)));
    assert!(!ran.usage(0, payer).unwrap().changes(), "the payment was reverted");
    assert_eq!(ran.needs(2), [0, 1], "the slot, and the payment of 60");
    assert_eq!(ran.after.slot(caller, U256::ZERO), U256::ZERO);
}

#[test]
fn what_a_creation_is_endowed_with_is_a_predicate_too() {
    let mut world = World::new();
    // Creates an empty contract with 30 wei of its own and stores its address.
    let creator = world.program(1, "6000 6000 601e f0 600055 00");
    world.state.insert_balance(creator, wei(40));
    let suicidal = world.program(2, DESTROYS_ITSELF);
    world.send(person(0), creator, 0, Default::default());
    world.send(person(1), creator, 0, Default::default());
    world.send(person(2), suicidal, 25, word(creator));
    world.send(person(3), creator, 0, Default::default());
    let ran = world.run();
    assert_eq!(ran.range(0, creator), (wei(30), U256::MAX));
    assert_eq!(ran.range(1, creator), (U256::ZERO, wei(29)));
    assert_eq!(ran.range(3, creator), (wei(30), U256::MAX));
    // The nonce, the slot, the balance.
    assert!(ran.needs(3).contains(&2));
    let last = U256::from_be_bytes(creator.create(2).into_word().0);
    assert_eq!(
        ran.after.slot(creator, U256::ZERO),
        last,
        "the creation that could not be paid took no nonce"
    );
}

#[test]
fn the_sender_must_cover_its_greatest_cost_not_its_net_debit() {
    let mut world = World::new();
    let poor = person(20);
    world.state.insert_balance(poor, wei(100_000));
    world.pay(person(0), poor, 900_000);
    // Uses 21,000 gas at a price of 1, but could be charged 300,000 times 3.
    let tx = world.pay(poor, person(1), 7);
    (tx.tx_type, tx.gas_price, tx.gas_priority_fee) = (2, 3, Some(1));
    let ran = world.run();
    let usage = ran.usage(1, poor).unwrap();
    assert_eq!((usage.least, usage.debit), (wei(900_007), wei(21_007)));
    assert_eq!(ran.needs(1), [0]);
}

#[test]
fn the_blob_fee_counts_into_what_the_sender_must_cover() {
    let mut world = World::new();
    let tx = world.pay(person(0), person(1), 0);
    (tx.tx_type, tx.gas_priority_fee, tx.max_fee_per_blob_gas) = (3, Some(1), 5);
    let mut hash = [0; 32];
    hash[0] = 1;
    tx.blob_hashes = vec![hash.into()];
    let ran = world.run();
    let usage = ran.usage(0, person(0)).unwrap();
    assert_eq!(usage.least, wei(300_000 + 5 * 131_072));
    assert_eq!(usage.debit, wei(21_000 + 131_072), "blob gas costs one wei");
}

#[test]
fn emptiness_is_a_yes_or_no_so_payouts_by_contracts_do_not_serialise() {
    let mut world = World::new();
    let payers: Vec<_> = (0..4).map(|number| world.program(number, PASSES_ON)).collect();
    for (number, payer) in payers.iter().enumerate() {
        // All pay the same account, which is empty at first.
        world.send(person(number as u8), *payer, 5, word(NOBODY));
    }
    let ran = world.run();
    assert_eq!(ran.range(0, NOBODY), (U256::ZERO, U256::ZERO));
    assert_eq!(ran.range(1, NOBODY), (U256::ONE, U256::MAX));
    // All others depend on the one that made it non-empty, not on each other.
    assert_eq!(ran.needs(1), [0]);
    assert_eq!(ran.needs(2), [0]);
    assert_eq!(ran.needs(3), [0]);
    let gas: Vec<_> = ran.output.receipts.iter().map(|receipt| receipt.gas_used).collect();
    assert_eq!((gas[0] - gas[1], gas[1]), (25_000, gas[2]), "the first paid for a new account");
}

#[test]
fn a_plain_transfer_does_not_ask_whether_its_target_is_empty() {
    let mut world = World::new();
    for number in 0..4 {
        world.pay(person(number), NOBODY, 5);
    }
    let ran = world.run();
    assert_eq!(ran.conflicts.fine.dependent(), 0);
    assert_eq!(ran.after.account(NOBODY).unwrap().unwrap().balance, wei(20));
}

#[test]
fn a_touch_deletes_an_empty_account_since_eip_161_and_creates_one_before() {
    for (spec, expected) in [(SpecId::SPURIOUS_DRAGON, None), (SpecId::OSAKA, None)] {
        let mut world = World::under(spec);
        world.state.insert_balance(NOBODY, U256::ZERO);
        world.pay(person(0), NOBODY, 0);
        world.pay(person(1), NOBODY, 0);
        let ran = world.run();
        assert_eq!(ran.output.state.accounts[&NOBODY].info, AccountChange::Deleted);
        assert_eq!(ran.after.account(NOBODY).unwrap(), expected);
    }
    let mut world = World::under(SpecId::HOMESTEAD);
    world.pay(person(0), NOBODY, 0);
    world.pay(person(1), NOBODY, 0);
    let ran = world.run();
    assert!(ran.after.account(NOBODY).unwrap().is_some());
}

#[test]
fn a_credit_also_writes_existence() {
    let mut world = World::new();
    let hashes = world.program(1, HASHES);
    world.send(person(0), hashes, 0, word(NOBODY));
    world.pay(person(1), NOBODY, 1);
    world.send(person(2), hashes, 0, word(NOBODY));
    let ran = world.run();
    assert_eq!(ran.needs(2), [1], "storing a zero over a zero is no write");
    let hash = U256::from_be_bytes(alloy_primitives::keccak256([]).0);
    assert_eq!(ran.after.slot(hashes, U256::ZERO), hash);
}

#[test]
fn only_a_look_is_an_exact_read() {
    let mut world = World::new();
    let looks = world.program(1, LOOKS);
    world.pay(person(0), person(9), 1);
    world.pay(person(1), person(9), 2);
    world.send(person(2), looks, 0, word(person(9)));
    world.pay(person(3), person(9), 4);
    let ran = world.run();
    assert!(ran.usage(2, person(9)).unwrap().is_exact());
    assert_eq!(ran.needs(2), [1]);
    assert!(ran.needs(3).is_empty());
    assert_eq!(ran.after.slot(looks, U256::ZERO), wei(RICH + 3));
}

#[test]
fn the_amount_of_a_selfdestruct_is_an_exact_read() {
    let mut world = World::new();
    // With input destroys itself in favour of the address in it.
    let suicidal = world.program(1, "36600557005b 600035ff");
    world.state.insert_balance(suicidal, wei(10));
    world.pay(person(0), suicidal, 5);
    world.send(person(1), suicidal, 0, word(person(9)));
    world.pay(person(2), suicidal, 7);
    let ran = world.run();
    let usage = ran.usage(1, suicidal).unwrap();
    assert!(usage.is_exact());
    assert_eq!((usage.least, usage.debit), (wei(15), wei(15)));
    assert_eq!(ran.needs(1), [0]);
    assert!(ran.needs(2).is_empty());
    assert_eq!(ran.after_account(person(9)).unwrap().balance, wei(RICH + 15));
    assert_eq!(ran.after_account(suicidal).unwrap().balance, wei(7), "since Cancun it stays");
}

#[test]
fn a_selfdestruct_asks_whether_its_heir_is_empty() {
    let mut world = World::new();
    let suicidal: Vec<_> = (0..3).map(|number| world.program(number, DESTROYS_ITSELF)).collect();
    for (number, program) in suicidal.iter().enumerate() {
        world.state.insert_balance(*program, wei(3));
        world.send(person(number as u8), *program, 0, word(NOBODY));
    }
    let ran = world.run();
    assert_eq!(ran.range(0, NOBODY), (U256::ZERO, U256::ZERO));
    assert_eq!(ran.range(1, NOBODY), (U256::ONE, U256::MAX));
    assert_eq!((ran.needs(1), ran.needs(2)), (&[0][..], &[0][..]), "both on the first, not on each other");
    let gas = ran.gas();
    assert_eq!((gas[0] - gas[1], gas[1]), (25_000, gas[2]), "the first paid for a new account");
}

#[test]
fn a_code_hash_tells_emptiness_and_nothing_more() {
    let mut world = World::new();
    let hashes: Vec<_> = (0..3).map(|number| world.program(number, HASHES)).collect();
    world.send(person(0), hashes[0], 0, word(NOBODY));
    world.pay(person(1), NOBODY, 1);
    world.send(person(2), hashes[1], 0, word(NOBODY));
    world.pay(person(3), NOBODY, 1);
    world.send(person(4), hashes[2], 0, word(NOBODY));
    let ran = world.run();
    assert_eq!(ran.range(0, NOBODY), (U256::ZERO, U256::ZERO));
    assert_eq!(ran.range(2, NOBODY), (U256::ONE, U256::MAX));
    assert_eq!((ran.needs(2), ran.needs(4)), (&[1][..], &[1][..]), "the second credit made no difference");
}

#[test]
fn before_eip_161_a_call_asks_whether_its_target_exists() {
    let mut world = World::under(SpecId::HOMESTEAD);
    // Calls the address in the input with a fixed amount of gas (all of it would be too much before EIP-150).
    let callers: Vec<_> =
        (0..3).map(|number| world.program(number, "6000600060006000 6000 600035 61c350 f1 00")).collect();
    for (number, caller) in callers.iter().enumerate() {
        world.send(person(number as u8), *caller, 0, word(NOBODY));
    }
    let ran = world.run();
    let gas = ran.gas();
    assert_eq!((gas[0] - gas[1], gas[1]), (25_000, gas[2]), "the first call, of nothing, made it exist");
    assert_eq!((ran.needs(1), ran.needs(2)), (&[0][..], &[0][..]));
    assert!(ran.after_account(NOBODY).is_some());
    // The same since EIP-161: a call of nothing asks nothing, makes nothing.
    world.spec = SpecId::SPURIOUS_DRAGON;
    let ran = world.run();
    assert_eq!(ran.conflicts.fine.dependent(), 0);
    assert!(ran.after_account(NOBODY).is_none());
}

#[test]
fn a_contract_that_looks_at_itself_is_observed_with_what_it_was_just_paid() {
    let mut world = World::new();
    // Stores SELFBALANCE.
    let looks = world.program(1, "47 600055 00");
    world.send(person(0), looks, 5, Default::default());
    world.send(person(1), looks, 7, Default::default());
    let ran = world.run();
    let usage = ran.usage(1, looks).unwrap();
    assert_eq!((usage.least, usage.most, usage.credit), (wei(5), wei(5), wei(7)));
    assert_eq!(ran.after.slot(looks, U256::ZERO), wei(12));
}

#[test]
fn the_beneficiary_can_spend_what_the_block_has_paid_it() {
    let mut world = World::new();
    world.beneficiary = person(30);
    for number in 0..6 {
        world.pay(person(number), person(9), 1).gas_limit = 21_000;
    }
    // Has nothing but five fees of 21,000 and one more.
    let tx = world.pay(person(30), person(1), 100_000);
    tx.gas_limit = 21_000;
    let ran = world.run();
    assert_eq!(ran.succeeded(), [true; 7]);
    assert_eq!(ran.needs(6), [5]);
    let left = ran.after.account(person(30)).unwrap().unwrap().balance;
    assert_eq!(left, wei(6 * 21_000 - 100_000), "its own fee went to itself");
}

#[test]
fn fees_fold_in_commit_order_around_the_beneficiarys_destruction() {
    let mut world = World::under(SpecId::BERLIN);
    let suicidal = world.program(1, DESTROYS_ITSELF);
    world.beneficiary = suicidal;
    world.pay(person(0), person(9), 1);
    world.send(person(1), suicidal, 0, word(person(8)));
    world.pay(person(2), person(9), 1);
    let ran = world.run();
    // It handed on the first fee; the second, of its own destruction, is gone with it; the third made it anew.
    assert_eq!(ran.after_account(person(8)).unwrap().balance, wei(RICH + 21_000));
    let anew = ran.after_account(suicidal).unwrap();
    assert_eq!((anew.balance, anew.nonce, anew.is_empty_code_hash()), (wei(21_000), 0, true));
    assert_eq!((ran.needs(1), ran.needs(2)), (&[0][..], &[][..]));
}

#[test]
fn a_fee_of_nothing_touches_the_beneficiary() {
    for (spec, exists) in
        [(SpecId::HOMESTEAD, true), (SpecId::SPURIOUS_DRAGON, false), (SpecId::LONDON, false)]
    {
        for existed in [false, true] {
            let mut world = World::under(spec);
            if existed {
                world.state.insert_balance(BENEFICIARY, U256::ZERO);
            }
            for number in 0..3 {
                world.pay(person(number), person(9), 1).gas_price = 0;
            }
            let ran = world.run();
            assert_eq!(ran.after_account(BENEFICIARY).is_some(), exists, "{spec:?}, {existed}");
            assert_eq!(ran.conflicts.fine.dependent(), 0);
        }
    }
}

#[test]
fn balances_that_could_overflow_are_exact() {
    let mut world = World::new();
    let passes = world.program(1, PASSES_ON);
    let other = world.program(2, PASSES_ON);
    world.state.insert_balance(NOBODY, U256::MAX - wei(10));
    world.send(person(0), passes, 8, word(NOBODY));
    world.send(person(1), other, 8, word(NOBODY));
    let ran = world.run();
    assert_eq!(ran.after.slot(passes, U256::ZERO), U256::ONE);
    assert_eq!(ran.after.slot(other, U256::ZERO), U256::ZERO, "it would overflow");
}
