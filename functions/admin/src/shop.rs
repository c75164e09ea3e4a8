//! The shop itself.

use axum::extract::State;
use holdfast_http::{Answer, Json, Made, Route, found, route};
use operations::db::Failure;
use operations::shop::{self, Profile, Put, PutError};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(read), route!(put)]
}

/// Read a shop
///
/// The shop and its limits.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}",
    operation_id = "shop_read",
    tag = "office",
    responses((status = 200, description = "The shop."))
)]
async fn read(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Profile>, Failure> {
    found("shop", shop::read(&app.db, &clerk.shop).await).map(Json)
}

/// Create or change a shop
///
/// Sets every field of the shop: a missing field gets its default. The currency of an existing
/// shop can't change.
///
/// **Retry:** harmless.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}",
    operation_id = "shop_put",
    tag = "office",
    responses(
        (status = 200, description = "The shop existed. It is now as in the answer."),
        (status = 201, description = "The shop is new.")
    )
)]
async fn put(
    State(app): State<Shared>,
    clerk: Clerk,
    Json(put): Json<Put>,
) -> Answer<Made<Profile>, PutError> {
    let (new, body) = shop::put(&app.db, &clerk.shop, &put).await?;
    Ok(Made { new, body })
}
