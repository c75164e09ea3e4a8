//! HTTP: finds the gateway and the caller of a call, and applies faults and idempotency keys.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;

use crate::account::Gateway;
use crate::call::{Call, Reply, form};
use crate::faults::Api;
use crate::gateway::PaymentGateway;
use crate::gateways::api;
use crate::simulation::Simulation;
use crate::{control, state};

/// Larger than any body of these APIs.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longer than any client waits.
const HANGING_MAX: Duration = Duration::from_secs(120);

pub(crate) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new()
        .merge(control::router())
        .route("/{gateway}/{*path}", any(call))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(simulation)
}

/// What the caller gets.
enum Fate {
    Answered(Reply),
    /// The call took effect, but its answer is lost.
    Cut,
    Hangs,
}

async fn call(
    State(simulation): State<Arc<Simulation>>,
    Path((gateway, path)): Path<(Gateway, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        method,
        path,
        query: form(query.unwrap_or_default().as_bytes()),
        headers,
        body,
    };
    match simulation.change(|state| fate(state, gateway, &call)) {
        Fate::Answered(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            (status, axum::Json(reply.body)).into_response()
        }
        Fate::Cut => {
            let cut = async { Err::<Bytes, _>(io::Error::other("cut")) };
            Response::new(Body::from_stream(futures_util::stream::once(cut)))
        }
        Fate::Hangs => {
            tokio::time::sleep(HANGING_MAX).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

fn fate(state: &mut state::State, gateway: Gateway, call: &Call) -> Fate {
    let api = api(gateway);
    let caller = api.caller(state, call);
    let key = call
        .header(api.idempotency_header())
        .filter(|_| call.changes());
    let key = caller
        .zip(key)
        .map(|(account, key)| format!("{} {account} {key}", gateway.as_str()));
    let error = |status| Fate::Answered(api.error(status, "api_error", "try again later"));
    let faults = state.faults.entry(gateway).or_default();
    match faults.api {
        Api::Up if faults.failures > 0 => {
            faults.failures -= 1;
            let failure = api.error(500, "api_error", "try again later");
            if let Some(key) = key.filter(|_| api.keys_cover_failures()) {
                let first = (contents(call), failure.clone());
                state.replies.entry(key).or_insert(first);
            }
            return Fate::Answered(failure);
        }
        Api::Up => {}
        Api::Down => return error(503),
        Api::Busy => return error(429),
        Api::Hanging => return hangs(state, api, key),
    }
    let lost = call.changes() && faults.answers_lost > 0;
    if lost {
        faults.answers_lost -= 1;
    }
    let Some(account) = caller else {
        let message = "Authentication failed";
        return Fate::Answered(api.error(401, "authentication_failed", message));
    };
    let reply = answer(state, api, account, call, key);
    if lost {
        Fate::Cut
    } else {
        Fate::Answered(reply)
    }
}

/// The parts that must be equal in all calls under one key.
fn contents(call: &Call) -> (String, Bytes) {
    (call.path.clone(), call.body.clone())
}

/// A call that hangs still runs: a second one under its key may be refused.
fn hangs(state: &mut state::State, api: &dyn PaymentGateway, key: Option<String>) -> Fate {
    match key.filter(|_| api.keys_cover_failures()) {
        Some(key) if !state.hanging.insert(key.clone()) => {
            let message = "There is currently another in-progress request using this key";
            Fate::Answered(api.error(409, "idempotency_key_in_use", message))
        }
        _ => Fate::Hangs,
    }
}

/// Answers a call, or repeats the answer under its key.
fn answer(
    state: &mut state::State,
    api: &dyn PaymentGateway,
    account: usize,
    call: &Call,
    key: Option<String>,
) -> Reply {
    match key.as_ref().and_then(|key| state.replies.get(key)) {
        Some((first, reply)) if *first == contents(call) => return reply.clone(),
        Some(_) => {
            let message = "Keys for idempotent requests can only be used with the same parameters";
            return api.error(400, "idempotency_error", message);
        }
        None => {}
    }
    let reply = match api.answer(state, account, call) {
        Ok(body) => Reply { status: 200, body },
        Err(refusal) => refusal,
    };
    // A key does not cover malformed parameters.
    let code = reply.body["error"]["code"].as_str().unwrap_or_default();
    let covered = api.keys_cover_failures() && !code.starts_with("parameter_");
    if let Some(key) = key.filter(|_| reply.status < 300 || covered) {
        let first = (contents(call), reply.clone());
        state.replies.insert(key, first);
    }
    reply
}
