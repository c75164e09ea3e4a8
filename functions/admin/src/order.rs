//! Orders: goods that come back.

use edge::parse::{invalid, json, not_null};
use edge::{Reply, refused};
use lambda_http::http::Method;
use serde::Deserialize;
use shared::checkout::Line;
use shared::ids::{OrderId, ReturnId};
use shared::order::{self, Restock, Restocked};
use shared::problem::Problem;
use shared::text::Note;

use crate::Call;
use crate::desk::{cart, reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestockBody {
    return_id: ReturnId,
    lines: Vec<Line>,
    #[serde(default, deserialize_with = "not_null")]
    note: Option<Note>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let [order_id, "restock"] = rest else {
        return Err(Problem::not_found("path"));
    };
    let order_id: OrderId = order_id
        .parse()
        .map_err(|error| invalid("order_id", &error))?;
    match *call.request.method() {
        Method::POST => restock(call, order_id).await,
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
