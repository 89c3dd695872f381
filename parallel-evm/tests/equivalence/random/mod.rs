//! Blocks from a counter-based generator: few accounts, many conflicts, every trap we know of.
//!
//! A block as drawn may be invalid, which all engines must say alike; [`RandomBlock::settle`] makes it valid. The
//! `fuzz` crate compiles this folder too.

mod draws;
mod programs;
mod spoil;
mod transaction;

pub use draws::Draws;

use parallel_evm::{
    Address, B256, Block, BlockEnv, Bytecode, ExecuteError, Executor, InvalidReason, InvalidTransaction,
    MemoryState, SpecId, U256,
    contracts::{amm, compute, erc20, nft},
};
use programs::{EARLY_CALL_GAS, INIT_OF_SUICIDAL, PROGRAMS, bytes, code};
use revm::context_interface::block::BlobExcessGasAndPrice;

pub const CHAIN_ID: u64 = 1337;

/// Every fork revm knows up to Osaka.
pub const SPECS: [SpecId; 14] = [
    SpecId::FRONTIER,
    SpecId::HOMESTEAD,
    SpecId::TANGERINE,
    SpecId::SPURIOUS_DRAGON,
    SpecId::BYZANTIUM,
    SpecId::PETERSBURG,
    SpecId::ISTANBUL,
    SpecId::BERLIN,
    SpecId::LONDON,
    SpecId::MERGE,
    SpecId::SHANGHAI,
    SpecId::CANCUN,
    SpecId::PRAGUE,
    SpecId::OSAKA,
];

/// What a transaction is meant to do; what came of it, its receipt and report tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Transfer,
    Payout,
    Destruction,
    Creation,
    Creation2,
    Revert,
    DeepCall,
    Delegation,
    Observer,
    Precompile,
    CoinbaseSends,
    Token,
    Storage,
    AccessList,
    Blob,
    Whale,
    Other,
}

impl Kind {
    pub const ALL: [Self; 17] = [
        Self::Transfer,
        Self::Payout,
        Self::Destruction,
        Self::Creation,
        Self::Creation2,
        Self::Revert,
        Self::DeepCall,
        Self::Delegation,
        Self::Observer,
        Self::Precompile,
        Self::CoinbaseSends,
        Self::Token,
        Self::Storage,
        Self::AccessList,
        Self::Blob,
        Self::Whale,
        Self::Other,
    ];
}

pub struct RandomBlock {
    pub block: Block,
    pub state: MemoryState,
    /// Of each transaction.
    pub kinds: Vec<Vec<Kind>>,
    /// Every address the block may touch and that is known beforehand.
    pub addresses: Vec<Address>,
}

/// Who and what there is.
struct World {
    users: Vec<Address>,
    targets: Vec<Address>,
    /// Accounts that do not exist, or are empty, at first.
    empty: Vec<Address>,
    programs: Vec<Address>,
    tokens: [Address; 2],
    market: Address,
    collection: Address,
    computer: Address,
    /// Holds nearly all that fits a balance.
    whale: Address,
}

impl RandomBlock {
    #[allow(dead_code, reason = "the fuzz target does not use it")]
    pub fn new(seed: u64) -> Self {
        Self::from_draws(Draws::new(seed))
    }

    /// A block as drawn; one in eight is spoilt on purpose.
    pub fn from_draws(mut draws: Draws) -> Self {
        let spec = draws.pick(&SPECS);
        let (world, state) = world(&mut draws, spec);
        let env = env(&mut draws, spec, &world);
        let mut nonces = Default::default();
        let (mut transactions, mut kinds) = (Vec::new(), Vec::new());
        for _ in 0..4 + draws.below(28) {
            let (tx, is) = transaction::draw(&mut draws, spec, &env, &world, &mut nonces);
            transactions.push(tx);
            kinds.push(is);
        }
        let addresses = world.users.iter().chain(&world.targets).copied().collect();
        let block = Block { spec, chain_id: CHAIN_ID, env, transactions };
        let mut random = Self { block, state, kinds, addresses };
        if draws.below(8) == 0 {
            spoil::spoil(&mut random, &mut draws);
        }
        random
    }

    /// Makes one transaction invalid; returns its index.
    #[allow(dead_code, reason = "the fuzz target does not use it")]
    pub fn spoil(&mut self, seed: u64) -> usize {
        spoil::spoil(self, &mut Draws::new(seed ^ 0xbad))
    }

    /// Makes the block valid: nonces become what they must be, what is invalid otherwise is dropped.
    pub fn settle(&mut self) {
        loop {
            match Executor::serial().with_reports(false).execute(&self.block, &self.state) {
                Ok(_) => return,
                Err(ExecuteError::InvalidTransaction { index, reason }) => match reason {
                    InvalidReason::Transaction(
                        InvalidTransaction::NonceTooHigh { state, .. }
                        | InvalidTransaction::NonceTooLow { state, .. },
                    ) => self.block.transactions[index].nonce = state,
                    _ => {
                        self.block.transactions.remove(index);
                        self.kinds.remove(index);
                    }
                },
                Err(other) => panic!("the state answers everything, but: {other}"),
            }
        }
    }
}

fn account(kind: u8, index: usize) -> Address {
    let mut bytes = [kind; 20];
    bytes[19] = index as u8;
    Address::from(bytes)
}

fn world(draws: &mut Draws, spec: SpecId) -> (World, MemoryState) {
    let mut state = MemoryState::new();
    let users: Vec<_> = (0..3 + draws.below(6)).map(|index| account(0xaa, index)).collect();
    for user in &users {
        // Some can hardly pay for what they send.
        let balance =
            if draws.chance(90) { U256::from(10).pow(U256::from(20)) } else { U256::from(2_000_000) };
        state.insert_balance(*user, balance);
    }
    let empty: Vec<_> = (0..4).map(|index| account(0xee, index)).collect();
    let mut targets = users.clone();
    targets.extend(&empty);
    let mut programs = Vec::new();
    for (index, text) in PROGRAMS.iter().enumerate() {
        let address = account(0xcc, index);
        state.insert_contract(address, Bytecode::new_legacy(code(text, spec)));
        if draws.chance(50) {
            state.insert_balance(address, U256::from(draws.below(20)));
        }
        state.insert_storage(address, U256::ZERO, U256::from(draws.below(3)));
        programs.push(address);
        // What the program may create, with CREATE2 and with CREATE.
        let init = bytes(INIT_OF_SUICIDAL);
        targets.extend((0..2_u8).map(|salt| address.create2_from_code(B256::with_last_byte(salt), &init)));
        targets.push(address.create(1));
    }
    targets.extend(&programs);
    if draws.chance(20) {
        // An empty account from before EIP-161.
        state.insert_balance(empty[0], U256::ZERO);
    }
    let whale = account(0xbb, 0);
    state.insert_balance(whale, U256::MAX - U256::from(draws.below(60)));
    let tokens = [account(0xdd, 0), account(0xdd, 1)];
    let market = account(0xdd, 2);
    for token in tokens {
        let funds = users.iter().map(|user| (*user, U256::from(1_000 + draws.below(1_000_000))));
        let funds: Vec<_> = funds.collect();
        erc20::place(&mut state, token, funds, [(users[0], users[1], U256::from(500))]);
    }
    let reserve = U256::from(1_000_000);
    let pool = amm::Pool {
        address: market,
        token0: tokens[0],
        token1: tokens[1],
        reserve0: reserve,
        reserve1: reserve,
        provider: users[0],
    };
    pool.place(&mut state, users.iter().copied());
    let (collection, computer) = (account(0xdd, 3), account(0xdd, 4));
    nft::place(&mut state, collection, []);
    compute::place(&mut state, computer);
    (World { users, targets, empty, programs, tokens, market, collection, computer, whale }, state)
}

fn env(draws: &mut Draws, spec: SpecId, world: &World) -> BlockEnv {
    let beneficiary = match draws.below(12) {
        0..=2 => draws.pick(&world.users),
        3 => draws.pick(&world.programs),
        4..=5 => draws.pick(&world.targets),
        6 => draws.pick(&world.empty),
        7 => world.whale,
        _ => account(0xfe, 0),
    };
    let basefee = if spec.is_enabled_in(SpecId::LONDON) { 1 } else { 0 };
    let number = if spec.is_enabled_in(SpecId::TANGERINE) { 100 } else { EARLY_CALL_GAS };
    BlockEnv {
        number: U256::from(number),
        beneficiary,
        timestamp: U256::from(1_000_000),
        gas_limit: 60_000_000,
        basefee,
        prevrandao: Some(B256::repeat_byte(9)),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(0, 5_007_716)),
        ..BlockEnv::default()
    }
}
