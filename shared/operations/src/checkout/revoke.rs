//! Ends a checkout of a shopper, by staff.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{CHECKOUT_ENDED, CHECKOUT_PAID, Checkout, from_row};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Shop};
use crate::refusals;
use crate::text::Note;

/// The reason.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckoutRevoke)]
pub struct Revoke {
    pub note: Note,
}

refusals! {
    /// Why a checkout is not revoked.
    pub enum RevokeError {
        NotFound => Said::not_found("checkout");
        /// it is sold. Use a refund and a restock for goods that come back.
        Paid => CHECKOUT_PAID;
        /// it was released by the shopper, or has expired: it holds nothing.
        Ended => CHECKOUT_ENDED;
    }
}

/// Gives the stock back, cancels an order that awaits its payment, and announces it. The admin
/// function has no accounts at gateways: the next sweep closes the order there. A retry, or
/// another call, returns the checkout and changes nothing. Locks: the checkout, its order, the
/// order's coupon, stock levels by sku.
///
/// # Errors
/// [`RevokeError`].
pub async fn revoke(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
    actor: &Actor,
    revoke: &Revoke,
) -> Result<Checkout, RevokeError> {
    let rows = db
        .call(
            "select * from holdfast.checkout_revoke($1, $2, $3, $4)",
            &[&shop, &checkout_id, &actor, &revoke.note],
        )
        .await?;
    let row = rows.first().ok_or(RevokeError::NotFound)?;
    match row.get("o_outcome") {
        "revoked" | "same" => Ok(from_row(*checkout_id.as_uuid(), row)),
        "checkout_paid" => Err(RevokeError::Paid),
        "checkout_ended" => Err(RevokeError::Ended),
        other => Err(Failure::unknown_outcome("checkout_revoke", other).into()),
    }
}
