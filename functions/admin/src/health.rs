//! What waits for a person or is late.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, found, route};
use operations::db::Failure;
use operations::health::{self, Health};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(read)]
}

/// Read the health of a shop
///
/// What waits for a person, and what is late: due holds, unsent announcements, parked money, failed
/// refunds, disabled subscribers, broken promises. The age of the webhooks' queue is a metric of
/// the queue, and not known here.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/health",
    operation_id = "health_read",
    tag = "office",
    responses((status = 200, description = "The health now."))
)]
async fn read(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Health>, Failure> {
    found("shop", health::read(&app.db, &clerk.shop).await).map(Json)
}
