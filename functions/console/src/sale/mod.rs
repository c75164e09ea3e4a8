//! A sale, as its owner watches it and ends it. Stock is added in the stock room.

mod chart;
mod end;
mod now;

use axum::Router;
use axum::routing::get;

use crate::access::Section;
use crate::app::Shared;
use crate::guard;

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(now::page))
        .route("/now", get(now::part))
        .route("/end/{sku}", get(end::page).post(end::end));
    guard::routes(Section::Sale, pages)
}
