//! Work vectors and access reports of small programs, counted by hand.

use alloy_primitives::{address, hex};
use parallel_evm::{
    Access, Address, Block, BlockEnv, Bytecode, Executor, Location, MemoryState, SpecId, TxEnv, TxKind,
    TxReport, U256, WorkClass,
};

const SENDER: Address = address!("00000000000000000000000000000000000000aa");
const PROGRAM: Address = address!("00000000000000000000000000000000000000bb");
const OTHER: Address = address!("00000000000000000000000000000000000000cc");

fn report(code: &str, value: u64) -> TxReport {
    let mut state = MemoryState::new();
    state.insert_balance(SENDER, U256::from(u64::MAX));
    state.insert_contract(PROGRAM, Bytecode::new_legacy(hex::decode(code).unwrap().into()));
    let tx = TxEnv {
        caller: SENDER,
        kind: TxKind::Call(PROGRAM),
        data: vec![0, 1, 2].into(),
        value: U256::from(value),
        gas_limit: 1_000_000,
        gas_price: 1,
        chain_id: Some(1),
        ..TxEnv::default()
    };
    let block = Block {
        spec: SpecId::OSAKA,
        chain_id: 1,
        env: BlockEnv { beneficiary: Address::repeat_byte(0xfe), ..BlockEnv::default() },
        transactions: vec![tx],
    };
    let mut output = Executor::serial().execute(&block, &state).unwrap();
    assert!(output.receipts[0].success);
    output.transactions.remove(0)
}

fn counts(report: &TxReport) -> Vec<(WorkClass, u32)> {
    report.work.iter().collect()
}

fn locations(accesses: &[Access]) -> Vec<Location> {
    accesses.iter().map(|access| access.location).collect()
}

#[test]
fn arithmetic_memory_and_hashing_are_counted_by_class_and_unit() {
    use WorkClass::*;
    // 3 / 2; 7^300 (two bytes); MULMOD(1, 1, 1); MSTORE; KECCAK256 of 40 bytes; copy 3 bytes of input.
    let report = report(
        "6002600304 61012c60070a 600160016001 09 600052 60286000 20 60036000600037 00"
            .replace(' ', "")
            .as_str(),
        0,
    );
    let expected = [
        // 5 pushes for the arithmetic, ... every push, EXP's and the copy's fixed parts, STOP.
        (Simple, 2 + 2 + 1 + 3 + 1 + 2 + 3 + 1 + 1),
        (Divide, 1),
        (MulMod, 1),
        (ExpByte, 2),
        (MemoryWord, 1 + 1),
        (HashCall, 1),
        (HashWord, 2),
        (AccountCold, 2),
        (Transaction, 1),
        (CalldataByte, 3),
    ];
    assert_eq!(counts(&report), expected);
}

#[test]
fn storage_is_cold_once_and_prefixes_count_the_work_before() {
    use WorkClass::*;
    // SLOAD 5; SLOAD 5 again; SSTORE(6, 1); LOG0 of 10 bytes.
    let report = report("600554 600554 6001600655 600a6000a0 00".replace(' ', "").as_str(), 0);
    let expected = [
        (Simple, 1 + 1 + 2 + 2 + 1),
        (StorageReadCold, 2),
        (StorageReadWarm, 1),
        (StorageWrite, 1),
        (AccountCold, 2),
        (Log, 1),
        (LogByte, 10),
        (Transaction, 1),
        (CalldataByte, 3),
    ];
    assert_eq!(counts(&report), expected);
    let prefix = |location| {
        let access = report.reads.iter().find(|access| access.location == location).expect("read");
        (access.prefix.get(Simple), access.prefix.get(StorageReadCold))
    };
    // An access is not part of its own prefix.
    assert_eq!(prefix(Location::Code(SENDER)), (0, 0));
    assert_eq!(prefix(Location::Slot(PROGRAM, U256::from(5))), (1, 0));
    assert_eq!(prefix(Location::Slot(PROGRAM, U256::from(6))), (4, 1));
    let writes = [Location::Nonce(SENDER), Location::Balance(SENDER), Location::Slot(PROGRAM, U256::from(6))];
    assert_eq!(report.writes, writes);
}

#[test]
fn a_call_reads_code_only_and_a_transfer_both_balances() {
    let call = report("00", 0);
    assert_eq!(
        locations(&call.reads),
        [Location::Balance(SENDER), Location::Code(SENDER), Location::Code(PROGRAM)]
    );
    assert_eq!(call.writes, [Location::Nonce(SENDER), Location::Balance(SENDER)]);
    let transfer = report("00", 5);
    assert!(locations(&transfer.reads).contains(&Location::Balance(PROGRAM)));
    assert!(transfer.writes.contains(&Location::Balance(PROGRAM)));
}

#[test]
fn a_look_at_a_balance_is_a_read_and_the_beneficiary_is_absent_unless_looked_at() {
    let beneficiary = Address::repeat_byte(0xfe);
    let looks = report("73 00000000000000000000000000000000000000cc 31 47 00".replace(' ', "").as_str(), 0);
    let reads = locations(&looks.reads);
    assert!(reads.contains(&Location::Balance(OTHER)) && reads.contains(&Location::Balance(PROGRAM)));
    assert!(reads.iter().all(|location| location.address() != beneficiary));
    let looks = report("413100", 0);
    assert!(locations(&looks.reads).contains(&Location::Balance(beneficiary)));
    assert!(looks.writes.contains(&Location::Balance(beneficiary)));
}

#[test]
fn precompiles_are_counted_by_what_they_do() {
    use WorkClass::*;
    // STATICCALL to identity (4) with 40 bytes, to ecrecover (1) with none, to modexp (5) with none.
    let call = |address: u8, len: u8| format!("6000600060{len:02x}600060{address:02x}5afa50");
    let code = [call(4, 40), call(1, 0), call(5, 0), "00".to_owned()].concat();
    let report = report(&code, 0);
    assert_eq!(report.work.get(HashPrecompileWord), 2);
    assert_eq!(report.work.get(Ecrecover), 1);
    assert_eq!(report.work.get(ModExpGas), 500);
    assert_eq!(report.work.get(Call), 3);
    assert_eq!(report.work.get(PrecompileGas), 0);
}
