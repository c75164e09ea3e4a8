//! The storefront's API. One file per noun. A handler has four steps: parse, one operation, map,
//! return.

mod app;
pub mod caller;
mod checkout;
mod order;
pub mod origin;
mod pay;
mod stock;

use std::sync::Arc;

use axum::Router;
use holdfast_http::Route;

pub use app::{App, Shared};
pub use caller::{Caller, Callers};
pub use origin::Origin;

/// The routes, for the router and for the contract.
#[must_use]
pub fn routes() -> Vec<Route<Shared>> {
    [checkout::routes(), order::routes(), stock::routes()]
        .into_iter()
        .flatten()
        .collect()
}

/// The function's router.
pub fn router(app: App) -> Router {
    holdfast_http::router(holdfast_http::routed(routes()), Arc::new(app))
}
