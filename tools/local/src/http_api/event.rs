//! The event of one HTTP request, payload format 2.0.

use std::borrow::Cow;
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

/// Bodies of these types reach a function as text, others in base64.
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
    if let Some(rest) = path.strip_prefix("/v1/").filter(|_| is_api) {
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
        build(&request.into_parts().0, body, peer, true)
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
