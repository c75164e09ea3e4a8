//! A function's answer, payload format 2.0, as an HTTP response.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    status_code: u16,
    headers: Option<HashMap<String, String>>,
    multi_value_headers: Option<HashMap<String, Vec<String>>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// `None` for a malformed answer, which AWS would refuse.
pub(super) fn read(payload: &[u8]) -> Option<Response> {
    let value: serde_json::Value = serde_json::from_slice(payload).ok()?;
    if value.get("statusCode").is_none() {
        // Format 2.0 takes any other JSON as the body itself.
        let mut response = Response::new(Body::from(payload.to_vec()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        return Some(response);
    }
    let reply: Reply = serde_json::from_value(value).ok()?;
    let text = reply.body.unwrap_or_default();
    let body = if reply.is_base64_encoded {
        STANDARD.decode(text).ok()?
    } else {
        text.into_bytes()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(reply.status_code).ok()?;
    let headers = response.headers_mut();
    for (name, value) in reply.headers.unwrap_or_default() {
        headers.insert(
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        );
    }
    for (name, values) in reply.multi_value_headers.unwrap_or_default() {
        let name = HeaderName::try_from(name).ok()?;
        // It repeats the single value of the same header.
        headers.remove(&name);
        for value in values {
            headers.append(name.clone(), HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in reply.cookies.unwrap_or_default() {
        headers.append("set-cookie", HeaderValue::try_from(cookie).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_status_headers_and_body() {
        let payload = br#"{"statusCode":409,"headers":{"x-request-id":"r"},
            "multiValueHeaders":{"x-request-id":["r"]},"body":"aGk=","isBase64Encoded":true}"#;
        let response = read(payload).unwrap();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
    }

    #[test]
    fn a_malformed_answer_is_none() {
        assert!(read(b"not json").is_none());
        assert!(read(br#"{"statusCode":"many"}"#).is_none());
        assert!(read(br#"{"statusCode":200,"body":"%%","isBase64Encoded":true}"#).is_none());
    }
}
