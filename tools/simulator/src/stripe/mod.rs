//! Stripe's API below `/v1`: checkout sessions, payment intents, refunds; and its webhooks.

mod answers;
pub(crate) mod events;
mod objects;

use data_encoding::HEXLOWER;
use serde_json::json;
use time::OffsetDateTime;

use crate::account::Account;
use crate::postman::Letter;
use crate::reply::{Call, Reply};
use crate::signing::hmac;
use crate::world::World;

pub(crate) use answers::answer;

/// An error as the API writes it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    let kind = match (status, code) {
        (_, "idempotency_error") => code,
        (500.., _) => "api_error",
        _ => "invalid_request_error",
    };
    Reply {
        status,
        body: json!({ "error": { "type": kind, "code": code, "message": message } }),
    }
}

/// Whose secret key the call has, as a bearer's token or as the user of basic credentials.
pub(crate) fn caller(world: &World, call: &Call) -> Option<usize> {
    let bearer = call.header("authorization")?.strip_prefix("Bearer ");
    let key = bearer
        .map(str::to_owned)
        .or_else(|| Some(call.basic()?.0))?;
    world.account(crate::Gateway::Stripe, "", &key)
}

/// The headers of a webhook that leaves now.
pub(crate) fn headers(
    account: &Account,
    letter: &Letter,
    at: OffsetDateTime,
) -> Vec<(&'static str, String)> {
    let time = at.unix_timestamp().to_string();
    let signed = [time.as_bytes(), b".", letter.body.as_bytes()];
    let signature = HEXLOWER.encode(&hmac(&account.webhook_secret, &signed));
    vec![("stripe-signature", format!("t={time},v1={signature}"))]
}
