//! The subscribers of a shop: URLs that get its announcements.

use axum::extract::State;
use holdfast_http::{Answer, Json, Made, Path, Route, found, route};
use operations::db::Failure;
use operations::subscriber::{
    self, Enable, Name, Put, PutError, Subscriber, Subscribers, Test, TestError, Tested,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![
        route!(list),
        route!(read),
        route!(put),
        route!(delete),
        route!(enable),
        route!(test),
    ]
}

/// List the subscribers
///
/// All subscribers of the shop, 20 at most, sorted by name, with the state of their deliveries.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/subscribers",
    operation_id = "subscriber_list",
    tag = "office",
    responses((status = 200, description = "The subscribers."))
)]
async fn list(State(app): State<Shared>, clerk: Clerk) -> Answer<Json<Subscribers>, Failure> {
    Ok(Json(subscriber::list(&app.db, &clerk.shop).await?))
}

/// Read a subscriber
///
/// The subscriber's URL, its announcement types, and the state of its deliveries.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/subscribers/{name}",
    operation_id = "subscriber_read",
    tag = "office",
    responses((status = 200, description = "The subscriber."))
)]
async fn read(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
) -> Answer<Json<Subscriber>, Failure> {
    let read = subscriber::read(&app.db, &clerk.shop, &name).await;
    found("subscriber", read).map(Json)
}

/// Create or change a subscriber
///
/// The subscriber gets announcements (docs/events.md) from now on, as signed HTTP requests of
/// Standard Webhooks. The request has no secret: the operator stores it under this name. A
/// disabled subscriber is enabled again. A shop has 20 subscribers at most.
///
/// **Retry:** harmless.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/subscribers/{name}",
    operation_id = "subscriber_put",
    tag = "office",
    responses(
        (status = 200, description = "The subscriber existed. It is now as in the answer."),
        (status = 201, description = "The subscriber is new.")
    )
)]
async fn put(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
    Json(put): Json<Put>,
) -> Answer<Made<Subscriber>, PutError> {
    let (new, body) = subscriber::put(&app.db, &clerk.shop, &name, &put).await?;
    Ok(Made { new, body })
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SubscriberDeleted)]
struct Deleted {
    deleted: Name,
}

/// Delete a subscriber
///
/// Deletes the subscriber and everything that waits for it.
///
/// **Retry:** harmless. The answer is then 404.
#[utoipa::path(
    delete,
    path = "/v1/admin/shops/{shop}/subscribers/{name}",
    operation_id = "subscriber_delete",
    tag = "office",
    responses((status = 200, description = "The subscriber is deleted."))
)]
async fn delete(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
) -> Answer<Json<Deleted>, Failure> {
    let deleted = subscriber::delete(&app.db, &clerk.shop, &name).await;
    let deleted = deleted.map(|deleted| deleted.then_some(Deleted { deleted: name }));
    found("subscriber", deleted).map(Json)
}

/// Enable a subscriber
///
/// A subscriber that answered 410 gets nothing. This enables it, for announcements from now on. The
/// log of deliveries keeps the announcements that were given up; each can be sent again.
///
/// **Retry:** harmless. A subscriber that was disabled again since `disabled_at` stays disabled.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/subscribers/{name}/enable",
    operation_id = "subscriber_enable",
    tag = "office",
    responses((status = 200, description = "The subscriber, as it is now."))
)]
async fn enable(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
    Json(enable): Json<Enable>,
) -> Answer<Json<Subscriber>, Failure> {
    let enabled = subscriber::enable(&app.db, &clerk.shop, &name, enable).await;
    found("subscriber", enabled).map(Json)
}

/// Send a test message to a subscriber
///
/// The next sweep sends a message of the type `subscriber.test` to this subscriber alone, signed
/// like any other. The log of deliveries shows its answer.
///
/// **Retry:** with the same `test_id` no second message is sent.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/subscribers/{name}/test",
    operation_id = "subscriber_test",
    tag = "office",
    responses((status = 200, description = "The message waits to be sent, or was sent before."))
)]
async fn test(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(name): Path<Name>,
    Json(test): Json<Test>,
) -> Answer<Json<Tested>, TestError> {
    let tested = subscriber::test(&app.db, &clerk.shop, &name, &clerk.actor, test).await?;
    Ok(Json(tested))
}
