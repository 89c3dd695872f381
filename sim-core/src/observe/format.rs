//! Numbers as people read them: three significant digits, a unit, thousands separators.

/// Three significant digits without an exponent: `1.42`, `14.2`, `142`, `1420`.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size < 0.1 {
        format!("{value:.4}")
    } else if size < 9.995 {
        format!("{value:.2}")
    } else if size < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// A duration given in ns: `1.42 s`, `812 ms`, `35.0 µs`, `7 ns`.
pub fn duration(ns: u64) -> String {
    let value = ns as f64;
    // Just below a unit, three digits would round to "1000 ms".
    if value >= 999.5e6 {
        format!("{} s", three_digits(value / 1e9))
    } else if value >= 999.5e3 {
        format!("{} ms", three_digits(value / 1e6))
    } else if value >= 999.5 {
        format!("{} µs", three_digits(value / 1e3))
    } else {
        format!("{ns} ns")
    }
}

/// A duration that may not have happened: `never` then.
pub fn duration_or_never(ns: Option<u64>) -> String {
    ns.map_or_else(|| "never".to_owned(), duration)
}

/// A signed duration, with its sign: `-380 ms`, `+12.0 µs`, `0 ns`.
pub fn signed_duration(ns: i64) -> String {
    let sign = match ns {
        0 => "",
        n if n < 0 => "-",
        _ => "+",
    };
    format!("{sign}{}", duration(ns.unsigned_abs()))
}

/// A large quantity with a decimal prefix: `25.0 M` of `25e6`.
pub fn prefixed(value: f64) -> String {
    let size = value.abs();
    let (scale, prefix) = match size {
        s if s >= 999.5e9 => (1e12, " T"),
        s if s >= 999.5e6 => (1e9, " G"),
        s if s >= 999.5e3 => (1e6, " M"),
        s if s >= 999.5 => (1e3, " k"),
        _ => (1.0, " "),
    };
    format!("{}{prefix}", three_digits(value / scale))
}

/// An integer with thousands separators: `40,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of 1 as a percentage: `71 %`, `0.4 %`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let size = value.abs();
    if size == 0.0 || size >= 9.95 || (size - size.round()).abs() < 0.005 {
        format!("{:.0} %", value)
    } else if size < 0.05 {
        "< 0.1 %".to_owned()
    } else {
        format!("{value:.1} %")
    }
}

/// A relative change with its sign: `-38 %`, `+0.4 %`, `0 %`, and `x12` from +900 % on.
pub fn change(relative: f64) -> String {
    let value = relative * 100.0;
    let size = value.abs();
    if value >= 900.0 {
        format!("x{}", three_digits(relative + 1.0))
    } else if size >= 0.95 {
        format!("{value:+.0} %")
    } else if size >= 0.05 {
        format!("{value:+.1} %")
    } else {
        "0 %".to_owned()
    }
}

/// Text made safe for XML and HTML, in content and in quoted attributes. Characters XML 1.0 cannot hold
/// become the replacement character.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\r' | '\t' => escaped.push(c),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_three_digits_and_a_unit() {
        assert_eq!(duration(0), "0 ns");
        assert_eq!(duration(999), "999 ns");
        assert_eq!(duration(1_000), "1.00 µs");
        assert_eq!(duration(999_600), "1.00 ms");
        assert_eq!(duration(81_200_000), "81.2 ms");
        assert_eq!(duration(1_420_000_000), "1.42 s");
        assert_eq!(duration_or_never(None), "never");
        assert_eq!(signed_duration(-380_000_000), "-380 ms");
        assert_eq!(signed_duration(0), "0 ns");
    }

    #[test]
    fn changes_carry_a_sign_and_no_false_precision() {
        assert_eq!(change(-0.384), "-38 %");
        assert_eq!(change(0.004), "+0.4 %");
        assert_eq!(change(-0.0001), "0 %");
        assert_eq!(change(0.0), "0 %");
        assert_eq!(change(11.0), "x12.0");
    }

    #[test]
    fn counts_and_percentages_read_well() {
        assert_eq!(count(7), "7");
        assert_eq!(count(40_000), "40,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(percent(0.713), "71 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.004), "0.4 %");
        assert_eq!(prefixed(25e6), "25.0 M");
        assert_eq!(prefixed(12.0), "12.0 ");
    }

    #[test]
    fn escaping_leaves_nothing_that_breaks_xml() {
        assert_eq!(escape("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\u{fffd}");
    }
}
