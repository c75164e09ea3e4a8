//! Receives gateways' webhooks: verifies the signature over the raw bytes, puts the webhook on the
//! queue, and answers 200. One file per gateway.
//!
//! The function has no database. So it stays up and fast while the database is down. It
//! acknowledges nothing that is not stored in the queue.

mod app;
mod cashfree;
mod delivery;
pub mod queue;
mod razorpay;
mod receive;
pub mod secrets;
mod stripe;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use holdfast_http::Route;

pub use app::{App, Shared};
pub use delivery::BODY_BYTES_MAX;
pub use queue::Queue;
pub use secrets::{Keyring, Secrets};

/// The routes, for the router and for the contract.
#[must_use]
pub fn routes() -> Vec<Route<Shared>> {
    [cashfree::routes(), razorpay::routes(), stripe::routes()]
        .into_iter()
        .flatten()
        .collect()
}

/// The function's router. The last route refuses unknown gateways. It is not in the contract.
pub fn router(app: App) -> Router {
    let routes = holdfast_http::routed(routes()).route(
        "/v1/shops/{shop}/webhooks/{gateway}",
        post(receive::of_any_gateway),
    );
    holdfast_http::router(routes, Arc::new(app))
}
