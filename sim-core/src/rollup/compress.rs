//! Real bytes: transactions as they are signed and sent, batches as they are compressed.
//!
//! **Captures** a batch as its blocks in order: for each the time since the last block and the number of
//! transactions, then the transactions in their EIP-2718 encoding, compressed by Brotli. Signatures are drawn at
//! random, which is what signatures look like to a compressor. **Leaves out** the framing of a particular rollup
//! (frames, span batches that take transactions apart, Arbitrum's segments), some bytes a block either way.
//! **Parameters** Brotli's quality; the window is 2^22 bytes. **Source** Brotli (RFC 7932) is what Arbitrum and, since
//! Fjord, the OP Stack use. **Checked against** published bytes per transaction by kind (`tests/rollup_compress.rs`).

use crate::chain::transaction::{Signature, Transaction};
use crate::kernel::random::{Purpose, draw_pair};
use brotli::enc::BrotliEncoderParams;

/// Logarithm of Brotli's window.
const WINDOW_BITS: i32 = 22;

/// Appends a transaction as it was signed; `seed` and `number` name the signature.
pub fn encode(transaction: &Transaction, seed: u64, number: u64, out: &mut Vec<u8>) {
    let mut words = [[0_u8; 32]; 2];
    for (index, half) in words.iter_mut().flat_map(|w| w.chunks_exact_mut(16)).enumerate() {
        let [high, low] = draw_pair(seed, Purpose::CONTENT, index as u64, number);
        half[..8].copy_from_slice(&high.to_be_bytes());
        half[8..].copy_from_slice(&low.to_be_bytes());
    }
    let [r, s] = words;
    // Since EIP-2, s is in the lower half of the curve's order.
    let s = {
        let mut s = s;
        s[0] &= 0x7f;
        s
    };
    transaction.encode_signed(&Signature { odd: r[31] & 1 == 1, r, s }, out);
}

/// Appends the head of a block in a batch: ms since the last block and number of transactions.
pub fn encode_block_head(since_ms: u64, transactions: u32, out: &mut Vec<u8>) {
    for mut value in [since_ms, u64::from(transactions)] {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
}

/// Compresses a batch.
pub fn compress(raw: &[u8], quality: u8) -> Vec<u8> {
    let params = BrotliEncoderParams {
        quality: i32::from(quality),
        lgwin: WINDOW_BITS,
        size_hint: raw.len(),
        ..BrotliEncoderParams::default()
    };
    let mut out = Vec::with_capacity(raw.len() / 2 + 64);
    // Memory to memory: there is nothing that could fail.
    brotli::BrotliCompress(&mut &raw[..], &mut out, &params).expect("a vector takes all bytes");
    out
}

/// What was compressed.
pub fn decompress(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    brotli::BrotliDecompress(&mut &compressed[..], &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let raw: Vec<u8> = (0..5_000_u32).flat_map(|n| (n / 7).to_be_bytes()).collect();
        for quality in [0, 5, 9, 11] {
            let packed = compress(&raw, quality);
            assert!(packed.len() < raw.len() / 3, "quality {quality}: {}", packed.len());
            assert_eq!(decompress(&packed).as_deref(), Some(&raw[..]));
        }
        assert_eq!(decompress(&compress(&[], 9)).as_deref(), Some(&[][..]));
    }

    #[test]
    fn block_heads_are_short() {
        let mut out = Vec::new();
        encode_block_head(250, 3, &mut out);
        assert_eq!(out, [0xfa, 0x01, 3]);
    }
}
