//! Paths and methods as clients send them: percent-encoding, HEAD, slashes, and what does not
//! exist.

use serde_json::json;
use tests::cashfree;
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::shopper::Shopper;
use tests::stack::{STACK, function_of, owner, put_sku};

fn claims() -> serde_json::Value {
    json!({ "sub": "clerk", "shops": "dress", "scope": "holdfast:admin" })
}

/// Over HTTP, with the clerk's token.
async fn over_http(method: &str, path: &str) -> Answer {
    let token = format!("Bearer {}", STACK.admin_token);
    let call = Call::new(method, path).header("authorization", &token);
    call.to(&STACK.api_url).await
}

/// As API Gateway invokes the function: the path of the event is decoded.
async fn invoked(method: &str, path: &str) -> Answer {
    let call = Call::new(method, path).claims(claims());
    call.invoke(&STACK.host, function_of(path)).await
}

/// The code of a sku in a path as it is sent, as API Gateway passes it on, and the sku that is
/// found. `Err`: what is wrong instead.
const SKUS: [(&str, &str, Result<&str, &str>); 18] = [
    ("E:4", "E:4", Ok("E:4")),
    ("E%3A4", "E:4", Ok("E:4")),
    ("E%3a4", "E:4", Ok("E:4")),
    ("X-1", "X-1", Ok("X-1")),
    ("X%2D1", "X-1", Ok("X-1")),
    ("%58%2D%31", "X-1", Ok("X-1")),
    ("X%252D1", "X%2D1", Err("sku")),
    ("X-1%20", "X-1 ", Err("sku")),
    ("X-1+", "X-1+", Err("sku")),
    ("X-1%00", "X-1\0", Err("sku")),
    ("X-1%ff", "X-1\u{fffd}", Err("sku")),
    ("X-1%E2%82%AC", "X-1€", Err("sku")),
    ("X-1%23", "X-1#", Err("sku")),
    ("X-1%5C", "X-1\\", Err("sku")),
    ("X-1%", "X-1%", Err("sku")),
    ("%2FX-1", "/X-1", Err("path")),
    ("X-1%2F", "X-1/", Err("path")),
    // API Gateway cuts a path off at a decoded `?`.
    ("%3FX-1", "", Err("path")),
];

#[tokio::test]
async fn a_path_is_decoded_once_and_never_names_another_sku() {
    let owner = owner(&STACK).await;
    for sku in ["E:4", "X-1"] {
        put_sku(&owner, "dress", sku, 1).await;
    }
    for (sent, passed_on, expected) in SKUS {
        for list in ["stock", "skus"] {
            let path = |sku: &str| format!("/v1/admin/shops/dress/{list}/{sku}");
            let over_http = over_http("GET", &path(sent)).await;
            for answer in [over_http, invoked("GET", &path(passed_on)).await] {
                match expected {
                    Ok(sku) => assert_eq!(answer.ok(200)["sku"], sku, "{sent}"),
                    Err("path") => drop(answer.refused(404, "not_found")),
                    Err(field) => drop(answer.names(field)),
                }
            }
        }
    }
    for shop in ["dress", "dr%65ss"] {
        let path = format!("/v1/shops/{shop}/availability?skus=E%3A4,X%2D1");
        let answer = over_http("GET", &path).await;
        assert_eq!(answer.ok(200)["skus"].as_array().unwrap().len(), 2);
        assert_eq!(answer.body["unknown"], json!([]));
    }
    let twice = "/v1/shops/dr%2565ss/availability?skus=X-1";
    over_http("GET", twice).await.refused(404, "not_found");
}

/// Clients, proxies and servers take `.` and `..` out of a path, percent-encoded or not. Other
/// dots they leave.
#[tokio::test]
async fn a_sku_of_one_or_two_dots_is_refused_and_other_dots_are_a_code() {
    let put = async |sku: &str| {
        let path = format!("/v1/admin/shops/dress/skus/{sku}");
        let put = Call::new("PUT", &path).claims(claims());
        let put = put.json(&json!({ "title": "Dots", "price_minor": 1 }));
        put.invoke(&STACK.host, "holdfast-admin").await
    };
    for sku in [".", "..", "%2e", "%2E%2e"] {
        put(sku).await.names("sku");
    }
    for sku in ["...", ".A", "A.", "..A", "A..B"] {
        let code = put(sku).await.body["sku"].clone();
        assert_eq!(code, sku);
        for list in ["skus", "stock"] {
            let path = format!("/v1/admin/shops/dress/{list}/{sku}");
            assert_eq!(over_http("GET", &path).await.ok(200)["sku"], sku);
        }
        let path = format!("/v1/shops/dress/availability?skus={sku}");
        assert_eq!(over_http("GET", &path).await.ok(200)["unknown"], json!([]));
    }
}

/// A function URL passes paths on as they were sent.
#[tokio::test]
async fn the_path_of_a_webhook_is_decoded_once() {
    let shopper = Shopper::new(1).await;
    shopper.begin(1).await;
    let order = json!({ "payment_method": "online" });
    let order = shopper.order(&order).await.ok(201).clone();
    let webhook = cashfree::webhook("", &STACK.secrets["dress"], cashfree::success(&order));
    for (path, status) in [
        ("dress/webhooks/cashf%72ee", 200),
        ("dr%65ss/webhooks/cashfree", 200),
        ("dress/webhooks/cashf%2572ee", 401),
        ("dr%2565ss/webhooks/cashfree", 401),
        ("dress/webhooks/cashfree%2F", 401),
        ("dress/webhooks/cashfree%00", 401),
        ("dress%ff/webhooks/cashfree", 401),
        ("dress%2Fwebhooks%2Fcashfree", 404),
        ("dress/webhooks/cashfree/", 404),
        ("dress/webhooks%2Fcashfree", 404),
    ] {
        let call = webhook.clone().at(&format!("/v1/shops/{path}"));
        let answer = call.to(&STACK.webhook_url).await;
        assert_eq!(answer.status, status, "{path}: {answer:#?}");
    }
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    for (method, template, id) in CONTRACT.operations() {
        if method != "GET" {
            continue;
        }
        let path = CONTRACT.example("GET", &template);
        let of_both = [
            [
                over_http("GET", &path).await,
                over_http("HEAD", &path).await,
            ],
            [invoked("GET", &path).await, invoked("HEAD", &path).await],
        ];
        for mut answers in of_both {
            for answer in &mut answers {
                // The API adds the length of what it sends.
                for own in ["x-request-id", "date", "content-length"] {
                    answer.headers.remove(own);
                }
            }
            let [get, head] = answers;
            assert_eq!(head.status, get.status, "{id}");
            assert_eq!(head.headers, get.headers, "{id}");
        }
    }
}

#[tokio::test]
async fn a_slash_at_the_end_makes_another_path() {
    for (method, template, _) in CONTRACT.operations() {
        let path = CONTRACT.example(&method, &template);
        for path in [format!("{path}/"), format!("{path}//")] {
            invoked(&method, &path).await.refused(404, "not_found");
        }
    }
}

/// An anonymous caller does not learn which paths and methods exist.
#[tokio::test]
async fn an_anonymous_caller_of_the_office_gets_one_answer() {
    let mut paths: Vec<String> = CONTRACT
        .operations()
        .into_iter()
        .map(|(method, template, _)| CONTRACT.example(&method, &template))
        .filter(|path| path.starts_with("/v1/admin/"))
        .collect();
    for unknown in [
        "",
        "nothing",
        "shops/nowhere",
        "shops/dress/skus/",
        "shops/dress/skus/a b",
    ] {
        paths.push(format!("/v1/admin/{unknown}"));
    }
    for path in paths {
        for method in [
            "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "PURGE",
        ] {
            let call = Call::new(method, &path);
            let answer = call.invoke(&STACK.host, "holdfast-admin").await;
            assert_eq!(answer.status, 401, "{method} {path}: {answer:#?}");
            assert!(!answer.headers.contains_key("allow"), "{method} {path}");
            if method != "HEAD" {
                answer.refused(401, "unauthorized");
            }
        }
    }
}
