//! Coupons.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, Made, NoFilter, Path, Route, found, route};
use operations::coupon::{self, Coupon, Put, PutError};
use operations::db::Failure;
use operations::ids::CouponCode;
use operations::quantity::PageLimit;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list), route!(read), route!(put)]
}

/// List coupons
///
/// Coupons with their uses, sorted by code, page by page: send `next` as `cursor`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/coupons",
    operation_id = "coupon_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<NoFilter, coupon::list::Position, PageLimit>,
) -> Answer<Listed<Coupon>, Failure> {
    let page = coupon::list(&app.db, &clerk.shop, list.after.as_ref(), list.limit).await?;
    Ok(Listed(page))
}

/// Read a coupon
///
/// The coupon's terms, and how many uses orders hold and have consumed.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/coupons/{code}",
    operation_id = "coupon_read",
    tag = "office",
    responses((status = 200, description = "The coupon."))
)]
async fn read(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(code): Path<CouponCode>,
) -> Answer<Json<Coupon>, Failure> {
    found("coupon", coupon::read(&app.db, &clerk.shop, &code).await).map(Json)
}

/// Create or change a coupon
///
/// Sets every term of the coupon: a missing field gets its default. Orders that hold a use keep
/// it, with their discount. `uses_max` can't be below the uses that are taken.
///
/// **Retry:** harmless.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/coupons/{code}",
    operation_id = "coupon_put",
    tag = "office",
    responses(
        (status = 200, description = "The coupon existed. It is now as in the answer."),
        (status = 201, description = "The coupon is new.")
    )
)]
async fn put(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(code): Path<CouponCode>,
    Json(put): Json<Put>,
) -> Answer<Made<Coupon>, PutError> {
    let (new, body) = coupon::put(&app.db, &clerk.shop, &code, &put).await?;
    Ok(Made { new, body })
}
