//! Stored payment events that are read and applied again.

use axum::extract::State;
use holdfast_http::{Answer, Json, Route, route};
use operations::payment::{self, Recorded, Redrive, RedriveError};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(redrive)]
}

/// Read a stored payment event again
///
/// Reads the stored body of a gateway's event with the present code, and records the result. A
/// parked event is tried again. An event of a type that an earlier release did not know takes
/// effect now. An event that already has an outcome under the same key keeps it (`duplicate`), and
/// an effect is never repeated (`no_effect`). Safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/payment-events/redrive",
    operation_id = "payment_redrive",
    tag = "office",
    responses((status = 200, description = "The result."))
)]
async fn redrive(
    State(app): State<Shared>,
    clerk: Clerk,
    Json(redrive): Json<Redrive>,
) -> Answer<Json<Recorded>, RedriveError> {
    let recorded = payment::redrive(&app.db, &clerk.shop, &redrive).await?;
    Ok(Json(recorded))
}
