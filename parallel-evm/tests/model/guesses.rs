//! The hints' own source, asked and told by several threads at once.

use crate::{Block, hints::Hints, iterations};
use parallel_evm::{Address, BlockEnv, SpecId, TxEnv, TxKind};
use std::sync::{Arc, LazyLock};

/// Calls of two contracts in turn, by one of three senders each, all of one function.
static BLOCK: LazyLock<Block> = LazyLock::new(|| {
    let call = |index: usize| TxEnv {
        caller: Address::repeat_byte((index % 3) as u8 + 1),
        kind: TxKind::Call(contract(index)),
        data: [1, 2, 3, 4].into(),
        ..TxEnv::default()
    };
    let transactions = (0..12).map(call).collect();
    Block { spec: SpecId::OSAKA, chain_id: 1, env: BlockEnv::default(), transactions }
});

fn contract(index: usize) -> Address {
    Address::repeat_byte(0xc0 + (index % 2) as u8)
}

#[test]
fn hints_learned_by_several_threads_name_lower_calls_of_the_same_contract() {
    let all = || {
        let hints = Arc::new(Hints::new(&BLOCK));
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let hints = Arc::clone(&hints);
                shuttle::thread::spawn(move || {
                    for index in (thread..12).step_by(3) {
                        if let Some(lower) = hints.expected(index) {
                            assert!(lower < index && contract(lower) == contract(index), "{lower}, {index}");
                        }
                        hints.learn(index, index / 2, index % 4 < 3);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // Of twelve calls nine were stale; those told before anything was learned do not count.
        (0..8).for_each(|_| hints.learn(11, 0, true));
        assert_eq!(hints.expected(11), Some(9), "the last lower call of the same contract");
        assert_eq!(hints.expected(0), None, "nobody called before");
    };
    shuttle::check_random(all, iterations(1_000));
}
