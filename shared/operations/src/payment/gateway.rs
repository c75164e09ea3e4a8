//! The supported payment gateways.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::webhook::Adapter;
use super::{cashfree, razorpay, stripe};
use crate::db::sent_as;
use crate::ids::{InvalidId, invalid, read_text};

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "stripe")]
pub enum Gateway {
    /// Cashfree Payments.
    Cashfree,
    /// Stripe.
    Stripe,
    /// Razorpay.
    Razorpay,
}

sent_as!(Gateway, &str, |gateway| gateway.as_str());

impl Gateway {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cashfree, Self::Stripe, Self::Razorpay];

    /// The gateway's name in paths, in the queue and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashfree => "cashfree",
            Self::Stripe => "stripe",
            Self::Razorpay => "razorpay",
        }
    }

    /// The adapter that reads its webhooks. No other place tells gateways apart.
    #[must_use]
    pub fn adapter(self) -> &'static dyn Adapter {
        match self {
            Self::Cashfree => &cashfree::Cashfree,
            Self::Stripe => &stripe::Stripe,
            Self::Razorpay => &razorpay::Razorpay,
        }
    }
}

const RULE: &str = "\"cashfree\", \"stripe\" or \"razorpay\"";

impl TryFrom<String> for Gateway {
    type Error = InvalidId;

    fn try_from(name: String) -> Result<Self, InvalidId> {
        name.parse()
    }
}

impl<'de> Deserialize<'de> for Gateway {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, RULE)
    }
}

impl FromStr for Gateway {
    type Err = InvalidId;

    fn from_str(name: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|gateway| gateway.as_str() == name)
            .ok_or_else(|| invalid(RULE, name))
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
