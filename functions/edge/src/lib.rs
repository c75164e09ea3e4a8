//! What the functions behind the HTTP API have in common, and nothing of what they do: a library
//! and no function. It stands here and not in `shared`, which knows no Lambda.
//!
//! - [`answer`]: one request, from its span in the log to its response;
//! - [`Reply`] and [`refused`]: answers and problems;
//! - [`parse`]: bodies and queries, read strictly, and the field's name where one is wrong;
//! - [`caller`]: what an authorizer in front has found out.

pub mod caller;
mod object;
pub mod parse;
pub mod reply;

use lambda_http::{Body, Request, RequestExt as _, Response};
use shared::problem::Problem;
use tracing::Instrument as _;

pub use object::Object;
pub use reply::{Reply, refused};

/// Answers one request. Never fails: a failure is an answer too. One line of the log says how it
/// went, under the request's id.
pub async fn answer<'a, F>(
    request: &'a Request,
    route: impl FnOnce(&'a Request) -> F,
) -> Response<Body>
where
    F: Future<Output = Result<Reply, Problem>>,
{
    let request_id = request.lambda_context().request_id;
    let method = request.method();
    let path = request.uri().path();
    let span = tracing::info_span!("request", request.id = request_id, %method, path);
    async {
        let started = std::time::Instant::now();
        let reply = route(request).await.unwrap_or_else(Reply::from);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            status = reply.status(),
            code = reply.code(),
            duration_ms,
            "answered"
        );
        reply.into_response(&request_id)
    }
    .instrument(span)
    .await
}
