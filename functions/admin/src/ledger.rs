//! The ledger, page by page.

use axum::extract::State;
use holdfast_http::{Answer, List, Listed, Route, route};
use operations::db::Failure;
use operations::ledger::{self, Filter, Position};
use operations::quantity::PageLimit;
use operations::stock::Movement;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list)]
}

/// List stock movements
///
/// The ledger, newest first, page by page: send `next` as `cursor`, with the same filters.
/// Every movement that existed when the first page was read comes once. A page looks at 5,000
/// movements at most, so a short or empty page can have a `next`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/ledger",
    operation_id = "ledger_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<Filter, Position, PageLimit>,
) -> Answer<Listed<Movement>, Failure> {
    let after = list.after.as_ref();
    let page = ledger::list(&app.db, &clerk.shop, &list.filter, after, list.limit).await?;
    Ok(Listed(page))
}
