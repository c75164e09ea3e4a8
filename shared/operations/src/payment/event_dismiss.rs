//! Puts a parked event aside.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use crate::db::{Database, Failure};
use crate::ids::{Actor, Shop};
use crate::refusal::Kind;
use crate::refusals;
use crate::text::EventKey;

/// A parked event. Its key is in the body of the request, because it has colons and other
/// characters of a gateway's ids.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentEventDismiss)]
pub struct Dismiss {
    pub gateway: Gateway,
    /// The key that a search or the list of parked events shows.
    pub event_key: EventKey,
}

/// The event that is put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentEventDismissed)]
pub struct Dismissed {
    pub gateway: Gateway,
    pub event_key: EventKey,
}

const EVENT_RESOLVED: Kind = Kind {
    status: 409,
    code: "event_resolved",
    title: "The event has had its effect",
    detail: "Only a parked event can be dismissed. This one has had its effect, which is history.",
};

refusals! {
    /// Why an event is not dismissed.
    pub enum DismissError {
        NotFound => Said::not_found("payment event");
        Resolved => EVENT_RESOLVED;
    }
}

/// Puts a parked event aside for good: its money is not for this deployment. The event stays as
/// evidence, with the actor. A retry changes nothing. Locks: the event.
///
/// # Errors
/// [`DismissError`]; a refusal changes nothing.
pub async fn event_dismiss(
    db: &Database,
    shop: &Shop,
    actor: &Actor,
    dismiss: &Dismiss,
) -> Result<Dismissed, DismissError> {
    let row = db
        .call_one(
            "select holdfast.payment_event_dismiss($1, $2, $3, $4)",
            &[&shop, &dismiss.gateway, &dismiss.event_key, &actor],
        )
        .await?;
    match row.get(0) {
        "dismissed" => Ok(Dismissed {
            gateway: dismiss.gateway,
            event_key: dismiss.event_key.clone(),
        }),
        "not_found" => Err(DismissError::NotFound),
        "resolved" => Err(DismissError::Resolved),
        other => Err(Failure::unknown_outcome("payment_event_dismiss", other).into()),
    }
}
