//! Bulk import and export over HTTP, and by the command line.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tests::clerk::{Clerk, path};
use tests::http::{Answer, Call};
use tests::stack::{STACK, holdfast, level, owner};
use tests::{TestDb, new_id};
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
    assert_eq!(first.headers["x-holdfast-next"], "A");
    let second = clerk.get("/export?after=A").await;
    assert!(!second.headers.contains_key("x-holdfast-next"));
    let text = format!(
        "{}{}",
        first.ok(200).as_str().unwrap(),
        second.ok(200).as_str().unwrap()
    );
    assert_eq!(text.lines().count(), 3, "{text}");
    let lines = clerk.get("/export?format=jsonl").await;
    assert_eq!(lines.headers["content-type"], "application/jsonl");
    test.assert_promises_kept().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let id = Uuid::now_v7();
    let parts = format!("/imports/{id}/parts");
    let named = |answer: &Answer, field: &str| {
        let errors = &answer.refused(400, "invalid_request").body["errors"];
        assert_eq!(errors[0]["field"], field, "{errors}");
    };
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
        (
            format!("{parts}/1"),
            "application/json",
            FILE,
            "content-type",
        ),
        (format!("{parts}/1"), "text/csv", "title\na\n", "sku"),
    ] {
        named(&put(&clerk, &rest, kind, body).await, field);
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
        named(&clerk.post(&apply, body).await, field);
    }
    for (rest, field) in [
        (format!("/imports/{id}/report?limit=5001"), "limit"),
        (format!("/imports/{id}/report?after=x"), "after"),
        (format!("/imports/{id}/report?outcome=bad"), "outcome"),
        ("/export?limit=0".to_owned(), "limit"),
        ("/export?format=xls".to_owned(), "format"),
        ("/export?after=%20".to_owned(), "after"),
    ] {
        named(&clerk.get(&rest).await, field);
    }
    let nothing = format!("/imports/{}/report", Uuid::now_v7());
    clerk.get(&nothing).await.refused(404, "not_found");
}

/// `holdfast stock` against the stack, for the shop `dress`.
fn stock_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = holdfast("stock");
    command.args(args).current_dir(folder).envs([
        ("HOLDFAST_API", STACK.api_url.as_str()),
        ("HOLDFAST_SHOP", "dress"),
        ("HOLDFAST_ADMIN_TOKEN", STACK.admin_token.as_str()),
    ]);
    command
}

async fn stock(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = stock_command(folder, args);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap(), text)
}

#[tokio::test]
async fn the_command_line_imports_reports_goes_on_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let owner = owner(&STACK).await;
    // One more than a part has, of skus that only this test knows.
    let prefix = format!("CLI-{}", &new_id().to_string()[..8]);
    let rows: String = (0..5_001)
        .map(|n| format!("{prefix}-{n:04},\"=a, \"\"b\"\"\nc\",1,{},t\n", n % 7))
        .collect();
    let file = format!("sku,attr.note,price_minor,on_hand,title\n{rows}");
    std::fs::write(folder.path().join("a.csv"), &file).unwrap();
    let (code, said) = stock(
        folder.path(),
        &["import", "a.csv", "--dry-run", "--pace", "100"],
    )
    .await;
    assert!(
        code == 0 && said.contains("nothing was changed"),
        "{code} {said}"
    );
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("created   5001"),
        "{code} {said}"
    );
    assert!(said.contains("in 2 parts"), "{said}");
    assert_eq!(
        level(&owner, "dress", &format!("{prefix}-5000")).await,
        (2, 0)
    );
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("unchanged 5001"),
        "{code} {said}"
    );

    let bad = format!("sku,on_hand\n{prefix}-0000,=1+1\n{prefix}-0001,9\n");
    std::fs::write(folder.path().join("bad.csv"), bad).unwrap();
    let bad = ["import", "bad.csv", "--report", "report.csv"];
    let (code, said) = stock(folder.path(), &bad).await;
    assert!(code == 1 && said.contains("line 2, "), "{code} {said}");
    let report = std::fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert!(report.contains(",refused,on_hand,'=1+1,"), "{report}");
    assert!(
        report.contains(&format!("3,{prefix}-0001,changed,,,")),
        "{report}"
    );

    // Whoever reads only its beginning has it all the same: `… | head`.
    let mut unread = stock_command(folder.path(), &bad);
    let mut unread = unread.stdout(Stdio::piped()).spawn().unwrap();
    drop(unread.stdout.take());
    let ended = tokio::task::spawn_blocking(move || unread.wait().unwrap());
    assert_eq!(ended.await.unwrap().code(), Some(1));

    let (code, said) = stock(folder.path(), &["export", "--out", "all.csv"]).await;
    assert_eq!(code, 0, "{said}");
    let all = std::fs::read_to_string(folder.path().join("all.csv")).unwrap();
    assert!(all.matches(&prefix).count() == 5_001, "{}", all.len());
}

#[tokio::test]
async fn what_the_command_line_refuses_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.csv"), "sku,on_hand\nA,1\n").unwrap();
    for (args, why) in [
        (vec!["import", "nowhere.csv"], "nowhere.csv"),
        (
            vec!["import", "all.csv", "--token", "no"],
            "HOLDFAST_ADMIN_TOKEN",
        ),
        (
            vec!["import", "all.csv", "--shop", "nobody"],
            "no such shop",
        ),
        (vec!["export", "--out", "not.csv", "--token", "no"], "(401)"),
        (
            vec!["export", "--out", "not.csv", "--api", "localhost"],
            "must start with http",
        ),
    ] {
        let (code, said) = stock(folder.path(), &args).await;
        assert!(code == 2 && said.contains(why), "{args:?}: {code} {said}");
    }
    // of what was refused nothing is left
    let left = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["all.csv"]);
}

/// Staged in part by a client that then died: the command line finds the import and goes on.
#[tokio::test]
async fn an_import_by_the_command_line_that_was_killed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("KILL-{}", &new_id().to_string()[..8]);
    let rows: String = (0..12_000)
        .map(|n| format!("{prefix}-{n},t,1,1\n"))
        .collect();
    let file = format!("sku,title,price_minor,on_hand\n{rows}");
    std::fs::write(folder.path().join("a.csv"), file).unwrap();
    let mut first = stock_command(folder.path(), &["import", "a.csv", "--pace", "1"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let owner = owner(&STACK).await;
    let staged = "select count(*) from holdfast.import_skus where shop = 'dress' and sku like $1";
    let like = format!("{prefix}-%");
    tests::until("a part is staged", async || {
        let row = owner.query_one(staged, &[&like]).await.unwrap();
        row.get::<_, i64>(0) > 0
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, said) = stock(folder.path(), &["import", "a.csv", "--pace", "100"]).await;
    assert!(
        code == 0 && said.contains("created   12000"),
        "{code} {said}"
    );
    let imports = "select count(distinct import_id) from holdfast.import_skus
        where shop = 'dress' and sku like $1";
    let imports: i64 = owner.query_one(imports, &[&like]).await.unwrap().get(0);
    assert_eq!(imports, 1, "{}", Value::from(said));
}
