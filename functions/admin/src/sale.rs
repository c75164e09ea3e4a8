//! A sale, as its owner watches it.

use axum::extract::State;
use holdfast_http::{Answer, Json, Query, Route, found, route};
use operations::db::Failure;
use operations::sale::{self, Filter, Sale};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(read)]
}

/// Read a sale
///
/// Sold, held and available units of each sku and of the shop; grants, sold units, payments and
/// late payments of each of the last minutes; and the ten holds that end next. Cheap enough to be
/// read every few seconds. Refused holds are not counted here: a refusal writes nothing. The metric
/// `HoldsRefused` counts them.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/sale",
    operation_id = "sale_read",
    tag = "office",
    responses((status = 200, description = "The sale now."))
)]
async fn read(
    State(app): State<Shared>,
    clerk: Clerk,
    Query(filter): Query<Filter>,
) -> Answer<Json<Sale>, Failure> {
    let sale = sale::read(&app.db, &clerk.shop, &filter).await;
    found("shop", sale).map(Json)
}
