//! The console: pages for dispatchers, stock clerks, owners, support and the person on call. They
//! call the operations of the admin API. No rule about stock is here.
//!
//! - one folder per section ([`access::Section`]), one handler and one template per page;
//! - [`sign_in`], [`provider`]: OpenID Connect; [`guard`], [`session`]: the encrypted cookie;
//!   [`form`]: CSRF;
//! - [`watched`]: a sale's numbers, which its watchers share;
//! - [`page`]: what every template shows; [`texts`]: the sentences, by language.

mod access;
mod app;
mod assets;
mod desk;
mod form;
mod guard;
mod headers;
mod health;
mod language;
mod live;
mod page;
mod provider;
mod refusal;
mod sale;
mod session;
mod settings;
mod show;
mod sign_in;
mod staff;
mod stock;
mod support;
pub mod texts;
mod watched;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub use app::App;
pub use settings::{Secrets, Settings};

/// The function's router.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let signed_in = Router::new()
        .route("/console", get(guard::first))
        .route("/console/health", get(guard::health))
        .route("/console/language", post(language::choose))
        .merge(sign_in::routes_inside())
        .merge(desk::routes())
        .merge(health::routes())
        .merge(sale::routes())
        .merge(stock::routes())
        .merge(support::routes())
        .layer(from_fn_with_state(Arc::clone(&app), guard::require));
    let routes = Router::new()
        .merge(assets::routes())
        .merge(sign_in::routes())
        .merge(signed_in)
        .fallback(refusal::no_such_page)
        .layer(from_fn(refusal::as_page))
        .layer(from_fn(headers::secure));
    holdfast_http::router(routes, app)
}
