//! The search for a purchase and its history.

use axum::extract::State;
use holdfast_http::{Answer, Json, Path, Query, Route, found, route};
use operations::db::Failure;
use operations::history::{self, Found, SearchText, Timeline};
use operations::ids::CheckoutId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(search), route!(timeline)]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// The id of a checkout, an order or a refund; any id that a gateway shows for its order,
    /// payment, charge, refund or dispute; a payment's reference; a customer; a telephone number;
    /// or the beginning of a name.
    q: SearchText,
}

/// Find a purchase
///
/// Finds checkouts, orders and payments by any of their ids, by any id that a gateway shows for its
/// order, payment, charge, refund or dispute, by the payment's reference, by customer, by telephone
/// number (six digits or more; the last ten count) or by the beginning of a name (three characters
/// or more). Number and name are those of the order's address, or those that a dispatcher wrote as
/// the customer. Each checkout comes once, with its whole history, newest first, 20 at most.
///
/// A customer's checkouts without an order are found only among the 5,000 that end next and the
/// 5,000 that ended last.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/search",
    operation_id = "history_search",
    tag = "office",
    responses((status = 200, description = "The result, which may be empty."))
)]
async fn search(
    State(app): State<Shared>,
    clerk: Clerk,
    Query(search): Query<Search>,
) -> Answer<Json<Found>, Failure> {
    let found = history::search(&app.db, &clerk.shop, &search.q).await?;
    Ok(Json(found))
}

/// Read what happened to a checkout
///
/// One list, oldest first: the checkout and its holds, the order, what the gateway reported,
/// captures, refunds, disputes, the ledger and the announcements.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/checkouts/{checkout_id}/timeline",
    operation_id = "history_timeline",
    tag = "office",
    responses((status = 200, description = "The timeline."))
)]
async fn timeline(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(checkout_id): Path<CheckoutId>,
) -> Answer<Json<Timeline>, Failure> {
    let timeline = history::timeline(&app.db, &clerk.shop, checkout_id).await;
    found("checkout", timeline).map(Json)
}
