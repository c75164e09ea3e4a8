//! Numbers of JSON as they are written. A parser makes a double of most of them, and rounds.

use std::ops::Range;

/// The bounds of [`is_exact`]. The database's are the same.
const MAGNITUDES: std::ops::RangeInclusive<f64> = 1e-300..=1e300;

/// The places of the numbers in a text of valid JSON.
pub(crate) fn numbers(json: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut in_text, mut is_escaped) = (false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E' if !in_text => match found.last_mut() {
                Some(number) if number.end == at => number.end += 1,
                // `e` of true and false
                _ if byte != b'e' => found.push(at..at + 1),
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// Whether a double keeps this number of JSON: it comes out with the value that went in. Most
/// readers make a double of every number.
pub(crate) fn is_exact(number: &str) -> bool {
    let Some(written) = Decimal::of(number) else {
        return false;
    };
    let Ok(double) = number.parse::<f64>() else {
        return false;
    };
    written.digits.is_empty()
        || MAGNITUDES.contains(&double.abs())
            && Decimal::of(&format!("{double:e}")) == Some(written)
}

/// The zeros with which a number is written without an exponent.
pub(crate) fn zeros_of(number: &str) -> usize {
    let exponent = Decimal::of(number).map_or(0, |decimal| decimal.exponent.unsigned_abs());
    usize::try_from(exponent).unwrap_or(usize::MAX)
}

/// The value of a number: its digits without zeros at either end, times a power of ten.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let exponent: i64 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
        let significant = digits.trim_end_matches('0');
        let zeros = digits.len() - significant.len();
        let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
        let digits = significant.trim_start_matches('0').to_owned();
        Some(Self {
            is_negative: whole.starts_with('-') && !digits.is_empty(),
            exponent: if digits.is_empty() {
                0
            } else {
                exponent.checked_add(shift)?
            },
            digits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_outside_of_texts() {
        let json = r#"{"1\"2":[-1.5e+3,true,false,null,"3\\",4],"n":{"five":0}}"#;
        let found: Vec<&str> = numbers(json).into_iter().map(|at| &json[at]).collect();
        assert_eq!(found, ["-1.5e+3", "4", "0"]);
    }

    #[test]
    fn a_number_is_exact_if_a_double_keeps_it() {
        for exact in [
            "0",
            "-0",
            "0.0",
            "0e999",
            "1",
            "-1",
            "1.10",
            "0.1",
            "1e22",
            "1E+22",
            "100000000000",
            "9007199254740992",
            "10000000000000000000000",
            "0.30000000000000004",
            "1e300",
            "-1e-300",
            "1.7976931348623156e299",
        ] {
            assert!(is_exact(exact), "{exact}");
        }
        for rounded in [
            "9007199254740993",
            "12345678901234567890",
            "12345678901234567890123",
            "0.1000000000000000055511151231257827",
            "3.14159265358979323846",
            "170.000000000000000000000000000000001",
            "1e301",
            "1e400",
            "1e-301",
            "1e-400",
            "1e99999999999999999999",
        ] {
            assert!(!is_exact(rounded), "{rounded}");
        }
    }
}
