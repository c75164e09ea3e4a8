//! The desk: departures with their free seats, and bookings.

mod booking;
mod departure;
mod today;

use axum::Router;
use axum::routing::{get, post};

use crate::access::Section;
use crate::app::Shared;
use crate::guard;

pub(crate) fn routes() -> Router<Shared> {
    let pages = Router::new()
        .route("/", get(today::page))
        .route("/departures", get(today::departures))
        .route(
            "/departures/{sku}",
            get(departure::page).post(departure::book),
        )
        .route("/bookings/{checkout_id}", get(booking::page))
        .route("/bookings/{checkout_id}/change", post(booking::change))
        .route("/bookings/{checkout_id}/cancel", post(booking::cancel));
    guard::routes(Section::Desk, pages)
}
