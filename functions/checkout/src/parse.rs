//! Parses requests into types that cannot be wrong in form. A problem names the wrong field.

use gateways::Phone;
use holdfast_http::Object;
use holdfast_http::parse::{invalid, json, not_null};
use holdfast_http::problem::Problem;
use lambda_http::{Body, Request, RequestExt as _};
use operations::checkout::{Begin, Cart, Line};
use operations::ids::{CheckoutId, CouponCode, Customer, Shop, Sku};
use operations::order::{Address, Create, PaymentMethod, ShipTo};
use operations::payment::Gateway;
use operations::quantity::{HoldSeconds, Revision};
use operations::stock::availability::SKUS_MAX;
use serde::Deserialize;
use uuid::Uuid;

use crate::caller::Caller;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    #[serde(default, deserialize_with = "not_null")]
    customer: Option<Customer>,
    #[serde(default)]
    revision: Revision,
    #[serde(default, deserialize_with = "not_null")]
    hold_s: Option<HoldSeconds>,
    lines: Vec<Object<Line>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ExtendBody {
    #[serde(default, deserialize_with = "not_null")]
    hold_s: Option<HoldSeconds>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    payment_method: PaymentMethod,
    #[serde(default, deserialize_with = "not_null")]
    coupon: Option<CouponCode>,
    #[serde(default, deserialize_with = "not_null")]
    address: Option<Object<Address>>,
    #[serde(default, deserialize_with = "not_null")]
    address_id: Option<Uuid>,
    #[serde(default, deserialize_with = "not_null")]
    save_address: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    payment_gateway: Option<Gateway>,
    #[serde(default, deserialize_with = "not_null")]
    phone: Option<String>,
}

/// The content of an order's body.
pub struct OrderRequest {
    pub create: Create,
    /// The gateway that takes the payment. `None` when the storefront opens the payment itself.
    pub pay_at: Option<PayAt>,
}

/// The gateway that takes an order's payment.
pub struct PayAt {
    pub gateway: Gateway,
    /// The customer's phone, from the body or from the address.
    pub phone: Option<Phone>,
}

/// The checkout's id in the path.
///
/// # Errors
/// A problem that names the field, as in all functions of this file.
pub fn checkout_id(segment: &str) -> Result<CheckoutId, Problem> {
    segment
        .parse()
        .map_err(|error| invalid("checkout_id", &error))
}

/// The body of a begin. With a token, the token's customer counts. The body may omit the customer,
/// but must not name another one.
///
/// # Errors
/// See [`checkout_id`].
pub fn begin(shop: Shop, id: CheckoutId, caller: &Caller, body: &Body) -> Result<Begin, Problem> {
    let body: BeginBody = json(body)?;
    let customer = match (caller.customer(), body.customer) {
        (Some(known), None) => known.clone(),
        (Some(known), Some(named)) if *known == named => named,
        (Some(_), Some(_)) => {
            let message = "is another customer than the one who calls";
            return Err(Problem::invalid_request("customer", message));
        }
        (None, Some(named)) => named,
        (None, None) => return Err(Problem::invalid_request("customer", "is missing")),
    };
    let lines = body.lines.into_iter().map(|line| line.0).collect();
    let cart = Cart::new(lines).map_err(|error| invalid("lines", &error))?;
    let (revision, hold) = (body.revision, body.hold_s);
    Ok(Begin {
        shop,
        checkout_id: id,
        customer,
        revision,
        hold,
        cart,
    })
}

/// The body of an extension. It may be empty.
///
/// # Errors
/// See [`checkout_id`].
pub fn extend(body: &Body) -> Result<Option<HoldSeconds>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    Ok(json::<ExtendBody>(body)?.hold_s)
}

/// The body of an order.
///
/// # Errors
/// See [`checkout_id`].
pub fn order(
    shop: Shop,
    id: CheckoutId,
    caller: &Caller,
    body: &Body,
) -> Result<OrderRequest, Problem> {
    let body: OrderBody = json(body)?;
    if body.payment_method == PaymentMethod::Offline && !caller.may_take_offline_payment() {
        return Err(Problem::offline_not_allowed());
    }
    let pay_at = pay_at(&body)?;
    let ship_to = match (body.address, body.address_id, body.save_address) {
        (None, None, None | Some(false)) => ShipTo::Nowhere,
        (None, Some(address_id), None | Some(false)) => ShipTo::Saved(address_id),
        (Some(Object(address)), None, save) => ShipTo::Given {
            address,
            save: save.unwrap_or(false),
        },
        (Some(_), Some(_), _) => {
            let message = "give either an address or the id of a saved one";
            return Err(Problem::invalid_request("address_id", message));
        }
        (None, _, Some(true)) => {
            let message = "goes with an address only";
            return Err(Problem::invalid_request("save_address", message));
        }
    };
    let create = Create {
        shop,
        checkout_id: id,
        customer: caller.customer().cloned(),
        method: body.payment_method,
        coupon: body.coupon,
        ship_to,
    };
    Ok(OrderRequest { create, pay_at })
}

/// Refuses a request that the gateway would refuse after the order is made.
fn pay_at(body: &OrderBody) -> Result<Option<PayAt>, Problem> {
    let Some(gateway) = body.payment_gateway else {
        return match body.phone {
            None => Ok(None),
            Some(_) => Err(Problem::invalid_request(
                "phone",
                "goes with payment_gateway only",
            )),
        };
    };
    if body.payment_method == PaymentMethod::Offline {
        let message = "goes with payment_method `online` only";
        return Err(Problem::invalid_request("payment_gateway", message));
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
        (Gateway::Cashfree, Ok(None)) => {
            let message =
                "is missing: Cashfree needs one, and the phone of a saved address is not used";
            return Err(Problem::invalid_request("phone", message));
        }
        (Gateway::Cashfree, Err(error)) => return Err(invalid(field, &error)),
        (_, Err(error)) if field == "phone" => return Err(invalid(field, &error)),
        (_, phone) => phone.unwrap_or(None),
    };
    Ok(Some(PayAt { gateway, phone }))
}

/// The skus of an availability request: `?skus=A,B`.
///
/// # Errors
/// See [`checkout_id`].
pub fn skus(request: &Request) -> Result<Vec<Sku>, Problem> {
    let query = request.query_string_parameters();
    // API Gateway joins repeated parameters with a comma. Other front ends do not.
    let lists = query.all("skus").unwrap_or_default();
    let mut skus: Vec<Sku> = Vec::new();
    for code in lists.iter().flat_map(|list| list.split(',')) {
        skus.push(code.parse().map_err(|error| invalid("skus", &error))?);
        if skus.len() > SKUS_MAX {
            let message = format!("must be at most {SKUS_MAX} codes");
            return Err(Problem::invalid_request("skus", &message));
        }
    }
    if skus.is_empty() {
        return Err(Problem::invalid_request(
            "skus",
            "must name at least one sku",
        ));
    }
    Ok(skus)
}
