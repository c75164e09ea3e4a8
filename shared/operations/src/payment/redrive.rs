//! Parses a stored event again and records it by today's rules.

use super::{Gateway, Recorded, record_event};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Why a stored event is not recorded again, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    #[error("there is no such event")]
    NotFound,
    #[error("the stored body is not an event of {gateway}: {reason}")]
    Unreadable {
        /// The gateway.
        gateway: Gateway,
        /// The missing or invalid field.
        reason: String,
    },
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Parses a stored event with today's adapter and records the result. A parked event is tried
/// again. An event that an earlier release ignored has its effect now, if today's adapter gives it
/// another key, as it does for a new type. An event with the same key is a duplicate: its effect is
/// history, even if it had none.
///
/// Locks: those of [`record_event`].
///
/// # Errors
/// [`RedriveError`].
pub async fn redrive(
    db: &Database,
    shop: &Shop,
    gateway: Gateway,
    key: &str,
) -> Result<Recorded, RedriveError> {
    let row = db
        .call_one(
            "select holdfast.payment_redrive($1, $2, $3)",
            &[&shop, &gateway, &key],
        )
        .await?;
    let payload: Option<String> = row.get(0);
    let payload = payload.ok_or(RedriveError::NotFound)?;
    let event = gateway
        .adapter()
        .event(payload)
        .map_err(|reason| RedriveError::Unreadable { gateway, reason })?;
    Ok(record_event(db, shop, gateway, &event).await?)
}
