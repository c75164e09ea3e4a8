//! Sends one announcement to one subscriber again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Actor, ONE_LINE, Shop, text_id};
use crate::object::not_null;
use crate::refusals;
use crate::subscriber::{Name, SUBSCRIBER_DISABLED};
use crate::utc::Utc;

text_id!(
    /// The type of an announcement, as the log shows it.
    LoggedType, 64, |c| !c.is_control(),
    "1 to 64 characters without control characters",
    ONE_LINE, "order.paid"
);
text_id!(
    /// The subject of an announcement, as the log shows it.
    LoggedSubject, 600, |c| !c.is_control(),
    "1 to 600 characters without control characters",
    ONE_LINE, "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4"
);

/// The announcement.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryResend)]
pub struct Resend {
    #[serde(rename = "type")]
    pub kind: LoggedType,
    pub subject: LoggedSubject,
    /// The `created_at` that the log shows. With it, a repeated request sends the announcement
    /// once, also if it was delivered meanwhile.
    #[serde(default, deserialize_with = "not_null")]
    pub created_at: Option<Utc>,
}

/// The announcement waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryResent)]
pub struct Resent {
    #[serde(rename = "type")]
    pub kind: LoggedType,
    pub subject: LoggedSubject,
}

refusals! {
    /// Why an announcement is not sent again.
    pub enum ResendError {
        NotFound => Said::not_found("subscriber or announcement");
        Disabled => SUBSCRIBER_DISABLED;
    }
}

/// Has the next sweep send an announcement to a subscriber, with new tries. One that waits already,
/// or was sent again since `created_at`, stays as it is. The log names the actor. Locks: the
/// subscriber FOR KEY SHARE, the delivery.
///
/// # Errors
/// [`ResendError`]; a refusal changes nothing.
pub async fn resend(
    db: &Database,
    shop: &Shop,
    name: &Name,
    actor: &Actor,
    resend: &Resend,
) -> Result<Resent, ResendError> {
    let row = db
        .call_one(
            "select holdfast.delivery_resend($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &name,
                &resend.kind,
                &resend.subject,
                &resend.created_at,
                &actor,
            ],
        )
        .await?;
    match row.get(0) {
        "resent" | "same" => Ok(Resent {
            kind: resend.kind.clone(),
            subject: resend.subject.clone(),
        }),
        "not_found" => Err(ResendError::NotFound),
        "disabled" => Err(ResendError::Disabled),
        other => Err(Failure::unknown_outcome("delivery_resend", other).into()),
    }
}
