//! Blocks from a counter-based generator: few accounts, many conflicts, every trap we know of.

use parallel_evm::{
    Address, B256, Block, BlockEnv, Bytecode, Bytes, MemoryState, SpecId, TxEnv, TxKind, U256,
    contracts::{amm, compute, erc20, nft},
};
use revm::context_interface::{
    block::BlobExcessGasAndPrice,
    either::Either,
    transaction::{AccessList, AccessListItem, Authorization, RecoveredAuthority, RecoveredAuthorization},
};
use std::collections::BTreeMap;

const CHAIN_ID: u64 = 1337;
const SPECS: [SpecId; 11] = [
    SpecId::HOMESTEAD,
    SpecId::TANGERINE,
    SpecId::SPURIOUS_DRAGON,
    SpecId::BYZANTIUM,
    SpecId::ISTANBUL,
    SpecId::BERLIN,
    SpecId::LONDON,
    SpecId::SHANGHAI,
    SpecId::CANCUN,
    SpecId::PRAGUE,
    SpecId::OSAKA,
];

/// Deploys code that destroys itself in favour of the address it is given.
const INIT_OF_SUICIDAL: &str = "63600035ff6000526004601cf3";

/// A versioned hash as EIP-4844 wants it.
const BLOB: B256 = {
    let mut hash = [7; 32];
    hash[0] = 1;
    B256::new(hash)
};

/// Small programs, each for one trap. Arguments are words of the input.
const PROGRAMS: [&str; 16] = [
    // stores the balance of an address
    "6000353160005500",
    // stores the balance of the coinbase
    "413160005500",
    // destroys itself in favour of an address
    "600035ff",
    // creates (CREATE2, salt given, value passed on) a suicidal contract and stores its address
    "6c63600035ff6000526004601cf3600052600035600d601334f560005500",
    // the same with CREATE: the address depends on the creator's nonce
    "6c63600035ff6000526004601cf3600052600d601334f060005500",
    // passes the value on to an address
    "6000600060006000346000355af160005500",
    // pays 5 wei of its own to an address, if it has them
    "600060006000600060056000355af160005500",
    // counts, then reverts
    "60005460010160005560006000fd",
    // counts: one hot slot
    "60005460010160005500",
    // writes to a slot that depends on another
    "6000546003168054600101905560005460010160005500",
    // stores the code hash of an address
    "6000353f60005500",
    // stores the code size of an address
    "6000353b60005500",
    // passes the value on to an address, then reverts unless told otherwise: a credit that never was
    "6000600060006000346000355af150602035601a5760006000fd5b00",
    // pays the value to the sha256 precompile, with input, and stores whether that worked
    "60003560005260206000602060003460025af160005500",
    // calls itself with a wei of its own until gas or wei run out, and counts on the way back
    "60006000600060006001305af16000540160005500",
    // calls an address with the whole input and the value, whatever it is, and stores the result
    "36600060003760006000366000346000355af160005500",
];

/// The `index`-th draw of a stream: two bytes of what a fuzzer gives, as far as that goes, then SplitMix64's
/// finaliser over (seed, index).
pub struct Draws {
    seed: u64,
    index: u64,
    bytes: Vec<u8>,
}

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed.wrapping_add(0x5851_f42d_4c95_7f2d)), index: 0, bytes: Vec::new() }
    }

    #[allow(dead_code, reason = "the fuzz target's way in")]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), ..Self::new(0) }
    }

    fn next(&mut self) -> u64 {
        self.index += 1;
        let at = (self.index as usize - 1) * 2;
        if let Some(pair) = self.bytes.get(at..at + 2) {
            return u64::from(u16::from_le_bytes([pair[0], pair[1]]));
        }
        mix(self.seed.wrapping_add(self.index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn account(kind: u8, index: usize) -> Address {
    let mut bytes = [kind; 20];
    bytes[19] = index as u8;
    Address::from(bytes)
}

pub struct RandomBlock {
    pub block: Block,
    pub state: MemoryState,
    /// Every address the block may touch and that is known beforehand.
    pub addresses: Vec<Address>,
}

struct World {
    users: Vec<Address>,
    targets: Vec<Address>,
    programs: Vec<Address>,
    tokens: [Address; 2],
    market: Address,
    collection: Address,
    computer: Address,
}

impl RandomBlock {
    pub fn new(seed: u64) -> Self {
        Self::from_draws(Draws::new(seed))
    }

    pub fn from_draws(mut draws: Draws) -> Self {
        let spec = draws.pick(&SPECS);
        let (world, state) = world(&mut draws);
        let env = env(&mut draws, spec, &world);
        let mut nonces = BTreeMap::new();
        let mut transactions = Vec::new();
        for _ in 0..4 + draws.below(28) {
            transactions.push(transaction(&mut draws, spec, &env, &world, &mut nonces));
        }
        let addresses = world.users.iter().chain(&world.targets).copied().collect();
        Self { block: Block { spec, chain_id: CHAIN_ID, env, transactions }, state, addresses }
    }

    /// Makes one transaction invalid, in one of four ways; returns its index.
    pub fn spoil(&mut self, seed: u64) -> usize {
        let mut draws = Draws::new(seed ^ 0xbad);
        let index = draws.below(self.block.transactions.len());
        let tx = &mut self.block.transactions[index];
        match seed % 4 {
            0 => tx.nonce += 1 + seed,
            1 => tx.value = U256::MAX,
            2 => tx.gas_limit = self.block.env.gas_limit + 1,
            _ => tx.chain_id = Some(CHAIN_ID + 1),
        }
        index
    }
}

fn world(draws: &mut Draws) -> (World, MemoryState) {
    let mut state = MemoryState::new();
    let users: Vec<_> = (0..3 + draws.below(6)).map(|index| account(0xaa, index)).collect();
    for user in &users {
        state.insert_balance(*user, U256::from(10).pow(U256::from(20)));
    }
    let mut targets = users.clone();
    targets.extend((0..4).map(|index| account(0xee, index)));
    let mut programs = Vec::new();
    for (index, code) in PROGRAMS.iter().enumerate() {
        let address = account(0xcc, index);
        let code = bytes(code);
        state.insert_contract(address, Bytecode::new_legacy(code));
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
        state.insert_balance(account(0xee, 0), U256::ZERO);
    }
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
    (World { users, targets, programs, tokens, market, collection, computer }, state)
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(alloy_primitives::hex::decode(text).expect("hex"))
}

fn env(draws: &mut Draws, spec: SpecId, world: &World) -> BlockEnv {
    let beneficiary = match draws.below(10) {
        0..=2 => draws.pick(&world.users),
        3 => draws.pick(&world.programs),
        4..=5 => draws.pick(&world.targets),
        _ => account(0xfe, 0),
    };
    let basefee = if spec.is_enabled_in(SpecId::LONDON) { 1 } else { 0 };
    BlockEnv {
        number: U256::from(100),
        beneficiary,
        timestamp: U256::from(1_000_000),
        gas_limit: 60_000_000,
        basefee,
        prevrandao: Some(B256::repeat_byte(9)),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(0, 5_007_716)),
        ..BlockEnv::default()
    }
}

fn transaction(
    draws: &mut Draws,
    spec: SpecId,
    env: &BlockEnv,
    world: &World,
    nonces: &mut BTreeMap<Address, u64>,
) -> TxEnv {
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
    let to = draws.pick(&world.targets);
    let word = to.into_word().to_vec();
    let amount = U256::from(draws.below(40));
    let (kind, data, value) = match draws.below(20) {
        // Plain transfers, of nothing too: a touch.
        0..=3 => (TxKind::Call(to), Bytes::new(), amount),
        4 => (TxKind::Call(env.beneficiary), Bytes::new(), amount),
        5 | 6 => {
            let other = draws.pick(&world.users);
            let data = match draws.below(3) {
                0 => erc20::transfer(other, amount),
                1 => erc20::transfer_from(other, caller, amount),
                _ => erc20::approve(other, amount),
            };
            (TxKind::Call(draws.pick(&world.tokens)), data, U256::ZERO)
        }
        7 => {
            let data = amm::swap(draws.chance(50), amount * U256::from(50), U256::ONE);
            (TxKind::Call(world.market), data, U256::ZERO)
        }
        8 => (TxKind::Call(world.collection), nft::mint(), U256::ZERO),
        9 => {
            let data = compute::keccak_loop(draws.below(50) as u64, B256::repeat_byte(1));
            (TxKind::Call(world.computer), data, U256::ZERO)
        }
        // Creation, of a suicidal contract or of one that fails.
        10 => {
            let init = if draws.chance(80) { INIT_OF_SUICIDAL } else { "fe" };
            (TxKind::Create, bytes(init), amount)
        }
        // The factories, with two salts, so that they collide and recreate.
        11 | 12 => {
            let salt = B256::with_last_byte(draws.below(2) as u8);
            (TxKind::Call(world.programs[3 + draws.below(2)]), salt.to_vec().into(), amount)
        }
        _ => {
            let program = if draws.chance(70) { draws.pick(&world.programs) } else { to };
            let mut data = word;
            data.extend([0; 31]);
            data.push(draws.below(2) as u8);
            (TxKind::Call(program), data.into(), if draws.chance(40) { amount } else { U256::ZERO })
        }
    };
    (tx.kind, tx.data, tx.value) = (kind, data, value);
    if tx.kind == TxKind::Create {
        return tx;
    }
    if spec.is_enabled_in(SpecId::PRAGUE) && draws.chance(8) {
        delegate(draws, world, nonces, &mut tx);
    } else if spec.is_enabled_in(SpecId::CANCUN) && draws.chance(4) {
        (tx.tx_type, tx.gas_priority_fee, tx.max_fee_per_blob_gas) = (3, Some(0), 3);
        tx.blob_hashes = vec![BLOB];
    } else if spec.is_enabled_in(SpecId::BERLIN) && draws.chance(6) {
        tx.tx_type = 1;
        let storage_keys = vec![B256::ZERO, B256::with_last_byte(1)];
        tx.access_list = AccessList(vec![AccessListItem { address: to, storage_keys }]);
    }
    tx
}

/// Adds an authorisation by another user: it changes that user's nonce and code.
fn delegate(draws: &mut Draws, world: &World, nonces: &mut BTreeMap<Address, u64>, tx: &mut TxEnv) {
    let authority = draws.pick(&world.users);
    if authority == tx.caller {
        return;
    }
    let nonce = nonces.entry(authority).or_default();
    // Counting programs only: a delegated account that creates would change its own nonce.
    let address = if draws.chance(30) { Address::ZERO } else { world.programs[8 + draws.below(2)] };
    let accepted = draws.chance(85);
    let stated = if accepted { *nonce } else { *nonce + 1_000 };
    *nonce += u64::from(accepted);
    let used = Authorization { chain_id: U256::ZERO, address, nonce: stated };
    tx.tx_type = 4;
    tx.gas_priority_fee = Some(0);
    let recovered = RecoveredAuthorization::new_unchecked(used, RecoveredAuthority::Valid(authority));
    tx.authorization_list = vec![Either::Right(recovered)];
}
