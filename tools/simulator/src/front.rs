//! HTTP: which gateway is meant, who calls, and what its faults make of the call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::account::Gateway;
use crate::faults::Api;
use crate::reply::{Call, Reply, form};
use crate::world::World;
use crate::{Simulation, cashfree, control, razorpay, stripe};

/// More than any body of these APIs.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long a call hangs at most: longer than anybody waits.
const HANGS: Duration = Duration::from_secs(120);

pub(crate) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new()
        .merge(control::router())
        .fallback(take)
        .with_state(simulation)
}

/// What becomes of one call.
enum Fate {
    Answered(Reply),
    /// It had its effect, and its answer is lost.
    Cut,
    Hangs,
}

async fn take(State(simulation): State<Arc<Simulation>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut path = head.uri.path().split('/').filter(|part| !part.is_empty());
    let Some(gateway) = path.next().and_then(Gateway::named) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let call = Call {
        method: head.method.to_string(),
        path: path.map(str::to_owned).collect(),
        query: form(head.uri.query().unwrap_or_default()),
        headers: head.headers,
        body: body.to_vec(),
    };
    let fate = fate(&mut simulation.world(), gateway, &call);
    simulation.postman.look_in_the_box();
    match fate {
        Fate::Answered(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            let json = [("content-type", "application/json")];
            (status, json, reply.body.to_string()).into_response()
        }
        Fate::Cut => {
            let cut = async { Err::<Bytes, _>(io::Error::other("cut")) };
            Response::new(Body::from_stream(futures_util::stream::once(cut)))
        }
        Fate::Hangs => {
            tokio::time::sleep(HANGS).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

fn fate(world: &mut World, gateway: Gateway, call: &Call) -> Fate {
    let error = match gateway {
        Gateway::Cashfree => cashfree::error,
        Gateway::Stripe => stripe::error,
        Gateway::Razorpay => razorpay::error,
    };
    let (caller, key_header) = match gateway {
        Gateway::Cashfree => (cashfree::caller(world, call), "x-idempotency-key"),
        Gateway::Stripe => (stripe::caller(world, call), "idempotency-key"),
        Gateway::Razorpay => (razorpay::caller(world, call), "x-refund-idempotency"),
    };
    let key = call.header(key_header).filter(|_| call.changes());
    let key = caller
        .zip(key)
        .map(|(account, key)| format!("{} {account} {key}", gateway.as_str()));
    let failed = error(500, "api_error", "try again later");
    let faults = world.faults.entry(gateway).or_default();
    match faults.api {
        Api::Up if faults.failures > 0 => {
            faults.failures -= 1;
            if let (Some(key), Gateway::Stripe) = (key, gateway) {
                let kept = (asked_for(call), failed.clone());
                world.replies.entry(key).or_insert(kept);
            }
            return Fate::Answered(failed);
        }
        Api::Up => {}
        Api::Down => return Fate::Answered(error(503, "api_error", "try again later")),
        Api::Busy => return Fate::Answered(error(429, "api_error", "try again later")),
        Api::Hanging => return hangs(world, gateway, key),
    }
    let lost = call.changes() && faults.answers_lost > 0;
    if lost {
        faults.answers_lost -= 1;
    }
    let Some(account) = caller else {
        return Fate::Answered(error(401, "authentication_failed", "Authentication failed"));
    };
    let reply = match &key {
        Some(key) => match world.replies.get(key) {
            Some((asked, reply)) if *asked == asked_for(call) => reply.clone(),
            Some(_) => error(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters",
            ),
            None => keep(world, gateway, account, call, key),
        },
        None => answer(world, gateway, account, call),
    };
    if lost {
        Fate::Cut
    } else {
        Fate::Answered(reply)
    }
}

fn asked_for(call: &Call) -> Vec<u8> {
    [call.path.join("/").as_bytes(), b"\n", &call.body].concat()
}

/// A call that hangs is at work: Stripe takes no other one of its key meanwhile.
fn hangs(world: &mut World, gateway: Gateway, key: Option<String>) -> Fate {
    match (gateway, key) {
        (Gateway::Stripe, Some(key)) if !world.under_way.insert(key.clone()) => {
            let message = "There is currently another in-progress request using this key";
            Fate::Answered(stripe::error(409, "idempotency_key_in_use", message))
        }
        _ => Fate::Hangs,
    }
}

/// Answers, and remembers the answer under its key: Stripe keeps its refusals, too, but those that
/// come of the parameters' shape.
fn keep(world: &mut World, gateway: Gateway, account: usize, call: &Call, key: &str) -> Reply {
    let reply = answer(world, gateway, account, call);
    let code = reply.body["error"]["code"].as_str().unwrap_or_default();
    let refused = gateway == Gateway::Stripe && !code.starts_with("parameter_");
    if reply.status < 300 || refused {
        let kept = (asked_for(call), reply.clone());
        world.replies.insert(key.to_owned(), kept);
    }
    reply
}

fn answer(world: &mut World, gateway: Gateway, account: usize, call: &Call) -> Reply {
    match gateway {
        Gateway::Cashfree => cashfree::answer(world, account, call),
        Gateway::Stripe => stripe::answer(world, account, call),
        Gateway::Razorpay => razorpay::answer(world, account, call),
    }
}
