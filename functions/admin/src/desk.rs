//! The seat desk: a dispatcher books, changes and cancels a party. The authorizer identified the
//! dispatcher.

use holdfast_http::parse::{invalid, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::checkout::{Cart, Line};
use operations::ids::{CheckoutId, CouponCode, Customer};
use operations::order::{self, Amend, Amended, Book, Booked, DeskOrder};
use operations::quantity::Version;
use serde::Deserialize;

use crate::app::Call;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookBody {
    customer: Customer,
    lines: Vec<Line>,
    #[serde(default, deserialize_with = "not_null")]
    coupon: Option<CouponCode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmendBody {
    expected_version: Version,
    lines: Vec<Line>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let ["orders", checkout_id] = rest else {
        return Err(Problem::not_found("path"));
    };
    let checkout_id = checkout_id
        .parse()
        .map_err(|error| invalid("checkout_id", &error))?;
    match *call.request.method() {
        Method::PUT => book(call, checkout_id).await,
        Method::PATCH => amend(call, checkout_id).await,
        Method::DELETE => cancel(call, checkout_id).await,
        _ => Err(Problem::method_not_allowed("PUT, PATCH, DELETE")),
    }
}

async fn book(call: &Call<'_>, checkout_id: CheckoutId) -> Result<Reply, Problem> {
    let body: BookBody = json(call.request.body())?;
    let request = Book {
        shop: call.shop.clone(),
        checkout_id,
        customer: body.customer,
        actor: call.actor.clone(),
        cart: cart(body.lines)?,
        coupon: body.coupon,
    };
    match order::book(&call.app.db, &request).await {
        Ok(Booked::New(order)) => reply(201, &order),
        Ok(Booked::Same(order)) => reply(200, &order),
        Err(error) => Err(refused(&error)),
    }
}

async fn amend(call: &Call<'_>, checkout_id: CheckoutId) -> Result<Reply, Problem> {
    let body: AmendBody = json(call.request.body())?;
    let request = Amend {
        shop: call.shop.clone(),
        checkout_id,
        expected_version: body.expected_version.get(),
        actor: call.actor.clone(),
        cart: cart(body.lines)?,
    };
    match order::amend(&call.app.db, &request).await {
        Ok(Amended::Changed(order) | Amended::Same(order)) => reply(200, &order),
        Err(error) => Err(refused(&error)),
    }
}

async fn cancel(call: &Call<'_>, checkout_id: CheckoutId) -> Result<Reply, Problem> {
    match order::cancel(&call.app.db, &call.shop, checkout_id, call.actor).await {
        Ok(order) => reply(200, &order),
        Err(error) => Err(refused(&error)),
    }
}

pub(crate) fn reply(status: u16, order: &DeskOrder) -> Result<Reply, Problem> {
    holdfast_http::about_order(order.order_id, &order.payment.reference);
    Reply::json(status, order)
}

/// The lines of a body, merged and sorted.
pub(crate) fn cart(lines: Vec<Line>) -> Result<Cart, Problem> {
    Cart::new(lines).map_err(|error| invalid("lines", &error))
}
