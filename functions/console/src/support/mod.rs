//! Support: one search, one timeline, and what may be done about it.

mod act;
mod search;
mod timeline;

use axum::Router;
use axum::routing::{get, post};

use crate::access::Section;
use crate::app::Shared;
use crate::guard;

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(search::page))
        .route("/events/redrive", post(act::redrive))
        .route("/events/dismiss", post(act::dismiss))
        .route("/checkouts/{checkout_id}", get(timeline::page))
        .route("/checkouts/{checkout_id}/refund", post(act::refund))
        .route("/checkouts/{checkout_id}/accept", post(act::accept))
        .route("/checkouts/{checkout_id}/retry", post(act::retry))
        .route("/checkouts/{checkout_id}/revoke", post(act::revoke));
    guard::routes(Section::Support, pages)
}
