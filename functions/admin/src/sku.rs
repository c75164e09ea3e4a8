//! The catalogue.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, Made, NoFilter, Path, Query, Route, found, route};
use operations::db::Failure;
use operations::ids::Sku;
use operations::quantity::PageLimit;
use operations::sku::manifest::Position;
use operations::sku::{self, CloseError, Entry, FoundSkus, Manifest, Put, PutError};
use operations::text::TypedText;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![
        route!(list),
        route!(find),
        route!(read),
        route!(put),
        route!(retire),
        route!(close),
        route!(manifest),
    ]
}

/// List skus
///
/// The catalogue, retired skus included, sorted by code, page by page: send `next` as `cursor`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/skus",
    operation_id = "sku_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<NoFilter, sku::list::Position, PageLimit>,
) -> Answer<Listed<Entry>, Failure> {
    let page = sku::list(&app.db, &clerk.shop, list.after.as_ref(), list.limit).await?;
    Ok(Listed(page))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Find {
    /// The beginnings of words of the sku's code or title.
    q: TypedText,
}

/// Find skus
///
/// The skus whose code and title have a word that begins with each word of `q`, in capitals or not;
/// 20 at most, retired ones included. The sku with exactly this code comes first, then those whose
/// code begins with the text.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/find",
    operation_id = "sku_find",
    tag = "office",
    responses((status = 200, description = "The skus, maybe none."))
)]
async fn find(
    State(app): State<Shared>,
    clerk: Clerk,
    Query(find): Query<Find>,
) -> Answer<Json<FoundSkus>, Failure> {
    Ok(Json(sku::find(&app.db, &clerk.shop, &find.q).await?))
}

/// Read a sku
///
/// The sku's catalogue entry, retired or not, and its stock level.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/skus/{sku}",
    operation_id = "sku_read",
    tag = "office",
    responses((status = 200, description = "The sku."))
)]
async fn read(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
) -> Answer<Json<Entry>, Failure> {
    found("sku", sku::read(&app.db, &clerk.shop, &sku).await).map(Json)
}

/// Create or change a sku
///
/// Sets every field of the sku: a missing field gets its default. Only `retired` stays as it
/// is. A new sku has no stock: receive some. Prices of held carts do not change.
///
/// **Retry:** harmless.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/skus/{sku}",
    operation_id = "sku_put",
    tag = "office",
    responses(
        (status = 200, description = "The sku existed. It is now as in the answer."),
        (status = 201, description = "The sku is new.")
    )
)]
async fn put(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    Json(put): Json<Put>,
) -> Answer<Made<Entry>, PutError> {
    let (new, body) = sku::put(&app.db, &clerk.shop, &sku, &put).await?;
    Ok(Made { new, body })
}

/// Retire a sku
///
/// Takes the sku off sale for good. Checkouts that hold it continue. Its stock and its ledger
/// stay. To sell it again, put it with `retired: false`.
///
/// **Retry:** harmless.
#[utoipa::path(
    delete,
    path = "/v1/admin/shops/{shop}/skus/{sku}",
    operation_id = "sku_retire",
    tag = "office",
    responses((status = 200, description = "The sku is retired."))
)]
async fn retire(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
) -> Answer<Json<Entry>, Failure> {
    found("sku", sku::retire(&app.db, &clerk.shop, &sku).await).map(Json)
}

/// End the sale of a sku
///
/// Sets `sale_closes_at` to now. Nobody can hold the sku any more. Checkouts that hold it continue.
/// Nothing else of the sku changes. To sell it again, put it with a later `sale_closes_at`.
///
/// **Retry:** harmless.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/skus/{sku}/close",
    operation_id = "sku_close",
    tag = "office",
    responses((status = 200, description = "The sale has ended, now or before."))
)]
async fn close(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
) -> Answer<Json<Entry>, CloseError> {
    Ok(Json(
        sku::close(&app.db, &clerk.shop, &sku, &clerk.actor).await?,
    ))
}

/// List the buyers of a departure
///
/// The sold and held units of a sku, one row per checkout, in the order in which they began,
/// with totals. Pages: send `next` as `cursor` until there is none. The numbers of one page
/// belong to one instant. A row of one page does not come again on a later one.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/skus/{sku}/manifest",
    operation_id = "sku_manifest",
    tag = "desk",
    responses((status = 200, description = "One page."))
)]
async fn manifest(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    list: List<NoFilter, Position, PageLimit>,
) -> Answer<Json<Manifest>, Failure> {
    let after = list.after.as_ref();
    let page = sku::manifest(&app.db, &clerk.shop, &sku, after, list.limit).await;
    found("sku", page).map(Json)
}
