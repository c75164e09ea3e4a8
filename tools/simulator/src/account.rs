//! A shop's account at a gateway.

use serde::{Deserialize, Serialize};

/// A gateway that is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// Cashfree Payments.
    Cashfree,
    /// Stripe.
    Stripe,
    /// Razorpay.
    Razorpay,
}

impl Gateway {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cashfree, Self::Stripe, Self::Razorpay];

    /// Its name in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashfree => "cashfree",
            Self::Stripe => "stripe",
            Self::Razorpay => "razorpay",
        }
    }

    /// The gateway of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|gateway| gateway.as_str() == name)
    }
}

/// A shop's account at a gateway: its credentials, and where its webhooks go.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// At which gateway.
    pub gateway: Gateway,
    /// Cashfree's client id, Razorpay's key id; Stripe has none.
    #[serde(default)]
    pub key_id: String,
    /// What authenticates its calls: client secret, secret key, key secret.
    pub key_secret: String,
    /// What signs its webhooks; at Cashfree that is the client secret.
    pub webhook_secret: String,
    /// Where its webhooks go; nowhere without one.
    #[serde(default)]
    pub webhook_url: Option<String>,
}
