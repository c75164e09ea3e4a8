//! Checkouts: staff end one.

use axum::extract::State;
use holdfast_http::{Answer, Json, Path, Route, route};
use operations::checkout::{self, Checkout, Revoke, RevokeError};
use operations::ids::CheckoutId;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(revoke)]
}

/// End a checkout
///
/// Gives back everything that a shopper's checkout holds, at once: for stock that a stranger keeps
/// from others. An order that awaits its payment is cancelled. Money that still comes for it is a
/// late payment: the order is completed if the stock is still there, otherwise the money goes back.
/// Announced as `checkout.revoked`, with the note. The history names the caller.
///
/// **Retry:** ending it again changes nothing. The answer is 200.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/checkouts/{checkout_id}/revoke",
    operation_id = "checkout_revoke",
    tag = "office",
    responses((status = 200, description = "The checkout is released."))
)]
async fn revoke(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(checkout_id): Path<CheckoutId>,
    Json(revoke): Json<Revoke>,
) -> Answer<Json<Checkout>, RevokeError> {
    let ended = checkout::revoke(&app.db, &clerk.shop, checkout_id, &clerk.actor, &revoke).await;
    Ok(Json(ended?))
}
