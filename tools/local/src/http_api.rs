//! The local HTTP API, the webhook function's URL, and Lambda's Invoke API.
//!
//! Events and answers have payload format 2.0, which an HTTP API and a function URL share. The
//! limits are those of AWS: a body or an answer that would fail there fails here.

mod authorizer;
mod cors;
mod event;
mod reply;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::functions::{ADMIN, CHECKOUT, CONSOLE, WEBHOOK};
use crate::lambda::{Host, InvokeError};

pub(crate) use authorizer::Authorizer;

/// API Gateway's limit of a request body; a function's own payload limit is lower.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// API Gateway's longest integration; a function URL has only the function's own timeout.
const API_TIMEOUT: Duration = Duration::from_secs(30);

/// Where requests go, and through which service of AWS; the services differ in how they refuse.
struct Target {
    host: Arc<Host>,
    function: &'static str,
    /// The prefix of the HTTP API's route; `None` for a function URL.
    prefix: Option<&'static str>,
    authorizer: Option<Authorizer>,
}

/// The HTTP API: `/v1/admin/` is the admin function's, behind the authorizer; the rest of `/v1/` is
/// the checkout function's. The Invoke API reaches every function.
///
/// Rejected: the routes of template.yaml one by one. AWS answers `{"message":"Not Found"}` to a
/// path or a method without a route. Here the function answers instead, because its 404 and 405 say
/// what is wrong. A test holds the template's routes equal to those of openapi.yaml.
pub(crate) fn http_api(host: &Arc<Host>, authorizer: Authorizer) -> Router {
    let target = |function, prefix, authorizer| {
        let host = Arc::clone(host);
        Arc::new(Target {
            host,
            function,
            prefix: Some(prefix),
            authorizer,
        })
    };
    let admin = any(forward).with_state(target(ADMIN, "/v1/admin/", Some(authorizer)));
    let checkout = any(forward).with_state(target(CHECKOUT, "/v1/", None));
    let invoke = post(invoke).with_state(Arc::clone(host));
    Router::new()
        .route("/v1/admin/{*rest}", admin)
        .route("/v1/{*rest}", checkout)
        .fallback(async || message(StatusCode::NOT_FOUND, "Not Found"))
        // Routes after this line are not part of the HTTP API, and no page may call them.
        .layer(from_fn(cors::layer))
        .route("/2015-03-31/functions/{name}/invocations", invoke)
}

/// The webhook function's URL: it gets every path.
pub(crate) fn function_url(host: &Arc<Host>) -> Router {
    let target = Target {
        host: Arc::clone(host),
        function: WEBHOOK,
        prefix: None,
        authorizer: None,
    };
    Router::new().fallback(forward).with_state(Arc::new(target))
}

/// The console function's URL. A person who types the address alone gets the first page.
pub(crate) fn console(host: &Arc<Host>) -> Router {
    let target = Target {
        host: Arc::clone(host),
        function: CONSOLE,
        prefix: None,
        authorizer: None,
    };
    Router::new()
        .route("/", get(async || Redirect::to("/console")))
        .fallback(forward)
        .with_state(Arc::new(target))
}

async fn forward(
    State(target): State<Arc<Target>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let mut event = event::build(&head, &body, peer, target.prefix);
    if let Some(authorizer) = &target.authorizer {
        let Some(context) = authorizer.admit(&head.headers) else {
            return message(StatusCode::UNAUTHORIZED, "Unauthorized");
        };
        event["requestContext"]["authorizer"] = context;
    }
    let payload = event.to_string().into_bytes();
    let call = target.host.invoke(target.function, payload);
    let is_url = target.prefix.is_none();
    let answer = if is_url {
        call.await
    } else {
        match tokio::time::timeout(API_TIMEOUT, call).await {
            Ok(answer) => answer,
            Err(_) => return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    };
    let warn = |what: &dyn std::fmt::Display| {
        tracing::warn!("{}: {what}", target.function);
        message(StatusCode::BAD_GATEWAY, "Internal Server Error")
    };
    match answer {
        Ok(payload) => reply::read(&payload).unwrap_or_else(|| warn(&"a malformed answer")),
        Err(InvokeError::TooLarge) => {
            message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
        }
        Err(InvokeError::Throttled) if is_url => {
            message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
        }
        Err(InvokeError::Throttled) => {
            message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Err(error) => warn(&error),
    }
}

/// `POST /2015-03-31/functions/{name}/invocations`, for curl and the AWS CLI.
async fn invoke(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
    payload: Bytes,
) -> Response {
    let payload = match payload.is_empty() {
        true => b"{}".to_vec(),
        false => payload.to_vec(),
    };
    let error = match host.invoke(&name, payload).await {
        Ok(answer) => return Response::new(Body::from(answer)),
        Err(error) => error,
    };
    let status = match error {
        InvokeError::UnknownFunction(_) => StatusCode::NOT_FOUND,
        InvokeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        InvokeError::Throttled => StatusCode::TOO_MANY_REQUESTS,
        // The call succeeded and the function failed: 200 and a header, as on AWS.
        error => {
            let body = Json(json!({ "errorMessage": error.to_string() }));
            return ([("x-amz-function-error", "Unhandled")], body).into_response();
        }
    };
    message(status, &error.to_string())
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "message": text }))).into_response()
}
