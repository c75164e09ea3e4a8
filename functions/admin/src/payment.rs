//! Payments that need a person: stored events that are read again, and money in review.

use axum::extract::State;
use holdfast_http::{Answer, Json, Made, Path, Route, found, route};
use operations::ids::OrderId;
use operations::payment::{self, Accept, AcceptError, Accepted, Recorded, Redrive, RedriveError};
use operations::refund::{self, Overview};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(accept), route!(redrive)]
}

/// Accept money in review
///
/// Takes the captured money of an order in review as its payment, although it is a little more or a
/// little less than the total. The order is paid then, and the money stays refundable. Name the sum
/// that you saw (`refundable_minor`): if more has been captured since, nothing happens. Money in
/// another currency can only be given back.
///
/// **Retry:** the same sum again changes nothing. The answer is 200.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/orders/{order_id}/accept",
    operation_id = "payment_accept",
    tag = "office",
    responses(
        (status = 200, description = "It was accepted before. The order's money as it is now."),
        (status = 201, description = "The order is paid. The order's money.")
    )
)]
async fn accept(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(order_id): Path<OrderId>,
    Json(accept): Json<Accept>,
) -> Answer<Made<Overview>, AcceptError> {
    let accepted = payment::accept(&app.db, &clerk.shop, order_id, &clerk.actor, &accept).await?;
    let overview = refund::overview(&app.db, &clerk.shop, order_id).await;
    let overview = overview.map_err(AcceptError::from);
    let overview = found("order", overview)?;
    Ok(match accepted {
        Accepted::New => Made::new(overview),
        Accepted::Same => Made::before(overview),
    })
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
