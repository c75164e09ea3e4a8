//! The control API: the shopper, the banks, and the faults.
//!
//! | call | does |
//! |---|---|
//! | `GET /control/state` | all orders, payments and refunds, and what became of webhooks |
//! | `PUT /control/faults/{gateway}` | sets a gateway's faults |
//! | `PUT /control/keys/{gateway}` | `{"key_secret": …}`: from now on a gateway takes no other |
//! | `POST /control/orders/{id}/pay` | a shopper tries to pay ([`Attempt`]) |
//! | `POST /control/payments/{id}/end` | `{"ending": …}`: a payment ends (otherwise) |
//! | `POST /control/payments/{id}/dispute` | a bank asks for the money back |
//! | `POST /control/refunds/{id}/end` | `{"state": …}`: a refund ends |
//! | `POST /control/delivered` | answers when no webhook is under way |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::Simulation;
use crate::account::Gateway;
use crate::faults::Faults;
use crate::world::money::Attempt;
use crate::world::{Ending, RefundState};

type Shared = State<Arc<Simulation>>;

pub(crate) fn router() -> Router<Arc<Simulation>> {
    Router::new()
        .route("/control/state", get(state))
        .route("/control/faults/{gateway}", put(faults))
        .route("/control/keys/{gateway}", put(keys))
        .route("/control/orders/{id}/pay", post(pay))
        .route("/control/payments/{id}/end", post(end_payment))
        .route("/control/payments/{id}/dispute", post(dispute))
        .route("/control/refunds/{id}/end", post(end_refund))
        .route("/control/delivered", post(delivered))
}

async fn state(State(simulation): Shared) -> Json<Value> {
    let world = simulation.world();
    Json(json!({
        "orders": world.orders.values().collect::<Vec<_>>(),
        "payments": world.payments.values().collect::<Vec<_>>(),
        "refunds": world.refunds.values().collect::<Vec<_>>(),
        "webhooks": simulation.postman.tallies(),
    }))
}

async fn faults(
    State(simulation): Shared,
    Path(gateway): Path<String>,
    Json(faults): Json<Faults>,
) -> Response {
    let Some(gateway) = Gateway::named(&gateway) else {
        return refused("there is no such gateway");
    };
    let mut world = simulation.world();
    // what hung is given up, without any effect
    let of_gateway = format!("{} ", gateway.as_str());
    world.under_way.retain(|key| !key.starts_with(&of_gateway));
    world.faults.insert(gateway, faults);
    drop(world);
    done(json!({}))
}

async fn keys(
    State(simulation): Shared,
    Path(gateway): Path<String>,
    Json(keys): Json<BTreeMap<String, String>>,
) -> Response {
    let (Some(gateway), Some(key_secret)) = (Gateway::named(&gateway), keys.get("key_secret"))
    else {
        return refused("there is no such gateway, or key_secret is missing");
    };
    let mut world = simulation.world();
    let accounts = world.accounts.iter_mut();
    for account in accounts.filter(|account| account.gateway == gateway) {
        account.key_secret.clone_from(key_secret);
    }
    drop(world);
    done(json!({}))
}

async fn pay(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(attempt): Json<Attempt>,
) -> Response {
    let paid = simulation.world().pay(&id, &attempt);
    simulation.postman.look_in_the_box();
    match paid {
        Ok(id) => done(json!({ "payment_id": id })),
        Err(why) => refused(why),
    }
}

async fn end_payment(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(how): Json<BTreeMap<String, Ending>>,
) -> Response {
    let Some(ending) = how.get("ending") else {
        return refused("ending is missing");
    };
    let ended = simulation.world().end_payment(&id, *ending);
    finished(&simulation, ended)
}

async fn dispute(State(simulation): Shared, Path(id): Path<String>) -> Response {
    let disputed = simulation.world().dispute(&id);
    finished(&simulation, disputed)
}

async fn end_refund(
    State(simulation): Shared,
    Path(id): Path<String>,
    Json(how): Json<BTreeMap<String, RefundState>>,
) -> Response {
    let Some(state) = how.get("state") else {
        return refused("state is missing");
    };
    let ended = simulation.world().end_refund(&id, *state);
    finished(&simulation, ended)
}

async fn delivered(State(simulation): Shared) -> Json<Value> {
    let (arrived, lost) = simulation.postman.idle(&simulation).await;
    Json(json!({ "arrived": arrived, "lost": lost }))
}

fn finished(simulation: &Simulation, what: Result<(), &'static str>) -> Response {
    simulation.postman.look_in_the_box();
    match what {
        Ok(()) => done(json!({})),
        Err(why) => refused(why),
    }
}

fn done(body: Value) -> Response {
    Json(body).into_response()
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": why }))).into_response()
}
