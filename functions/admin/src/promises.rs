//! The check of all promises.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, route};
use operations::db::Failure;
use operations::promises::{self, Violation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(check)]
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromisesChecked)]
struct Checked {
    violations: Vec<Violation>,
}

/// Check every promise
///
/// Reads the whole shop in one snapshot and lists every row that breaks a promise. An empty list
/// means that every promise holds.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/promises",
    operation_id = "promises_check",
    tag = "office",
    responses((status = 200, description = "The broken promises."))
)]
async fn check(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Checked>, Failure> {
    let violations = promises::check(&app.db, clerk.shop.as_str()).await?;
    Ok(Json(Checked { violations }))
}
