//! The page of a sale under many eyes.

use tests::person::Person;
use tests::{Routine, TestDb};
use tokio::task::JoinSet;

/// Reads of the sale so far.
async fn reads(test: &TestDb) -> i64 {
    test.count("select case when is_called then last_value else 0 end from public.reads")
        .await
}

/// A sale whose reads are counted, and its owner.
async fn counted() -> (TestDb, Person) {
    let test = TestDb::new().await;
    test.sku("VEIL", 9).await;
    test.paid_order("VEIL", "pi_1").await;
    test.corrupt("create sequence public.reads; grant usage on sequence public.reads to public")
        .await;
    let read = Routine::named("sale_read");
    let counted = read.changed(
        "begin\n    if not exists",
        "begin\n    perform nextval('public.reads');\n    if not exists",
    );
    test.put_routine(counted).await;
    let owner = test.person(&["owner"]);
    (test, owner)
}

/// Asks so often for the same at once.
async fn ask(owner: Person, path: &'static str) {
    let owner = std::sync::Arc::new(owner);
    let mut asked = JoinSet::new();
    for _ in 0..BROWSERS {
        let owner = std::sync::Arc::clone(&owner);
        asked.spawn(async move { owner.get(path).await.status });
    }
    for status in asked.join_all().await {
        assert_eq!(status, 200);
    }
}

const BROWSERS: i64 = 40;

/// Each read costs the database as much as many holds. The control: people who open the page.
#[tokio::test]
async fn browsers_that_watch_a_sale_share_its_reads() {
    let (test, owner) = counted().await;
    ask(owner, "/sale").await;
    assert_eq!(reads(&test).await, BROWSERS);
    let owner = test.person(&["owner"]);
    ask(owner, "/sale/now").await;
    // on a slow machine the polls arrive in several seconds
    let shared = reads(&test).await - BROWSERS;
    assert!(shared < BROWSERS / 2, "{shared}");
}

/// Who has changed something and sees it on the page sees no older number with the next poll.
#[tokio::test]
async fn a_poll_shows_nothing_older_than_the_page_before_it() {
    let (test, owner) = counted().await;
    for sold in 2..6 {
        owner.get("/sale/now").await;
        test.paid_order("VEIL", &format!("pi_{sold}")).await;
        let sold = format!("<div class=\"figure\">{sold}</div>");
        owner.get("/sale").await.has(200, &sold);
        owner.get("/sale/now").await.has(200, &sold);
    }
}
