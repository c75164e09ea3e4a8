//! The event of one HTTP request, payload format 2.0.
//!
//! The path is decoded once behind the HTTP API, and stays percent-encoded behind a function URL,
//! as on AWS. The raw query string stays encoded behind both. AWS documents neither; these have
//! captures of live events:
//! - <https://github.com/hotsock/voker/pull/8>
//! - <https://github.com/middleapi/standard-server/pull/93>

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::lambda::{ACCOUNT, unix_ms};

/// Bodies of these types reach a function as text, others in base64.
const TEXT_TYPES: [&str; 4] = [
    "application/json",
    "application/javascript",
    "application/xml",
    "application/problem+json",
];

/// `prefix` is what stands before `{proxy+}` in the HTTP API's route; a function URL has none.
pub(super) fn build(head: &Parts, body: &[u8], peer: SocketAddr, prefix: Option<&str>) -> Value {
    let (path, route_key) = match prefix {
        Some(prefix) => (
            decoded(head.uri.path()),
            format!("{} {prefix}{{proxy+}}", head.method),
        ),
        None => (head.uri.path().to_owned(), "$default".to_owned()),
    };
    let host = text(&head.headers, HOST).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers(&head.headers),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split('.').next(),
            "http": {
                "method": head.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": text(&head.headers, USER_AGENT).unwrap_or_default(),
            },
            "requestId": uuid::Uuid::new_v4().to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "time": log_time(),
            "timeEpoch": u64::try_from(unix_ms()).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    if let Some(query) = head.uri.query() {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let parameters = joined(pairs.map(|(name, value)| (name.into_owned(), value)));
        event["queryStringParameters"] = json!(parameters);
    }
    if let Some(rest) = prefix.and_then(|prefix| path.strip_prefix(prefix)) {
        event["pathParameters"] = json!({ "proxy": rest });
    }
    if let Some(cookies) = text(&head.headers, COOKIE) {
        let cookies: Vec<&str> = cookies.split(';').map(str::trim).collect();
        event["cookies"] = json!(cookies);
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok();
        match text.filter(|_| is_text(&head.headers)) {
            Some(text) => event["body"] = json!(text),
            None => {
                event["body"] = json!(STANDARD.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
    }
    event
}

/// The path as AWS's HTTP API passes it on: decoded once, and cut off at a decoded `?`.
fn decoded(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    path.split('?').next().unwrap_or_default().to_owned()
}

/// Names in lower case. Cookies have a field of their own.
fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let others = headers.iter().filter(|(name, _)| **name != COOKIE);
    joined(
        others.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()))),
    )
}

/// The values of one name, joined with commas.
fn joined<'a>(pairs: impl Iterator<Item = (String, Cow<'a, str>)>) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        joined
            .entry(name)
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = text(headers, CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || TEXT_TYPES.contains(&kind)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// `21/Nov/2026:23:15:04 +0000`, as in an access log.
fn log_time() -> String {
    let format =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    let time = OffsetDateTime::now_utc().format(&format);
    time.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event(request: Request<()>, body: &[u8]) -> Value {
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        build(&request.into_parts().0, body, peer, Some("/v1/"))
    }

    /// The last segment of a path as a client sends it, and as the HTTP API passes it on.
    const SEGMENTS: [(&str, &str); 9] = [
        ("X-1", "X-1"),
        ("E%3A4", "E:4"),
        ("X%2D1", "X-1"),
        ("a%20b", "a b"),
        ("X%252D1", "X%2D1"),
        ("a%2Fb", "a/b"),
        ("%E2%82%AC%ff", "€\u{fffd}"),
        ("100%", "100%"),
        ("a%3Fb=1", "a"),
    ];

    #[test]
    fn the_http_api_decodes_a_path_once_and_a_function_url_does_not() {
        for (sent, decoded) in SEGMENTS {
            let uri = format!("/v1/admin/skus/{sent}?q={sent}");
            let head = Request::get(uri).body(()).unwrap().into_parts().0;
            let peer = SocketAddr::from(([127, 0, 0, 1], 9));

            let api = build(&head, b"", peer, Some("/v1/admin/"));
            let path = format!("/v1/admin/skus/{decoded}");
            assert_eq!(api["rawPath"], path);
            assert_eq!(api["requestContext"]["http"]["path"], path);
            let parameters = json!({ "proxy": format!("skus/{decoded}") });
            assert_eq!(api["pathParameters"], parameters);
            assert_eq!(api["routeKey"], "GET /v1/admin/{proxy+}");
            assert_eq!(api["rawQueryString"], format!("q={sent}"));

            let url = build(&head, b"", peer, None);
            let path = format!("/v1/admin/skus/{sent}");
            assert_eq!(url["rawPath"], path);
            assert_eq!(url["requestContext"]["http"]["path"], path);
            assert_eq!(url.get("pathParameters"), None);
            assert_eq!(url["routeKey"], "$default");
            assert_eq!(url["rawQueryString"], format!("q={sent}"));
        }
    }

    #[test]
    fn a_request_becomes_an_event_of_format_2() {
        let request = Request::put("/v1/shops/dress/a%20b?skus=A%2CB&skus=C&x=1+2")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("X-Many", "1")
            .header("X-Many", "2")
            .header("Cookie", "a=1; b=2")
            .body(())
            .unwrap();
        let event = event(request, b"{}");
        assert_eq!(event["rawPath"], "/v1/shops/dress/a b");
        assert_eq!(
            event["queryStringParameters"],
            json!({ "skus": "A,B,C", "x": "1 2" })
        );
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(event["requestContext"]["http"]["method"], "PUT");
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("{}"), &json!(false))
        );
    }

    #[test]
    fn a_body_that_is_not_text_comes_in_base64() {
        let plain = Request::post("/v1/x").body(()).unwrap();
        assert_eq!(event(plain, b"raw")["body"], "cmF3");
        let broken = Request::post("/v1/x").header("content-type", "application/json");
        assert_eq!(
            event(broken.body(()).unwrap(), b"\xff")["isBase64Encoded"],
            true
        );
    }
}
