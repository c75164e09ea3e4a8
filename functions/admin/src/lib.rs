//! The stock office's API, behind an authorizer. One file per noun. A handler has four steps:
//! parse, one operation, map, return.

mod announcement;
mod app;
pub mod caller;
mod checkout;
mod coupon;
mod delivery;
mod departure;
mod health;
mod history;
mod hold;
mod import;
mod ledger;
mod order;
mod payment;
mod promises;
mod refund;
mod sale;
mod shop;
mod sku;
mod stock;
mod subscriber;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use holdfast_http::Route;

pub use app::{App, Shared};
pub use caller::Callers;

/// The routes, for the router and for the contract.
#[must_use]
pub fn routes() -> Vec<Route<Shared>> {
    [
        announcement::routes(),
        checkout::routes(),
        coupon::routes(),
        delivery::routes(),
        departure::routes(),
        health::routes(),
        history::routes(),
        hold::routes(),
        import::routes(),
        ledger::routes(),
        order::routes(),
        payment::routes(),
        promises::routes(),
        refund::routes(),
        sale::routes(),
        shop::routes(),
        sku::routes(),
        stock::routes(),
        subscriber::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The function's router.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let identify = from_fn_with_state(Arc::clone(&app), caller::identify);
    holdfast_http::router(holdfast_http::routed(routes()).layer(identify), app)
}
