//! The HTTP front: API Gateway's HTTP API, a function URL, and the Lambda Invoke API.
//!
//! Events and answers have payload format 2.0, which an HTTP API and a function URL share. The
//! limits are those of AWS, so that a body or an answer that would fail there fails here.

mod authorizer;
mod event;
mod reply;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Error;
use crate::lambda::{Host, InvokeError};
use crate::stopping::Stopping;

pub(crate) use authorizer::Authorizer;

/// API Gateway's limit of a request body; a function's own payload limit is lower still.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// API Gateway's longest integration; a function URL has the function's own timeout only.
const API_TIMEOUT: Duration = Duration::from_secs(30);
/// Open connections get this long to finish when the stack stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Which service of AWS a listener stands for; they differ in how they refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    HttpApi,
    FunctionUrl,
}

struct Gateway {
    host: Arc<Host>,
    function: &'static str,
    front: Front,
    /// Who stands in front of the function; nobody before the storefront's.
    authorizer: Option<Authorizer>,
}

/// A listener that answers until the stack stops.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    /// Waits for open requests, for a short time; call it after the switch was used.
    pub(crate) async fn finish(mut self) {
        if tokio::time::timeout(GOODBYE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// The HTTP API: everything under /v1/ is `function`'s, but what is under /v1/admin/ is the admin
/// function's, behind its authorizer. The Invoke API reaches all of them.
pub(crate) fn http_api(
    listener: TcpListener,
    host: Arc<Host>,
    function: &'static str,
    (admin_function, authorizer): (&'static str, Authorizer),
    stopping: Stopping,
) -> Result<Serving, Error> {
    let invoke = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke_api))
        .with_state(Arc::clone(&host));
    let storefront = Arc::new(Gateway {
        host: Arc::clone(&host),
        function,
        front: Front::HttpApi,
        authorizer: None,
    });
    let admin = Arc::new(Gateway {
        host,
        function: admin_function,
        front: Front::HttpApi,
        authorizer: Some(authorizer),
    });
    let admin = Router::new()
        .route("/v1/admin/{*rest}", any(pass))
        .with_state(admin);
    let router = Router::new()
        .route("/v1/{*rest}", any(pass))
        .with_state(storefront)
        .merge(admin)
        .merge(invoke)
        .fallback(async || message(StatusCode::NOT_FOUND, "Not Found"));
    serve(listener, router, stopping)
}

/// A function URL: every path is the function's.
pub(crate) fn function_url(
    listener: TcpListener,
    host: Arc<Host>,
    function: &'static str,
    stopping: Stopping,
) -> Result<Serving, Error> {
    let gateway = Arc::new(Gateway {
        host,
        function,
        front: Front::FunctionUrl,
        authorizer: None,
    });
    let router = Router::new().fallback(pass).with_state(gateway);
    serve(listener, router, stopping)
}

/// Takes a port of this machine; 0 is any free one. Apart from serving, so that a taken port is
/// known before anything was started.
pub(crate) async fn bind(port: u16, option: &'static str) -> Result<TcpListener, Error> {
    let taken = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Error::PortTaken { port, option },
        _ => Error::io(format!("listen on 127.0.0.1:{port}"))(error),
    };
    TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)
}

pub(crate) fn serve(
    listener: TcpListener,
    router: Router,
    mut stopping: Stopping,
) -> Result<Serving, Error> {
    let address = listener.local_addr().map_err(Error::io("read the port"))?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        let stopped = async move { stopping.wait().await };
        if let Err(error) = axum::serve(listener, service)
            .with_graceful_shutdown(stopped)
            .await
        {
            tracing::error!("the listener on {address} ended: {error}");
        }
    });
    Ok(Serving { address, task })
}

async fn pass(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let mut event = event::build(&head, &body, peer, gateway.front == Front::HttpApi);
    if let Some(authorizer) = &gateway.authorizer {
        let Some(context) = authorizer.admit(&head.headers) else {
            return message(StatusCode::UNAUTHORIZED, "Unauthorized");
        };
        event["requestContext"]["authorizer"] = context;
    }
    let call = gateway
        .host
        .invoke(gateway.function, event.to_string().into_bytes());
    let answer = match gateway.front {
        Front::HttpApi => match tokio::time::timeout(API_TIMEOUT, call).await {
            Ok(answer) => answer,
            Err(_) => return message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        },
        Front::FunctionUrl => call.await,
    };
    match answer {
        Ok(payload) => reply::read(&payload).unwrap_or_else(|| {
            tracing::warn!("{} gave a malformed answer", gateway.function);
            message(StatusCode::BAD_GATEWAY, "Internal Server Error")
        }),
        Err(error) => refuse(&gateway, &error),
    }
}

fn refuse(gateway: &Gateway, error: &InvokeError) -> Response {
    match error {
        InvokeError::TooLarge => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        InvokeError::Throttled if gateway.front == Front::FunctionUrl => {
            message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
        }
        InvokeError::Throttled => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        InvokeError::UnknownFunction(_)
        | InvokeError::TimedOut(_)
        | InvokeError::Crashed
        | InvokeError::Failed { .. } => {
            tracing::warn!("{}: {error}", gateway.function);
            message(StatusCode::BAD_GATEWAY, "Internal Server Error")
        }
    }
}

/// `POST /2015-03-31/functions/{name}/invocations`, for curl and the AWS CLI.
async fn invoke_api(
    State(host): State<Arc<Host>>,
    Path(name): Path<String>,
    payload: Bytes,
) -> Response {
    let payload = if payload.is_empty() {
        b"{}".to_vec()
    } else {
        payload.to_vec()
    };
    match host.invoke(&name, payload).await {
        Ok(answer) => Response::new(Body::from(answer)),
        Err(error @ InvokeError::UnknownFunction(_)) => {
            message(StatusCode::NOT_FOUND, &error.to_string())
        }
        Err(error @ InvokeError::TooLarge) => {
            message(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string())
        }
        Err(error @ InvokeError::Throttled) => {
            message(StatusCode::TOO_MANY_REQUESTS, &error.to_string())
        }
        // The call itself went well, the function did not: 200 and a header, as on AWS.
        Err(error) => {
            let body = serde_json::json!({ "errorMessage": error.to_string() });
            ([("x-amz-function-error", "Unhandled")], body.to_string()).into_response()
        }
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text });
    (
        status,
        [("content-type", "application/json")],
        body.to_string(),
    )
        .into_response()
}
