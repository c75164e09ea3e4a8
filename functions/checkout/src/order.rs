//! The order of a checkout: create, read.

use axum::extract::State;
use gateways::Phone;
use holdfast_http::{Answer, Json, Made, Path, Problem, Route, about_order, found, route};
use operations::db::Failure;
use operations::ids::{AddressId, CheckoutId, CouponCode};
use operations::object::{Object, not_null};
use operations::order::{
    self, Address, Create, CreateError, Created, Order, PayBy, PaymentMethod, ShipTo,
};
use operations::payment::Gateway;
use operations::refusals;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Caller;
use crate::pay::{self, PayAt, PayError, Payable};

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(create), route!(read)]
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderCreate)]
struct CreateBody {
    payment_method: PaymentMethod,
    #[serde(default, deserialize_with = "not_null")]
    coupon: Option<CouponCode>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<Address>)]
    address: Option<Object<Address>>,
    /// A saved address of this customer. Not together with `address`.
    #[serde(default, deserialize_with = "not_null")]
    address_id: Option<AddressId>,
    /// Save `address` for the customer. The order's `address_id` is then its id.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(default = false)]
    save_address: Option<bool>,
    /// The gateway that the shopper pays at. Only with `payment_method` `online`, and only
    /// where the shop has an account.
    #[serde(default, deserialize_with = "not_null")]
    payment_gateway: Option<Gateway>,
    /// The customer's phone, for a `payment_gateway`. Cashfree needs one, unless the order is free.
    /// Default: the phone of `address`. 8 to 15 digits, with or without a `+` first; spaces, dots,
    /// hyphens and brackets are ignored.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(
        min_length = 8,
        max_length = 32,
        pattern = r"^[ ().-]*\+?([ ().-]*[0-9]){8,15}[ ().-]*$",
        example = "+919876543210"
    )]
    phone: Option<String>,
}

refusals! {
    /// Why there is no order, or no gateway order.
    pub enum OrderError of { Create(CreateError), Pay(PayError) }
}

/// Turn a checkout into an order
///
/// Freezes the cart, applies the coupon, stores the address, and holds the stock while the
/// shopper pays: until `expires_at`, usually 15 minutes from now, and until `expires_at_latest`,
/// usually 30 minutes from now, once the gateway has reported a try to pay. If the hold has
/// expired, it is placed again, if the stock is still there, every sku is still on sale, and no
/// price has changed. A refusal changes nothing: held stock stays held.
///
/// With `payment_method` `online` and a `payment_gateway`, Holdfast creates the order at that
/// gateway. `gateway_order` in the answer has the data that the storefront needs to let the shopper
/// pay. A total that the gateway does not take is refused before there is an order. A free order
/// needs no gateway, and is `paid` at once. Without a `payment_gateway`, or if the shop has no
/// account at gateways, the storefront creates the gateway's order itself: give the gateway
/// `payment.reference` as its order id, and `total_minor` as the amount. With `offline` no payment
/// is needed: the stock is sold at once and the order is `paid`. That is for bookings of
/// dispatchers, and the shop and the deployment must allow it.
///
/// **Retry:** the same body gets the same order and the same `gateway_order`, as 200. The same
/// body with another `payment_gateway` gets the same order with another `gateway_order`. Any
/// other body is an `order_conflict`: a checkout has one order.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}/order",
    operation_id = "order_create",
    tag = "order",
    responses(
        (status = 200, description = "The same request again. The order as it is now."),
        (status = 201, description = "The order. Its `status` is `awaiting_payment`, or `paid` if \
            no payment is needed.")
    )
)]
async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
    Json(body): Json<CreateBody>,
) -> Answer<Made<Payable>, OrderError> {
    if body.payment_method == PaymentMethod::Offline && !caller.may_take_offline_payment() {
        return Err(OrderError::Create(CreateError::OfflineNotAllowed).into());
    }
    let pay_at = pay_at(&body)?;
    let create = Create {
        customer: caller.customer().cloned(),
        shop: caller.shop,
        checkout_id,
        method: body.payment_method,
        coupon: body.coupon,
        ship_to: ship_to(body.address, body.address_id, body.save_address)?,
        pay_by: pay_at.as_ref().map(|pay_at| PayBy {
            gateway: pay_at.gateway,
            ready: pay_at.gateway != Gateway::Cashfree || pay_at.phone.is_some(),
        }),
    };
    if let Some(pay_at) = &pay_at {
        pay::known(&app, &create.shop, pay_at).await?;
    }
    let (new, order) = match order::create(&app.db, &create)
        .await
        .map_err(OrderError::from)?
    {
        Created::New(order) => (true, order),
        Created::Same(order) => (false, order),
    };
    let body = match pay_at {
        Some(pay_at) => pay::open(&app, &create.shop, order, &pay_at)
            .await
            .map_err(OrderError::from)?,
        None => Payable::without_gateway(order),
    };
    about_order(body.order.order_id, &body.order.payment.reference);
    Ok(Made { new, body })
}

/// Read a checkout's order
///
/// The order as it is now. When the gateway has sent the shopper back, poll it about every
/// second: the gateway's webhook takes a moment, and may come late. An `expired` order can
/// still become `paid` or `refund_due` when its money arrives.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/checkouts/{checkout_id}/order",
    operation_id = "order_read",
    tag = "order",
    responses((status = 200, description = "The order."))
)]
async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Path(checkout_id): Path<CheckoutId>,
) -> Answer<Json<Order>, Failure> {
    let read = order::read(&app.db, &caller.shop, checkout_id, caller.customer()).await;
    let order = found("order", read)?;
    about_order(order.order_id, &order.payment.reference);
    Ok(Json(order))
}

fn ship_to(
    address: Option<Object<Address>>,
    address_id: Option<AddressId>,
    save: Option<bool>,
) -> Result<ShipTo, Problem> {
    match (address, address_id, save) {
        (None, None, None | Some(false)) => Ok(ShipTo::Nowhere),
        (None, Some(address_id), None | Some(false)) => Ok(ShipTo::Saved(*address_id.as_uuid())),
        (Some(Object(address)), None, save) => Ok(ShipTo::Given {
            address,
            save: save.unwrap_or(false),
        }),
        (Some(_), Some(_), _) => {
            let message = "give either an address or the id of a saved one";
            Err(Problem::invalid("address_id", message))
        }
        (None, _, Some(true)) => Err(Problem::invalid(
            "save_address",
            "goes with an address only",
        )),
    }
}

/// Refuses a request that the gateway would refuse after the order is made.
fn pay_at(body: &CreateBody) -> Result<Option<PayAt>, Problem> {
    let Some(gateway) = body.payment_gateway else {
        return match body.phone {
            None => Ok(None),
            Some(_) => Err(Problem::invalid("phone", "goes with payment_gateway only")),
        };
    };
    if body.payment_method == PaymentMethod::Offline {
        let message = "goes with payment_method `online` only";
        return Err(Problem::invalid("payment_gateway", message));
    }
    let of_address = body
        .address
        .as_ref()
        .and_then(|Object(address)| address.phone.as_ref());
    let (field, phone) = match (&body.phone, of_address) {
        (Some(phone), _) => ("phone", Some(phone.as_str())),
        (None, phone) => ("address.phone", phone.map(|phone| phone.as_str())),
    };
    let phone = phone.map(str::parse::<Phone>).transpose();
    // only Cashfree needs a phone: an invalid phone in the address does not matter to the others
    let phone = match (gateway, phone) {
        (Gateway::Cashfree, Err(error)) => return Err(Problem::invalid(field, error)),
        (_, Err(error)) if field == "phone" => return Err(Problem::invalid(field, error)),
        (_, phone) => phone.unwrap_or(None),
    };
    Ok(Some(PayAt { gateway, phone }))
}
