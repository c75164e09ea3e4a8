//! Stock levels: read, and changed with the version that the clerk saw.

use axum::extract::{FromRequestParts, State};
use holdfast_http::contract::{Description, Input};
use holdfast_http::{Answer, Json, Path, Problem, Refused, Route, Versioned, found, route};
use lambda_http::http::header::IF_MATCH;
use lambda_http::http::request::Parts;
use operations::db::Failure;
use operations::ids::Sku;
use operations::quantity::Version;
use operations::refusal::{Declared, Refusal};
use operations::stock::{
    self, Adjust, ChangeError, Changed, Level, PRECONDITION_FAILED, Receive, STOCK_STALE, Set,
    Shrink, ShrinkError, Shrinkage, Stale,
};
use utoipa::ToSchema;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::app::Shared;
use crate::caller::Clerk;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![
        route!(read),
        route!(receive),
        route!(adjust),
        route!(set),
        route!(shrink),
    ]
}

/// Read a stock level
///
/// The counters of a sku, and the `version` that a change must send back.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/stock/{sku}",
    operation_id = "stock_read",
    tag = "office",
    responses((status = 200, description = "The stock level."))
)]
async fn read(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
) -> Answer<Versioned<Level>, Failure> {
    let body = found("sku", stock::read(&app.db, &clerk.shop, &sku).await)?;
    let version = body.version;
    Ok(Versioned { version, body })
}

/// Receive stock
///
/// Adds units that came in. The ledger's reason is `received`.
///
/// **Retry:** with the same `movement_id` the change counts once, and the answer shows its
/// movement. Without a `movement_id` a repeated request has an old version and is refused.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/stock/{sku}/receive",
    operation_id = "stock_receive",
    tag = "office",
    responses((status = 200, description = "The stock is changed, by this request or by an earlier \
        copy of it."))
)]
async fn receive(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    if_match: IfMatch,
    Json(mut receive): Json<Receive>,
) -> Answer<Versioned<Changed>, ChangeError> {
    receive.expected_version = if_match.or(receive.expected_version)?;
    let answer = stock::receive(&app.db, &clerk.shop, &sku, &clerk.actor, &receive).await;
    if_match.answer(answer, |changed| changed.level.version)
}

/// Adjust stock by a difference
///
/// Adds or removes units. The ledger's reason is `adjusted`, with your `note`. It never removes
/// units that shoppers hold.
///
/// **Retry:** with the same `movement_id` the change counts once, and the answer shows its
/// movement. Without a `movement_id` a repeated request has an old version and is refused.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/stock/{sku}/adjust",
    operation_id = "stock_adjust",
    tag = "office",
    responses((status = 200, description = "The stock is changed, by this request or by an earlier \
        copy of it."))
)]
async fn adjust(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    if_match: IfMatch,
    Json(mut adjust): Json<Adjust>,
) -> Answer<Versioned<Changed>, ChangeError> {
    adjust.expected_version = if_match.or(adjust.expected_version)?;
    let answer = stock::adjust(&app.db, &clerk.shop, &sku, &clerk.actor, &adjust).await;
    if_match.answer(answer, |changed| changed.level.version)
}

/// Set stock to a count
///
/// Sets `on_hand` to the counted number. The ledger's reason is `adjusted`, with the difference
/// and your `note`. The number can't be below the units that shoppers hold.
///
/// **Retry:** with the same `movement_id` the change counts once, and the answer shows its
/// movement. Without a `movement_id` a repeated request has an old version and is refused.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/stock/{sku}/set",
    operation_id = "stock_set",
    tag = "office",
    responses((status = 200, description = "The stock is changed, by this request or by an earlier \
        copy of it."))
)]
async fn set(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    if_match: IfMatch,
    Json(mut set): Json<Set>,
) -> Answer<Versioned<Changed>, ChangeError> {
    set.expected_version = if_match.or(set.expected_version)?;
    let answer = stock::set(&app.db, &clerk.shop, &sku, &clerk.actor, &set).await;
    if_match.answer(answer, |changed| changed.level.version)
}

/// Remove missing stock
///
/// Removes counted units that are not there from `on_hand`. The ledger's reason is `missing`,
/// with your `note`. If shoppers hold more than is left, the newest holds are broken until the
/// rest fits: whole checkouts end, their orders are cancelled, and each is announced as
/// `checkout.broken`. Due holds expire first. `dry_run` changes nothing and shows whose holds
/// would be broken; send its `version` with the real call.
///
/// **Retry:** with the same `movement_id` the change counts once, and the answer shows its
/// movement. Without a `movement_id` a repeated request has an old version and is refused.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/stock/{sku}/shrink",
    operation_id = "stock_shrink",
    tag = "office",
    responses((status = 200, description = "The units are removed, by this request or by an \
        earlier copy of it. For a dry run: the result that the call would have."))
)]
async fn shrink(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(sku): Path<Sku>,
    if_match: IfMatch,
    Json(mut shrink): Json<Shrink>,
) -> Answer<Versioned<Shrinkage>, ShrinkError> {
    shrink.expected_version = if_match.or(shrink.expected_version)?;
    let answer = stock::shrink(&app.db, &clerk.shop, &sku, &clerk.actor, &shrink).await;
    if_match.answer(answer, |shrunk| shrunk.level.version)
}

/// The version of the header `If-Match: "7"`, if it is there.
#[derive(Clone, Copy)]
struct IfMatch(Option<Version>);

impl IfMatch {
    /// The version that the clerk saw, from the header or from the body. One of them must have it.
    /// If both have it, they must be equal.
    fn or(self, in_body: Option<Version>) -> Result<Option<Version>, Problem> {
        let message = match (self.0, in_body) {
            (Some(header), Some(body)) if header != body => {
                "is another version than that of the header if-match"
            }
            (None, None) => {
                "is missing: send the version that you have seen, here or as the header if-match"
            }
            (header, body) => return Ok(header.or(body)),
        };
        Err(Problem::invalid("expected_version", message))
    }

    /// The answer with its version. A stale version of the header is a failed precondition.
    fn answer<T, E: Refusal>(
        self,
        answer: Result<T, E>,
        version: impl FnOnce(&T) -> i64,
    ) -> Answer<Versioned<T>, E> {
        match answer {
            Ok(body) => Ok(Versioned {
                version: version(&body),
                body,
            }),
            Err(error) if self.0.is_some() => {
                Err(Refused::from(error).with_kind_instead(STOCK_STALE, PRECONDITION_FAILED))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let quoted = value.to_str().ok();
        let digits = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
        // The parser of numbers accepts a `+` before them.
        let digits = digits.filter(|digits| !digits.starts_with('+'));
        let version = digits.and_then(|digits| digits.parse().ok());
        let message = "must be one version in quotes, such as \"7\"";
        version
            .map(|version| Self(Some(version)))
            .ok_or_else(|| Problem::invalid("if-match", message))
    }
}

impl Input for IfMatch {
    fn describe(to: &mut Description) {
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "only its schema is needed")]
        struct Members {
            all: Stale,
        }
        let about = "The version that you have seen, in quotes, as in the header `ETag`. Use it \
                     instead of `expected_version`; if you send both, they must be equal.";
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(about))
            .pattern(Some("^\"[0-9]{1,16}\"$"))
            .examples(["\"1\""]);
        to.parameter("if-match", ParameterIn::Header, false, schema.into());
        to.declare(Declared::new::<Members>(
            PRECONDITION_FAILED,
            &["like `stock_stale`, for a caller who sent the version as `If-Match`."],
        ));
    }
}
