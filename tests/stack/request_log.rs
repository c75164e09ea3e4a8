//! What the log says about the path of a request.

use serde_json::{Value, json};
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::stack::{STACK, function_of, log_of};
use tests::until;

async fn sent(method: &str, path: &str) -> Answer {
    let claims = json!({ "sub": "c", "shops": "dress", "scope": "holdfast:admin" });
    let call = Call::new(method, path).claims(claims);
    call.invoke(&STACK.host, function_of(path)).await
}

/// The log lines of this request. The last says that it was answered.
async fn lines(path: &str, answer: &Answer) -> Vec<Value> {
    let lines = || log_of(&STACK, function_of(path), answer.request_id());
    let is_answered = |line: &Value| line["message"] == "answered";
    until("the request is logged", async || {
        lines().iter().any(is_answered)
    })
    .await;
    lines()
}

#[tokio::test]
async fn the_log_names_the_route_and_the_ids_of_each_operation() {
    for (method, template, operation) in CONTRACT.operations() {
        let path = CONTRACT.example(&method, &template);
        let answer = sent(&method, &path).await;
        let lines = lines(&path, &answer).await;
        let answered = lines.iter().find(|line| line["message"] == "answered");
        let span = &answered.unwrap()["span"];
        assert_eq!(span["route"], template, "{operation}");
        for (name, example) in CONTRACT.parameters(&method, &template) {
            let is_logged = name.ends_with("_id") || ["shop", "sku"].contains(&name.as_str());
            if is_logged && template.contains(&format!("{{{name}}}")) {
                assert_eq!(
                    span[name.replace("_id", ".id")],
                    example,
                    "{operation}: {name}"
                );
            }
        }
    }
}

/// A caller may type personal data into a path.
#[tokio::test]
async fn the_log_holds_no_part_of_a_path_that_is_no_route_and_no_id() {
    let typed = "zz-meera@example.com";
    for (path, route) in [
        ("/TYPED", "none"),
        ("/v1/shops/dress/TYPED", "none"),
        ("/v1/admin/shops/dress/TYPED", "none"),
        ("/v1/shops/dress/webhooks/stripe/TYPED", "none"),
        (
            "/v1/shops/TYPED/availability",
            "/v1/shops/{shop}/availability",
        ),
        (
            "/v1/shops/dress/checkouts/TYPED/order",
            "/v1/shops/{shop}/checkouts/{checkout_id}/order",
        ),
        (
            "/v1/admin/shops/dress/skus/TYPED",
            "/v1/admin/shops/{shop}/skus/{sku}",
        ),
        (
            "/v1/admin/shops/dress/subscribers/TYPED",
            "/v1/admin/shops/{shop}/subscribers/{name}",
        ),
        (
            "/v1/shops/dress/webhooks/TYPED",
            "/v1/shops/{shop}/webhooks/{gateway}",
        ),
    ] {
        let path = path.replace("TYPED", typed);
        for method in ["GET", "POST"] {
            let answer = sent(method, &path).await;
            assert!((400..500).contains(&answer.status), "{answer:#?}");
            for line in lines(&path, &answer).await {
                assert_eq!(line["span"]["route"], route, "{line}");
                assert!(!line.to_string().contains(typed), "{line}");
            }
        }
    }
}
