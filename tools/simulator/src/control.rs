//! The control API: shoppers, banks and faults. The crate's README lists the calls.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::Gateway;
use crate::faults::Faults;
use crate::gateway::Attempt;
use crate::gateways::api;
use crate::simulation::Simulation;
use crate::state::{Ending, RefundState};

type Shared = State<Arc<Simulation>>;
type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

pub(crate) fn router() -> Router<Arc<Simulation>> {
    Router::new()
        .route("/control/state", get(state))
        .route("/control/faults/{gateway}", put(faults))
        .route("/control/keys/{gateway}", put(keys))
        .route("/control/orders/{id}/pay", post(pay))
        .route("/control/payments/{id}/end", post(end_payment))
        .route("/control/refunds/{id}/end", post(end_refund))
        .route("/control/delivered", post(delivered))
}

#[derive(Deserialize)]
struct Keys {
    key_secret: String,
}

#[derive(Deserialize)]
struct PaymentEnd {
    ending: Ending,
}

#[derive(Deserialize)]
struct RefundEnd {
    state: RefundState,
}

/// 200 with the body, or 400 with the reason.
fn answer(result: Result<Value, &'static str>) -> Answer {
    let refused = |reason| (StatusCode::BAD_REQUEST, Json(json!({ "error": reason })));
    result.map(Json).map_err(refused)
}

async fn state(State(simulation): Shared) -> Json<Value> {
    let state = simulation.state();
    Json(json!({
        "orders": state.orders.values().collect::<Vec<_>>(),
        "payments": state.payments.values().collect::<Vec<_>>(),
        "refunds": state.refunds.values().collect::<Vec<_>>(),
        "webhooks": simulation.sender.counts(),
    }))
}

async fn faults(
    State(simulation): Shared,
    Path(gateway): Path<Gateway>,
    Json(faults): Json<Faults>,
) -> Json<Value> {
    let mut state = simulation.state();
    // Hanging calls end without any effect.
    let prefix = format!("{} ", gateway.as_str());
    state.hanging.retain(|key| !key.starts_with(&prefix));
    state.faults.insert(gateway, faults);
    Json(json!({}))
}

async fn keys(
    State(simulation): Shared,
    Path(gateway): Path<Gateway>,
    Json(keys): Json<Keys>,
) -> Json<Value> {
    for account in &mut simulation.state().accounts {
        if account.gateway == gateway {
            account.key_secret.clone_from(&keys.key_secret);
        }
    }
    Json(json!({}))
}

async fn pay(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(attempt): Json<Attempt>,
) -> Answer {
    answer(simulation.change(|state| {
        let order = state.orders.get(&id);
        let order = order.cloned().ok_or("there is no such order")?;
        let id = api(order.gateway).pay(state, &order, &attempt)?;
        Ok(json!({ "payment_id": id }))
    }))
}

async fn end_payment(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(PaymentEnd { ending }): Json<PaymentEnd>,
) -> Answer {
    answer(simulation.change(|state| {
        let payment = state.payments.get(&id);
        let mut payment = payment.cloned().ok_or("there is no such payment")?;
        if payment.ending == Ending::Paid {
            return Err("the payment is paid");
        }
        payment.ending = ending;
        api(payment.gateway).end_payment(state, payment);
        Ok(json!({}))
    }))
}

async fn end_refund(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(end): Json<RefundEnd>,
) -> Answer {
    answer(simulation.change(|state| {
        let refund = state.refunds.get(&id);
        let refund = refund.cloned().ok_or("there is no such refund")?;
        let payment = state.payments[&refund.attempt].clone();
        api(refund.gateway).end_refund(state, refund, &payment, end.state);
        Ok(json!({}))
    }))
}

async fn delivered(State(simulation): Shared) -> Json<Value> {
    let (arrived, lost) = simulation.sender.idle().await;
    Json(json!({ "arrived": arrived, "lost": lost }))
}
