//! Reads a stored event anew and records what it says by today's knowledge.

use tokio_postgres::types::Type;

use super::{Gateway, Recorded, record_event};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Why a stored event is not recorded anew. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// This gateway has sent no event of this key.
    #[error("there is no such event")]
    NotFound,
    /// Its body can't be read, today as then.
    #[error("the stored body is not an event of {gateway}: {reason}")]
    Unreadable {
        /// Who sent it.
        gateway: Gateway,
        /// What is wrong with it.
        reason: String,
    },
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a stored event with the adapter of today and records what it says: what was parked is
/// tried again, and what an earlier release recorded as none of its business has its effect now,
/// where today's adapter gives it another key, as it does to a type that was not known. An event of
/// the same key is a duplicate: what it did is history, also where that was nothing.
///
/// Locks: as [`record_event`].
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
            &[
                (&shop.as_str(), Type::TEXT),
                (&gateway.as_str(), Type::TEXT),
                (&key, Type::TEXT),
            ],
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
