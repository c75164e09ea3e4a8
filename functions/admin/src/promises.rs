//! The check of all promises.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, NoFilter, Route, route};
use operations::db::Failure;
use operations::promises::{self, Breached, Position, Violation};
use operations::quantity::PageLimit;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list), route!(breached)]
}

/// Check every promise
///
/// Lists every row that breaks a promise, page by page: send `next` as `cursor`. No violation on
/// any page means that every promise held when its page was read. A page checks at most 2,000
/// subjects (skus, stock movements, checkouts, orders and so on) in one snapshot. So most pages are
/// empty, and the check is done when a page has no `next`. One subject shows at most `limit`
/// violations. Each sweep checks what has changed. Use this to check everything now.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/promises",
    operation_id = "promises_list",
    tag = "office",
    responses((status = 200, description = "The broken promises of one page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<NoFilter, Position, PageLimit>,
) -> Answer<Listed<Violation>, Failure> {
    let page = promises::list(&app.db, &clerk.shop, list.after.as_ref(), list.limit).await?;
    Ok(Listed(page))
}

/// Read the broken promises that are known
///
/// What the sweeps have found broken, checked once more now. No breach, with a `checked_at` of the
/// last minutes, means that everything that has changed keeps every promise.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/promises/breached",
    operation_id = "promises_breached",
    tag = "office",
    responses((status = 200, description = "The known breaches, usually none."))
)]
async fn breached(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Breached>, Failure> {
    Ok(Json(promises::breached(&app.db, &clerk.shop).await?))
}
