//! Departures, as a dispatcher looks for them.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Path, Query, Route, found, route};
use operations::db::Failure;
use operations::departure::list::Position;
use operations::departure::{self, Departures, Filter, Near};
use operations::ids::Sku;
use operations::quantity::{PageLimit, Quantity};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list), route!(near)]
}

/// List departures
///
/// The departures of a day, or of up to 31 days, in the order in which they leave, with their free
/// seats. Days are those of the shop's time zone. Retired departures are left out. Pages: send
/// `next` as `cursor`. A page looks at 5,000 departures at most.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/departures",
    operation_id = "departure_list",
    tag = "desk",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<Filter, Position, PageLimit>,
) -> Answer<Json<Departures>, Failure> {
    let (filter, after) = (list.filter, list.after.as_ref());
    let page = departure::list(&app.db, &clerk.shop, filter, after, list.limit).await;
    found("shop", page).map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Party {
    /// How many free seats it must have.
    seats: Quantity,
}

/// List departures to offer instead
///
/// Up to ten other departures that can be booked now and have so many free seats: first those of
/// the same line, then others; of each, the nearest in time first. Departures of one line have the
/// same title.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/departures/{sku}/near",
    operation_id = "departure_near",
    tag = "desk",
    responses((status = 200, description = "The departures, maybe none."))
)]
async fn near(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    Query(party): Query<Party>,
) -> Answer<Json<Near>, Failure> {
    let near = departure::near(&app.db, &clerk.shop, &sku, party.seats).await;
    found("departure", near).map(Json)
}
