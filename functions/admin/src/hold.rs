//! The journal of holds, page by page.

use axum::extract::State;
use holdfast_http::{Answer, List, Listed, Route, route};
use operations::db::Failure;
use operations::hold::{self, Filter, Hold, Position};
use operations::quantity::PageLimit;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list)]
}

/// List holds
///
/// The holds, page by page: send `next` as `cursor`, with the same filters. Sorted by checkout,
/// so that a hold whose end changes meanwhile still comes once. A page looks at 5,000 holds at
/// most, so a short or empty page can have a `next`. Resolved holds are deleted after 30 days.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/holds",
    operation_id = "hold_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<Filter, Position, PageLimit>,
) -> Answer<Listed<Hold>, Failure> {
    let after = list.after.as_ref();
    let page = hold::list(&app.db, &clerk.shop, &list.filter, after, list.limit).await?;
    Ok(Listed(page))
}
