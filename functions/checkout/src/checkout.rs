//! Checkouts: begin, read, extend, release.

use axum::extract::State;
use holdfast_http::{Answer, Json, Made, Path, Problem, Route, found, route};
use operations::checkout::{
    self, Begin, BeginError, Begun, Cart, Checkout, ExtendError, ReleaseError,
};
use operations::db::Failure;
use operations::ids::{CheckoutId, Customer};
use operations::object::not_null;
use operations::quantity::{HoldSeconds, Revision};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Caller;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(begin), route!(read), route!(extend), route!(release)]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckoutBegin)]
struct BeginBody {
    /// The buyer, by the storefront's own name for them. With a token it is the token's `sub`, and
    /// this must be equal or left out.
    #[serde(default, deserialize_with = "not_null")]
    customer: Option<Customer>,
    /// The caller's number of this cart. A replacement needs a higher one.
    #[serde(default)]
    #[schema(default = 1)]
    revision: Revision,
    /// How long to hold the stock, in seconds from now. Default: the shop's `hold_s_default`. More
    /// than the shop's `hold_s_max` is refused as `invalid_request`.
    #[serde(default, deserialize_with = "not_null")]
    hold_s: Option<HoldSeconds>,
    lines: Cart,
}

/// Begin a checkout, or replace its cart
///
/// Holds the whole cart or nothing. If one line is short, the call is refused, and the refusal
/// lists every shortage with the available units. Prices come from the shop's catalogue. Lines
/// of the same sku are merged. Expired holds of other shoppers never cause a refusal.
///
/// **Replace** the cart: send it with a higher `revision`. The shopper's own hold does not
/// count against them. If the new cart is refused, the old one stays held. A replacement uses
/// today's prices, and the hold starts again with `hold_s`.
///
/// **Retry:** the same body gets the same hold, as 200. A lower `revision` than the last one is
/// a late retry of an older cart: it is refused with `stale_revision`.
#[utoipa::path(
    put,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}",
    operation_id = "checkout_begin",
    tag = "checkout",
    responses(
        (status = 200, description = "The same request again: the same hold, with the present \
            `status`. Or a higher `revision`: the cart was replaced."),
        (status = 201, description = "The cart is held until `expires_at`.")
    )
)]
async fn begin(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
    Json(body): Json<BeginBody>,
) -> Answer<Made<Checkout>, BeginError> {
    let customer = match (caller.customer(), body.customer) {
        (Some(known), Some(named)) if *known != named => {
            let message = "is another customer than the one who calls";
            return Err(Problem::invalid("customer", message).into());
        }
        (_, Some(named)) => named,
        (Some(known), None) => known.clone(),
        (None, None) => return Err(Problem::invalid("customer", "is missing").into()),
    };
    let request = Begin {
        shop: caller.shop,
        checkout_id,
        customer,
        revision: body.revision,
        hold: body.hold_s,
        cart: body.lines,
    };
    Ok(match checkout::begin(&app.db, &request).await? {
        Begun::Placed(checkout) => Made::new(checkout),
        Begun::Replaced(checkout) | Begun::Same(checkout) => Made::before(checkout),
    })
}

/// Read a checkout
///
/// The checkout as it is now. `status` is `expired` from `expires_at` on, by the database's
/// clock. A checkout that ended unpaid can be read for 30 days.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}",
    operation_id = "checkout_read",
    tag = "checkout",
    responses((status = 200, description = "The checkout."))
)]
async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
) -> Answer<Json<Checkout>, Failure> {
    let read = checkout::read(&app.db, &caller.shop, checkout_id, caller.customer()).await;
    found("checkout", read).map(Json)
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CheckoutExtend)]
struct ExtendBody {
    /// How long to hold the stock, in seconds from now. Default: the shop's `hold_s_default`. More
    /// than the shop's `hold_s_max` is refused as `invalid_request`.
    #[serde(default, deserialize_with = "not_null")]
    hold_s: Option<HoldSeconds>,
}

/// Extend the hold
///
/// Holds the cart for `hold_s` seconds from now, or, without a body, for the shop's default
/// time. It never shortens a hold, and never extends it past 30 minutes after the checkout
/// began: compare `expires_at` in the answer. More seconds than the shop's maximum are refused.
///
/// **Retry:** harmless. It extends from the time of the retry.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}/extend",
    operation_id = "checkout_extend",
    tag = "checkout",
    responses(
        (status = 200, description = "The checkout. Its `expires_at` is later, or unchanged.")
    )
)]
async fn extend(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
    body: Option<Json<ExtendBody>>,
) -> Answer<Json<Checkout>, ExtendError> {
    let hold = body.and_then(|Json(body)| body.hold_s);
    let customer = caller.customer();
    let checkout = checkout::extend(&app.db, &caller.shop, checkout_id, customer, hold).await?;
    Ok(Json(checkout))
}

/// Release a checkout
///
/// Gives the stock back at once. An order that waits for its payment is cancelled. Money that
/// still arrives is a late payment: it takes the stock again or is owed back. The order at the
/// gateway is closed, if the gateway can do that at once; otherwise within a minute or two.
/// Razorpay can't close orders: there the shopper can still pay.
///
/// **Retry:** releasing an ended checkout changes nothing. The answer is 200 with its final
/// `status`: `released`, or `expired` if its time ended first.
#[utoipa::path(
    delete,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}",
    operation_id = "checkout_release",
    tag = "checkout",
    responses((status = 200, description = "The checkout no longer holds anything."))
)]
async fn release(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
) -> Answer<Json<Checkout>, ReleaseError> {
    let customer = caller.customer();
    let checkout = checkout::release(&app.db, &caller.shop, checkout_id, customer).await?;
    // after the commit: no gateway is asked while a row is locked
    gateways::close_ended(&app.db, &app.accounts, &caller.shop, checkout_id).await;
    Ok(Json(checkout))
}
