//! Payments that need a person: stored events that are read again, and money in review.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, Made, NoFilter, Path, Route, found, route};
use operations::db::Failure;
use operations::ids::OrderId;
use operations::payment::parked_list::Position;
use operations::payment::{
    self, Accept, AcceptError, Accepted, Dismiss, DismissError, Dismissed, ParkedEvent, Recorded,
    Redrive, RedriveError,
};
use operations::quantity::PageLimit;
use operations::refund::{self, Overview};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![
        route!(accept),
        route!(redrive),
        route!(parked_list),
        route!(event_dismiss),
    ]
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
    let recorded = payment::redrive(&app.db, &clerk.shop, &clerk.actor, &redrive).await?;
    Ok(Json(recorded))
}

/// List parked money
///
/// The parked events that report money, oldest first: their payment is not known here. They are
/// tried again until it is known, or until somebody dismisses them. Pages: send `next` as `cursor`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/payment-events/parked",
    operation_id = "payment_parked_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn parked_list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<NoFilter, Position, PageLimit>,
) -> Answer<Listed<ParkedEvent>, Failure> {
    let page = payment::parked_list(&app.db, &clerk.shop, list.after.as_ref(), list.limit).await?;
    Ok(Listed(page))
}

/// Dismiss a parked payment event
///
/// Puts a parked event aside for good, because you found out that its money is not for this
/// deployment. The event stays as evidence, with your name, and is not tried again. Nothing of the
/// money moves: if it must go back, give it back at the gateway.
///
/// **Retry:** harmless.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/payment-events/dismiss",
    operation_id = "payment_event_dismiss",
    tag = "office",
    responses((status = 200, description = "The event is dismissed, now or before."))
)]
async fn event_dismiss(
    State(app): State<Shared>,
    clerk: Clerk,
    Json(dismiss): Json<Dismiss>,
) -> Answer<Json<Dismissed>, DismissError> {
    let done = payment::event_dismiss(&app.db, &clerk.shop, &clerk.actor, &dismiss).await?;
    Ok(Json(done))
}
