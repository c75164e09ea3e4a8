//! Cashfree's API, version 2025-01-01, below `/pg`, and its webhooks.

mod answers;
mod letters;
pub mod webhook;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::account::Account;
use crate::postman::Letter;
use crate::reply::{Call, Reply};
use crate::world::World;

pub(crate) use answers::answer;
pub(crate) use letters::{dispute_letters, payment_letters, refund_letters};

/// An error as the API writes it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        409 | 400 | 404 | 422 => "invalid_request_error",
        _ => "api_error",
    };
    Reply {
        status,
        body: json!({ "message": message, "code": code, "type": kind }),
    }
}

/// Whose credentials the call has.
pub(crate) fn caller(world: &World, call: &Call) -> Option<usize> {
    let id = call.header("x-client-id")?;
    let secret = call.header("x-client-secret")?;
    world.account(crate::Gateway::Cashfree, id, secret)
}

/// The headers of a webhook that leaves now.
pub(crate) fn headers(
    account: &Account,
    letter: &Letter,
    at: OffsetDateTime,
    attempt: u32,
) -> Vec<(&'static str, String)> {
    let timestamp = webhook::timestamp(at);
    let body = letter.body.as_bytes();
    let signature = webhook::signature(&account.webhook_secret, &timestamp, body);
    vec![
        ("x-webhook-version", "2025-01-01".to_owned()),
        ("x-webhook-attempt", attempt.to_string()),
        ("x-idempotency-key", letter.event_id.clone()),
        ("x-webhook-timestamp", timestamp),
        ("x-webhook-signature", signature),
    ]
}

/// An amount in hundredths as a JSON number.
fn major(amount: i64) -> Value {
    serde_json::from_str(&webhook::major_units(amount)).unwrap_or_default()
}

/// A JSON number with at most two decimals, in hundredths.
fn hundredths(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    if part.len() > 2 {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_in_hundredths() {
        for (text, expected) in [("170", 17_000), ("170.5", 17_050), ("0.05", 5)] {
            let number: Value = serde_json::from_str(text).unwrap();
            assert_eq!(hundredths(&number), Some(expected), "{text}");
            assert_eq!(hundredths(&major(expected)), Some(expected), "{text}");
        }
        assert_eq!(hundredths(&json!(0.005)), None);
        assert_eq!(hundredths(&json!("170")), None);
    }
}
