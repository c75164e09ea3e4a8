//! Calls from a browser's pages (CORS): the HTTP API allows pages of this machine, as the template
//! allows the origins of its parameter `CorsAllowOrigins`.
//!
//! Rejected: `tower_http::cors`. It takes each OPTIONS for a preflight request, answers 200, and
//! sends its lists to origins that it refuses. AWS's HTTP API does none of these.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

// A test holds these values equal to the template's CorsConfiguration.
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET,PUT,POST,PATCH,DELETE"),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization,content-type,if-match,x-holdfast-customer",
    ),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];
const ANSWER: [(HeaderName, &str); 1] = [(
    ACCESS_CONTROL_EXPOSE_HEADERS,
    "etag,retry-after,x-holdfast-next,x-request-id",
)];

/// Answers a preflight request itself, on every path and without a token. Any other answer gets the
/// headers that let the page read it, also the API's own 401 and 404.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = headers.get(ORIGIN).cloned();
    let is_preflight = request.method() == Method::OPTIONS
        && origin.is_some()
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let (mut response, more) = if is_preflight {
        (StatusCode::NO_CONTENT.into_response(), &PREFLIGHT[..])
    } else {
        (next.run(request).await, &ANSWER[..])
    };
    if let Some(origin) = origin.filter(is_loopback) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        for (name, value) in more {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Whether an origin, in the form that a browser sends, is this machine; its port is free.
fn is_loopback(origin: &HeaderValue) -> bool {
    let Some((origin, url)) = origin
        .to_str()
        .ok()
        .and_then(|origin| Some((origin, Url::parse(origin).ok()?)))
    else {
        return false;
    };
    // Without this, `http://localhost/path` would pass, and other spellings of 127.0.0.1.
    url.origin().ascii_serialization() == origin
        && matches!(url.scheme(), "http" | "https")
        && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_of_this_machine_are_allowed() {
        let allowed = |origin: &'static str| is_loopback(&HeaderValue::from_static(origin));
        for own in [
            "http://localhost",
            "http://localhost:5173",
            "https://localhost:8443",
            "http://127.0.0.1",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://[::1]",
        ] {
            assert!(allowed(own), "{own}");
        }
        for foreign in [
            "",
            "*",
            "null",
            "localhost:3000",
            "https://shop.example",
            "http://localhost.shop.example",
            "http://notlocalhost:3000",
            "http://localhost@shop.example",
            "http://shop.example/?http://localhost",
            "http://localhost:3000/",
            "http://127.1:3000",
            "http://192.168.0.1:3000",
            "http://0.0.0.0:3000",
            "http://[::2]:3000",
            "ftp://localhost",
            "file://localhost",
            "http://localhost:3000 http://shop.example",
        ] {
            assert!(!allowed(foreign), "{foreign}");
        }
    }
}
