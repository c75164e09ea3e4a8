//! Subscribers at the admin API.

use serde_json::{Value, json};
use tests::TestDb;
use tests::contract::CONTRACT;

#[test]
fn the_contract_allows_each_good_url() {
    for url in [
        "https://crm.example/a?b=c@d",
        "http://127.0.0.1:8080/",
        "http://localhost?x",
        "http://[::1]:9",
    ] {
        let allowed = CONTRACT.allows_request("subscriber_put", &json!({ "url": url }));
        assert!(allowed, "{url}");
        operations::subscriber::parse_url(url).unwrap();
    }
}

#[tokio::test]
async fn a_clerk_puts_reads_lists_and_deletes_subscribers() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let none = clerk.get("/subscribers").await;
    assert_eq!(none.ok(200), &json!({ "subscribers": [] }));
    let body = json!({ "url": "https://crm.example/hooks", "types": ["order.paid"] });
    let put = clerk.put("/subscribers/crm", body.clone()).await;
    assert_eq!(put.ok(201)["url"], "https://crm.example/hooks");
    assert_eq!(
        clerk.put("/subscribers/crm", body).await.ok(200)["waiting"],
        0
    );
    let all = json!({ "url": "https://crm.example/" });
    clerk.put("/subscribers/crm", all).await.ok(200);
    assert_eq!(
        clerk.get("/subscribers/crm").await.ok(200)["types"],
        Value::Null
    );
    test.sku("A", 1).await;
    assert_eq!(clerk.get("/subscribers/crm").await.ok(200)["waiting"], 1);
    for (path, body) in [
        ("/subscribers/CRM", json!({ "url": "https://crm.example/" })),
        ("/subscribers/crm", json!({ "url": "http://crm.example/" })),
        (
            "/subscribers/crm",
            json!({ "url": "https://crm.example/", "types": ["order.payed"] }),
        ),
        (
            "/subscribers/crm",
            json!({ "url": "https://crm.example/", "secret": "whsec_x" }),
        ),
    ] {
        let allowed = CONTRACT.allows_request("subscriber_put", &body);
        assert_eq!(allowed, path == "/subscribers/CRM", "{body}");
        clerk.put(path, body).await.refused(400, "invalid_request");
    }
    for n in 1..20 {
        let put = json!({ "url": "https://crm.example/" });
        clerk.put(&format!("/subscribers/s-{n}"), put).await.ok(201);
    }
    let put = json!({ "url": "https://crm.example/" });
    let refused = clerk.put("/subscribers/s-20", put).await;
    refused.refused(400, "invalid_request");
    let all = clerk.get("/subscribers").await.ok(200)["subscribers"].clone();
    let names: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 20);
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(&all[0], clerk.get("/subscribers/crm").await.ok(200));
    clerk.delete("/subscribers/crm").await.ok(200);
    clerk
        .delete("/subscribers/crm")
        .await
        .refused(404, "not_found");
    clerk
        .get("/subscribers/crm")
        .await
        .refused(404, "not_found");
    let waiting = "select count(*) from holdfast.subscriber_deliveries where name = 'crm'";
    assert_eq!(test.count(waiting).await, 0);
}
