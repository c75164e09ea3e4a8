//! Refunds: those of one order, and those of the shop that need a person.

use holdfast_http::parse::{Query, invalid, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::checkout::Line;
use operations::ids::{OrderId, RefundId};
use operations::page::After;
use operations::quantity::{AmountMinor, PageLimit};
use operations::refund::{self, Filter, Position, Request, Requested, Retried};
use operations::text::{GatewayPaymentId, Note};
use serde::Deserialize;

use crate::app::Call;
use crate::desk::cart;
use crate::listed::listed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    refund_id: RefundId,
    #[serde(default, deserialize_with = "not_null")]
    amount_minor: Option<AmountMinor>,
    #[serde(default, deserialize_with = "not_null")]
    gateway_payment_id: Option<GatewayPaymentId>,
    #[serde(default, deserialize_with = "not_null")]
    restock: Option<Vec<Line>>,
    #[serde(default, deserialize_with = "not_null")]
    note: Option<Note>,
}

/// `…/orders/{order_id}/refunds`
pub(crate) async fn of_order(call: &Call<'_>, order_id: OrderId) -> Result<Reply, Problem> {
    match *call.request.method() {
        Method::GET => Reply::found(
            "order",
            refund::overview(&call.app.db, &call.shop, order_id).await,
        ),
        Method::POST => request(call, order_id).await,
        _ => Err(Problem::method_not_allowed("GET, POST")),
    }
}

async fn request(call: &Call<'_>, order_id: OrderId) -> Result<Reply, Problem> {
    let body: RequestBody = json(call.request.body())?;
    let request = Request {
        shop: call.shop.clone(),
        order_id,
        refund_id: body.refund_id,
        actor: call.actor.clone(),
        note: body.note,
        amount: body.amount_minor,
        gateway_payment_id: body.gateway_payment_id,
        restock: body.restock.map(cart).transpose()?,
    };
    match refund::request(&call.app.db, &request).await {
        Ok(Requested::New(overview)) => Reply::json(201, &overview),
        Ok(Requested::Same(overview)) => Reply::json(200, &overview),
        Err(error) => Err(refused(&error)),
    }
}

/// `…/refunds` and the paths below it
pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        [] => list(call).await,
        [refund_id, "retry"] => {
            let refund_id: RefundId = refund_id
                .parse()
                .map_err(|error| invalid("refund_id", &error))?;
            match *call.request.method() {
                Method::POST => retry(call, refund_id).await,
                _ => Err(Problem::method_not_allowed("POST")),
            }
        }
        _ => Err(Problem::not_found("path")),
    }
}

async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &["status", "cursor", "limit"])?;
    let filter = Filter {
        status: query.get("status")?,
    };
    let after: Option<After<Position>> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = refund::list(&call.app.db, &call.shop, filter, after.as_ref(), limit).await;
    listed("refunds", page)
}

async fn retry(call: &Call<'_>, refund_id: RefundId) -> Result<Reply, Problem> {
    match refund::retry(&call.app.db, &call.shop, refund_id, call.actor).await {
        Ok(Retried::New(refund)) => Reply::json(201, &refund),
        Ok(Retried::Same(refund)) => Reply::json(200, &refund),
        Err(error) => Err(refused(&error)),
    }
}
