//! Numbers as people read them, beside those of `sim_core::observe::format`.

pub use sim_core::observe::format::{count, duration, percent, prefixed, three_digits};

/// A time of the run: `1:02.345`.
pub fn clock(ns: u64) -> String {
    let ms = ns / 1_000_000;
    let (minutes, seconds, ms) = (ms / 60_000, ms / 1_000 % 60, ms % 1_000);
    format!("{minutes}:{seconds:02}.{ms:03}")
}

/// A time of the run to the nanosecond: `1:02.345 678 901`.
pub fn clock_ns(ns: u64) -> String {
    format!("{} {:03} {:03}", clock(ns), ns / 1_000 % 1_000, ns % 1_000)
}

/// A relative change: `-12 %`, `+0.4 %`.
pub fn change(share: f64) -> String {
    sim_core::observe::format::change(share)
}

/// A number of things: `1 block`, `2 blocks`.
pub fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A time that may not be there.
pub fn maybe(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), duration)
}

/// A size: `145 kB`.
pub fn bytes(bytes: u64) -> String {
    format!("{}B", prefixed(bytes as f64))
}

/// A rate of bits: `25.0 Mbit/s`.
pub fn bits_per_s(bps: u64) -> String {
    format!("{}bit/s", prefixed(bps as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(clock(62_345_678_901), "1:02.345");
        assert_eq!(clock_ns(62_345_678_901), "1:02.345 678 901");
        assert_eq!((plural(1, "block"), plural(2, "block")), ("1 block".to_owned(), "2 blocks".to_owned()));
        assert_eq!(bytes(145_000), "145 kB");
        assert_eq!(bits_per_s(25_000_000), "25.0 Mbit/s");
        assert_eq!((maybe(None), maybe(Some(5_000_000))), ("-".to_owned(), "5.00 ms".to_owned()));
    }
}
