//! Support's pages, as a browser gets and sends them.

use operations::payment::{Event, EventKind, Outcome};
use tests::{TestDb, event};

/// An order "needs a decision", so the page that says it offers both: take the money, or give it
/// back.
#[tokio::test]
async fn money_that_is_not_the_total_is_taken_as_it_came() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    let (id, order) = test.ordered(&[("VEIL", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pi_1");
    let less = Event {
        amount_minor: paid.amount_minor.map(|minor| minor - 1),
        ..paid
    };
    assert_eq!(test.stripe(&less).await, Outcome::Review);
    let support = test.person(&["support"]);
    let path = format!("/support/checkouts/{}", id.as_uuid());
    let page = support.get(&path).await;
    page.has(200, "needs a decision")
        .has(200, "Take the money")
        .has(200, "Give the money back");
    let seen = page.field("captured_minor").to_owned();
    let accept = format!("{path}/accept");
    let decision = [("captured_minor", &*seen), ("note", "a rupee is missing")];
    // a second click finds it taken
    for _ in 0..2 {
        let sent = support.post(&accept, &decision).await;
        sent.leads_to("done=accept");
    }
    let page = support.get(&path).await;
    page.has(200, "Staff accepted the money as it came")
        .has(200, "a rupee is missing");
    assert!(!page.text.contains("name=\"captured_minor\""));
    assert_eq!(test.level("VEIL").await.0, 2);
    let other = [("captured_minor", "1"), ("note", "another sum")];
    let refused = support.post(&accept, &other).await;
    refused.has(200, "No money waits for a decision any more");
    test.assert_promises_hold().await;
}

/// Who searches by a name must know whose purchase each row is.
#[tokio::test]
async fn a_search_by_name_shows_the_names() {
    let test = TestDb::new().await;
    test.sku("VEIL", 3).await;
    for _ in 0..2 {
        test.ordered(&[("VEIL", 1)]).await;
    }
    test.corrupt(
        r#"update holdfast.orders set address =
            '{"recipient": "Asha <b>Rao", "phone": "+91 98450 12345"}'"#,
    )
    .await;
    let support = test.person(&["support"]);
    let found = support.get("/support?q=asha").await;
    found.has(200, "<bdi>Asha &#60;b&#62;Rao</bdi>");
    found.has(200, "98450 12345");
}
