//! Tries a parked event again, as it is stored.

use super::{Outcome, Redrive};
use crate::db::{Database, Failure};
use crate::ids::{Actor, Shop};
use crate::refusals;

refusals! {
    /// Why a parked event is not tried again.
    pub enum RetryEventError {
        NotFound => Said::not_found("payment event");
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Its effect, or none: [`Outcome::Parked`], [`Outcome::Duplicate`].
    Tried(Outcome),
    /// Another call is in the way. The next sweep applies it.
    Waits,
}

/// Applies a parked event if its payment is known by now. Unlike [`super::redrive`] it reads the
/// facts that the event came with, so its caller needs no right to record events. The event keeps
/// the actor.
///
/// Locks: those of [`super::record_event`].
///
/// # Errors
/// [`RetryEventError`].
pub async fn event_retry(
    db: &Database,
    shop: &Shop,
    actor: &Actor,
    event: &Redrive,
) -> Result<Retry, RetryEventError> {
    let row = db
        .call_one(
            "select o_outcome from holdfast.payment_event_retry($1, $2, $3, $4)",
            &[&shop, &event.gateway, &event.event_key, &actor],
        )
        .await?;
    match row.get(0) {
        "not_found" => Err(RetryEventError::NotFound),
        "waits" => Ok(Retry::Waits),
        word => match Outcome::parse(word) {
            Some(outcome) => Ok(Retry::Tried(outcome)),
            None => Err(Failure::unknown_outcome("payment_event_retry", word).into()),
        },
    }
}
