//! Quantities as people write them, read exactly into integers.
//!
//! `"2.5 Mbit/s"` becomes 2,500,000 bit/s by integer arithmetic; a value that is not a whole number of the
//! smallest unit is refused instead of rounded. A bare number is refused where a unit is needed.

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A physical dimension: its units and what each is worth in the smallest one.
#[derive(Debug)]
pub struct Dimension {
    /// What a value is, with its article.
    pub what: &'static str,
    /// How to write one.
    pub example: &'static str,
    /// The step that cannot be divided further.
    pub step: &'static str,
    /// Units shown in messages and used for printing, smallest first.
    pub units: &'static [(&'static str, u64)],
    /// Other spellings that are understood.
    pub aliases: &'static [(&'static str, u64)],
    /// What a bare number is worth; `None` if a unit is required.
    pub bare: Option<u64>,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number followed by a unit.
    #[error("`{found}` is not {what}; write it as \"{example}\"")]
    Malformed {
        /// The text.
        found: String,
        /// What was expected.
        what: &'static str,
        /// How to write one.
        example: &'static str,
    },
    /// The unit does not belong to the dimension.
    #[error("`{unit}` is not a unit of {what};{} allowed: {allowed}", meant(.suggestion.as_deref()))]
    WrongUnit {
        /// The unit found.
        unit: String,
        /// What was expected.
        what: &'static str,
        /// The closest allowed unit.
        suggestion: Option<String>,
        /// The allowed units.
        allowed: String,
    },
    /// A number without its unit.
    #[error("`{found}` has no unit; write it as \"{example}\"; allowed: {allowed}")]
    NoUnit {
        /// The number.
        found: String,
        /// How to write one.
        example: &'static str,
        /// The allowed units.
        allowed: String,
    },
    /// Below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// Not a whole number of the smallest unit.
    #[error("`{found}` would lose precision: the smallest step is {step}")]
    Inexact {
        /// The text.
        found: String,
        /// The smallest step.
        step: &'static str,
    },
    /// Does not fit 64 bits.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |s| format!(" did you mean `{s}`?"))
}

impl Dimension {
    /// The dimension of a quantity type, by the type's name in the schema.
    pub fn named(name: &str) -> Option<&'static Self> {
        Some(match name {
            "Duration" => Duration::DIMENSION,
            "BitRate" => BitRate::DIMENSION,
            "Size" => Size::DIMENSION,
            "GasAmount" => GasAmount::DIMENSION,
            "TxRate" => TxRate::DIMENSION,
            "Price" => Price::DIMENSION,
            "Factor" => Factor::DIMENSION,
            "Real" => Real::DIMENSION,
            _ => return None,
        })
    }

    /// Reads a quantity, exactly.
    pub fn parse(&self, text: &str) -> Result<u64, UnitError> {
        let found = || super::tree::shorten(text.trim());
        let trimmed = text.trim();
        let (negative, unsigned) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let malformed = || UnitError::Malformed { found: found(), what: self.what, example: self.example };
        let (number, unit) = split(unsigned).ok_or_else(malformed)?;
        let scale = self.scale(unit, text)?;
        let (mantissa, decimals) = decimal(number).ok_or_else(malformed)?;
        if negative && mantissa != Some(0) {
            return Err(UnitError::Negative(found()));
        }
        let too_large = || UnitError::TooLarge(found());
        let scaled = mantissa.and_then(|m| m.checked_mul(u128::from(scale))).ok_or_else(too_large)?;
        let exact = match u32::try_from(decimals) {
            Ok(places) => {
                let divisor = 10u128.checked_pow(places);
                match divisor {
                    Some(d) if scaled % d == 0 => Some(scaled / d),
                    _ if scaled == 0 => Some(0),
                    _ => return Err(UnitError::Inexact { found: found(), step: self.step }),
                }
            }
            Err(_) => {
                let zeros = u32::try_from(-decimals).ok();
                let factor = zeros.and_then(|z| 10u128.checked_pow(z));
                if scaled == 0 { Some(0) } else { factor.and_then(|f| scaled.checked_mul(f)) }
            }
        };
        exact.and_then(|n| u64::try_from(n).ok()).ok_or_else(too_large)
    }

    fn scale(&self, unit: &str, text: &str) -> Result<u64, UnitError> {
        let known = self.units.iter().chain(self.aliases).find(|(name, _)| *name == unit);
        if let Some((_, scale)) = known {
            return Ok(*scale);
        }
        let allowed: Vec<String> = self.units.iter().map(|(name, _)| (*name).to_owned()).collect();
        if unit.is_empty() {
            return self.bare.ok_or_else(|| UnitError::NoUnit {
                found: super::tree::shorten(text.trim()),
                example: self.example,
                allowed: allowed.join(", "),
            });
        }
        Err(UnitError::WrongUnit {
            unit: super::tree::shorten(unit),
            what: self.what,
            suggestion: super::error::closest(unit, &allowed),
            allowed: allowed.join(", "),
        })
    }

    /// Writes a value so that reading it back gives the same value: in the largest unit that needs at most
    /// three decimals.
    pub fn format(&self, value: u64) -> String {
        let fits =
            |scale: u64| value >= scale && (u128::from(value) * 1000).is_multiple_of(u128::from(scale));
        let best = self.units.iter().rev().find(|(_, scale)| fits(*scale)).or(self.units.first());
        let Some((unit, scale)) = best else { return value.to_string() };
        let micro = u128::from(value) * 1_000_000 / u128::from(*scale);
        let mut number = (micro / 1_000_000).to_string();
        if micro % 1_000_000 != 0 {
            number += format!(".{:06}", micro % 1_000_000).trim_end_matches('0');
        }
        let space = if *unit == "x" || unit.is_empty() { "" } else { " " };
        format!("{number}{space}{unit}")
    }
}

/// Number and unit.
fn split(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    let mut end = 0;
    while end < bytes.len() {
        let exponent = matches!(bytes[end], b'e' | b'E')
            && match bytes.get(end + 1) {
                Some(b'+' | b'-') => bytes.get(end + 2).is_some_and(u8::is_ascii_digit),
                Some(b) => b.is_ascii_digit(),
                None => false,
            };
        if exponent {
            end += 2;
        } else if bytes[end].is_ascii_digit() || matches!(bytes[end], b'.' | b'_') {
            end += 1;
        } else {
            break;
        }
    }
    Some((&text[..end], text[end..].trim()))
}

/// A decimal number as (digits, decimal places); the digits are `None` when there are too many.
fn decimal(number: &str) -> Option<(Option<u128>, i64)> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = whole.chars().chain(fraction.chars()).filter(|c| *c != '_').collect();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let places = fraction.chars().filter(|c| *c != '_').count() as i64 - i64::from(exponent);
    let significant = digits.trim_end_matches('0');
    let dropped = (digits.len() - significant.len()) as i64;
    let value = if significant.is_empty() { Some(0) } else { significant.parse().ok() };
    Some((value, places - dropped))
}

/// A quantity: a whole number of the smallest unit, read from and written as a text with a unit.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $dimension:ident, $kind:tt, $note:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// The units of this quantity.
            pub const DIMENSION: &'static Dimension = &$dimension;

            /// Reads a quantity, exactly.
            pub fn parse(text: &str) -> Result<Self, UnitError> {
                $dimension.parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$dimension.format(self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(QuantityVisitor($name::DIMENSION)).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": $kind, "description": $note })
            }
        }
    };
}

struct QuantityVisitor(&'static Dimension);

impl Visitor<'_> for QuantityVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} such as \"{}\"", self.0.what, self.0.example)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        self.0.parse(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        self.visit_str(&value.to_string())
    }

    /// The shortest decimal that reads back as this float is what was written.
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<u64, E> {
        self.visit_str(&value.to_string())
    }
}

static DURATION: Dimension = Dimension {
    what: "a duration",
    example: "80 ms",
    step: "1 ns",
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ],
    aliases: &[("µs", 1_000), ("μs", 1_000), ("d", 86_400_000_000_000), ("days", 86_400_000_000_000)],
    bare: None,
};
quantity! {
    /// A duration, nanoseconds.
    Duration, DURATION, "string", "A duration: a number and ns, us, ms, s, min or h, such as \"80 ms\"."
}

static BIT_RATE: Dimension = Dimension {
    what: "a data rate",
    example: "50 Mbit/s",
    step: "1 bit/s",
    units: &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)],
    aliases: &[
        ("bps", 1),
        ("kbps", 1_000),
        ("Mbps", 1_000_000),
        ("Gbps", 1_000_000_000),
        ("Tbit/s", 1_000_000_000_000),
        ("B/s", 8),
        ("kB/s", 8_000),
        ("MB/s", 8_000_000),
        ("GB/s", 8_000_000_000),
    ],
    bare: None,
};
quantity! {
    /// A data rate, bit/s.
    BitRate, BIT_RATE, "string", "A data rate: a number and bit/s, kbit/s, Mbit/s or Gbit/s, such as \"50 Mbit/s\"."
}

static SIZE: Dimension = Dimension {
    what: "a size",
    example: "128 KiB",
    step: "1 B",
    units: &[
        ("B", 1),
        ("kB", 1_000),
        ("KiB", 1 << 10),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
        ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
    ],
    aliases: &[],
    bare: None,
};
quantity! {
    /// A size, bytes.
    Size, SIZE, "string", "A size: a number and B, kB, KiB, MB, MiB, GB or GiB, such as \"128 KiB\"."
}

static GAS: Dimension = Dimension {
    what: "an amount of gas",
    example: "30 Mgas",
    step: "1 gas",
    units: &[("gas", 1), ("kgas", 1_000), ("Mgas", 1_000_000), ("Ggas", 1_000_000_000)],
    aliases: &[],
    bare: None,
};
quantity! {
    /// An amount of gas.
    GasAmount, GAS, "string", "An amount of gas: a number and gas, kgas, Mgas or Ggas, such as \"30 Mgas\"."
}

static TX_RATE: Dimension = Dimension {
    what: "a rate of transactions",
    example: "2500 tx/s",
    step: "0.001 tx/s",
    units: &[("tx/s", 1_000), ("ktx/s", 1_000_000)],
    aliases: &[("tps", 1_000)],
    bare: None,
};
quantity! {
    /// Transactions a second, thousandths.
    TxRate, TX_RATE, "string", "Transactions a second: a number and tx/s or ktx/s, such as \"2500 tx/s\"."
}

static PRICE: Dimension = Dimension {
    what: "a price of gas",
    example: "12 gwei",
    step: "1 wei",
    units: &[("wei", 1), ("gwei", 1_000_000_000), ("eth", 1_000_000_000_000_000_000)],
    aliases: &[("kwei", 1_000), ("Mwei", 1_000_000), ("Gwei", 1_000_000_000)],
    bare: None,
};
quantity! {
    /// A price of gas, wei.
    Price, PRICE, "string", "A price of gas: a number and wei or gwei, such as \"12 gwei\"."
}

static FACTOR: Dimension = Dimension {
    what: "a factor",
    example: "0.5x",
    step: "0.000001",
    units: &[("x", 1_000_000)],
    aliases: &[("×", 1_000_000), ("%", 10_000)],
    bare: Some(1_000_000),
};

quantity! {
    /// A factor, parts per million: `0.5`, `"0.5x"` and `"50 %"` are the same.
    Factor, FACTOR, ["number", "string"], "A factor: a number, or a text such as \"0.5x\" or \"50 %\"."
}

static REAL: Dimension = Dimension {
    what: "a number",
    example: "0.8",
    step: "0.000001",
    units: &[("", 1_000_000)],
    aliases: &[],
    bare: Some(1_000_000),
};
quantity! {
    /// A number without a unit, parts per million.
    Real, REAL, "number", "A number."
}
