//! Whatever is wrong with the input, both engines say so, alike, and neither panics nor hangs.

use alloy_primitives::address;
use parallel_evm::{
    AccountInfo, Address, B256, Block, BlockEnv, Bytecode, ExecuteError, Executor, InvalidReason,
    InvalidTransaction, MemoryState, PreState, SpecId, StateError, Stress, TxEnv, TxKind, U256,
};
use std::num::NonZeroUsize;

const SENDER: Address = address!("00000000000000000000000000000000000000aa");
const OTHER: Address = address!("00000000000000000000000000000000000000bb");
const CURSED: Address = address!("00000000000000000000000000000000000000cc");

fn state() -> MemoryState {
    let mut state = MemoryState::new();
    state.insert_balance(SENDER, U256::from(1_000_000_000));
    state
}

fn transfer(nonce: u64, to: Address) -> TxEnv {
    TxEnv {
        caller: SENDER,
        nonce,
        kind: TxKind::Call(to),
        value: U256::ONE,
        gas_limit: 21_000,
        gas_price: 1,
        chain_id: Some(1),
        ..TxEnv::default()
    }
}

fn block(transactions: Vec<TxEnv>) -> Block {
    let env = BlockEnv { gas_limit: 100_000, ..BlockEnv::default() };
    Block { spec: SpecId::OSAKA, chain_id: 1, env, transactions }
}

/// The error, which must be the same from every engine.
fn error_of(block: &Block, pre: &dyn PreState) -> ExecuteError {
    let serial = Executor::serial().execute(block, pre).unwrap_err();
    for threads in [1, 2, 4, 8] {
        let executor =
            Executor::parallel(NonZeroUsize::new(threads).unwrap()).with_small_blocks_serial(false);
        assert_eq!(executor.execute(block, pre).unwrap_err(), serial, "{threads} threads");
        let stressed = executor.with_stress(Stress { seed: 1, pretend: true, ..Stress::default() });
        assert_eq!(stressed.execute(block, pre).unwrap_err(), serial, "{threads} threads, stressed");
    }
    serial
}

fn reason_of(transactions: Vec<TxEnv>) -> (usize, InvalidReason) {
    match error_of(&block(transactions), &state()) {
        ExecuteError::InvalidTransaction { index, reason } => (index, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_nonce_gap_is_reported_with_both_nonces() {
    let (index, reason) = reason_of(vec![transfer(0, OTHER), transfer(2, OTHER)]);
    let expected = InvalidTransaction::NonceTooHigh { tx: 2, state: 1 };
    assert_eq!((index, reason), (1, InvalidReason::Transaction(expected)));
    let (index, reason) = reason_of(vec![transfer(0, OTHER), transfer(1, OTHER), transfer(1, OTHER)]);
    let expected = InvalidTransaction::NonceTooLow { tx: 1, state: 2 };
    assert_eq!((index, reason), (2, InvalidReason::Transaction(expected)));
}

#[test]
fn missing_funds_and_a_wrong_chain_are_reported() {
    let poor = TxEnv { value: U256::from(2_000_000_000), ..transfer(1, OTHER) };
    let (index, reason) = reason_of(vec![transfer(0, OTHER), poor]);
    let lacks_funds = InvalidReason::Transaction(InvalidTransaction::LackOfFundForMaxFee {
        fee: Box::new(U256::from(2_000_021_000)),
        balance: Box::new(U256::from(1_000_000_000 - 21_001)),
    });
    assert_eq!((index, reason), (1, lacks_funds));
    let astray = TxEnv { chain_id: Some(5), ..transfer(0, OTHER) };
    let expected = InvalidReason::Transaction(InvalidTransaction::InvalidChainId);
    assert_eq!(reason_of(vec![astray]), (0, expected));
}

#[test]
fn the_gas_limits_of_all_transactions_must_fit_the_block() {
    let transactions: Vec<_> = (0..5).map(|nonce| transfer(nonce, OTHER)).collect();
    let expected = InvalidReason::BlockGasLimit { gas_limit: 21_000, remaining: 100_000 - 4 * 21_000 };
    assert_eq!(reason_of(transactions), (4, expected));
    let greedy = TxEnv { gas_limit: 100_001, ..transfer(0, OTHER) };
    let expected = InvalidReason::BlockGasLimit { gas_limit: 100_001, remaining: 100_000 };
    assert_eq!(reason_of(vec![greedy]), (0, expected));
}

#[test]
fn of_several_errors_the_first_counts() {
    let wrong_nonce = transfer(9, OTHER);
    let wrong_chain = TxEnv { chain_id: Some(5), ..transfer(1, OTHER) };
    let (index, _) = reason_of(vec![transfer(0, OTHER), wrong_nonce.clone(), wrong_chain.clone()]);
    assert_eq!(index, 1);
    let (index, reason) = reason_of(vec![transfer(0, OTHER), wrong_chain, wrong_nonce]);
    assert_eq!((index, reason), (1, InvalidReason::Transaction(InvalidTransaction::InvalidChainId)));
}

#[test]
fn a_block_environment_that_the_fork_forbids_is_reported() {
    let mut block = block(vec![transfer(0, OTHER)]);
    block.env.prevrandao = None;
    let ExecuteError::InvalidTransaction { index: 0, reason: InvalidReason::Block(_) } =
        error_of(&block, &state())
    else {
        panic!("prevrandao is required since the merge");
    };
}

#[test]
fn missing_code_is_reported_by_its_hash() {
    let mut state = state();
    let hash = B256::repeat_byte(3);
    let info = AccountInfo { code_hash: hash, code: None, ..AccountInfo::default() };
    state.insert_account(CURSED, info);
    let found = error_of(&block(vec![transfer(0, OTHER), transfer(1, CURSED)]), &state);
    assert_eq!(found, ExecuteError::State { index: 1, error: StateError::MissingCode(hash) });
}

/// A block whose second transaction is spoilt in one way; the reason's name, which must come from every engine.
fn name_of(spec: SpecId, spoil: impl FnOnce(&mut TxEnv)) -> String {
    let mut tx = TxEnv { gas_limit: 60_000, gas_price: 9, ..transfer(1, OTHER) };
    spoil(&mut tx);
    let mut block = block(vec![TxEnv { gas_price: 9, ..transfer(0, OTHER) }, tx]);
    (block.spec, block.env.basefee, block.env.prevrandao) = (spec, 7, Some(B256::ZERO));
    block.env.gas_limit = 100_000_000;
    let mut state = state();
    state.insert_contract(CURSED, Bytecode::new_legacy(vec![0].into()));
    state.insert_balance(CURSED, U256::from(1_000_000_000));
    match error_of(&block, &state) {
        ExecuteError::InvalidTransaction { index: 1, reason } => match reason {
            InvalidReason::Transaction(reason) => format!("{reason:?}"),
            other => format!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn of_type(tx: &mut TxEnv, tx_type: u8) {
    (tx.tx_type, tx.gas_priority_fee) = (tx_type, Some(0));
    if tx_type == 3 {
        tx.max_fee_per_blob_gas = 10;
        tx.blob_hashes = vec![blob(1)];
    }
}

fn blob(version: u8) -> B256 {
    let mut hash = [5; 32];
    hash[0] = version;
    hash.into()
}

#[test]
fn every_broken_rule_is_named_alike_by_every_engine() {
    type Spoil = fn(&mut TxEnv);
    let cases: [(&str, SpecId, Spoil); 25] = [
        ("CallGasCostMoreThanGasLimit", SpecId::OSAKA, |tx| tx.gas_limit = 20_999),
        // EIP-7623: 10 gas a zero byte at least.
        ("GasFloorMoreThanGasLimit", SpecId::OSAKA, |tx| {
            (tx.gas_limit, tx.data) = (30_000, vec![0; 2_000].into());
        }),
        ("TxGasLimitGreaterThanCap", SpecId::OSAKA, |tx| tx.gas_limit = (1 << 24) + 1),
        ("GasPriceLessThanBasefee", SpecId::LONDON, |tx| tx.gas_price = 6),
        ("PriorityFeeGreaterThanMaxFee", SpecId::LONDON, |tx| {
            (tx.tx_type, tx.gas_priority_fee) = (2, Some(10));
        }),
        ("OverflowPaymentInTransaction", SpecId::OSAKA, |tx| tx.value = U256::MAX),
        ("LackOfFundForMaxFee", SpecId::OSAKA, |tx| tx.value = U256::from(1_000_000_000)),
        ("NonceTooHigh", SpecId::OSAKA, |tx| tx.nonce = 7),
        ("NonceTooLow", SpecId::OSAKA, |tx| tx.nonce = 0),
        ("InvalidChainId", SpecId::OSAKA, |tx| tx.chain_id = Some(2)),
        ("MissingChainId", SpecId::OSAKA, |tx| (tx.tx_type, tx.chain_id) = (1, None)),
        // EIP-3607.
        ("RejectCallerWithCode", SpecId::OSAKA, |tx| tx.caller = CURSED),
        ("CreateInitCodeSizeLimit", SpecId::SHANGHAI, |tx| {
            (tx.kind, tx.data, tx.gas_limit) = (TxKind::Create, vec![0; 49_153].into(), 1_000_000);
        }),
        ("Eip2930NotSupported", SpecId::ISTANBUL, |tx| tx.tx_type = 1),
        ("Eip1559NotSupported", SpecId::BERLIN, |tx| of_type(tx, 2)),
        ("Eip4844NotSupported", SpecId::SHANGHAI, |tx| of_type(tx, 3)),
        ("Eip7702NotSupported", SpecId::CANCUN, |tx| of_type(tx, 4)),
        ("EmptyBlobs", SpecId::CANCUN, |tx| {
            of_type(tx, 3);
            tx.blob_hashes.clear();
        }),
        ("BlobVersionNotSupported", SpecId::CANCUN, |tx| {
            of_type(tx, 3);
            tx.blob_hashes = vec![blob(2)];
        }),
        ("TooManyBlobs", SpecId::OSAKA, |tx| {
            of_type(tx, 3);
            tx.blob_hashes = vec![blob(1); 7];
        }),
        ("BlobGasPriceGreaterThanMax", SpecId::CANCUN, |tx| {
            of_type(tx, 3);
            tx.max_fee_per_blob_gas = 0;
        }),
        ("BlobCreateTransaction", SpecId::CANCUN, |tx| {
            of_type(tx, 3);
            tx.kind = TxKind::Create;
        }),
        ("Other(\"a transaction with authorisations cannot create", SpecId::PRAGUE, |tx| {
            of_type(tx, 4);
            tx.kind = TxKind::Create;
        }),
        ("EmptyAuthorizationList", SpecId::PRAGUE, |tx| of_type(tx, 4)),
        ("UnknownType", SpecId::OSAKA, |tx| tx.tx_type = 5),
    ];
    for (expected, spec, spoil) in cases {
        let found = name_of(spec, spoil);
        assert!(found.starts_with(expected), "{found}, expected {expected}");
    }
}

#[test]
fn a_missing_block_hash_is_reported_by_its_number() {
    let mut state = state();
    // BLOCKHASH of block 41, in block 42.
    state.insert_contract(OTHER, Bytecode::new_legacy(vec![0x60, 41, 0x40, 0x00].into()));
    let mut block = block(vec![transfer(0, SENDER), TxEnv { gas_limit: 60_000, ..transfer(1, OTHER) }]);
    block.env.number = U256::from(42);
    let found = error_of(&block, &state);
    assert_eq!(found, ExecuteError::State { index: 1, error: StateError::MissingBlockHash(41) });
}

#[test]
fn an_error_ahead_of_one_that_stops_the_block_stays_unheard() {
    // The third transaction meets a missing code, but only if the second, which is invalid, were executed.
    let mut state = state();
    let info = AccountInfo { code_hash: B256::repeat_byte(3), code: None, ..AccountInfo::default() };
    state.insert_account(CURSED, info);
    let block = block(vec![transfer(0, OTHER), transfer(7, OTHER), transfer(8, CURSED)]);
    let ExecuteError::InvalidTransaction { index: 1, .. } = error_of(&block, &state) else {
        panic!("the nonce comes first");
    };
}

/// Fails, or panics, when asked for the cursed account.
struct Cursed {
    state: MemoryState,
    panics: bool,
}

impl PreState for Cursed {
    fn account(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if address == CURSED {
            assert!(!self.panics, "this panic is part of a test");
            return Err(StateError::Backend("disk on fire".to_owned()));
        }
        self.state.account(address)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage(address, slot)
    }

    fn code(&self, hash: B256) -> Result<Bytecode, StateError> {
        self.state.code(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}

#[test]
fn a_failing_or_panicking_pre_state_is_an_error_of_the_transaction_that_met_it() {
    // Calls the cursed account from within a contract, too: a failure inside a frame.
    let mut state = state();
    let mut code = vec![0x73];
    code.extend_from_slice(CURSED.as_slice());
    code.extend_from_slice(&[0x31, 0x00]);
    state.insert_contract(OTHER, Bytecode::new_legacy(code.into()));
    let call = TxEnv { gas_limit: 60_000, value: U256::ZERO, ..transfer(1, OTHER) };
    for second in [transfer(1, CURSED), call] {
        let block = block(vec![transfer(0, SENDER), second]);
        let failing = Cursed { state: state.clone(), panics: false };
        let error = StateError::Backend("disk on fire".to_owned());
        assert_eq!(error_of(&block, &failing), ExecuteError::State { index: 1, error });
        let panicking = Cursed { state: state.clone(), panics: true };
        assert_eq!(error_of(&block, &panicking), ExecuteError::WorkerPanicked { index: 1 });
    }
    // The beneficiary is loaded when its fee is paid, outside any transaction.
    let mut block = block(vec![transfer(0, SENDER), transfer(1, SENDER)]);
    block.env.beneficiary = CURSED;
    let failing = Cursed { state: state.clone(), panics: false };
    let error = StateError::Backend("disk on fire".to_owned());
    assert_eq!(error_of(&block, &failing), ExecuteError::State { index: 0, error });
    let panicking = Cursed { state, panics: true };
    assert_eq!(error_of(&block, &panicking), ExecuteError::WorkerPanicked { index: 0 });
}

#[test]
fn an_empty_block_changes_nothing() {
    for executor in [Executor::serial(), Executor::parallel(NonZeroUsize::new(4).unwrap())] {
        let output = executor.execute(&block(Vec::new()), &state()).unwrap();
        assert!(output.state.is_empty() && output.receipts.is_empty() && output.gas_used == 0);
    }
}
