//! What waits for a person or is late, each fault beside its runbook; and the log of subscribers.

pub(crate) mod fault;
mod now;
mod runbook;
mod subscriber;

use axum::Router;
use axum::routing::{get, post};

use crate::access::Section;
use crate::app::Shared;
use crate::guard;

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(now::page))
        .route("/now", get(now::part))
        .route("/runbook/{alarm}", get(runbook::page))
        .route("/subscriber/{name}", get(subscriber::page))
        .route("/subscriber/{name}/enable", post(subscriber::enable))
        .route("/subscriber/{name}/test", post(subscriber::test))
        .route("/subscriber/{name}/resend", post(subscriber::resend));
    guard::routes(Section::Health, pages)
}
