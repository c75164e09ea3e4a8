//! What the functions behind the HTTP API have in common, and nothing of what they do: a library
//! and no function. It stands here and not in `shared`, which knows no Lambda.
//!
//! - [`answer`]: one request, from its span in the log to its response;
//! - [`Reply`] and [`refused`]: answers and problems;
//! - [`parse`]: bodies and queries, read strictly, and the field's name where one is wrong;
//! - [`route`]: the route of a path, for the log;
//! - [`caller`]: what an authorizer in front has found out.

pub mod caller;
mod object;
pub mod parse;
pub mod problem;
pub mod reply;
pub mod route;

use crate::problem::Problem;
use lambda_http::{Body, Request, RequestExt as _, Response};
use operations::telemetry::{self, Metric};
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

pub use object::Object;
pub use reply::{Reply, found, refused};
pub use route::Route;

/// Answers one request. Never fails: a failure is an answer too. One line of the log says how it
/// went, under the request's id and the ids of what it is about.
pub async fn answer<'a, F>(
    request: &'a Request,
    route: impl FnOnce(&'a Request) -> F,
) -> Response<Body>
where
    F: Future<Output = Result<Reply, Problem>>,
{
    let _metrics = telemetry::Flush;
    let request_id = request.lambda_context().request_id;
    let span = span(request);
    async {
        let started = std::time::Instant::now();
        let reply = route(request).await.unwrap_or_else(Reply::from);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if reply.status() >= 500 {
            telemetry::count(Metric::AnswersFailed, 1);
        }
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

/// The span of a request: its id, its trace, and what it is about.
#[must_use]
pub fn span(request: &Request) -> Span {
    let context = request.lambda_context();
    let route = Route::of(request.uri().path());
    tracing::info_span!(
        "request",
        request.id = context.request_id,
        trace.id = context.xray_trace_id.as_deref().and_then(telemetry::trace_id),
        method = %request.method(),
        route = route.pattern,
        shop = route.shop.map(display),
        checkout.id = route.checkout_id.map(display),
        order.id = route.order_id.map(display),
        import.id = route.import_id.map(display),
        sku = route.sku.map(display),
        gateway = route.gateway.map(display),
        payment.reference = Empty,
        message.id = Empty,
    )
}

/// Tells the request's lines which order it is about, once that is known.
pub fn about_order(order_id: Uuid, reference: &str) {
    let span = Span::current();
    span.record("order.id", display(order_id));
    span.record("payment.reference", reference);
}
