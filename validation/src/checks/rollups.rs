//! Rollups: compressed bytes against measurements, and the queue at a sequencer.

use crate::check::{Check, Effort, Expected, Finding, Row};
use anyhow::Result;
use parallel_evm::contracts::{erc20, nft};
use parallel_evm::{Address, Bytes, TxKind, U256};
use sim_core::chain::transaction::{Transaction, TxId};
use sim_core::kernel::random::{Purpose, draw};
use sim_core::observe::record::{Fate, RunRecord};
use sim_core::rollup::compress::{compress, encode};
use sim_core::scenario::{Changes, Library, Scenario};
use sim_core::simulation::Simulation;
use std::path::Path;

/// Bytes a transaction takes in a batch.
pub const COMPRESSION: Check = Check {
    name: "batch-compression",
    family: "rollups",
    question: "Do batches of signed transactions compress to the published number of bytes per transaction?",
    expected: "published: 119.8 B as signed and 101.4 B compressed (plain transfer), 180.9 and 109.7 (token transfer), 115.9 and 78.3 (mint)",
    source: "our measurement of 2026-11: 2,000 synthetic signed transactions of a kind in a batch, brotli 10",
    tolerance: "10 %: the measurement does not state how every field was drawn (nonces, fees, amounts), which is worth a few bytes",
    understood_miss: None,
    run: compression,
};

/// Little's law at the sequencers.
pub const SEQUENCER_LITTLE: Check = Check {
    name: "sequencer-littles-law",
    family: "rollups",
    question: "Is the mean number of transactions at the sequencers the arrival rate times the mean time there?",
    expected: "L = lambda W over the whole run; L from the sequencers' own count, lambda and W from the transactions' records. Times the length \
               of the run both are a sum of times, so they are equal",
    source: "Little (1961), A Proof for the Queuing Formula: L = λW, Operations Research 9(3)",
    tolerance: "none: both sides are integers, ns",
    understood_miss: None,
    run: little,
};

fn random(n: u64, field: u64) -> u64 {
    draw(3, Purpose::CONTENT, field, n)
}

fn fresh(n: u64) -> Address {
    let words = [random(n, 100), random(n, 101), random(n, 102)];
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    Address::from_slice(&bytes[..20])
}

/// A few significant digits of a coin of 18 decimals.
fn amount(n: u64) -> U256 {
    U256::from(1 + random(n, 93) % 100_000) * U256::from(10_u64.pow(13))
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

fn compression(_: Effort) -> Result<Finding> {
    const COUNT: u64 = 2_000;
    let token = fresh(u64::MAX);
    type Make<'a> = &'a dyn Fn(u64) -> Transaction;
    let native: Make<'_> = &|n| body(n, fresh(n), amount(n), Bytes::new(), 21_000);
    let transfer: Make<'_> = &|n| body(n, token, U256::ZERO, erc20::transfer(fresh(n), amount(n)), 60_000);
    let mint: Make<'_> = &|n| body(n, token, U256::ZERO, nft::mint(), 90_000);
    let mut finding = Finding::default();
    for (name, make, published) in [
        ("plain transfer", native, [119.8, 101.4]),
        ("token transfer", transfer, [180.9, 109.7]),
        ("mint", mint, [115.9, 78.3]),
    ] {
        let mut raw = Vec::new();
        for n in 0..COUNT {
            encode(&make(n), 5, n, &mut raw);
        }
        let measured = [raw.len(), compress(&raw, 10).len()].map(|len| len as f64 / COUNT as f64);
        for (what, (measured, value)) in
            ["as signed", "compressed"].iter().zip(measured.into_iter().zip(published))
        {
            let expected = Expected::Near { value, tolerance: value / 10.0 };
            let case = format!("{name}, {what}");
            finding.rows.push(Row::new(case, measured, expected, "B", "2,000 transactions in one batch"));
        }
    }
    finding.notes.push(
        "Swaps and the measured mix are not compared: our pool's calls are shorter than those that were measured."
            .to_owned(),
    );
    Ok(finding)
}

fn run(rate: u64, blocks: u64) -> Result<RunRecord> {
    let text = format!(
        "(version: 1, seed: 4, run: (blocks: {blocks}, warm_up: 1), nodes: (count: 24, hardware: \"attester\"), \
         network: (topology: RandomRegular(degree: 8)), chain: (slot: \"12 s\"), workload: Empty, \
         rollups: [Fleet(count: 5, preset: \"base-like\", shares: Zipf(1.0), demand: (rate: \"{rate} tx/s\"), \
         sequencers: 2, gas_limit: \"2 Mgas\", batch: (max_delay: \"1 min\", compression: 3), proof: Off)])"
    );
    let path = Path::new("sequencer-littles-law.ron");
    let scenario = Scenario::parse(&text, path, &Library::default(), &Changes::default())?;
    let mut simulation = Simulation::new(scenario.base)?;
    simulation.run()?;
    Ok(simulation.finish())
}

fn little(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for rate in [5, 60] {
        let record = run(rate, effort.pick(4, 30))?;
        let inside = record.rollups.transactions.iter().filter_map(|tx| {
            let from = tx.received_ns?;
            match tx.fate {
                Fate::Included => Some(u128::from(tx.executed_ns? - from)),
                Fate::Queued => Some(u128::from(record.end_ns - from)),
                Fate::Travelling | Fate::Dropped(_) => None,
            }
        });
        let sum: u128 = inside.sum();
        let fleet = &record.rollups.fleets[0];
        let sample = format!("{} transactions at 5 rollups", fleet.submitted);
        let case = format!("{rate} tx/s: L T = sum of times");
        let expected = Expected::Exactly(sum as f64);
        finding.rows.push(Row::new(case, fleet.queue_area as f64, expected, "ns", sample));
    }
    Ok(finding)
}
