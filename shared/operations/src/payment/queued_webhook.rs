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

/// Characters of a header's value that are kept.
const HEADER_CHARS_MAX: usize = 256;

/// The message in the queue. Written by `webhook` after the signature was verified, read by
/// `payments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedWebhook {
    /// Whose gateway account it was sent for.
    pub shop: Shop,
    /// Who sent it.
    pub gateway: Gateway,
    /// When it came in.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The headers that are worth keeping, by their lower-case names; never a signature.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The raw body in base 64: the very bytes that were signed.
    body: String,
}

/// Why a webhook can't be understood. Sending it again would not help: it goes to the dead-letter
/// queue, for a person.
#[derive(Debug, thiserror::Error)]
pub enum QueuedWebhookError {
    /// The message in the queue is no queued webhook.
    #[error("not a queued webhook: {0}")]
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

impl From<serde_json::Error> for QueuedWebhookError {
    fn from(error: serde_json::Error) -> Self {
        Self::Envelope(without_values(&error))
    }
}

impl QueuedWebhook {
    /// Wraps the raw bytes of a verified webhook, and the headers that its gateway's adapter keeps.
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

    /// What the gateway says happened.
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
