//! openapi.yaml is what the code says, and the functions answer by it.

use std::collections::BTreeSet;

use serde_json::json;
use tests::contract::CONTRACT;
use tests::http::Call;
use tests::stack::{STACK, function_of, root};

const METHODS: [&str; 9] = [
    "GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PURGE",
];
const ID: &str = "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4";

#[test]
fn the_contract_is_what_the_code_says() {
    let path = root().join("openapi.yaml");
    let text = tests::openapi::text();
    if std::env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let differs = |(ours, theirs): &(&str, &str)| ours != theirs;
    let first = text.lines().zip(written.lines()).find(differs);
    assert!(
        text == written,
        "`make openapi` writes it; the first other line (code, file): {first:#?}"
    );
}

#[tokio::test]
async fn each_path_has_the_methods_of_the_contract_and_no_other() {
    for (template, mut methods) in CONTRACT.routes() {
        let path = CONTRACT.example(methods.first().unwrap(), &template);
        // the router answers HEAD by the handler of GET
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        for method in METHODS {
            let answer = Call::new(method, &path)
                .claims(json!({ "sub": "c", "shops": "dress", "scope": "holdfast:admin" }))
                .invoke(&STACK.host, function_of(&path))
                .await;
            let refused = answer.status == 405;
            assert_eq!(
                refused,
                !methods.contains(method),
                "{method} {path}: {answer:#?}"
            );
            if refused {
                let allow = answer.headers["allow"].split(',').map(str::to_owned);
                assert_eq!(allow.collect::<BTreeSet<_>>(), methods, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_beside_a_route_is_not_found() {
    for path in [
        "/",
        "/v1",
        "/v1/shops",
        "/v1/shops/dress",
        "/v1/shops/dress/",
        "/v1/shops/dress/checkouts",
        "/v1/shops/dress/orders",
        "/v1/shops/dress/skus",
        "/v1/shops/dress/availability/",
        "/v2/shops/dress/availability",
        "/v1/shops/dress/checkouts/ID/",
        "/v1/shops/dress//availability",
        "/v1/shops/dress/checkouts/ID/orders",
        "/v1/shops/dress/checkouts/ID/order/1",
        "/v1/shops/dress/checkouts/ID/release",
        "/v1/shops/dress/webhooks",
        "/v1/shops/dress/webhooks/cashfree",
        "/v1/shops/dress/webhooks/stripe",
        "/v1/shops/dress/webhooks/razorpay",
        "/v1/shops/dress/webhooks/stripe/",
    ] {
        let path = path.replace("ID", ID);
        for method in ["GET", "POST"] {
            let call = Call::new(method, &path);
            if !path.contains("/webhooks/") {
                call.invoke(&STACK.host, "holdfast-checkout")
                    .await
                    .refused(404, "not_found");
            }
            if !path.contains("/webhooks/") || path.ends_with('/') {
                call.invoke(&STACK.host, "holdfast-webhook")
                    .await
                    .refused(404, "not_found");
            }
        }
    }
}

/// Every list is read page by page in the same way.
#[test]
fn a_list_takes_a_cursor_and_a_limit_and_says_where_the_next_page_begins() {
    for (method, path, id) in CONTRACT.operations() {
        let parameters = CONTRACT.parameters(&method, &path);
        let is_list = CONTRACT.has_next(&method, &path);
        for word in ["cursor", "limit"] {
            assert_eq!(parameters.contains_key(word), is_list, "{id}: {word}");
        }
        for word in ["after", "page", "offset"] {
            assert!(!parameters.contains_key(word), "{id}: {word}");
        }
    }
    assert!(!CONTRACT.lists().is_empty());
}
