//! An open storefront behind something that proves itself with a secret.

use local::functions;
use local::roles::CHECKOUT;
use serde_json::json;
use tests::contract::CONTRACT;
use tests::http::Call;
use tests::stack::{STACK, add, log_of, root};
use tests::{CLUSTER, MAIN, TestDb};

const FUNCTION: &str = "checkout-behind";
const HEADER: &str = "x-holdfast-origin";
const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";
const BEFORE: &str = "hunter1-hunter1-hunter1-hunter1-hunter1";

/// The second template, whose CloudFront sends the secret.
#[test]
fn the_front_sends_the_header_that_checkout_reads() {
    let front = std::fs::read_to_string(root().join("tools/edge/template.yaml")).unwrap();
    assert!(front.contains(&format!("HeaderName: {HEADER}\n")));
    assert!(front.contains(":SecretString:current::"));
}

#[tokio::test]
async fn calls_that_go_around_the_front_reach_no_route() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let before = test.rows().await;
    let database = CLUSTER.url(CHECKOUT, test.name());
    let secrets = json!({ "current": SECRET, "previous": BEFORE }).to_string();
    let environment = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_TLS", "off"),
        ("SHOPS", "*"),
        ("ORIGIN_SECRET", secrets.as_str()),
    ];
    add(&STACK, FUNCTION, functions::CHECKOUT, &environment).await;
    let mut refused = 0;
    for (path, methods) in CONTRACT.routes() {
        if !path.starts_with("/v1/shops/") || path.contains("/webhooks/") {
            continue;
        }
        let path = path
            .replace("{shop}", MAIN)
            .replace("{checkout_id}", "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4");
        for method in methods {
            let around = Call::new(&method, &path).json(&json!({}));
            for call in [around.clone(), around.header(HEADER, "guess")] {
                let answer = call.invoke(&STACK.host, FUNCTION).await;
                answer.refused(403, "origin_refused");
                let log = log_of(&STACK, FUNCTION, answer.request_id());
                assert!(!format!("{log:?}").contains("hunter"), "{log:?}");
                refused += 1;
            }
        }
    }
    assert!(refused >= 14, "{refused}");
    assert_eq!(test.rows().await, before);
    for secret in [SECRET, BEFORE] {
        let through = Call::new("GET", "/v1/shops/main/availability?skus=A");
        let through = through.header(HEADER, secret);
        through.invoke(&STACK.host, FUNCTION).await.ok(200);
    }
}
