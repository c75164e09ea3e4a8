//! Stripe's amounts: integers in Stripe's smallest unit. For a few currencies it differs from the
//! minor unit of ISO 4217.
//!
//! Source: Stripe's page on supported currencies ("zero-decimal currencies", "three-decimal
//! currencies", "special cases").

use crate::money::minor_digits;

/// Digits after the decimal point in Stripe's amounts.
fn stripe_digits(currency: &str) -> u32 {
    match currency {
        // without a minor unit, but written with two zeros, "for backwards compatibility"
        "ISK" | "UGX" => 2,
        // with a minor unit of a fifth in ISO 4217, and without one at Stripe
        "MGA" => 0,
        other => minor_digits(other),
    }
}

/// Stripe's amount in minor units of ISO 4217. `None` if it does not fit the currency.
#[must_use]
pub fn minor_from_stripe(amount: i64, currency: &str) -> Option<i64> {
    rescaled(amount, stripe_digits(currency), minor_digits(currency))
}

/// An amount in minor units of ISO 4217 in Stripe's unit. `None` if Stripe does not take it: card
/// networks use only two of three decimals, so the last digit must be 0.
#[must_use]
pub fn stripe_from_minor(minor: i64, currency: &str) -> Option<i64> {
    let amount = rescaled(minor, minor_digits(currency), stripe_digits(currency))?;
    (stripe_digits(currency) < 3 || amount % 10 == 0).then_some(amount)
}

fn rescaled(amount: i64, from: u32, to: u32) -> Option<i64> {
    if to >= from {
        return amount.checked_mul(10_i64.checked_pow(to - from)?);
    }
    let unit = 10_i64.checked_pow(from - to)?;
    (amount % unit == 0).then_some(amount / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_of_the_unit_that_stripe_counts_in() {
        for (currency, stripe, minor) in [
            ("INR", 17_000, 17_000),
            ("JPY", 500, 500),
            ("KWD", 5_120, 5_120),
            ("ISK", 500, 5),
            ("UGX", 500, 5),
            ("MGA", 5, 500),
        ] {
            assert_eq!(
                minor_from_stripe(stripe, currency),
                Some(minor),
                "{currency}"
            );
            assert_eq!(
                stripe_from_minor(minor, currency),
                Some(stripe),
                "{currency}"
            );
        }
        assert_eq!(minor_from_stripe(550, "ISK"), None);
        assert_eq!(stripe_from_minor(550, "MGA"), None);
        assert_eq!(stripe_from_minor(5_125, "KWD"), None);
        assert_eq!(minor_from_stripe(5_125, "KWD"), Some(5_125));
        assert_eq!(minor_from_stripe(i64::MAX, "MGA"), None);
    }
}
