//! The shop itself.

use holdfast_http::parse::{json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::quantity::{HoldSeconds, Units};
use operations::shop::{self, Put};
use operations::text::{Currency, ShopName};
use serde::Deserialize;

use crate::app::Call;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    name: ShopName,
    currency: Currency,
    #[serde(default = "hold_s_default")]
    hold_s_default: HoldSeconds,
    #[serde(default = "hold_s_max")]
    hold_s_max: HoldSeconds,
    #[serde(default = "hold_s_max")]
    order_hold_s: HoldSeconds,
    #[serde(default, deserialize_with = "not_null")]
    checkouts_per_customer_max: Option<Units>,
}

/// 20 minutes.
fn hold_s_default() -> HoldSeconds {
    HoldSeconds::MINUTES_20
}

/// 30 minutes.
fn hold_s_max() -> HoldSeconds {
    HoldSeconds::MINUTES_30
}

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    match *call.request.method() {
        Method::GET => read(call).await,
        Method::PUT => put(call).await,
        _ => Err(Problem::method_not_allowed("GET, PUT")),
    }
}

async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    Reply::found("shop", shop::read(&call.app.db, &call.shop).await)
}

async fn put(call: &Call<'_>) -> Result<Reply, Problem> {
    let put = parse(call)?;
    match shop::put(&call.app.db, &put).await {
        Ok((true, profile)) => Reply::json(201, &profile),
        Ok((false, profile)) => Reply::json(200, &profile),
        Err(error) => Err(refused(&error)),
    }
}

fn parse(call: &Call<'_>) -> Result<Put, Problem> {
    let body: PutBody = json(call.request.body())?;
    if body.hold_s_default > body.hold_s_max {
        let message = "must be at most hold_s_max";
        return Err(Problem::invalid_request("hold_s_default", message));
    }
    Ok(Put {
        shop: call.shop.clone(),
        name: body.name,
        currency: body.currency,
        hold_s_default: body.hold_s_default,
        hold_s_max: body.hold_s_max,
        order_hold_s: body.order_hold_s,
        checkouts_per_customer_max: body.checkouts_per_customer_max,
    })
}
