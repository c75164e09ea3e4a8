//! Returned goods and refunds of an order.

use holdfast_http::parse::{invalid, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::checkout::Line;
use operations::ids::{OrderId, ReturnId};
use operations::order::{self, Restock, Restocked};
use operations::text::Note;
use serde::Deserialize;

use crate::app::Call;
use crate::desk::{cart, reply};
use crate::refund;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestockBody {
    return_id: ReturnId,
    lines: Vec<Line>,
    #[serde(default, deserialize_with = "not_null")]
    note: Option<Note>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let [order_id, what @ ("restock" | "refunds")] = rest else {
        return Err(Problem::not_found("path"));
    };
    let order_id: OrderId = order_id
        .parse()
        .map_err(|error| invalid("order_id", &error))?;
    match (*what, call.request.method()) {
        ("refunds", _) => refund::of_order(call, order_id).await,
        (_, &Method::POST) => restock(call, order_id).await,
        _ => Err(Problem::method_not_allowed("POST")),
    }
}

async fn restock(call: &Call<'_>, order_id: OrderId) -> Result<Reply, Problem> {
    let body: RestockBody = json(call.request.body())?;
    let request = Restock {
        shop: call.shop.clone(),
        order_id,
        return_id: body.return_id,
        actor: call.actor.clone(),
        note: body.note,
        cart: cart(body.lines)?,
    };
    match order::restock(&call.app.db, &request).await {
        Ok(Restocked::New(order)) => reply(201, &order),
        Ok(Restocked::Same(order)) => reply(200, &order),
        Err(error) => Err(refused(&error)),
    }
}
