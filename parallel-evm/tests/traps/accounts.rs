//! Accounts: destruction and re-creation, collisions, delegations, nonces.

use crate::world::{PASSES_ON, RICH, World, person, wei, word};
use alloy_primitives::hex;
use parallel_evm::{Address, B256, Bytecode, Bytes, ExecuteError, PreState, SpecId, TxEnv, TxKind, U256};
use revm::context_interface::{
    either::Either,
    transaction::{Authorization, RecoveredAuthority, RecoveredAuthorization},
};

/// Copies slot 0 to slot 1; with input destroys itself in favour of the address in it.
const CHILD: &str = "36600b5760005460015500 5b 600035ff";

/// Stores the value it is given in slot 0 and deploys [`CHILD`].
fn child_init() -> String {
    format!("34600055 6f{CHILD} 600052 60106010f3").replace(' ', "")
}

/// Creates the child with CREATE2, always at one address, and stores the address in slot 0.
fn factory(op: &str) -> String {
    let init = child_init();
    let len = init.len() / 2;
    let salt = if op == "f5" { "6000" } else { "" };
    format!("{:02x}{init} 600052 {salt} 60{len:02x} 60{:02x} 34 {op} 600055 00", 0x5f + len, 32 - len)
}

fn authorise(tx: &mut TxEnv, authority: Address, nonce: u64, to: Address) {
    (tx.tx_type, tx.gas_priority_fee) = (4, Some(0));
    let inner = Authorization { chain_id: U256::ZERO, address: to, nonce };
    let signed = RecoveredAuthorization::new_unchecked(inner, RecoveredAuthority::Valid(authority));
    tx.authorization_list.push(Either::Right(signed));
}

fn child_of(factory: Address) -> Address {
    factory.create2_from_code(B256::ZERO, hex::decode(child_init()).unwrap())
}

#[test]
fn a_contract_destroyed_and_created_again_begins_a_new_life() {
    let mut world = World::under(SpecId::LONDON);
    let factory = world.program(1, &factory("f5"));
    let child = child_of(factory);
    world.send(person(0), factory, 7, Bytes::new());
    world.send(person(1), child, 0, Bytes::new());
    world.send(person(2), child, 0, word(person(9)));
    world.send(person(3), child, 0, Bytes::new());
    world.send(person(4), factory, 9, Bytes::new());
    let ran = world.run();
    assert_eq!(ran.succeeded(), [true; 5]);
    let change = &ran.output.state.accounts[&child];
    assert!(change.storage_cleared);
    assert_eq!(ran.after.slot(child, U256::ZERO), wei(9));
    assert_eq!(ran.after.slot(child, U256::ONE), U256::ZERO, "written in its former life");
    assert_eq!(ran.after.account(person(9)).unwrap().unwrap().balance, wei(RICH + 7));
}

#[test]
fn storage_from_before_the_block_is_void_after_destruction() {
    let mut world = World::under(SpecId::LONDON);
    let factory = world.program(1, &factory("f5"));
    let child = child_of(factory);
    world
        .state
        .insert_contract(child, Bytecode::new_legacy(hex::decode(CHILD.replace(' ', "")).unwrap().into()));
    world.state.insert_storage(child, U256::ZERO, wei(5));
    world.state.insert_storage(child, wei(8), wei(6));
    world.send(person(0), child, 0, Bytes::new());
    world.send(person(1), child, 0, word(person(9)));
    world.send(person(2), factory, 1, Bytes::new());
    world.send(person(3), child, 0, Bytes::new());
    let ran = world.run();
    assert_eq!(ran.after.slot(child, U256::ZERO), U256::ONE);
    assert_eq!(ran.after.slot(child, U256::ONE), U256::ONE);
    assert_eq!(ran.after.slot(child, wei(8)), U256::ZERO);
}

#[test]
fn what_is_created_and_destroyed_within_one_transaction_leaves_nothing() {
    for spec in [SpecId::SHANGHAI, SpecId::OSAKA] {
        let mut world = World::under(spec);
        let factory = world.program(1, &factory("f5"));
        let child = child_of(factory);
        // Has the factory create the child with 7 wei, has the child store, and then destroy itself.
        let (to_factory, to_child) = (hex::encode(factory), hex::encode(child));
        let call = |to: &str, value: u8, input: u8| {
            format!("60006000 60{input:02x}6000 60{value:02x} 73{to} 5a f1 50")
        };
        let calls = [call(&to_factory, 7, 0), call(&to_child, 0, 0), call(&to_child, 0, 32)].concat();
        let lives = world.program(2, &format!("600035600052 {calls} 00"));
        // The value goes to the factory; what the child held to the address in the input.
        for number in 0..2 {
            world.send(person(number), lives, 7, word(person(9))).gas_limit = 2_000_000;
        }
        world.send(person(2), factory, 1, Bytes::new()).gas_limit = 2_000_000;
        world.send(person(3), child, 0, Bytes::new());
        let ran = world.run();
        assert_eq!(ran.succeeded(), [true; 4]);
        assert_eq!(
            ran.after_account(person(9)).unwrap().balance,
            wei(RICH + 14),
            "created twice, no collision"
        );
        // The third life: what it stored itself, and nothing of the earlier ones.
        assert_eq!(ran.after.slot(child, U256::ZERO), U256::ONE);
        assert_eq!(ran.after.slot(child, U256::ONE), U256::ONE);
        assert_eq!(ran.needs(3), [2]);
    }
}

#[test]
fn since_cancun_only_a_contract_of_the_same_transaction_is_destroyed() {
    let mut world = World::under(SpecId::CANCUN);
    let factory = world.program(1, &factory("f5"));
    let child = child_of(factory);
    world.send(person(0), factory, 7, Bytes::new());
    world.send(person(1), child, 0, word(person(9)));
    world.send(person(2), child, 0, Bytes::new());
    let ran = world.run();
    assert_eq!(ran.after.slot(child, U256::ONE), wei(7));
    assert_eq!(ran.after.account(child).unwrap().unwrap().balance, U256::ZERO);
}

#[test]
fn creations_collide_and_count_the_creators_nonce() {
    let mut world = World::new();
    let (fixed, counting) = (world.program(1, &factory("f5")), world.program(2, &factory("f0")));
    for number in 0..3 {
        // A collision takes 63 of 64 parts of the gas; the rest must do for the store.
        world.send(person(number), fixed, 1, Bytes::new()).gas_limit = 3_000_000;
        world.send(person(number + 4), counting, 1, Bytes::new());
    }
    let ran = world.run();
    // The second creation at a fixed address collides and yields zero.
    assert_eq!(ran.after.slot(fixed, U256::ZERO), U256::ZERO);
    assert_eq!(ran.after.account(child_of(fixed)).unwrap().unwrap().balance, U256::ONE);
    let last = U256::from_be_bytes(counting.create(3).into_word().0);
    assert_eq!(ran.after.slot(counting, U256::ZERO), last);
    assert_eq!(ran.needs(5), [3], "the nonce");
}

#[test]
fn a_delegation_changes_the_nonce_of_an_account_that_sends_later() {
    let mut world = World::new();
    let program = world.program(1, PASSES_ON);
    let authority = person(3);
    authorise(world.pay(person(0), person(1), 1), authority, 0, program);
    // Its nonce is 1 by now; and it may send although it has code.
    world.pay(authority, person(2), 1).nonce = 1;
    // Whoever pays it runs its program.
    world.send(person(4), authority, 5, word(person(5)));
    let ran = world.run();
    assert_eq!(ran.succeeded(), [true; 3]);
    assert_eq!(ran.after.account(authority).unwrap().unwrap().nonce, 2);
    assert_eq!(ran.after.slot(authority, U256::ZERO), U256::ONE);
    assert_eq!(ran.needs(1), [0], "every sender's code is read");
    assert_eq!(ran.needs(2), [0]);
}

#[test]
fn a_delegation_can_be_taken_back_in_the_same_block() {
    let mut world = World::new();
    let program = world.program(1, PASSES_ON);
    let authority = person(3);
    authorise(world.pay(person(0), person(1), 1), authority, 0, program);
    world.send(person(4), authority, 5, word(person(5)));
    authorise(world.pay(person(1), person(2), 1), authority, 1, Address::ZERO);
    world.send(person(5), authority, 6, word(person(6)));
    let ran = world.run();
    assert_eq!((ran.needs(1), ran.needs(3)), (&[0][..], &[2][..]));
    let after = ran.after_account(authority).unwrap();
    assert_eq!((after.nonce, after.balance, after.is_empty_code_hash()), (2, wei(RICH + 6), true));
    assert_eq!(ran.after_account(person(6)).unwrap().balance, wei(RICH), "nothing was passed on any more");
}

#[test]
fn a_sender_that_authorises_itself_uses_two_nonces() {
    let mut world = World::new();
    let program = world.program(1, PASSES_ON);
    authorise(world.pay(person(0), person(1), 1), person(0), 1, program);
    world.pay(person(0), person(1), 1).nonce = 2;
    let ran = world.run();
    assert_eq!(ran.after_account(person(0)).unwrap().nonce, 3);
    // Its code is read by the second, and was written by the first.
    assert_eq!(ran.needs(1), [0]);
    world.transactions[1].nonce = 1;
    world.run_to_error();
}

#[test]
fn a_contract_cannot_send_but_a_delegated_account_can() {
    let mut world = World::new();
    let contract = world.program(1, PASSES_ON);
    world.state.insert_balance(contract, wei(RICH));
    authorise(world.pay(person(0), person(1), 1), person(3), 0, contract);
    world.pay(person(3), person(2), 1).nonce = 1;
    assert_eq!(world.run().succeeded(), [true; 2]);
    world.pay(contract, person(2), 1).nonce = 1;
    let refused = world.run_to_error();
    assert!(matches!(refused, ExecuteError::InvalidTransaction { index: 2, .. }), "{refused}");
}

#[test]
fn an_authority_that_sent_before_is_refused_by_its_nonce() {
    let mut world = World::new();
    let program = world.program(1, PASSES_ON);
    let authority = person(3);
    world.pay(authority, person(2), 1);
    authorise(world.pay(person(0), person(1), 1), authority, 0, program);
    authorise(world.pay(person(5), person(1), 1), authority, 1, program);
    let ran = world.run();
    assert_eq!(ran.after.account(authority).unwrap().unwrap().nonce, 2, "one refused, one applied");
    assert!(ran.needs(1).contains(&0));
    assert!(ran.needs(2).contains(&0));
}

#[test]
fn a_delegated_account_creates_with_its_own_nonce() {
    let mut world = World::new();
    let counting = world.program(2, &factory("f0"));
    let delegated = person(3);
    authorise(world.pay(person(0), person(1), 1), delegated, 0, counting);
    world.pay(delegated, person(2), 1).nonce = 1;
    world.send(person(4), delegated, 1, Bytes::new());
    let ran = world.run();
    let child = U256::from_be_bytes(delegated.create(2).into_word().0);
    assert_eq!(ran.after.slot(delegated, U256::ZERO), child);
    assert_eq!(ran.after.account(delegated).unwrap().unwrap().nonce, 3);
}

#[test]
fn the_refund_of_an_authorisation_depends_on_the_authoritys_existence() {
    let absent = Address::repeat_byte(0x78);
    let gas_with_credit = |credits: bool| {
        let mut world = World::new();
        let program = world.program(1, PASSES_ON);
        world.pay(person(1), if credits { absent } else { person(2) }, 1);
        let tx = world.pay(person(0), person(2), 1);
        authorise(tx, absent, 0, program);
        let ran = world.run();
        assert_eq!(ran.needs(1), if credits { &[0][..] } else { &[] });
        ran.output.receipts[1].gas_used
    };
    assert_ne!(gas_with_credit(true), gas_with_credit(false));
}

#[test]
fn an_authority_that_exists_although_it_is_empty_is_refunded_until_it_is_touched() {
    let relic = Address::repeat_byte(0x78);
    let gas_after = |touches: bool| {
        let mut world = World::new();
        // From before EIP-161. A payment of nothing deletes it.
        world.state.insert_balance(relic, U256::ZERO);
        let program = world.program(1, PASSES_ON);
        world.pay(person(1), if touches { relic } else { person(2) }, 0);
        authorise(world.pay(person(0), person(2), 1), relic, 0, program);
        let ran = world.run();
        assert_eq!(ran.needs(1), if touches { &[0][..] } else { &[] });
        ran.output.receipts[1].gas_used
    };
    // EIP-7702: 12,500 of the 25,000 are given back for an account that exists, up to a fifth of all.
    assert!(gas_after(true) > gas_after(false));
}

#[test]
fn contracts_created_by_transactions_take_addresses_from_known_nonces() {
    let mut world = World::new();
    for _ in 0..4 {
        let tx = world.send(person(0), person(1), 0, hex::decode(child_init()).unwrap().into());
        tx.kind = TxKind::Create;
    }
    let ran = world.run();
    for (nonce, receipt) in ran.output.receipts.iter().enumerate() {
        assert_eq!(receipt.contract_address, Some(person(0).create(nonce as u64)));
    }
    assert_eq!(ran.conflicts.fine.dependent(), 0);
}
