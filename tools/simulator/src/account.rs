//! A merchant account at a payment gateway.

use serde::{Deserialize, Serialize};

/// A simulated payment gateway.
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
    /// All three.
    pub const ALL: [Self; 3] = [Self::Cashfree, Self::Stripe, Self::Razorpay];

    /// The gateway's name in URLs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashfree => "cashfree",
            Self::Stripe => "stripe",
            Self::Razorpay => "razorpay",
        }
    }
}

/// A merchant account: its credentials and the receiver of its webhooks.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The gateway.
    pub gateway: Gateway,
    /// Cashfree's client id or Razorpay's key id. Stripe has none.
    #[serde(default)]
    pub key_id: String,
    /// Authenticates API calls: client secret, secret key or key secret.
    pub key_secret: String,
    /// Signs the webhooks. Cashfree signs with the client secret.
    pub webhook_secret: String,
    /// The receiver of the webhooks. Without it, none are sent.
    #[serde(default)]
    pub webhook_url: Option<String>,
}
