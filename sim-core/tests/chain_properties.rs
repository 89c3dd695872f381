//! Pools, trees and sizes: what must hold for every input.

use parallel_evm::evm_block;
use proptest::prelude::*;
use sim_core::chain::account::{AccountKind, address};
use sim_core::chain::block::BlockId;
use sim_core::chain::mempool::{MIN_TRANSACTION_GAS, Mempool, Rejection, TransactionLog, TxIx};
use sim_core::chain::transaction::{Transaction, TxId, encoded_len};
use sim_core::chain::tree::{BlockIx, BlockTree, TreeError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

fn transaction(order: u64, sender: u32, nonce: u64, max_fee: u64, priority: u64, gas: u64) -> Transaction {
    Transaction {
        id: TxId { producer: (order % 3) as u32, sequence: order },
        sender,
        from: address(AccountKind::Person, u64::from(sender)),
        nonce,
        to: parallel_evm::TxKind::Call(address(AccountKind::Person, 0)),
        value: parallel_evm::U256::ZERO,
        input: parallel_evm::Bytes::new(),
        gas_limit: gas,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: priority.min(max_fee),
        chain_id: 1,
        access_list: Vec::new(),
    }
}

type Offer = (u32, u64, u64, u64, u64, bool);

fn fill(offers: &[Offer], capacity: usize) -> (TransactionLog, Mempool, BTreeSet<TxIx>) {
    let mut log = TransactionLog::new();
    let mut pool = Mempool::new(capacity);
    let mut visible = BTreeSet::new();
    for (order, &(sender, nonce, max_fee, priority, gas, seen)) in offers.iter().enumerate() {
        let ix = log.push(transaction(order as u64, sender, nonce, max_fee, priority, gas));
        let _ = pool.insert(&log, ix);
        if seen {
            visible.insert(ix);
        }
    }
    (log, pool, visible)
}

/// Straight from the rules: again and again the best transaction whose turn it is.
fn naive_choice(
    log: &TransactionLog,
    pending: &BTreeSet<TxIx>,
    base_fee: u64,
    gas_limit: u64,
    visible: &BTreeSet<TxIx>,
) -> Vec<TxIx> {
    let mut next: BTreeMap<u32, u64> = BTreeMap::new();
    let mut blocked = BTreeSet::new();
    let mut gas_left = gas_limit;
    let mut chosen = Vec::new();
    while gas_left >= MIN_TRANSACTION_GAS {
        let best = pending
            .iter()
            .filter(|ix| visible.contains(ix))
            .map(|ix| (*ix, log.get(*ix)))
            .filter(|(_, tx)| !blocked.contains(&tx.sender))
            .filter(|(_, tx)| tx.nonce == *next.get(&tx.sender).unwrap_or(&0))
            .filter_map(|(ix, tx)| Some((tx.effective_tip(base_fee)?, std::cmp::Reverse(tx.id), ix)))
            .max();
        let Some((_, _, ix)) = best else { break };
        let tx = log.get(ix);
        if tx.gas_limit > gas_left {
            blocked.insert(tx.sender);
            continue;
        }
        gas_left -= tx.gas_limit;
        *next.entry(tx.sender).or_default() += 1;
        chosen.push(ix);
    }
    chosen
}

fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
    let offer = (0_u32..12, 0_u64..4, 0_u64..60, 0_u64..20, 21_000_u64..200_000, prop::bool::weighted(0.9));
    prop::collection::vec(offer, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_choice_is_the_one_the_rules_give(
        offers in any_offers(), base_fee in 0_u64..40, gas_limit in 0_u64..1_500_000,
    ) {
        let (log, pool, visible) = fill(&offers, 1_000);
        let everything = pool.select(0, u64::MAX, |_| true, |_| 0);
        let pending: BTreeSet<TxIx> = (0..log.len() as u32).map(TxIx).filter(|ix| {
            // Pending is what nothing later replaced: find it by choosing from the sender's own nonce on.
            let tx = log.get(*ix);
            pool.select(0, u64::MAX, |other| other == *ix, |_| tx.nonce) == [*ix]
        }).collect();
        prop_assert_eq!(pending.len(), pool.len());
        prop_assert!(everything.iter().all(|ix| pending.contains(ix)));
        let chosen = pool.select(base_fee, gas_limit, |ix| visible.contains(&ix), |_| 0);
        prop_assert_eq!(&chosen, &naive_choice(&log, &pending, base_fee, gas_limit, &visible));
        let gas: u64 = chosen.iter().map(|ix| log.get(*ix).gas_limit).sum();
        prop_assert!(gas <= gas_limit);
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        for ix in &chosen {
            let tx = log.get(*ix);
            let due = next.entry(tx.sender).or_default();
            prop_assert_eq!(tx.nonce, *due);
            *due += 1;
            prop_assert!(tx.max_fee_per_gas >= base_fee && visible.contains(ix));
        }
    }

    #[test]
    fn a_full_pool_keeps_its_bound_and_says_what_it_drops(offers in any_offers(), capacity in 1_usize..20) {
        let mut log = TransactionLog::new();
        let mut pool = Mempool::new(capacity);
        let (mut taken, mut gone) = (0, 0);
        for (order, &(sender, nonce, max_fee, priority, gas, _)) in offers.iter().enumerate() {
            let ix = log.push(transaction(order as u64, sender, nonce, max_fee, priority, gas));
            if let Ok(inserted) = pool.insert(&log, ix) {
                taken += 1;
                gone += inserted.evicted.len() + usize::from(inserted.replaced.is_some());
            }
            prop_assert!(pool.len() <= capacity);
            prop_assert_eq!(pool.len(), taken - gone);
        }
        let before = pool.len();
        prop_assert_eq!(pool.prune(|_| u64::MAX), before);
        prop_assert!(pool.is_empty());
    }

    #[test]
    fn the_head_is_the_heaviest_branch_by_brute_force(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        weights in prop::collection::vec(0_u64..4, 41),
        known in prop::collection::vec(prop::bool::weighted(0.85), 41),
    ) {
        let (tree, _) = random_tree(&parents);
        let is_known = |ix: BlockIx| ix == BlockIx::GENESIS || known[ix.index()];
        let weight = |ix: BlockIx| weights[ix.index()];
        let mut expected = BlockIx::GENESIS;
        loop {
            let subtree = |top: BlockIx| -> u64 {
                (0..tree.len() as u32).map(BlockIx).filter(|ix| {
                    tree.is_ancestor(top, *ix)
                        && tree.ancestors(*ix).take_while(|above| *above != top).all(is_known)
                }).map(weight).sum()
            };
            let best = tree.children(expected).filter(|child| is_known(*child)).max_by_key(|child| {
                (subtree(*child), std::cmp::Reverse(tree.id(*child).tie_key()))
            });
            match best {
                Some(child) => expected = child,
                None => break,
            }
        }
        prop_assert_eq!(tree.ghost_head(BlockIx::GENESIS, is_known, weight), expected);
    }

    #[test]
    fn ancestors_meet_in_the_common_one(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(),
    ) {
        let (tree, _) = random_tree(&parents);
        let (a, b) = (BlockIx(a.index(tree.len()) as u32), BlockIx(b.index(tree.len()) as u32));
        let of_a: BTreeSet<BlockIx> = tree.ancestors(a).collect();
        let expected = tree.ancestors(b).find(|ix| of_a.contains(ix));
        prop_assert_eq!(Some(tree.common_ancestor(a, b)), expected);
        prop_assert_eq!(tree.is_ancestor(a, b), tree.common_ancestor(a, b) == a);
        let chain = tree.canonical_chain(a);
        prop_assert_eq!(chain.len() as u32, tree.height(a) + 1);
        prop_assert!(chain.windows(2).all(|pair| tree.parent(pair[1]) == Some(pair[0])));
    }

    #[test]
    fn pruning_keeps_ancestors_and_descendants_of_the_final_block(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        root in any::<prop::sample::Index>(),
    ) {
        let (mut tree, _) = random_tree(&parents);
        let root = BlockIx(root.index(tree.len()) as u32);
        let dropped = tree.prune(root);
        for ix in (0..tree.len() as u32).map(BlockIx) {
            let kept = tree.is_ancestor(ix, root) || tree.is_ancestor(root, ix);
            prop_assert_eq!(tree.is_pruned(ix), !kept);
            prop_assert_eq!(dropped.contains(&ix), !kept);
        }
        prop_assert_eq!(tree.live_blocks() + dropped.len(), tree.len());
        prop_assert!(tree.prune(root).is_empty());
        if let Some(lost) = dropped.first() {
            let id = BlockId { chain: 0, slot: 1_000, proposer: 0 };
            prop_assert_eq!(tree.insert(id, *lost), Err(TreeError::PrunedParent(lost.0)));
        }
    }
}

fn random_tree(parents: &[prop::sample::Index]) -> (BlockTree, Vec<BlockIx>) {
    let mut tree = BlockTree::new(BlockId::genesis(0));
    let mut all = vec![BlockIx::GENESIS];
    for (n, parent) in parents.iter().enumerate() {
        let parent = all[parent.index(all.len())];
        // Several blocks may share a slot; proposers differ and are not in the order of insertion.
        let id = BlockId { chain: 0, slot: tree.id(parent).slot + 1, proposer: 1_000 - n as u32 };
        all.push(tree.insert(id, parent).unwrap());
    }
    (tree, all)
}

#[test]
fn the_order_of_insertion_does_not_show() {
    let id = |slot, proposer| BlockId { chain: 0, slot, proposer };
    let mut heads = BTreeSet::new();
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        let mut tree = BlockTree::new(BlockId::genesis(0));
        for proposer in order {
            tree.insert(id(1, proposer), BlockIx::GENESIS).unwrap();
        }
        heads.insert(tree.id(tree.ghost_head(BlockIx::GENESIS, |_| true, |_| 5)));
    }
    assert_eq!(heads, BTreeSet::from([id(1, 1)]));
}

#[test]
fn a_block_must_fit_its_tree() {
    let mut tree = BlockTree::new(BlockId::genesis(0));
    let id = BlockId { chain: 0, slot: 1, proposer: 0 };
    assert_eq!(tree.insert(id, BlockIx(9)), Err(TreeError::UnknownParent(9)));
    let other = BlockId { chain: 1, ..id };
    assert_eq!(tree.insert(other, BlockIx::GENESIS), Err(TreeError::OtherChain { expected: 0, found: 1 }));
    let first = tree.insert(id, BlockIx::GENESIS).unwrap();
    let same_slot = TreeError::SlotNotAfterParent { slot: 1, parent_slot: 1 };
    assert_eq!(tree.insert(BlockId { proposer: 5, ..id }, first), Err(same_slot));
}

#[test]
fn a_replacement_pays_ten_percent_more_on_both_fees() {
    let mut log = TransactionLog::new();
    let mut pool = Mempool::new(10);
    let first = log.push(transaction(0, 1, 0, 100, 10, 21_000));
    assert_eq!(pool.insert(&log, first).unwrap().replaced, None);
    for (max_fee, priority) in [(109, 11), (110, 10), (100, 10)] {
        let ix = log.push(transaction(1, 1, 0, max_fee, priority, 21_000));
        assert_eq!(pool.insert(&log, ix), Err(Rejection::ReplacementUnderpriced));
    }
    let better = log.push(transaction(2, 1, 0, 110, 11, 21_000));
    assert_eq!(pool.insert(&log, better).unwrap().replaced, Some(first));
    assert_eq!(pool.select(0, 100_000, |_| true, |_| 0), [better]);
    pool.remove(&log, [first]);
    assert_eq!(pool.len(), 1, "the replaced transaction is no longer there to remove");
    pool.remove(&log, [better]);
    assert!(pool.is_empty());
}

#[test]
fn an_evicted_transaction_takes_its_successors_along() {
    let mut log = TransactionLog::new();
    let mut pool = Mempool::new(3);
    let cheap = log.push(transaction(0, 1, 0, 5, 1, 21_000));
    let after = log.push(transaction(1, 1, 1, 90, 1, 21_000));
    for ix in [cheap, after] {
        pool.insert(&log, ix).unwrap();
    }
    for (order, sender) in [(2, 2), (3, 3)] {
        let ix = log.push(transaction(order, sender, 0, 50, 1, 21_000));
        let evicted = pool.insert(&log, ix).unwrap().evicted;
        assert_eq!(evicted, if sender == 3 { vec![cheap, after] } else { vec![] });
    }
    assert_eq!((pool.len(), pool.dropped()), (2, 2));
}

/// A line that is seen even if the test passes: not `eprintln!`, which the test harness would hide.
fn note(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// 1 of 128 signatures has a shorter `r` or `s` (1 of 256 each); the rest must agree to the byte.
#[test]
fn sizes_of_recorded_transactions_agree() {
    let Some(folder) = std::env::var_os("LIGHTCONE_DATA").map(|root| PathBuf::from(root).join("blocks"))
    else {
        note("skipped: LIGHTCONE_DATA not set");
        return;
    };
    if !folder.is_dir() {
        note(&format!("skipped: {} is no folder", folder.display()));
        return;
    }
    let (mut compared, mut exact, mut shorter) = (0_u32, 0_u32, 0_u32);
    for file in evm_block::list(folder).unwrap() {
        let loaded = evm_block::read(&file).unwrap();
        for (tx, recorded) in loaded.block.transactions.iter().zip(&loaded.transaction_sizes_bytes) {
            let (Some(ours), true) = (encoded_len(tx), *recorded > 0) else { continue };
            compared += 1;
            exact += u32::from(ours as u32 == *recorded);
            shorter += u32::from((1..=2).contains(&(ours as u32 - recorded)));
        }
    }
    assert!(compared > 10_000, "{compared}");
    assert_eq!(exact + shorter, compared, "only signatures may make a difference");
    assert!(f64::from(shorter) / f64::from(compared) < 0.012, "{shorter} of {compared} are shorter");
}
