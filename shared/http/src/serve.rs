//! One request of a function, from its log span to its response.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use lambda_http::tower::ServiceExt as _;
use lambda_http::{RequestExt as _, run_concurrent, service_fn};
use operations::config::Fatal;
use operations::telemetry::{self, Metric};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::path::noted;
use crate::problem::Problem;

/// Characters of a decoded path that stay as they are.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What stands in front of a function, and how it passes paths on. Source: captures of live events,
/// <https://github.com/hotsock/voker/pull/8>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// An HTTP API of API Gateway: it undoes the percent-encoding.
    HttpApi,
    /// A function URL: the path comes as it was sent.
    FunctionUrl,
}

/// The router of a function, with the route of each request in the log.
pub fn router<S: Clone + Send + Sync + 'static>(routes: Router<S>, state: S) -> Router {
    routes.layer(from_fn(note_route)).with_state(state)
}

/// Serves requests until the function is stopped.
///
/// # Errors
/// When the Lambda runtime can't be reached.
pub async fn serve(router: Router, front: Front) -> Result<(), Fatal> {
    let serve = service_fn(move |request| {
        let router = router.clone();
        async move { Ok::<_, lambda_http::Error>(answer(router, front, request).await) }
    });
    Ok(run_concurrent(serve).await?)
}

/// Answers one request. Never fails: a failure is an answer too. Writes one log line with the
/// status, the request's id and the ids in the path.
pub async fn answer(
    router: Router,
    front: Front,
    request: lambda_http::Request,
) -> lambda_http::Response<lambda_http::Body> {
    let _metrics = telemetry::Flush;
    let request_id = request.lambda_context().request_id;
    let span = span(&request);
    async {
        let started = std::time::Instant::now();
        let is_head = request.method() == Method::HEAD;
        let answered = router.oneshot(routable(request, front)).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        let code = write_problem(&mut response, &request_id, is_head);
        let status = response.status().as_u16();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if status >= 500 {
            telemetry::count(Metric::AnswersFailed, 1);
        }
        tracing::info!(status, code, duration_ms, "answered");
        let headers = response.headers_mut();
        // Only a file whose name changes with its content may be kept.
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::try_from(&request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        as_text(response).await
    }
    .instrument(span)
    .await
}

/// The log span of a request: its id and its trace, and later its route and the ids in its path.
/// The log never holds the path itself: a caller may type anything into a path, such as an e-mail
/// address in place of an id.
fn span(request: &lambda_http::Request) -> Span {
    let context = request.lambda_context();
    tracing::info_span!(
        "request",
        request.id = context.request_id,
        trace.id = context.xray_trace_id.as_deref().and_then(telemetry::trace_id),
        method = %request.method(),
        route = Empty,
        shop = Empty,
        checkout.id = Empty,
        order.id = Empty,
        refund.id = Empty,
        import.id = Empty,
        sku = Empty,
        gateway = Empty,
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

/// Adds the route, and the ids of the path that have the form of an id.
async fn note_route(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>();
    Span::current().record("route", route.map_or("none", MatchedPath::as_str));
    if let Ok(parameters) = RawPathParams::from_request_parts(&mut parts, &()).await {
        for (name, value) in &parameters {
            noted(name, value);
        }
    }
    next.run(Request::from_parts(parts, body)).await
}

/// The request with the path as it was sent. The router decodes it, once. The query stays in the
/// extensions, where extractors find it.
///
/// Rejected: the URI of `lambda_http`. It takes a decoded path for an encoded one, and resolves
/// `..`, so a wrong sku would be another path.
fn routable(request: lambda_http::Request, front: Front) -> Request {
    // A function URL ends in a slash, and a path is easily appended with another one.
    let raw = request.raw_http_path().trim_start_matches('/');
    let path = match front {
        Front::HttpApi => format!("/{}", utf8_percent_encode(raw, PLAIN)),
        Front::FunctionUrl => format!("/{raw}"),
    };
    let (mut parts, body) = request.into_parts();
    // a path that is no part of a URI belongs to no route
    let path = PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"));
    parts.uri = Uri::from(path);
    let body = match body {
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Request::from_parts(parts, body)
}

/// The response for Lambda. All answers are text, and API Gateway gets text as it is.
async fn as_text(response: Response) -> lambda_http::Response<lambda_http::Body> {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = String::from_utf8(body.into()).unwrap_or_default();
    // API Gateway sets it, and for HEAD it would be that of a body that is not sent.
    parts.headers.remove(header::CONTENT_LENGTH);
    lambda_http::Response::from_parts(parts, text.into())
}

/// Gives a problem its body, which has the request's id. Returns its code, or an empty text.
fn write_problem(response: &mut Response, request_id: &str, is_head: bool) -> &'static str {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(header::ALLOW).cloned();
        let methods = allow.as_ref().and_then(|allow| allow.to_str().ok());
        let problem = Problem::method_not_allowed(methods.unwrap_or_default());
        *response = axum::response::IntoResponse::into_response(problem);
        response
            .headers_mut()
            .extend(allow.map(|allow| (header::ALLOW, allow)));
    } else {
        // The router also adds it to the 401 of an anonymous caller, who must not learn it.
        response.headers_mut().remove(header::ALLOW);
    }
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return "";
    };
    if !is_head {
        *response.body_mut() = Body::from(problem.body(request_id).to_string());
    }
    problem.0.kind.code
}
