//! Our contracts: the committed bytecode is what the hashes say, and a placed contract behaves like a deployed
//! one.

use alloy_primitives::{address, hex, keccak256};
use parallel_evm::{
    Address, B256, Block, BlockEnv, BlockOutput, Bytes, Executor, MemoryState, PreState, SpecId, TxEnv,
    TxKind, U256,
    contracts::{amm, bridge, compute, cycle, erc20, nft, openamm},
};
use std::{fs, path::Path};

const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
const BOB: Address = address!("0000000000000000000000000000000000000b0b");

fn units(amount: u64) -> U256 {
    U256::from(amount)
}

/// A chain of one account's making: every call is a block of its own.
struct Chain {
    state: MemoryState,
}

impl Chain {
    fn new() -> Self {
        let mut state = MemoryState::new();
        for user in [ALICE, BOB] {
            state.insert_balance(user, U256::from(10).pow(U256::from(20)));
        }
        Self { state }
    }

    fn send(&mut self, from: Address, kind: TxKind, data: Bytes) -> BlockOutput {
        let nonce = self.state.account(from).unwrap().map_or(0, |account| account.nonce);
        let tx = TxEnv {
            caller: from,
            kind,
            data,
            nonce,
            gas_limit: 5_000_000,
            gas_price: 1,
            chain_id: Some(7),
            ..TxEnv::default()
        };
        let env = BlockEnv { gas_limit: 30_000_000, ..BlockEnv::default() };
        let block = Block { spec: SpecId::OSAKA, chain_id: 7, env, transactions: vec![tx] };
        let output = Executor::serial().execute(&block, &self.state).unwrap();
        self.state.apply(&output.state);
        output
    }

    fn call(&mut self, from: Address, to: Address, data: Bytes) -> BlockOutput {
        let output = self.send(from, TxKind::Call(to), data);
        assert!(output.receipts[0].success, "reverted: {:?}", output.receipts[0].output);
        output
    }

    fn deploy(&mut self, from: Address, code: Bytes) -> Address {
        let output = self.send(from, TxKind::Create, code);
        output.receipts[0].contract_address.expect("deployed")
    }

    /// Everything the state holds for a contract that a user could notice.
    fn code_hash(&self, address: Address) -> B256 {
        self.state.account(address).unwrap().expect("exists").code_hash
    }
}

#[test]
fn sources_and_bytecode_are_those_the_hashes_were_taken_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
    let hashes = fs::read_to_string(folder.join("hashes.txt")).unwrap();
    let mut listed = Vec::new();
    for line in hashes.lines() {
        let (hash, name) = line.split_once("  ").expect("hash, two spaces, name");
        let content = fs::read_to_string(folder.join(name)).unwrap();
        let bytes =
            if name.ends_with(".hex") { hex::decode(content.trim()).unwrap() } else { content.into_bytes() };
        assert_eq!(hex::encode(keccak256(bytes)), hash, "{name}: run compile.mjs");
        listed.push(name.to_owned());
    }
    let mut present: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sol") || name.ends_with(".hex"))
        .collect();
    present.sort();
    assert_eq!(listed, present);
}

#[test]
fn selectors_are_the_hashes_of_their_signatures() {
    for (selector, signature) in [
        (erc20::TRANSFER, "transfer(address,uint256)"),
        (erc20::APPROVE, "approve(address,uint256)"),
        (erc20::TRANSFER_FROM, "transferFrom(address,address,uint256)"),
        (erc20::BALANCE_OF, "balanceOf(address)"),
        (amm::SWAP, "swap(bool,uint256,uint256)"),
        (amm::ADD_LIQUIDITY, "addLiquidity(uint256,uint256)"),
        (cycle::PROBE, "probe(uint256[],uint256)"),
        (bridge::SEND, "send(address,uint256,uint256)"),
        (bridge::ARRIVE, "arrive(address,address,uint256,uint256,uint256)"),
        (bridge::FILL, "fill(address,address,uint256,uint256,uint256)"),
        (openamm::REMOVE_LIQUIDITY, "removeLiquidity(uint256)"),
        (nft::MINT, "mint()"),
        (compute::KECCAK_LOOP, "keccakLoop(uint256,bytes32)"),
        (compute::MULMOD_LOOP, "mulmodLoop(uint256,uint256)"),
    ] {
        assert_eq!(selector, keccak256(signature)[..4], "{signature}");
    }
}

#[test]
fn a_placed_token_behaves_like_a_deployed_one() {
    let mut deployed = Chain::new();
    let token = deployed.deploy(ALICE, erc20::init_code(units(1_000)));
    deployed.call(ALICE, token, erc20::transfer(BOB, units(300)));
    deployed.call(BOB, token, erc20::approve(ALICE, units(200)));

    let mut placed = Chain::new();
    let balances = [(ALICE, units(700)), (BOB, units(300))];
    erc20::place(&mut placed.state, token, balances, [(BOB, ALICE, units(200))]);

    assert_eq!(placed.code_hash(token), deployed.code_hash(token));
    let slots = [
        erc20::balance_slot(ALICE),
        erc20::balance_slot(BOB),
        erc20::allowance_slot(BOB, ALICE),
        erc20::TOTAL_SUPPLY_SLOT,
    ];
    for slot in slots {
        assert_eq!(placed.state.slot(token, slot), deployed.state.slot(token, slot));
    }
    for chain in [&mut deployed, &mut placed] {
        let output = chain.call(ALICE, token, erc20::transfer_from(BOB, ALICE, units(150)));
        assert_eq!(output.receipts[0].logs.len(), 1);
        let balance = chain.call(ALICE, token, erc20::balance_of(ALICE));
        assert_eq!(U256::from_be_slice(&balance.receipts[0].output), units(850));
        let refused = chain.send(ALICE, TxKind::Call(token), erc20::transfer_from(BOB, ALICE, units(51)));
        assert!(!refused.receipts[0].success, "only 50 are left of the allowance");
    }
}

#[test]
fn a_placed_market_behaves_like_a_deployed_one_and_swaps_by_the_formula() {
    let reserve = U256::from(10).pow(U256::from(21));
    let funds = U256::from(10).pow(U256::from(24));

    let mut deployed = Chain::new();
    let token0 = deployed.deploy(ALICE, erc20::init_code(funds));
    let token1 = deployed.deploy(ALICE, erc20::init_code(funds));
    let market = deployed.deploy(ALICE, amm::init_code(token0, token1));
    for token in [token0, token1] {
        deployed.call(ALICE, token, erc20::approve(market, U256::MAX));
        deployed.call(ALICE, token, erc20::transfer(BOB, reserve));
        deployed.call(BOB, token, erc20::approve(market, U256::MAX));
    }
    deployed.call(ALICE, market, amm::add_liquidity(reserve, reserve * units(2)));

    let mut placed = Chain::new();
    for (token, left) in [(token0, funds - reserve - reserve), (token1, funds - reserve * units(2) - reserve)]
    {
        erc20::place(&mut placed.state, token, [(ALICE, left), (BOB, reserve)], []);
    }
    let pool = amm::Pool {
        address: market,
        token0,
        token1,
        reserve0: reserve,
        reserve1: reserve * units(2),
        provider: ALICE,
    };
    pool.place(&mut placed.state, [ALICE, BOB]);

    assert_eq!(placed.code_hash(market), deployed.code_hash(market));
    let same = |deployed: &Chain, placed: &Chain| {
        for slot in 0..5 {
            assert_eq!(placed.state.slot(market, units(slot)), deployed.state.slot(market, units(slot)));
        }
        assert_eq!(
            placed.state.slot(market, amm::shares_slot(ALICE)),
            deployed.state.slot(market, amm::shares_slot(ALICE))
        );
        for token in [token0, token1] {
            let slots = [market, ALICE, BOB].map(erc20::balance_slot);
            let allowances = [ALICE, BOB].map(|owner| erc20::allowance_slot(owner, market));
            for slot in slots.into_iter().chain(allowances).chain([erc20::TOTAL_SUPPLY_SLOT]) {
                assert_eq!(placed.state.slot(token, slot), deployed.state.slot(token, slot));
            }
        }
    };
    same(&deployed, &placed);

    let (mut reserve_in, mut reserve_out) = (pool.reserve0, pool.reserve1);
    for amount in [units(1_000_000), reserve / units(10), reserve / units(3)] {
        let expected = amm::amount_out(amount, reserve_in, reserve_out).unwrap();
        for chain in [&mut deployed, &mut placed] {
            let output = chain.call(BOB, market, amm::swap(true, amount, expected));
            assert_eq!(U256::from_be_slice(&output.receipts[0].output), expected);
            assert_eq!(output.receipts[0].logs.len(), 3);
        }
        (reserve_in, reserve_out) = (reserve_in + amount, reserve_out - expected);
        let greedy = amm::swap(false, units(1_000), reserve_in);
        assert!(!placed.send(BOB, TxKind::Call(market), greedy.clone()).receipts[0].success);
        assert!(!deployed.send(BOB, TxKind::Call(market), greedy).receipts[0].success);
    }
    for chain in [&mut deployed, &mut placed] {
        chain.call(BOB, market, amm::swap(false, units(5_000), U256::ZERO));
        chain.call(ALICE, market, amm::add_liquidity(units(1_000_000), units(1_000_000)));
    }
    same(&deployed, &placed);
}

#[test]
fn the_event_of_a_swap_is_the_hash_of_its_signature() {
    assert_eq!(amm::SWAP_EVENT, keccak256("Swap(address,bool,uint256,uint256)"));
    assert_eq!(openamm::ADDED_EVENT, keccak256("LiquidityAdded(address,uint256,uint256,uint256)"));
    assert_eq!(openamm::REMOVED_EVENT, keccak256("LiquidityRemoved(address,uint256,uint256,uint256)"));
}

#[test]
fn providers_of_an_open_market_leave_with_their_part_and_no_more() {
    let mut chain = Chain::new();
    let [token0, token1] = [(); 2].map(|()| chain.deploy(ALICE, erc20::init_code(units(1_000_000))));
    let market = chain.deploy(ALICE, openamm::init_code(token0, token1));
    for token in [token0, token1] {
        chain.call(ALICE, token, erc20::approve(market, U256::MAX));
    }
    chain.call(ALICE, market, amm::add_liquidity(units(40_000), units(10_000)));
    let swapped = chain.call(ALICE, market, amm::swap(true, units(500), U256::ZERO));
    assert!(swapped.receipts[0].logs.iter().any(|log| amm::read_swap_event(log).is_some()));
    let [held0, held1] = [amm::RESERVE0_SLOT, amm::RESERVE1_SLOT].map(|slot| chain.state.slot(market, slot));
    // A root of 40,000 x 10,000 shares; a quarter of them.
    let output = chain.call(ALICE, market, openamm::remove_liquidity(units(5_000)));
    let parts = (held0 / units(4), held1 / units(4));
    let told = output.receipts[0].logs.iter().find_map(openamm::read_event);
    let change = |added, amount0, amount1, shares| openamm::Change { added, amount0, amount1, shares };
    assert_eq!(told, Some(change(false, parts.0, parts.1, units(5_000))));
    assert_eq!(chain.state.slot(market, amm::RESERVE0_SLOT), held0 - parts.0);
    assert_eq!(chain.state.slot(token1, erc20::balance_slot(market)), held1 - parts.1);
    assert_eq!(chain.state.slot(market, amm::TOTAL_SHARES_SLOT), units(15_000));
    for (from, burnt) in [(ALICE, 15_001), (BOB, 1)] {
        let refused = chain.send(from, TxKind::Call(market), openamm::remove_liquidity(units(burnt)));
        assert!(!refused.receipts[0].success);
    }
    let added = chain.call(ALICE, market, amm::add_liquidity(units(400), units(100)));
    let told = added.receipts[0].logs.iter().find_map(openamm::read_event);
    let [held0, held1] = [held0 - parts.0, held1 - parts.1];
    // The smaller of two proportions of 15,000 shares.
    let minted = (units(400) * units(15_000) / held0).min(units(100) * units(15_000) / held1);
    assert_eq!(told, Some(change(true, units(400), units(100), minted)));
}

const TOKENS: [Address; 3] =
    [Address::repeat_byte(0xA0), Address::repeat_byte(0xA1), Address::repeat_byte(0xA2)];
const MARKETS: [Address; 3] =
    [Address::repeat_byte(0xB0), Address::repeat_byte(0xB1), Address::repeat_byte(0xB2)];
const SEARCHER: Address = Address::repeat_byte(0xC0);

/// A ring of markets, the n-th between the n-th token and the next, and a searcher's contract with plenty of all.
fn ring(reserves: &[(U256, U256)]) -> (Chain, Vec<cycle::Leg>) {
    let n = reserves.len();
    let pair = |market: usize| [TOKENS[market], TOKENS[(market + 1) % n]];
    let mut chain = Chain::new();
    for token in &TOKENS[..n] {
        erc20::place(&mut chain.state, *token, [], []);
    }
    for (market, (reserve0, reserve1)) in reserves.iter().enumerate() {
        let [token0, token1] = pair(market);
        let (address, provider) = (MARKETS[market], ALICE);
        amm::Pool { address, token0, token1, reserve0: *reserve0, reserve1: *reserve1, provider }
            .place(&mut chain.state, []);
    }
    let plenty = TOKENS[..n].iter().map(|token| (*token, U256::ONE << 100));
    let allowances = (0..n).flat_map(|market| pair(market).map(|token| (token, MARKETS[market])));
    cycle::place(&mut chain.state, SEARCHER, plenty, allowances);
    (chain, MARKETS[..n].iter().map(|market| (*market, true)).collect())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    #[test]
    fn a_probe_gains_what_the_reference_says_to_the_unit_or_does_nothing(
        reserves in proptest::collection::vec((1_000_000_u128..1 << 80, 900_u128..1_111), 2..4),
        over in 0_u64..2,
    ) {
        let reserves: Vec<(U256, U256)> =
            reserves.iter().map(|(a, milli)| (U256::from(*a), U256::from(a * milli / 1_000))).collect();
        let (mut chain, legs) = ring(&reserves);
        let holds = |chain: &Chain| chain.state.slot(TOKENS[0], erc20::balance_slot(SEARCHER));
        let before = holds(&chain);
        let found = cycle::best(&reserves);
        let least = found.map_or(U256::ZERO, |round| round.gain + units(over));
        let output = chain.call(BOB, SEARCHER, cycle::probe(&legs, least));
        let receipt = &output.receipts[0];
        let gain = found.map_or(U256::ZERO, |round| if over == 0 { round.gain } else { U256::ZERO });
        proptest::prop_assert_eq!(U256::from_be_slice(&receipt.output), gain);
        proptest::prop_assert_eq!(holds(&chain), before + gain);
        let swaps: Vec<_> = receipt.logs.iter().filter_map(amm::read_swap_event).collect();
        proptest::prop_assert_eq!(swaps.len(), if gain.is_zero() { 0 } else { legs.len() });
        if let (Some(round), Some(first)) = (found, swaps.first()) {
            proptest::prop_assert_eq!((first.0, first.1), (round.forward, round.amount_in));
        }
    }

    #[test]
    fn no_other_amount_around_the_ring_gains_noticeably_more(
        reserves in proptest::collection::vec((1_u128 << 60..1 << 80, 900_u128..1_111), 2..4),
        other_ppm in 500_000_u64..1_500_000,
    ) {
        let reserves: Vec<(U256, U256)> =
            reserves.iter().map(|(a, milli)| (U256::from(*a), U256::from(a * milli / 1_000))).collect();
        let Some(round) = cycle::best(&reserves) else { return Ok(()) };
        let around = |amount: U256| {
            let mut ways = reserves.clone();
            if !round.forward {
                ways = ways.iter().rev().map(|(a, b)| (*b, *a)).collect();
            }
            ways.iter().try_fold(amount, |amount, (a, b)| amm::amount_out(amount, *a, *b)).unwrap()
        };
        let amount = round.amount_in * units(other_ppm) / units(1_000_000);
        // The amount is good to some 2^-48 of the reserves (the slope's unit), and the gain is flat there.
        let gain = around(amount).saturating_sub(amount);
        proptest::prop_assert!(gain <= round.gain + (round.gain >> 40) + units(8), "{} {}", gain, round.gain);
    }
}

#[test]
fn a_placed_searcher_has_the_code_of_a_deployed_one() {
    let mut deployed = Chain::new();
    let contract = deployed.deploy(ALICE, cycle::init_code());
    let (placed, _) = ring(&[(units(1_000), units(1_000)); 2]);
    assert_eq!(placed.code_hash(SEARCHER), deployed.code_hash(contract));
}

#[test]
fn a_bridge_takes_and_pays_each_message_once_and_only_for_whom_and_until_when_it_may() {
    let mut chain = Chain::new();
    let token = chain.deploy(ALICE, erc20::init_code(units(1_000)));
    let address = chain.deploy(ALICE, bridge::init_code());
    assert_eq!(chain.code_hash(address), bridge::runtime_code().hash_slow());
    chain.state.insert_storage(address, bridge::operator_slot(BOB), U256::from(1));
    chain.call(ALICE, token, erc20::approve(address, U256::MAX));
    let balance = |chain: &Chain, of: Address| chain.state.slot(token, erc20::balance_slot(of));
    let fails = |chain: &mut Chain, from: Address, data: Bytes| {
        let output = chain.send(from, TxKind::Call(address), data);
        assert!(!output.receipts[0].success);
    };

    fails(&mut chain, ALICE, bridge::send(token, U256::ZERO, units(1)));
    fails(&mut chain, ALICE, bridge::send(token, units(1_001), units(1)));
    let sent = chain.call(ALICE, address, bridge::send(token, units(300), units(1)));
    assert_eq!((balance(&chain, ALICE), balance(&chain, address)), (units(700), units(300)));
    assert_eq!(sent.receipts[0].logs.len(), 2);

    let arrival = bridge::arrive(token, BOB, units(290), units(10), units(7));
    fails(&mut chain, ALICE, arrival.clone());
    chain.call(BOB, address, arrival.clone());
    fails(&mut chain, BOB, arrival);
    assert_eq!((balance(&chain, BOB), balance(&chain, address)), (units(300), U256::ZERO));
    assert_eq!(chain.state.slot(address, bridge::done_slot(units(7))), U256::from(1));

    // The environment's time is 1 s after the epoch.
    fails(&mut chain, ALICE, bridge::fill(token, BOB, units(5), units(8), U256::ZERO));
    chain.call(ALICE, address, bridge::fill(token, BOB, units(5), units(8), U256::from(1)));
    fails(&mut chain, ALICE, bridge::fill(token, BOB, units(5), units(8), U256::from(1)));
    assert_eq!((balance(&chain, ALICE), balance(&chain, BOB)), (units(695), units(305)));
}

#[test]
fn a_placed_collection_behaves_like_a_deployed_one() {
    let mut deployed = Chain::new();
    let collection = deployed.deploy(ALICE, nft::init_code());
    for minter in [ALICE, BOB, BOB] {
        deployed.call(minter, collection, nft::mint());
    }
    let mut placed = Chain::new();
    nft::place(&mut placed.state, collection, [ALICE, BOB, BOB]);
    assert_eq!(placed.code_hash(collection), deployed.code_hash(collection));
    for chain in [&mut deployed, &mut placed] {
        let output = chain.call(ALICE, collection, nft::mint());
        assert_eq!(U256::from_be_slice(&output.receipts[0].output), units(3));
    }
    let slots = (0..4).map(|id| nft::owner_slot(units(id)));
    for slot in slots.chain([nft::NEXT_ID_SLOT, nft::balance_slot(ALICE), nft::balance_slot(BOB)]) {
        assert_eq!(placed.state.slot(collection, slot), deployed.state.slot(collection, slot));
    }
}

#[test]
fn computations_yield_what_they_say() {
    let mut deployed = Chain::new();
    let contract = deployed.deploy(ALICE, compute::init_code());
    let mut placed = Chain::new();
    compute::place(&mut placed.state, contract);
    assert_eq!(placed.code_hash(contract), deployed.code_hash(contract));

    let seed = B256::repeat_byte(7);
    let hash = (0..100).fold(seed, |hash, _| keccak256(hash));
    let output = placed.call(ALICE, contract, compute::keccak_loop(100, seed));
    assert_eq!(output.receipts[0].output[..], hash[..]);
    assert_eq!(placed.state.slot(contract, compute::result_slot(ALICE)), U256::from_be_bytes(hash.0));

    let modulus = (U256::ONE << 255) - units(19);
    let result = (0..100).fold(units(12345), |x, i| x.mul_mod(x, modulus).add_mod(units(i), modulus));
    let output = placed.call(BOB, contract, compute::mulmod_loop(100, units(12345)));
    assert_eq!(U256::from_be_slice(&output.receipts[0].output), result);
    assert_eq!(placed.state.slot(contract, compute::result_slot(BOB)), result);
}
