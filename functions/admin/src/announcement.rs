//! Which announcements a shop wants to be told.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, found, route};
use operations::announcement::{self, Announcements};
use operations::db::Failure;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(read), route!(put)]
}

/// Read a shop's optional announcements
///
/// The optional announcements. All others are always sent (docs/events.md).
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/announcements",
    operation_id = "announcement_read",
    tag = "office",
    responses((status = 200, description = "The shop's choice."))
)]
async fn read(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Announcements>, Failure> {
    found("shop", announcement::read(&app.db, &clerk.shop).await).map(Json)
}

/// Choose a shop's optional announcements
///
/// The choice counts from now on. Earlier events are not announced.
///
/// **Retry:** harmless.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/announcements",
    operation_id = "announcement_put",
    tag = "office",
    responses((status = 200, description = "The shop's choice."))
)]
async fn put(
    State(app): State<Shared>,
    clerk: Clerk,
    Json(wanted): Json<Announcements>,
) -> Answer<Json<Announcements>, Failure> {
    found(
        "shop",
        announcement::put(&app.db, &clerk.shop, &wanted).await,
    )
    .map(Json)
}
