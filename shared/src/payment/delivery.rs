//! One verified delivery of a gateway on its way through the queue: the raw bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Event, cashfree};
use crate::ids::Shop;
use crate::text::without_values;

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// Cashfree Payments.
    Cashfree,
}

impl Gateway {
    /// The gateway's name in paths, in the queue and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cashfree => "cashfree",
        }
    }
}

impl FromStr for Gateway {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "cashfree" => Ok(Self::Cashfree),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The message in the queue. Written by `webhook` after the signature was verified, read by
/// `payments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose gateway account it was sent for.
    pub shop: Shop,
    /// Who sent it.
    pub gateway: Gateway,
    /// When it came in.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The raw body in base 64: the very bytes that were signed.
    body: String,
}

/// Why a delivery can't be understood. Sending it again would not help: it goes to the dead-letter
/// queue, for a person.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The message in the queue is not a delivery.
    #[error("not a delivery: {0}")]
    Envelope(String),
    /// The body is not base 64.
    #[error("the body is not base 64")]
    Base64(#[from] base64::DecodeError),
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    Utf8(#[from] std::string::FromUtf8Error),
    /// The gateway's message lacks what an event needs.
    #[error("not an event of {gateway}: {reason}")]
    Event {
        /// Who sent it.
        gateway: Gateway,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<serde_json::Error> for DeliveryError {
    fn from(error: serde_json::Error) -> Self {
        Self::Envelope(without_values(&error))
    }
}

impl Delivery {
    /// Wraps the raw bytes of a verified webhook.
    #[must_use]
    pub fn new(shop: Shop, gateway: Gateway, raw: &[u8]) -> Self {
        Self {
            shop,
            gateway,
            received_at: OffsetDateTime::now_utc(),
            body: STANDARD.encode(raw),
        }
    }

    /// What the gateway says happened.
    ///
    /// # Errors
    /// [`DeliveryError`].
    pub fn event(&self) -> Result<Event, DeliveryError> {
        let payload = String::from_utf8(STANDARD.decode(&self.body)?)?;
        match self.gateway {
            Gateway::Cashfree => cashfree::event(payload),
        }
        .map_err(|reason| DeliveryError::Event {
            gateway: self.gateway,
            reason,
        })
    }
}
