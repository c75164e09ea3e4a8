//! Refunds: those of one order, and those of the shop that need a person.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, Made, Path, Route, found, route};
use operations::db::Failure;
use operations::ids::{OrderId, RefundId};
use operations::object::not_null;
use operations::quantity::PageLimit;
use operations::refund::{
    self, Filter, Overview, Position, Refund, Request, RequestError, Requested, Retried, RetryError,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![
        route!(overview),
        route!(request),
        route!(list),
        route!(retry),
    ]
}

/// Read an order's captures and refunds
///
/// Every capture of money for the order, and every refund of it.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/orders/{order_id}/refunds",
    operation_id = "refund_overview",
    tag = "office",
    responses((status = 200, description = "The order's money."))
)]
async fn overview(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(order_id): Path<OrderId>,
) -> Answer<Json<Overview>, Failure> {
    let overview = refund::overview(&app.db, &clerk.shop, order_id).await;
    found("order", overview).map(Json)
}

/// Give money back
///
/// Owes captured money back: all that is left, or `amount_minor` of it, never more than was
/// captured. The sweeper sends the refund to the gateway; the `status` of each refund shows its
/// progress. An order whose whole money goes back is `refund_due`, then `refunded`.
///
/// If there are several captures, captures in review are given back first, then the newest. Each
/// becomes a refund of its own. `gateway_payment_id` selects one capture.
///
/// Money that a bank asks for, or has taken, goes back only with `despite_dispute`: the customer
/// may get it twice. `disputes` of `refund_overview` shows what the bank says.
///
/// Goods come back only if you say so: `restock` puts them on the shelf in the same transaction,
/// under the same id, as `order_restock` does. Both happen or neither. If goods stay with the
/// customer, name the amount: `refund_overview` shows the price and the discount of each line.
///
/// **Retry:** the same `refund_id` with the same request has one effect. The answer is 200. With
/// another request, or for another order, it is refused with `refund_conflict`.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/orders/{order_id}/refunds",
    operation_id = "refund_request",
    tag = "office",
    responses(
        (status = 200, description = "The same request again. The order's money as it is now."),
        (status = 201, description = "The money is owed from now on.")
    )
)]
async fn request(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(order_id): Path<OrderId>,
    Json(request): Json<Request>,
) -> Answer<Made<Overview>, RequestError> {
    let requested = refund::request(&app.db, &clerk.shop, order_id, &clerk.actor, &request).await?;
    Ok(match requested {
        Requested::New(overview) => Made::new(overview),
        Requested::Same(overview) => Made::before(overview),
    })
}

/// List refunds
///
/// A shop's refunds, oldest first, page by page: send `next` as `cursor`, with the same `status`.
/// `failed` refunds need a person; failed refunds that were replaced are not among them. A page
/// looks at 5,000 refunds at most, so a short or empty page can have a `next`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/refunds",
    operation_id = "refund_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<Filter, Position, PageLimit>,
) -> Answer<Listed<Refund>, Failure> {
    let after = list.after.as_ref();
    let page = refund::list(&app.db, &clerk.shop, &list.filter, after, list.limit).await?;
    Ok(Listed(page))
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundRetry)]
struct RetryBody {
    /// Send it although a bank asks for the money or has taken it. The customer may then get it
    /// twice.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(default = false)]
    despite_dispute: Option<bool>,
}

/// Send a failed refund again
///
/// Sends a failed refund once more. If the gateway itself called the refund failed (`bounced`), a
/// new refund with a new id takes its place, because the gateway never revives the old one. Any
/// other refund is sent with its own id, so that the gateway recognises a refund that it has
/// already made.
///
/// **Retry:** if a refund is under way or was replaced, the answer is 200 with the refund that is
/// under way.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/refunds/{refund_id}/retry",
    operation_id = "refund_retry",
    tag = "office",
    responses(
        (status = 200, description = "It is already under way."),
        (status = 201, description = "It is under way again.")
    )
)]
async fn retry(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(refund_id): Path<RefundId>,
    body: Option<Json<RetryBody>>,
) -> Answer<Made<Refund>, RetryError> {
    let despite = body.and_then(|Json(body)| body.despite_dispute);
    let despite = despite.unwrap_or(false);
    let retried = refund::retry(&app.db, &clerk.shop, refund_id, &clerk.actor, despite).await?;
    Ok(match retried {
        Retried::New(refund) => Made::new(refund),
        Retried::Same(refund) => Made::before(refund),
    })
}
