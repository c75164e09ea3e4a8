//! Parses a stored event again and records it by today's rules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Gateway, Recorded, record_event};
use crate::db::Database;
use crate::ids::{Actor, Shop};
use crate::refusal::Kind;
use crate::refusals;
use crate::text::EventKey;

/// A stored event. Its key is in the body of the request, because it has colons and other
/// characters of a gateway's ids.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentRedrive)]
pub struct Redrive {
    pub gateway: Gateway,
    /// The key that a search shows.
    pub event_key: EventKey,
}

/// A stored body that is no event. The refusal carries nothing of it: its sentence says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unreadable {
    #[serde(skip)]
    pub gateway: Gateway,
    /// The missing or invalid field.
    #[serde(skip)]
    pub reason: String,
}

impl Unreadable {
    fn sentence(&self) -> String {
        format!(
            "Its body is not an event of {}: {}.",
            self.gateway, self.reason
        )
    }
}

const EVENT_UNREADABLE: Kind = Kind {
    status: 422,
    code: "event_unreadable",
    title: "The stored event can't be read",
    detail: "Its body is not an event of its gateway.",
};

refusals! {
    /// Why a stored event is not recorded again, in order of precedence.
    pub enum RedriveError {
        NotFound => Said::not_found("payment event");
        /// its body is not an event of that gateway. `detail` says what is missing.
        Unreadable(all: Unreadable) => EVENT_UNREADABLE, all.sentence();
    }
}

/// Parses a stored event with today's adapter and records the result. A parked event is tried
/// again. An event that an earlier release ignored has its effect now, if today's adapter gives it
/// another key, as it does for a new type. An event with the same key is a duplicate: its effect is
/// history, even if it had none. A parked event keeps the actor.
///
/// Locks: those of [`record_event`].
///
/// # Errors
/// [`RedriveError`].
pub async fn redrive(
    db: &Database,
    shop: &Shop,
    actor: &Actor,
    redrive: &Redrive,
) -> Result<Recorded, RedriveError> {
    let row = db
        .call_one(
            "select holdfast.payment_redrive($1, $2, $3, $4)",
            &[&shop, &redrive.gateway, &redrive.event_key, &actor],
        )
        .await?;
    let payload: Option<String> = row.get(0);
    let payload = payload.ok_or(RedriveError::NotFound)?;
    let gateway = redrive.gateway;
    let event = gateway
        .adapter()
        .event(payload)
        .map_err(|reason| RedriveError::Unreadable(Unreadable { gateway, reason }))?;
    Ok(record_event(db, shop, gateway, &event).await?)
}
