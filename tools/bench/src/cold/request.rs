//! One request to each HTTP function, as the service in front of it passes it on.

use std::collections::BTreeMap;

use local::Stack;
use local::functions::{ADMIN, CHECKOUT, WEBHOOK};
use serde_json::{Value, json};
use simulator::cashfree::webhook::{Facts, Kind, Version, body, signature, timestamp};
use time::OffsetDateTime;

const SHOP: &str = "dress";
const SKU: &str = "CLUTCH-GOLD";

pub(super) const FUNCTIONS: [Function; 3] = [
    Function {
        name: CHECKOUT,
        request: availability,
    },
    Function {
        name: ADMIN,
        request: shop,
    },
    Function {
        name: WEBHOOK,
        request: webhook,
    },
];

/// A function, and a request that it answers with 200.
pub(super) struct Function {
    pub(super) name: &'static str,
    request: fn(&Stack) -> Request,
}

#[derive(Default)]
struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: BTreeMap<&'static str, String>,
    body: Option<String>,
    authorizer: Option<Value>,
}

impl Function {
    /// A new event of the request, in payload format 2.0.
    pub(super) fn event(&self, stack: &Stack) -> Vec<u8> {
        let request = (self.request)(stack);
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": request.path,
            "rawQueryString": request.query, "headers": request.headers,
            "requestContext": {
                "accountId": "1", "apiId": "1", "domainName": "cold", "domainPrefix": "cold",
                "http": {
                    "method": request.method, "path": request.path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "cold",
                },
                "requestId": "1", "routeKey": "$default", "stage": "$default",
                "time": "22/Nov/2026:10:00:00 +0000", "timeEpoch": 0,
            },
            "isBase64Encoded": false,
        });
        if let Some(body) = request.body {
            event["body"] = body.into();
        }
        if let Some(authorizer) = request.authorizer {
            event["requestContext"]["authorizer"] = authorizer;
        }
        event.to_string().into_bytes()
    }
}

fn availability(_: &Stack) -> Request {
    Request {
        method: "GET",
        path: format!("/v1/shops/{SHOP}/availability"),
        query: format!("skus={SKU}"),
        ..Request::default()
    }
}

fn shop(_: &Stack) -> Request {
    let claims = json!({ "sub": "cold", "shops": format!("[{SHOP}]"), "scope": "holdfast:admin" });
    Request {
        method: "GET",
        path: format!("/v1/admin/shops/{SHOP}"),
        authorizer: Some(json!({ "jwt": { "claims": claims, "scopes": null } })),
        ..Request::default()
    }
}

fn webhook(stack: &Stack) -> Request {
    let secret = &stack.secrets[SHOP];
    let now = OffsetDateTime::now_utc();
    let body = body(&Facts {
        kind: Kind::Paid,
        version: Version::V2025,
        reference: "dress-cold",
        amount_minor: 10_000,
        currency: "INR",
        customer: "cold",
        payment_id: 1_000_000,
        at: now,
    });
    let timestamp = timestamp(now);
    Request {
        method: "POST",
        path: format!("/v1/shops/{SHOP}/webhooks/cashfree"),
        headers: [
            ("content-type", "application/json".to_owned()),
            (
                "x-webhook-signature",
                signature(secret, &timestamp, body.as_bytes()),
            ),
            ("x-webhook-timestamp", timestamp),
            ("x-webhook-version", Version::V2025.name().to_owned()),
        ]
        .into(),
        body: Some(body),
        ..Request::default()
    }
}
