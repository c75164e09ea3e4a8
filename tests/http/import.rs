//! Bulk import and export over HTTP.

use serde_json::json;
use tests::TestDb;
use tests::clerk::{Clerk, path};
use tests::http::{Answer, Call};
use uuid::Uuid;

const FILE: &str = "sku,title,price_minor,on_hand\nA,a,100,5\nB,b,x,5\n";

async fn put(clerk: &Clerk, rest: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let call = Call::new("PUT", &path(rest)).body(body);
    clerk.send(call.header("content-type", kind)).await
}

#[tokio::test]
async fn a_file_is_staged_tried_applied_and_reported_over_http() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let import = format!("/imports/{}", Uuid::now_v7());
    let parts = format!("{import}/parts");
    let staged = put(&clerk, &format!("{parts}/1?first_line=7"), "text/csv", FILE).await;
    assert_eq!(
        staged.ok(200),
        &json!({ "rows": 2, "refused": 1, "next_part": 2 })
    );
    let line = "{\"sku\":\"C\",\"title\":\"c\",\"price_minor\":1}\n";
    let kind = "application/x-ndjson; charset=utf-8";
    put(&clerk, &format!("{parts}/2"), kind, line).await.ok(200);
    let apply = async |dry_run: bool| {
        let body = json!({ "parts": 2, "dry_run": dry_run, "share_percent": 100 });
        clerk.post(&format!("{import}/apply"), body).await
    };
    assert_eq!(apply(true).await.ok(200)["status"], "tried");
    assert_eq!(test.count("select count(*) from holdfast.skus").await, 0);
    let done = apply(false).await;
    let counts = ["created", "refused", "rows"].map(|name| done.ok(200)[name].clone());
    assert_eq!(counts, [json!(2), json!(1), json!(3)]);
    let report = clerk.get(&format!("{import}/report?outcome=refused")).await;
    let row = &report.ok(200)["page"][0];
    assert_eq!((&row["line"], &row["sku"]), (&json!(8), &json!("B")));
    assert_eq!(row["refusals"][0]["field"], "price_minor");
    assert_eq!(row["refusals"][0]["value"], "x");
    assert_eq!(report.body["actor"], "clerk");
    let first = clerk.get("/export?limit=1").await;
    let next = &first.headers["x-holdfast-next"];
    let second = clerk.get(&format!("/export?cursor={next}")).await;
    assert!(!second.headers.contains_key("x-holdfast-next"));
    let text = format!(
        "{}{}",
        first.ok(200).as_str().unwrap(),
        second.ok(200).as_str().unwrap()
    );
    assert_eq!(text.lines().count(), 3, "{text}");
    let lines = clerk.get("/export?format=jsonl").await;
    assert_eq!(lines.headers["content-type"], "application/jsonl");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_refused_import_request_names_its_field() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let id = Uuid::now_v7();
    let parts = format!("/imports/{id}/parts");
    for (rest, kind, body, field) in [
        (
            "/imports/x/parts/1".to_owned(),
            "text/csv",
            FILE,
            "import_id",
        ),
        (format!("{parts}/0"), "text/csv", FILE, "part"),
        (format!("{parts}/2001"), "text/csv", FILE, "part"),
        (
            format!("{parts}/1?first_line=-1"),
            "text/csv",
            FILE,
            "first_line",
        ),
        (format!("{parts}/1"), "text/csv", "title\na\n", "sku"),
    ] {
        put(&clerk, &rest, kind, body).await.names(field);
    }
    for kind in [
        "application/json",
        "text/plain",
        "text/csv; charset=iso-8859-1",
        "text/csv; charset=\"utf-16\"",
        "text/csv2",
    ] {
        let answer = put(&clerk, &format!("{parts}/1"), kind, FILE).await;
        answer.refused(415, "unsupported_media_type");
    }
    let large = vec![b'x'; 4 * 1024 * 1024 + 1];
    let answer = put(&clerk, &format!("{parts}/1"), "text/csv", large).await;
    answer.refused(413, "body_too_large");
    put(&clerk, &format!("{parts}/1"), "text/csv", FILE)
        .await
        .ok(200);
    let apply = format!("/imports/{id}/apply");
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "parts": 0 }), "parts"),
        (json!({ "parts": 1, "share_percent": 101 }), "share_percent"),
        (json!({ "parts": 1, "mode": "some" }), "mode"),
    ] {
        clerk.post(&apply, body).await.names(field);
    }
    for (rest, field) in [
        (format!("/imports/{id}/report?limit=5001"), "limit"),
        (format!("/imports/{id}/report?cursor=x"), "cursor"),
        (format!("/imports/{id}/report?outcome=bad"), "outcome"),
        ("/export?limit=0".to_owned(), "limit"),
        ("/export?format=xls".to_owned(), "format"),
        ("/export?cursor=%20".to_owned(), "cursor"),
    ] {
        clerk.get(&rest).await.names(field);
    }
    let nothing = format!("/imports/{}/report", Uuid::now_v7());
    clerk.get(&nothing).await.refused(404, "not_found");
}
