//! Razorpay's API below `/v1`: orders, payments, refunds; and its webhooks.

mod answers;
mod entities;
pub(crate) mod events;

use data_encoding::HEXLOWER;
use serde_json::json;

use crate::account::Account;
use crate::postman::Letter;
use crate::reply::{Call, Reply};
use crate::signing::hmac;
use crate::world::World;

pub(crate) use answers::answer;

/// An error as the API writes it. It has few codes; what is wrong stands in the description.
pub(crate) fn error(status: u16, reason: &str, description: &str) -> Reply {
    let code = if status < 500 {
        "BAD_REQUEST_ERROR"
    } else {
        "SERVER_ERROR"
    };
    let error = json!({
        "code": code, "description": description, "source": "business",
        "step": "payment_initiation", "reason": reason, "metadata": {},
    });
    Reply {
        status,
        body: json!({ "error": error }),
    }
}

/// Whose key the call has.
pub(crate) fn caller(world: &World, call: &Call) -> Option<usize> {
    let (key_id, secret) = call.basic()?;
    world.account(crate::Gateway::Razorpay, &key_id, &secret)
}

/// The headers of a webhook. It signs no time.
pub(crate) fn headers(account: &Account, letter: &Letter) -> Vec<(&'static str, String)> {
    let signature = hmac(&account.webhook_secret, &[letter.body.as_bytes()]);
    vec![
        ("x-razorpay-signature", HEXLOWER.encode(&signature)),
        ("x-razorpay-event-id", letter.event_id.clone()),
    ]
}
