//! Money in minor units. Never a float: 0.1 + 0.2 is not an amount.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::quantity::Amount;

/// Why an amount in major units is no amount of its currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("{0:?} is not a decimal number")]
    NotANumber(String),
    #[error("{amount} is not an amount of {currency}")]
    NotInCurrency {
        /// The amount as it came.
        amount: Decimal,
        /// ISO 4217 code.
        currency: String,
    },
}

/// Digits after the decimal point of a currency (ISO 4217). 2 for every code that is not listed
/// here.
#[must_use]
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Digits of an amount at most: as many as a decimal has without rounding.
const DIGITS_MAX: usize = 28;

/// Converts an amount in major units, as some gateways write it (`170.00`), to minor units (17000).
///
/// # Errors
/// When it is no number, negative, or finer than the minor unit: a gateway that sends such a thing
/// is not rounded.
pub fn minor_from_major(major: &str, currency: &str) -> Result<i64, AmountError> {
    // Decimal skips underscores, and rounds what has more digits.
    let digits = major.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = major
        .bytes()
        .all(|c| c.is_ascii_digit() || b".eE+-".contains(&c));
    let exact = if is_plain && digits <= DIGITS_MAX {
        major
    } else {
        ""
    };
    let amount = exact
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(exact))
        .map_err(|_| AmountError::NotANumber(major.chars().take(40).collect()))?;
    let scale = Decimal::from(10_u32.pow(minor_digits(currency)));
    amount
        .checked_mul(scale)
        .filter(|minor| minor.fract().is_zero() && !minor.is_sign_negative())
        .and_then(|minor| minor.to_i64())
        .filter(|minor| *minor <= Amount::MAX)
        .ok_or_else(|| AmountError::NotInCurrency {
            amount,
            currency: currency.to_owned(),
        })
}

/// Writes minor units (17000) in major units (`170.00`), exact.
#[must_use]
pub fn major_from_minor(minor: i64, currency: &str) -> String {
    Decimal::from_i128_with_scale(i128::from(minor), minor_digits(currency)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_become_minor_units_of_their_currency() {
        for (major, currency, minor) in [
            ("170.00", "INR", 17_000),
            ("170", "INR", 17_000),
            ("0.1", "INR", 10),
            ("1.7e2", "INR", 17_000),
            ("170", "JPY", 170),
            ("1.234", "KWD", 1_234),
            ("0", "INR", 0),
        ] {
            assert_eq!(
                minor_from_major(major, currency),
                Ok(minor),
                "{major} {currency}"
            );
        }
    }

    #[test]
    fn minor_units_are_written_in_major_units() {
        for (minor, currency, major) in [
            (17_000, "INR", "170.00"),
            (5, "INR", "0.05"),
            (170, "JPY", "170"),
            (1_234, "KWD", "1.234"),
        ] {
            assert_eq!(major_from_minor(minor, currency), major);
            assert_eq!(minor_from_major(major, currency), Ok(minor));
        }
    }

    #[test]
    fn nothing_is_rounded() {
        for (major, currency) in [
            ("0.001", "INR"),
            ("170.5", "JPY"),
            ("-1", "INR"),
            ("NaN", "INR"),
            ("1e30", "INR"),
            ("5000000000000000.01", "INR"),
            ("", "INR"),
            ("1_70.00", "INR"),
            (" 170.00", "INR"),
            ("170.000000000000000000000000000000001", "INR"),
            ("1.70000000000000000000000000000000001e2", "INR"),
        ] {
            assert!(
                minor_from_major(major, currency).is_err(),
                "{major} {currency}"
            );
        }
    }
}
