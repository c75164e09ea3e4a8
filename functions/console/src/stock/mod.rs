//! The stock room: find a sku, change its stock, read the ledger, import a file.

mod find;
mod import;
mod ledger;
mod sku;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::access::Section;
use crate::app::Shared;
use crate::form::BODY_BYTES_MAX;
use crate::guard;

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(find::page))
        .route("/ledger", get(ledger::page))
        .route(
            "/import",
            get(import::page)
                .post(import::try_out)
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .route("/import/{import_id}", get(import::rows))
        .route("/import/{import_id}/progress", get(import::progress))
        .route("/import/{import_id}/apply", post(import::apply))
        .route("/sku/{sku}", get(sku::page))
        .route("/sku/{sku}/receive", post(sku::receive))
        .route("/sku/{sku}/count", post(sku::count))
        .route("/sku/{sku}/adjust", post(sku::adjust))
        .route("/sku/{sku}/shrink", post(sku::shrink));
    guard::routes(Section::Stock, pages)
}
