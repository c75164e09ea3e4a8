//! The desk: departures with their free seats, and bookings.

mod departure;
mod today;

use axum::Router;
use axum::routing::get;

use crate::app::Shared;
use crate::section::{self, Section};

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(today::page))
        .route("/departures", get(today::departures))
        .route(
            "/departures/{sku}",
            get(departure::page).post(departure::book),
        );
    section::routes(Section::Desk, pages)
}
