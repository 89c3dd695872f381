//! Compressed bytes per transaction against published measurements.
//!
//! The measurements: 2,000 synthetic signed transactions of a kind in a batch, brotli 10, one run (see the
//! validation page). They do not state every field's distribution; here each field is drawn the way the kind needs
//! it: fresh recipients, amounts of a few significant bytes, fees as wallets set them.

use parallel_evm::{Address, Bytes, TxKind, U256, contracts::erc20, contracts::nft};
use sim_core::chain::transaction::{Transaction, TxId};
use sim_core::kernel::random::{Purpose, draw};
use sim_core::rollup::compress::{compress, encode};

fn random(n: u64, field: u64) -> u64 {
    draw(3, Purpose::CONTENT, field, n)
}

fn fresh(n: u64, field: u64) -> Address {
    let words = [random(n, field), random(n, field + 1), random(n, field + 2)];
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    Address::from_slice(&bytes[..20])
}

fn body(n: u64, to: Address, value: U256, input: Bytes, gas_limit: u64) -> Transaction {
    Transaction {
        id: TxId { producer: 0, sequence: n },
        sender: 0,
        from: Address::ZERO,
        nonce: random(n, 90) % 500,
        to: TxKind::Call(to),
        value,
        input,
        gas_limit,
        max_fee_per_gas: 1_000_000_000 + random(n, 91) % 1_000_000_000,
        max_priority_fee_per_gas: 1_000_000 + random(n, 92) % 1_000_000,
        chain_id: 10,
        access_list: Vec::new(),
    }
}

/// (raw, compressed) bytes per transaction over a batch of 2,000.
fn measure(make: impl Fn(u64) -> Transaction) -> (f64, f64) {
    let mut raw = Vec::new();
    for n in 0..2_000 {
        encode(&make(n), 5, n, &mut raw);
    }
    (raw.len() as f64 / 2_000.0, compress(&raw, 10).len() as f64 / 2_000.0)
}

fn amount(n: u64) -> U256 {
    // A few significant digits of a coin of 18 decimals.
    U256::from(1 + random(n, 93) % 100_000) * U256::from(10_u64.pow(13))
}

#[test]
fn plain_transfers_and_token_transfers_compress_as_measured() {
    let token = fresh(0, 200);
    let native = measure(|n| body(n, fresh(n, 100), amount(n), Bytes::new(), 21_000));
    let transfer = measure(|n| {
        let input = erc20::transfer(fresh(n, 100), amount(n));
        body(n, token, U256::ZERO, input, 60_000)
    });
    let mint = measure(|n| body(n, token, U256::ZERO, nft::mint(), 90_000));
    // Published: raw and brotli 10. A tenth is what the measurement's unknown fields can account for.
    for (name, (raw, packed), (raw_published, packed_published)) in [
        ("native", native, (119.8, 101.4)),
        ("transfer", transfer, (180.9, 109.7)),
        ("mint", mint, (115.9, 78.3)),
    ] {
        println!(
            "{name}: raw {raw:.1} (published {raw_published}), brotli 10 {packed:.1} ({packed_published})"
        );
        assert!((packed / packed_published - 1.0).abs() < 0.1, "{name}: {packed} for {packed_published}");
        assert!((raw / raw_published - 1.0).abs() < 0.1, "{name}: {raw} for {raw_published}");
    }
}

#[test]
fn signatures_are_a_floor_that_no_quality_gets_under() {
    let token = fresh(0, 200);
    let (_, packed) = measure(|n| body(n, token, U256::ZERO, nft::mint(), 90_000));
    // r and s: 64 bytes less the half bit of s.
    assert!(packed > 63.9);
}
