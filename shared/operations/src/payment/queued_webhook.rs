//! A verified webhook on its way through the queue, raw bytes included.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::webhook::Webhook;
use super::{Event, Gateway};
use crate::ids::Shop;
use crate::text::without_values;

/// Stored characters of a header's value.
const HEADER_CHARS_MAX: usize = 256;

/// The message in the queue. `webhook` writes it after verifying the signature, and `payments`
/// reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedWebhook {
    /// The shop of the gateway account.
    pub shop: Shop,
    pub gateway: Gateway,
    /// When it arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The stored headers, by lower-case names. Never a signature.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The raw body in base64: the bytes that were signed.
    body: String,
}

/// Why a queued webhook cannot be processed. A retry would not help, so it goes to the dead-letter
/// queue, for a person.
#[derive(Debug, thiserror::Error)]
pub enum QueuedWebhookError {
    #[error("not a queued webhook: {0}")]
    Envelope(String),
    #[error("the body is not base 64")]
    Base64(#[from] base64::DecodeError),
    #[error("the body is not UTF-8")]
    Utf8(#[from] std::string::FromUtf8Error),
    #[error("not an event of {gateway}: {reason}")]
    Event {
        /// The gateway.
        gateway: Gateway,
        /// The missing or invalid field.
        reason: String,
    },
}

impl From<serde_json::Error> for QueuedWebhookError {
    fn from(error: serde_json::Error) -> Self {
        Self::Envelope(without_values(&error))
    }
}

impl QueuedWebhook {
    /// Wraps the raw bytes of a verified webhook and the headers that its gateway's adapter stores.
    #[must_use]
    pub fn new(shop: Shop, gateway: Gateway, webhook: &Webhook<'_>) -> Self {
        let kept = |name: &&str| {
            let value: String = (webhook.header)(name)?
                .chars()
                .take(HEADER_CHARS_MAX)
                .collect();
            Some(((*name).to_owned(), value))
        };
        Self {
            shop,
            gateway,
            received_at: webhook.now,
            headers: gateway
                .adapter()
                .kept_headers()
                .iter()
                .filter_map(kept)
                .collect(),
            body: STANDARD.encode(webhook.raw),
        }
    }

    /// Parses the event.
    ///
    /// # Errors
    /// [`QueuedWebhookError`].
    pub fn event(&self) -> Result<Event, QueuedWebhookError> {
        let payload = String::from_utf8(STANDARD.decode(&self.body)?)?;
        let read = self.gateway.adapter().event(payload);
        let event = read.map_err(|reason| QueuedWebhookError::Event {
            gateway: self.gateway,
            reason,
        })?;
        Ok(Event {
            headers: self.headers.clone(),
            received_at: Some(self.received_at),
            ..event
        })
    }
}
