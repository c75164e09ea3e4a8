//! The shared parts of the HTTP functions.
//!
//! - [`answer`]: one request, from its log span to its response;
//! - [`Reply`], [`found`] and [`refused`]: answers and problems;
//! - [`parse`]: bodies and queries, parsed strictly, with the name of a wrong field;
//! - [`problem`]: errors as RFC 9457 problems;
//! - [`route`]: the route of a path, for the log;
//! - [`caller`]: the caller, as an authorizer reports it.

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

/// Answers one request. Never fails: a failure is an answer too. Writes one log line with the
/// status, the request's id and the ids in the path.
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

/// The log span of a request: its id, its trace, its route and the ids in its path.
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

/// Adds the order to the log lines of this request.
pub fn about_order(order_id: Uuid, reference: &str) {
    let span = Span::current();
    span.record("order.id", display(order_id));
    span.record("payment.reference", reference);
}
