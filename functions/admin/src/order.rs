//! Orders: a dispatcher books, changes and cancels a party, and goods come back.

use axum::extract::State;
use holdfast_http::{Answer, Json, Made, Path, Query, Route, about_order, route};
use operations::ids::{CheckoutId, OrderId};
use operations::order::{
    self, Amend, AmendError, Amended, Book, BookError, Booked, CancelError, DeskOrder, Restock,
    RestockError, Restocked,
};
use operations::quantity::Version;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(book), route!(amend), route!(cancel), route!(restock)]
}

/// The order, named in the log.
fn noted(order: DeskOrder) -> DeskOrder {
    about_order(order.order_id, &order.payment.reference);
    order
}

/// Book a party
///
/// Holds and sells in one call, at the catalogue's prices, without an online payment. The seats
/// are sold when the answer comes. All lines or none; a refusal lists every shortage with the
/// available units. Expired holds never cause a refusal. The ledger names the caller.
///
/// **Retry:** the same body by the same caller gets the same order, as it is now, as 200. Any
/// other request with this id is refused with `checkout_conflict`.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/desk/orders/{checkout_id}",
    operation_id = "order_book",
    tag = "desk",
    responses(
        (status = 200, description = "The same request again. The order as it is now."),
        (status = 201, description = "Booked and sold.")
    )
)]
async fn book(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(checkout_id): Path<CheckoutId>,
    Json(book): Json<Book>,
) -> Answer<Made<DeskOrder>, BookError> {
    let booked = order::book(&app.db, &clerk.shop, checkout_id, &clerk.actor, &book).await?;
    Ok(match booked {
        Booked::New(order) => Made::new(noted(order)),
        Booked::Same(order) => Made::before(noted(order)),
    })
}

/// Change a party, or move it
///
/// Sets all lines of the booking, all or nothing. Additional units are sold; units that are no
/// longer in the lines are free again. To move the party to another departure, send lines with
/// the new one. A sku that stays keeps its price. A new sku has the catalogue's price. The total
/// follows. A sku must be on sale if the party gets more units of it than it has ever had: after
/// the sale has closed, a party that was moved away can still be moved back, at today's price.
///
/// `expected_version` is the order's `version` that the dispatcher has seen. If somebody has
/// changed the order since, nothing happens, and the refusal shows the present order.
///
/// **Retry:** lines that the order already has change nothing. The answer is 200.
#[utoipa::path(
    patch,
    path = "/v1/admin/shops/{shop}/desk/orders/{checkout_id}",
    operation_id = "order_amend",
    tag = "desk",
    responses((status = 200, description = "The order as it is now."))
)]
async fn amend(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(checkout_id): Path<CheckoutId>,
    Json(amend): Json<Amend>,
) -> Answer<Json<DeskOrder>, AmendError> {
    let amended = order::amend(&app.db, &clerk.shop, checkout_id, &clerk.actor, &amend).await?;
    let (Amended::Changed(order) | Amended::Same(order)) = amended;
    Ok(Json(noted(order)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The order's `version` that the dispatcher has seen. Without it, any version is cancelled.
    #[serde(default)]
    expected_version: Option<Version>,
}

/// Cancel a booking or a free order
///
/// Frees every unit that has not come back yet, at once, and gives the use of its coupon back.
/// Money that was paid at the desk is given back at the desk. An order that was paid through a
/// gateway needs a refund instead.
///
/// **Retry:** cancelling again changes nothing. The answer is 200.
#[utoipa::path(
    delete,
    path = "/v1/admin/shops/{shop}/desk/orders/{checkout_id}",
    operation_id = "order_cancel",
    tag = "desk",
    responses((status = 200, description = "The order is cancelled."))
)]
async fn cancel(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(checkout_id): Path<CheckoutId>,
    Query(seen): Query<Seen>,
) -> Answer<Json<DeskOrder>, CancelError> {
    let version = seen.expected_version;
    let order = order::cancel(&app.db, &clerk.shop, checkout_id, &clerk.actor, version).await?;
    Ok(Json(noted(order)))
}

/// Restock returned goods
///
/// Puts units of a sold order back on the shelf, whether it was booked or paid online. Several
/// restocks of one order are possible, never more units than were sold. All lines of the request
/// or none. Money is not touched: `refund_request` gives it back, and can restock goods too.
///
/// **Retry:** the same `return_id` with the same lines has one effect. The answer is 200. With
/// other lines, or for another order, it is refused with `return_conflict`.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/orders/{order_id}/restock",
    operation_id = "order_restock",
    tag = "desk",
    responses(
        (status = 200, description = "The same return again. The order as it is now."),
        (status = 201, description = "The units are back on the shelf.")
    )
)]
async fn restock(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(order_id): Path<OrderId>,
    Json(restock): Json<Restock>,
) -> Answer<Made<DeskOrder>, RestockError> {
    let restocked = order::restock(&app.db, &clerk.shop, order_id, &clerk.actor, &restock).await?;
    Ok(match restocked {
        Restocked::New(order) => Made::new(noted(order)),
        Restocked::Same(order) => Made::before(noted(order)),
    })
}
