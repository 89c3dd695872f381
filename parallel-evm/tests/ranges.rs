//! The market with liquidity in ranges: bytecode pays what the integer reference says, to the unit, and stays solvent.

use alloy_primitives::keccak256;
use parallel_evm::contracts::{amm, erc20, ranges};
use parallel_evm::{
    Address, Block, BlockEnv, Bytes, Executor, MemoryState, PreState, Receipt, SpecId, TxEnv, TxKind, U256,
};
use proptest::prelude::*;

const TOKENS: [Address; 2] = [Address::repeat_byte(0xA0), Address::repeat_byte(0xA1)];
const MARKET: Address = Address::repeat_byte(0xB0);
const PEOPLE: [Address; 3] =
    [Address::repeat_byte(0x10), Address::repeat_byte(0x11), Address::repeat_byte(0x12)];
/// What everybody holds of both tokens.
const PLENTY: U256 = U256::from_limbs([0, 1 << 60, 0, 0]);

struct Chain {
    state: MemoryState,
}

impl Chain {
    /// An empty market at an edge, people with plenty who have approved it.
    fn new(edge: i32) -> Self {
        let mut state = MemoryState::new();
        for person in PEOPLE {
            state.insert_balance(person, U256::from(10).pow(U256::from(24)));
        }
        for token in TOKENS {
            let balances = PEOPLE.map(|person| (person, PLENTY));
            erc20::place(&mut state, token, balances, PEOPLE.map(|person| (person, MARKET, U256::MAX)));
        }
        ranges::place(&mut state, MARKET, TOKENS, edge);
        Self { state }
    }

    fn send(&mut self, from: Address, kind: TxKind, data: Bytes) -> Receipt {
        let nonce = self.state.account(from).unwrap().map_or(0, |account| account.nonce);
        let gas_limit = 16_000_000;
        let tx = TxEnv {
            caller: from,
            kind,
            data,
            nonce,
            gas_limit,
            gas_price: 1,
            chain_id: Some(7),
            ..TxEnv::default()
        };
        let env = BlockEnv { gas_limit: 30_000_000, ..BlockEnv::default() };
        let block = Block { spec: SpecId::OSAKA, chain_id: 7, env, transactions: vec![tx] };
        let output = Executor::serial().execute(&block, &self.state).unwrap();
        self.state.apply(&output.state);
        output.receipts[0].clone()
    }

    fn call(&mut self, person: usize, data: Bytes) -> Receipt {
        self.send(PEOPLE[person], TxKind::Call(MARKET), data)
    }

    fn holds(&self, of: Address) -> [U256; 2] {
        TOKENS.map(|token| self.state.slot(token, erc20::balance_slot(of)))
    }

    /// Root, edge and liquidity as stored.
    fn stored(&self) -> [U256; 3] {
        [2_u64, 3, 4].map(|slot| self.state.slot(MARKET, U256::from(slot)))
    }
}

/// Two words of a result.
fn two(receipt: &Receipt) -> [U256; 2] {
    [0, 32].map(|from| U256::from_be_slice(&receipt.output[from..from + 32]))
}

/// What people do.
#[derive(Clone, Debug)]
enum Act {
    Add { person: usize, lower: i32, width: i32, liquidity: u128 },
    Remove { which: usize, part_ppm: u128 },
    Swap { zero_for_one: bool, amount: u128 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..2_usize, -12..12_i32, 1..12_i32, 1_u128..1 << 84)
            .prop_map(|(person, lower, width, liquidity)| Act::Add { person, lower, width, liquidity }),
        1 => (0..8_usize, 0..=1_000_000_u128).prop_map(|(which, part_ppm)| Act::Remove { which, part_ppm }),
        4 => (any::<bool>(), 1_u128..1 << 82).prop_map(|(zero_for_one, amount)| Act::Swap { zero_for_one, amount }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn bytecode_pays_what_the_reference_says_to_the_unit_whatever_people_do(
        edge in -5..5_i32, wide in 1_u128 << 70..1 << 84, acts in prop::collection::vec(act(), 1..24),
    ) {
        let (mut chain, mut market) = (Chain::new(edge), ranges::Market::new(edge).unwrap());
        let mut open: Vec<(usize, i32, i32, u128)> = Vec::new();
        // Something is there at all prices near.
        let first = Act::Add { person: 0, lower: -400, width: 800, liquidity: wide };
        for act in std::iter::once(first).chain(acts) {
            let before = chain.holds(MARKET);
            match act {
                Act::Add { person, lower, width, liquidity } => {
                    let receipt = chain.call(person, ranges::add(lower, lower + width, U256::from(liquidity)));
                    prop_assert!(receipt.success);
                    let amounts = market.add(lower, lower + width, liquidity).unwrap();
                    prop_assert_eq!(two(&receipt), amounts);
                    match open.iter_mut().find(|r| (r.0, r.1, r.2) == (person, lower, lower + width)) {
                        // Its fees are paid out on the way.
                        Some(range) => range.3 += liquidity,
                        None => {
                            let after = chain.holds(MARKET);
                            prop_assert_eq!([0, 1].map(|t| after[t] - before[t]), amounts);
                            open.push((person, lower, lower + width, liquidity));
                        }
                    }
                }
                Act::Remove { which, part_ppm } => {
                    let which = which % open.len();
                    let (person, lower, upper, had) = open[which];
                    // The wide one stays.
                    let part = if which == 0 { 0 } else { had * part_ppm / 1_000_000 };
                    let receipt = chain.call(person, ranges::remove(lower, upper, U256::from(part)));
                    prop_assert!(receipt.success);
                    prop_assert_eq!(two(&receipt), market.remove(lower, upper, part).unwrap());
                    open[which].3 -= part;
                }
                Act::Swap { zero_for_one, amount } => {
                    let receipt = chain.call(2, amm::swap(zero_for_one, U256::from(amount), U256::ZERO));
                    let expected = market.swap(zero_for_one, U256::from(amount));
                    prop_assert_eq!(receipt.success, expected.is_some());
                    if let Some(out) = expected {
                        prop_assert_eq!(U256::from_be_slice(&receipt.output), out);
                        let event = receipt.logs.iter().find_map(amm::read_swap_event);
                        prop_assert_eq!(event, Some((zero_for_one, U256::from(amount), out)));
                    }
                }
            }
            prop_assert_eq!(chain.stored()[0], market.root);
            prop_assert_eq!(chain.stored()[2], market.liquidity);
        }
        // Everybody takes out everything: the market can pay, and what is left is rounding.
        let steps = 64_u64;
        for (person, lower, upper, had) in open {
            prop_assert!(chain.call(person, ranges::remove(lower, upper, U256::from(had))).success, "it can pay");
        }
        let left = chain.holds(MARKET);
        // Fees per liquidity are rounded by 2^-128 of it and amounts by a unit or one root's step (2^-80 of the liquidity),
        // at each of at most so many passes, acts and ranges.
        let most = U256::from(steps * 64) * U256::from(32);
        prop_assert!(left.iter().all(|units| *units <= most), "{:?}", left);
    }
}

#[test]
fn a_range_around_the_first_price_is_stored_as_one_that_was_added_and_takes_the_whole_reserve() {
    for (edges, reserve) in [(1, 10_u128.pow(18)), (8, 10_u128.pow(24)), (68, 10_u128.pow(24) / 7)] {
        let around = ranges::Around::new(edges, U256::from(reserve)).unwrap();
        let mut chain = Chain::new(0);
        let receipt = chain.call(0, ranges::add(-edges, edges, U256::from(around.liquidity)));
        assert!(receipt.success);
        for (slot, value) in around.slots() {
            assert_eq!(chain.state.slot(MARKET, slot), value, "{edges} {slot}");
        }
        let slot = |slot| chain.state.slot(MARKET, slot);
        let read = ranges::Market::read(slot, [-edges, edges]).unwrap();
        assert_eq!(read, around.market());
        // A unit more of liquidity would take less than a unit more of each token.
        let taken = two(&receipt);
        assert!(taken.iter().all(|units| *units <= U256::from(reserve)), "{taken:?}");
        assert!(taken.iter().any(|units| *units + U256::ONE >= U256::from(reserve)), "{taken:?}");
    }
    let refused = [(0, 10_u128.pow(24)), (1_001, 10_u128.pow(24)), (1, 10_u128.pow(25))];
    assert!(refused.iter().all(|(edges, units)| ranges::Around::new(*edges, U256::from(*units)).is_none()));
}

proptest! {
    #[test]
    fn an_amount_to_a_price_brings_it_there_and_not_beyond(
        edges in 1..80_i32, to_ppm in 700_000_u64..1_400_000, first in 1_u128..1 << 76, sold in any::<bool>(),
    ) {
        let mut market = ranges::Around::new(edges, U256::from(10_u128.pow(24))).unwrap().market();
        market.swap(sold, U256::from(first));
        let target = (U256::ONE << 80) * U256::from(to_ppm) / U256::from(1_000_000);
        let zero_for_one = target < market.root;
        let amount = market.amount_to(zero_for_one, target).unwrap();
        prop_assert_eq!(market.amount_to(!zero_for_one, target), Some(U256::ZERO));
        if amount.is_zero() {
            return Ok(());
        }
        // It is never more than there is liquidity for; some 300 units do not move the root of the deepest market here.
        let before = market.clone();
        let out = market.swap(zero_for_one, amount);
        prop_assert!(out.is_some() || amount < U256::from(512), "{}", amount);
        let ends = [-edges, edges].map(|edge| ranges::root_at(edge).unwrap());
        let within = target.clamp(ends[0], ends[1]);
        // A unit sold moves the root by 2^80 over the liquidity, above 2^79 units here: by less than 4, and 2 rounded.
        let off = market.root.abs_diff(within);
        prop_assert!(out.is_none() || off < U256::from(8), "{}", off);
        let beyond = if zero_for_one { market.root < within } else { market.root > within };
        prop_assert!(!beyond);
        prop_assert!(before.root != market.root || out.is_none());
    }
}

#[test]
fn selectors_are_the_hashes_of_their_signatures() {
    assert_eq!(ranges::ADD, keccak256("add(int256,int256,uint256)")[..4]);
    assert_eq!(ranges::REMOVE, keccak256("remove(int256,int256,uint256)")[..4]);
}

#[test]
fn a_placed_market_is_a_deployed_one() {
    let mut chain = Chain::new(-3);
    let code = ranges::init_code(TOKENS[0], TOKENS[1], -3);
    let deployed = chain.send(PEOPLE[0], TxKind::Create, code).contract_address.expect("deployed");
    let hash = |of: Address| chain.state.account(of).unwrap().unwrap().code_hash;
    assert_eq!(hash(deployed), hash(MARKET));
    for slot in (0_u64..8).map(U256::from) {
        assert_eq!(chain.state.slot(deployed, slot), chain.state.slot(MARKET, slot), "{slot}");
    }
}

#[test]
fn edges_are_where_their_prices_are() {
    // Each of at most 19 products rounds by 2^-80 of a number above 1/20; floats are good to 2^-52.
    for edge in [-1_000, -137, -1, 0, 1, 2, 500, 1_000] {
        let root = ranges::root_at(edge).unwrap();
        let found = f64::from(root) / f64::from(2.0_f32).powi(80);
        let expected = 1.006_f64.powf(f64::from(edge) / 2.0);
        assert!((found / expected - 1.0).abs() < 1e-11, "{edge}: {found} {expected}");
    }
    assert_eq!(ranges::root_at(1_001), None);
    assert_eq!(ranges::root_at(i32::MIN), None);
}

#[test]
fn a_range_of_all_prices_quotes_like_a_constant_product_market_and_a_narrow_one_is_deeper() {
    let liquidity = 1_u128 << 80;
    let mut wide = ranges::Market::new(0).unwrap();
    let held = wide.add(-ranges::EDGE_MAX, ranges::EDGE_MAX, liquidity).unwrap();
    let amount = U256::from(liquidity / 200);
    let reserve = U256::from(liquidity);
    let like = amm::amount_out(amount, reserve, reserve).unwrap();
    let out = wide.clone().swap(true, amount).unwrap();
    // The fee is taken edge by edge, each rounded by a few units.
    assert!(out.abs_diff(like) < U256::from(64), "{out} {like}");
    // The same tokens in a range of 10 edges to either side: root 1.006^5, so 1 / (1 - 1.006^-5) = 33.9 times the depth.
    let mut narrow = ranges::Market::new(0).unwrap();
    let deeper = (f64::from(held[0]) / (1.0 - 1.006_f64.powi(-5))) as u128;
    let tokens = narrow.add(-10, 10, deeper).unwrap();
    assert!(tokens[0].abs_diff(held[0]) < held[0] >> 40, "the same tokens: {tokens:?} {held:?}");
    let slipped = |out: U256| 1.0 - f64::from(out) / (f64::from(amount) * 0.997);
    let narrow_out = narrow.swap(true, amount).unwrap();
    assert!(slipped(out) / slipped(narrow_out) > 30.0, "{} {}", slipped(out), slipped(narrow_out));
}

#[test]
fn fees_go_to_the_ranges_in_use_by_liquidity() {
    let mut chain = Chain::new(0);
    let liquidity = U256::from(1_u128 << 80);
    // Two over the price, one three times the other; one away from it.
    for (person, lower, upper, times) in [(0, -5, 5, 1), (1, -5, 5, 3), (0, 20, 30, 1)] {
        assert!(chain.call(person, ranges::add(lower, upper, liquidity * U256::from(times))).success);
    }
    let amount = U256::from(1_u128 << 70);
    for zero_for_one in [true, false] {
        assert!(chain.call(2, amm::swap(zero_for_one, amount, U256::ZERO)).success);
    }
    let mut collect = |person: usize, lower: i32, upper: i32| {
        let before = chain.holds(PEOPLE[person]);
        assert!(chain.call(person, ranges::remove(lower, upper, U256::ZERO)).success);
        let after = chain.holds(PEOPLE[person]);
        [0, 1].map(|token| after[token] - before[token])
    };
    let (one, three, away) = (collect(0, -5, 5), collect(1, -5, 5), collect(0, 20, 30));
    let fee = amount - amount * U256::from(997) / U256::from(1_000);
    for token in 0..2 {
        let quarter = fee / U256::from(4);
        assert!(one[token].abs_diff(quarter) < U256::from(3), "{} {quarter}", one[token]);
        assert!(three[token].abs_diff(quarter * U256::from(3)) < U256::from(5), "{} {quarter}", three[token]);
        assert_eq!(away[token], U256::ZERO);
    }
    assert_eq!(collect(0, -5, 5), [U256::ZERO; 2], "nothing is paid twice");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut chain = Chain::new(0);
    let some = U256::from(1_u128 << 70);
    for (lower, upper, amount) in [
        (5, 5, some),
        (6, 5, some),
        (-1_001, 0, some),
        (0, 1_001, some),
        (0, 5, U256::ZERO),
        (0, 5, U256::ONE << 90),
    ] {
        assert!(!chain.call(0, ranges::add(lower, upper, amount)).success, "{lower} {upper} {amount}");
    }
    assert!(chain.call(0, ranges::add(-5, 5, some)).success);
    assert!(!chain.call(1, ranges::remove(-5, 5, U256::ONE)).success, "not theirs");
    assert!(!chain.call(0, ranges::remove(-5, 5, some + U256::ONE)).success, "more than there is");
    let all = some * U256::from(16);
    assert!(!chain.call(2, amm::swap(true, all, U256::ZERO)).success, "more than all liquidity");
    assert!(!chain.call(2, amm::swap(true, U256::from(1_000), U256::from(1_000))).success, "least output");
}
