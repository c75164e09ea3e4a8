//! The log of a subscriber.

use axum::extract::State;
use holdfast_http::{Answer, Json, List, Listed, NoFilter, Path, Route, found, route};
use operations::db::Failure;
use operations::delivery::{self, Logged, Position, Resend, ResendError, Resent};
use operations::quantity::PageLimit;
use operations::subscriber::Name;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(list), route!(resend)]
}

/// List the deliveries to a subscriber
///
/// Every announcement that the subscriber got or is to get, newest first, with its data, its tries
/// and its last error. Ended deliveries are deleted after 30 days. Pages: send `next` as `cursor`.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/subscribers/{name}/deliveries",
    operation_id = "delivery_list",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn list(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
    list: List<NoFilter, Position, PageLimit>,
) -> Answer<Listed<Logged>, Failure> {
    let after = list.after.as_ref();
    let page = delivery::list(&app.db, &clerk.shop, &name, after, list.limit).await;
    found("subscriber", page).map(Listed)
}

/// Send an announcement to a subscriber again
///
/// The next sweep sends it, with the same `webhook-id` and with new tries, whatever became of it
/// before. One that waits already stays as it is.
///
/// **Retry:** with the `created_at` of the log, it is sent once. Without, it is sent once more
/// after it was delivered.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/subscribers/{name}/deliveries/resend",
    operation_id = "delivery_resend",
    tag = "office",
    responses((status = 200, description = "It waits to be sent."))
)]
async fn resend(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
    Json(resend): Json<Resend>,
) -> Answer<Json<Resent>, ResendError> {
    let resent = delivery::resend(&app.db, &clerk.shop, &name, &clerk.actor, &resend).await?;
    Ok(Json(resent))
}
