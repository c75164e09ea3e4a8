//! Webhooks of all gateways, signed by a second implementation of their schemes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use operations::payment::webhook::{Forgery, Webhook};
use operations::payment::{Account, Event, Gateway, QueuedWebhook};
use serde_json::Value;
use sha2::Sha256;
use time::OffsetDateTime;

use crate::http::Call;
use crate::shop;

/// Headers by their lower-case names.
pub type Headers = BTreeMap<String, String>;

/// HMAC-SHA256 of the concatenated parts.
pub fn digest(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The headers of a gateway's webhook, signed at that time.
pub fn signed(gateway: Gateway, secret: &str, body: &[u8], at: OffsetDateTime) -> Headers {
    let seconds = at.unix_timestamp().to_string();
    let headers: Vec<(&str, String)> = match gateway {
        Gateway::Cashfree => {
            let millis = format!("{seconds}512");
            let signature = STANDARD.encode(digest(secret, &[millis.as_bytes(), body]));
            vec![
                ("x-webhook-signature", signature),
                ("x-webhook-timestamp", millis),
                ("x-webhook-version", "2025-01-01".to_owned()),
            ]
        }
        Gateway::Stripe => {
            let v1 = HEXLOWER.encode(&digest(secret, &[seconds.as_bytes(), b".", body]));
            vec![("stripe-signature", format!("t={seconds},v1={v1}"))]
        }
        Gateway::Razorpay => {
            let signature = HEXLOWER.encode(&digest(secret, &[body]));
            vec![
                ("x-razorpay-signature", signature),
                ("x-razorpay-event-id", format!("evt_{seconds}")),
            ]
        }
    };
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A call of the webhook function, signed now.
pub fn call(gateway: Gateway, shop: &str, secret: &str, body: impl Into<Vec<u8>>) -> Call {
    let body = body.into();
    let headers = signed(gateway, secret, &body, OffsetDateTime::now_utc());
    let path = format!("/v1/shops/{shop}/webhooks/{gateway}");
    headers
        .iter()
        .fold(Call::new("POST", &path).bytes(body), |call, header| {
            call.header(header.0, header.1)
        })
}

/// An account, from an operator's settings.
pub fn account(gateway: Gateway, settings: &Value) -> Account {
    Account::parse(gateway, settings).unwrap()
}

/// Verifies a webhook with the gateway's adapter.
///
/// # Errors
/// The failed check.
pub fn verify(
    gateway: Gateway,
    account: &Account,
    headers: &Headers,
    raw: &[u8],
    now: OffsetDateTime,
) -> Result<(), Forgery> {
    let header = |name: &str| headers.get(name).map(String::as_str);
    let webhook = Webhook {
        header: &header,
        raw,
        now,
    };
    gateway.adapter().verify(account, &webhook)
}

/// A webhook as the webhook function puts it on the queue.
pub fn queued(gateway: Gateway, headers: &Headers, body: &[u8]) -> QueuedWebhook {
    let webhook = Webhook {
        header: &|name| headers.get(name).map(String::as_str),
        raw: body,
        now: OffsetDateTime::now_utc(),
    };
    QueuedWebhook::new(shop("dress"), gateway, &webhook)
}

/// The event of a body that has been text in the queue.
///
/// # Errors
/// What the body lacks.
pub fn read(gateway: Gateway, body: &str) -> Result<Event, String> {
    let text = serde_json::to_string(&queued(gateway, &Headers::new(), body.as_bytes())).unwrap();
    let webhook: QueuedWebhook = serde_json::from_str(&text).unwrap();
    webhook.event().map_err(|error| error.to_string())
}
