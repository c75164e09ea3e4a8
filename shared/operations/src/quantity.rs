//! Whole numbers with bounds. A number out of bounds is refused with a sentence.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::db::sent_as;

/// Defines a whole number from `$min` to `$max`, except `$hole`, that refuses everything else in a
/// sentence.
macro_rules! bounded {
    (
        $(#[doc = $doc:literal])* $name:ident, $int:ty, $min:literal, $max:literal, $what:literal
        $(, except $hole:literal)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name($int);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::schema::whole(concat!($($doc, "\n"),*), $min, $max)
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            #[doc = concat!("Smallest value: ", stringify!($min), ".")]
            pub const MIN: $int = $min;
            #[doc = concat!("Largest value: ", stringify!($max), ".")]
            pub const MAX: $int = $max;

            /// The number.
            #[must_use]
            pub fn get(self) -> $int {
                self.0
            }
        }

        sent_as!($name, $int, |number| number.0);

        impl TryFrom<i64> for $name {
            type Error = OutOfBounds;

            fn try_from(number: i64) -> Result<Self, OutOfBounds> {
                match <$int>::try_from(number) {
                    Ok(small) if (Self::MIN..=Self::MAX).contains(&small) $(&& small != $hole)? => {
                        Ok(Self(small))
                    }
                    _ => Err(OutOfBounds { rule: $what, got: number.to_string() }),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = OutOfBounds;

            /// From a parameter of a URL.
            fn from_str(text: &str) -> Result<Self, OutOfBounds> {
                let got = || text.chars().take(40).collect();
                // Rust also parses `+5`, which is no number in JSON.
                let digits = if text.starts_with('+') { "" } else { text };
                let number = digits.parse::<i64>();
                let number = number.map_err(|_| OutOfBounds { rule: $what, got: got() })?;
                Self::try_from(number)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Whole;
                impl Visitor<'_> for Whole {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$name, E> {
                        $name::try_from(number).map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$name, E> {
                        i64::try_from(number)
                            .map_err(|_| OutOfBounds { rule: $what, got: number.to_string() })
                            .map_err(E::custom)
                            .and_then(|small| self.visit_i64(small))
                    }
                }
                deserializer.deserialize_i64(Whole)
            }
        }
    };
}

/// A number outside its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {rule}, got {got}")]
pub struct OutOfBounds {
    rule: &'static str,
    got: String,
}

bounded!(
    /// Units of one sku in one cart.
    Quantity, i32, 1, 100_000, "a whole number from 1 to 100000"
);
bounded!(
    /// The client's number of a cart. A replacement has a higher one.
    Revision, i32, 1, 1_000_000_000, "a whole number from 1 to 1000000000"
);
bounded!(
    /// How long stock is held, in seconds.
    HoldSeconds, i32, 1, 86_400, "a whole number of seconds from 1 to 86400"
);
bounded!(
    /// Received units, and limits: at least one.
    Units, i32, 1, 1_000_000_000, "a whole number from 1 to 1000000000"
);
bounded!(
    /// Counted units, and thresholds: zero is possible.
    Count, i32, 0, 1_000_000_000, "a whole number from 0 to 1000000000"
);
bounded!(
    /// Units on hand. Staff raise it to 1000000000 at most. Units that come back from orders may
    /// raise it further.
    OnHand, i32, 0, 2_000_000_000, "a whole number from 0 to 2000000000"
);
bounded!(
    /// A difference of units, other than 0.
    Delta, i32, -2_000_000_000, 2_000_000_000,
    "a whole number from -2000000000 to 2000000000 except 0", except 0
);
bounded!(
    /// Rows of one page.
    PageLimit, i32, 1, 500, "a whole number from 1 to 500"
);
bounded!(
    /// Rows of one page of an import's report. 0 asks for the counts alone.
    ReportLimit, i32, 0, 5_000, "a whole number from 0 to 5000"
);
bounded!(
    /// Rows of one page of an export.
    ExportLimit, i32, 1, 5_000, "a whole number from 1 to 5000"
);
bounded!(
    /// A coupon's discount: basis points (10000 is 100 %), or minor units.
    CouponValue, i64, 1, 100_000_000_000, "a whole number from 1 to 100000000000"
);
bounded!(
    /// How often the stock level was written.
    Version, i64, 0, 9_007_199_254_740_991, "a whole number from 0 to 9007199254740991"
);
bounded!(
    /// The number of a part of an import, and the number of its parts.
    PartNumber, i32, 1, 2_000, "a whole number from 1 to 2000"
);
bounded!(
    /// Days of a list.
    Days, i32, 1, 31, "a whole number from 1 to 31"
);
bounded!(
    /// Minutes of a sale.
    Minutes, i32, 1, 60, "a whole number from 1 to 60"
);
bounded!(
    /// A percentage.
    Percent, i32, 1, 100, "a whole number from 1 to 100"
);
bounded!(
    /// The price of one unit in minor units of the shop's currency.
    PriceMinor, i64, 0, 100_000_000_000, "a whole number from 0 to 100000000000"
);

bounded!(
    /// Money in the currency's minor unit. The largest is 50 lines of 100000 units at the highest
    /// price. JavaScript rounds numbers above 9007199254740991.
    Amount, i64, 0, 500_000_000_000_000_000, "a whole number from 0 to 500000000000000000"
);
bounded!(
    /// A positive amount in minor units.
    AmountMinor, i64, 1, 9_007_199_254_740_991, "a whole number from 1 to 9007199254740991"
);

impl Quantity {
    /// The sum, if it is within the bounds.
    ///
    /// # Errors
    /// When the sum is more than [`Quantity::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, OutOfBounds> {
        Self::try_from(i64::from(self.0) + i64::from(other.0))
    }
}

impl HoldSeconds {
    /// How long an order holds stock by default, until its gateway reports a try to pay.
    pub const MINUTES_15: Self = Self(900);
    /// How long a shop holds a new checkout's stock by default.
    pub const MINUTES_20: Self = Self(1_200);
    /// The longest hold of a checkout by default, and the hold of an order.
    pub const MINUTES_30: Self = Self(1_800);
}

impl Units {
    /// The most that one checkout of the storefront may hold by default.
    pub const OF_A_CART: Self = Self(100);
    /// The most of one sku that it may hold by default.
    pub const OF_A_LINE: Self = Self(20);
}

impl PageLimit {
    /// The default.
    pub const USUAL: Self = Self(100);
    /// What people read at a glance.
    pub const FEW: Self = Self(20);
    /// The longest page, for a list that is printed.
    pub const MOST: Self = Self(500);
}

impl Default for PageLimit {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Default for Days {
    fn default() -> Self {
        Self(1)
    }
}

impl Default for Minutes {
    fn default() -> Self {
        Self(30)
    }
}

impl Default for ReportLimit {
    fn default() -> Self {
        Self(1_000)
    }
}

impl Default for ExportLimit {
    fn default() -> Self {
        Self(1_000)
    }
}

impl Count {
    /// Zero.
    pub const NONE: Self = Self(0);
}

impl PriceMinor {
    /// Nothing.
    pub const NONE: Self = Self(0);
}

impl PartNumber {
    /// The only part of a short file.
    pub const FIRST: Self = Self(1);
}

impl Percent {
    /// The share of the database's time of an import by default.
    pub const QUARTER: Self = Self(25);
    /// 100 %.
    pub const ALL: Self = Self(100);
}

impl Default for Revision {
    fn default() -> Self {
        Self(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_a_whole_number_in_bounds() {
        assert_eq!(serde_json::from_str::<Quantity>("3").unwrap().get(), 3);
        for bad in [
            "0",
            "-1",
            "2147483648",
            "18446744073709551616",
            "1e3",
            "1.0",
            "\"3\"",
            "null",
            "true",
        ] {
            let error = serde_json::from_str::<Quantity>(bad)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("a whole number from 1 to 100000"),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn a_sum_beyond_the_limit_is_refused() {
        let most = Quantity::try_from(100_000).unwrap();
        let one = Quantity::try_from(1).unwrap();
        assert!(most.plus(one).is_err());
        assert_eq!(one.plus(one).unwrap().get(), 2);
    }
}
