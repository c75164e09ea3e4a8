//! The event of one HTTP request, payload format 2.0.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::lambda::{ACCOUNT, unix_ms};

/// The content types that reach a function as text; all others come in base64.
const TEXT_TYPES: [&str; 4] = [
    "application/json",
    "application/javascript",
    "application/xml",
    "application/problem+json",
];

pub(super) fn build(head: &Parts, body: &[u8], peer: SocketAddr, is_api: bool) -> Value {
    let path = head.uri.path();
    let host = text(&head.headers, HOST).unwrap_or_default();
    let route_key = match is_api {
        true if path.starts_with("/v1/admin/") => "ANY /v1/admin/{proxy+}",
        true => "ANY /v1/{proxy+}",
        false => "$default",
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": joined_headers(&head.headers),
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
    let mut add = |name: &str, value: Value| {
        if let Some(object) = event.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    if let Some(query) = head.uri.query() {
        add("queryStringParameters", json!(parameters(query)));
    }
    if let Some(rest) = path.strip_prefix("/v1/").filter(|_| is_api) {
        add("pathParameters", json!({ "proxy": rest }));
    }
    if let Some(cookies) = text(&head.headers, COOKIE) {
        let cookies: Vec<&str> = cookies.split(';').map(str::trim).collect();
        add("cookies", json!(cookies));
    }
    if !body.is_empty() {
        match std::str::from_utf8(body)
            .ok()
            .filter(|_| is_text(&head.headers))
        {
            Some(text) => add("body", json!(text)),
            None => {
                add("body", json!(STANDARD.encode(body)));
                add("isBase64Encoded", json!(true));
            }
        }
    }
    event
}

/// Lower-case names; values of one name joined with commas; cookies have their own place.
fn joined_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

/// Decoded; values of one name joined with commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        parameters
            .entry(decoded(name))
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

/// `%41` and `+`; what is no valid escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = tail.get(..2).filter(|_| *first == b'%');
        let escaped = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (escaped, first) {
            (Some(byte), _) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (None, b'+') => bytes.push(b' '),
            (None, byte) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
    OffsetDateTime::now_utc()
        .format(&format)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event(request: Request<()>, body: &[u8]) -> Value {
        build(
            &request.into_parts().0,
            body,
            SocketAddr::from(([127, 0, 0, 1], 9)),
            true,
        )
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
        assert_eq!(event["rawPath"], "/v1/shops/dress/a%20b");
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
