//! Locations: slots, balances, nonces and code of one account are apart, and an access that nobody needs is none.

use crate::world::{PASSES_ON, RICH, World, person, wei, word};
use parallel_evm::{Address, Bytes, Location, U256};
use revm::context_interface::transaction::{AccessList, AccessListItem};

/// Writes the second word of the input to the slot that the first names.
const WRITES: &str = "602035 600035 55 00";
/// Without input takes what it is paid; with input copies slot 7 to slot 8.
const COPIES: &str = "36600557005b 600754 600855 00";

fn two_words(first: u64, second: u64) -> Bytes {
    let words = [wei(first).to_be_bytes::<32>(), wei(second).to_be_bytes::<32>()];
    words.concat().into()
}

#[test]
fn calls_of_one_contract_meet_only_in_the_slots_they_share() {
    let mut world = World::new();
    let writes = world.program(1, WRITES);
    for number in 0..4 {
        world.send(person(number), writes, 0, two_words(u64::from(number), 9));
    }
    world.send(person(4), writes, 0, two_words(2, 8));
    let ran = world.run();
    assert_eq!(ran.conflicts.coarse.longest_chain(), 5, "as whole accounts they are a chain");
    assert_eq!(ran.conflicts.fine.dependent(), 1);
    // Storing reads the old value, which decides the gas.
    assert_eq!(ran.needs(4), [2]);
    assert_eq!(ran.after.slot(writes, wei(2)), wei(8));
}

#[test]
fn the_slots_and_the_balance_of_one_account_are_apart() {
    let mut world = World::new();
    let copies = world.program(1, COPIES);
    world.state.insert_storage(copies, wei(7), wei(3));
    world.pay(person(0), copies, 5);
    world.send(person(1), copies, 0, word(person(0)));
    world.pay(person(2), copies, 6);
    let ran = world.run();
    assert_eq!(ran.conflicts.coarse.longest_chain(), 3, "as whole accounts they are a chain");
    assert_eq!(ran.conflicts.fine.dependent(), 0);
    assert!(!ran.output.transactions[1].writes.contains(&Location::Balance(copies)));
    assert_eq!(ran.after.slot(copies, wei(8)), wei(3));
}

#[test]
fn debits_of_one_account_commute_while_it_can_pay_them() {
    let mut world = World::new();
    // Pays 30 wei of its own to the address in the input and stores in the slot of that name whether it could.
    let payer = world.program(1, "6000600060006000 601e 600035 5a f1 600035 55 00");
    world.state.insert_balance(payer, wei(100));
    for number in 0..4 {
        world.send(person(number), payer, 0, word(person(number + 4)));
    }
    let ran = world.run();
    let usage = ran.usage(0, payer).unwrap();
    assert_eq!((usage.least, usage.most, usage.debit), (wei(30), U256::MAX, wei(30)));
    // 100, 70 and 40 cover 30; 10 do not, and are too little since the third paid.
    assert!(ran.needs(1).is_empty() && ran.needs(2).is_empty());
    assert_eq!((ran.range(3, payer), ran.needs(3)), ((U256::ZERO, wei(29)), &[2][..]));
    assert_eq!(ran.after.slot(payer, word_of(person(6))), U256::ONE);
    assert_eq!(ran.after.slot(payer, word_of(person(7))), U256::ZERO);
}

fn word_of(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

#[test]
fn a_known_nonce_is_no_dependence_but_still_checked_when_committed() {
    let mut world = World::new();
    for _ in 0..3 {
        world.pay(person(0), person(9), 1);
    }
    let ran = world.run();
    assert_eq!(ran.conflicts.fine.dependent(), 0);
    let nonces_read = ran.output.transactions.iter().flat_map(|report| &report.reads);
    assert!(nonces_read.clone().all(|access| access.location != Location::Nonce(person(0))));
    assert!(ran.output.transactions.iter().all(|r| r.writes.contains(&Location::Nonce(person(0)))));
    // The same block with a gap is refused, from every engine; `tests/errors.rs` has more of these.
    world.transactions[2].nonce = 3;
    world.run_to_error();
}

#[test]
fn an_access_list_costs_what_it_says_and_reads_nothing_by_itself() {
    let mut world = World::new();
    let (writes, reads) = (world.program(1, WRITES), world.program(2, "600054 50 00"));
    world.send(person(0), writes, 0, two_words(0, 1));
    world.send(person(1), reads, 0, Bytes::new());
    let listing = |address, slot| AccessList(vec![AccessListItem { address, storage_keys: vec![slot] }]);
    // A slot it reads, and one that the first transaction writes and this one does not read.
    for (number, list) in [(2, listing(reads, Default::default())), (3, listing(writes, Default::default()))]
    {
        let tx = world.send(person(number), reads, 0, Bytes::new());
        (tx.tx_type, tx.access_list) = (1, list);
    }
    let ran = world.run();
    let gas = ran.gas();
    // EIP-2930: 2,400 for an address, 1,900 for a slot; EIP-2929: 2,100 for a cold read, 100 for a warm one.
    assert_eq!(gas[2], gas[1] + 2_400 + 1_900 - 2_000);
    assert_eq!(gas[3], gas[1] + 2_400 + 1_900);
    assert!(ran.needs(3).is_empty(), "listed, not read");
}

#[test]
fn code_deployed_in_the_block_is_what_later_calls_run() {
    let mut world = World::new();
    // Deploys code that stores 5 in slot 0.
    let init = "65600560005500 600052 6006601af3".replace(' ', "");
    let child = person(0).create(0);
    let tx = world.send(person(0), child, 0, alloy_primitives::hex::decode(init).unwrap().into());
    tx.kind = revm::primitives::TxKind::Create;
    world.send(person(1), child, 0, Bytes::new());
    let ran = world.run();
    assert_eq!(ran.needs(1), [0]);
    assert_eq!(ran.after.slot(child, U256::ZERO), wei(5));
}

#[test]
fn an_address_that_holds_ether_can_still_become_a_contract() {
    let mut world = World::new();
    let child = person(1).create(0);
    world.pay(person(0), child, 5);
    let tx = world.send(person(1), child, 2, Bytes::new());
    tx.kind = revm::primitives::TxKind::Create;
    let passes = world.program(1, PASSES_ON);
    world.send(person(2), passes, 4, word(child));
    let ran = world.run();
    assert!(ran.needs(1).is_empty(), "a collision is one of nonce or code, not of balance");
    let created = ran.after_account(child).unwrap();
    assert_eq!((created.nonce, created.balance), (1, wei(11)));
    assert_eq!(ran.after_account(person(0)).unwrap().balance, wei(RICH - 5 - 21_000));
}
