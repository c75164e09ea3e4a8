//! docs/events.md: every announcement, with an example that matches the sent one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use operations::order::Order;
use operations::outbox::Topic;
use operations::payment::{Event, EventKind};
use operations::refund::GatewayAnswer;
use operations::utc::Utc;
use serde_json::{Value, json};
use tests::outbox::Mailbox;
use tests::refund::{ask_for, settled};
use tests::shrinkage::{missing, shrunk};
use tests::stack::root;
use tests::{TestDb, event};

/// Values that differ in every run are compared by their type alone.
fn plain(value: &Value) -> Value {
    let is_time = |text: &str| text.parse::<Utc>().is_ok();
    match value {
        Value::String(text) if uuid::Uuid::parse_str(text).is_ok() => json!("<id>"),
        Value::String(text) if is_time(text) => json!("<time>"),
        Value::String(text) if text.starts_with("main-") => json!("<reference>"),
        Value::Object(members) => {
            let plain = members.iter().map(|(name, of)| (name.clone(), plain(of)));
            Value::Object(plain.collect())
        }
        Value::Array(values) => values.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// The examples of the document, with their group, by their heading.
fn documented() -> BTreeMap<String, (Value, String)> {
    let text = fs::read_to_string(root().join("docs/events.md")).unwrap();
    let mut found = BTreeMap::new();
    for section in text.split("\n## `").skip(1) {
        let (topic, rest) = section.split_once('`').unwrap();
        let example = rest.split("```json\n").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let example = serde_json::from_str(example).unwrap_or_else(|_| panic!("{topic}: no JSON"));
        let prose = rest.replace('\n', " ");
        let group = prose.split("Group: `").nth(1).unwrap();
        let group = group.split('`').next().unwrap().to_owned();
        let before = found.insert(topic.to_owned(), (example, group));
        assert!(before.is_none(), "{topic} twice");
    }
    found
}

#[test]
fn the_document_has_every_type_that_a_subscriber_can_choose() {
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let known = Topic::WORDS.iter().map(|&topic| topic.to_owned()).collect();
    assert_eq!(documented, known);
}

/// One refund is settled, another fails, and a bank disputes a payment.
async fn refunds_and_disputes(test: &TestDb, paid: &Order) {
    let claimed = test.claimed().await;
    test.report(claimed[0].refund_id, &settled("rf-1")).await;
    test.ask(paid.order_id, &ask_for(None)).await.unwrap();
    let claimed = test.claimed().await;
    let failed = GatewayAnswer::Failed {
        gateway_refund_id: None,
        error: "not enough money in the account".to_owned(),
    };
    test.report(claimed[0].refund_id, &failed).await;
    let disputed = Event {
        dispute_id: Some("du-1".to_owned()),
        ..event(paid, EventKind::Disputed, "pay-1")
    };
    test.record(&disputed).await.unwrap();
    let won = Event {
        key: "won".to_owned(),
        kind: EventKind::DisputeWon,
        ..disputed
    };
    test.record(&won).await.unwrap();
}

/// Every kind of event, once.
async fn everything(test: &TestDb) {
    test.sku("GOWN-S", 5).await;
    test.sql(
        "update holdfast.stock_levels set low_stock_threshold = 3, version = version + 1;
        select holdfast.announcement_put('main', true)",
    )
    .await;
    let (_, paid) = test.ordered(&[("GOWN-S", 2)]).await;
    test.record(&event(&paid, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    // another amount
    let (_, order) = test.ordered(&[("GOWN-S", 1)]).await;
    let wrong = Event {
        amount_minor: Some(9_900),
        ..event(&order, EventKind::Paid, "pay-2")
    };
    test.record(&wrong).await.unwrap();
    // at the desk
    test.sku("HAMPI", 8).await;
    let desk = test.desk(1);
    let party = desk.booked(&[("HAMPI", 4)]).await;
    desk.amend(&party, &[("HAMPI", 3)]).await.unwrap();
    desk.cancel(&party).await.unwrap();
    // too late, and the goods are gone
    let (late, order) = test.ordered(&[("HAMPI", 8)]).await;
    test.expire(late).await;
    test.held(&[("HAMPI", 8)]).await;
    test.record(&event(&order, EventKind::Paid, "pay-3"))
        .await
        .unwrap();
    // a missing dress
    test.sku("A", 2).await;
    test.held(&[("A", 2)]).await;
    shrunk(test, &missing(1)).await.unwrap();
    // a clerk ends a checkout
    let revoked = test.held(&[("A", 1)]).await;
    let note = json!({ "note": "40 checkouts from one address" });
    let revoke = format!("/checkouts/{revoked}/revoke");
    test.clerk().post(&revoke, note).await.ok(200);
    refunds_and_disputes(test, &paid).await;
}

#[tokio::test]
async fn every_announcement_is_documented_as_it_is_sent() {
    let test = TestDb::new().await;
    everything(&test).await;
    let mailbox = Mailbox::default();
    test.announce(&mailbox).await;
    assert_eq!(test.unsent().await, 0);
    let mut sent = BTreeMap::new();
    let mut arrived = mailbox.arrived();
    arrived.sort_by_key(|message| message.number);
    for message in arrived {
        let payload: Value = serde_json::from_str(&message.payload).unwrap();
        let group = message.group.split('/').next().unwrap().to_owned();
        sent.entry(message.kind)
            .or_insert((plain(&payload), group + "/…"));
    }
    let documented: BTreeMap<String, (Value, String)> = documented()
        .into_iter()
        .map(|(topic, (example, group))| (topic, (plain(&example), group)))
        .collect();
    let mut wrong = String::new();
    for (topic, said) in &sent {
        if documented.get(topic) != Some(said) {
            let (payload, group) = said;
            let is = serde_json::to_string_pretty(payload).unwrap();
            wrong += &format!("{topic} of {group} is {is}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let topics: Vec<&String> = documented.keys().collect();
    assert_eq!(topics, sent.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shop_gets_expired_checkouts_announced_only_on_request() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let announced =
        "select count(*) from holdfast.outbox_messages where topic = 'checkout.expired'";
    let clerk = test.clerk();
    let silent = clerk.get("/announcements").await;
    assert_eq!(silent.ok(200), &json!({ "checkout_expired": false }));
    test.expire(test.held(&[("A", 1)]).await).await;
    assert_eq!(test.count(announced).await, 0);
    let wanted = json!({ "checkout_expired": true });
    let put = clerk.put("/announcements", wanted.clone()).await;
    assert_eq!(put.ok(200), &wanted);
    // by a sweep, with an order and without one
    test.expire(test.held(&[("A", 2)]).await).await;
    let (ordered, order) = test.ordered(&[("A", 3)]).await;
    test.expire(ordered).await;
    // by a shopper who needs due stock
    let due = test.held(&[("A", 9)]).await;
    test.make_due(due).await;
    let next = test.held(&[("A", 9)]).await;
    assert_eq!(test.count(announced).await, 3);
    let groups = "select json_agg(group_key order by number) from holdfast.outbox_messages
        where topic = 'checkout.expired' and group_key like 'order/%'";
    let expected = json!([format!("order/{}", order.order_id)]);
    assert_eq!(test.json(groups).await, expected);
    // a released checkout has not expired
    operations::checkout::release(&test.db, &tests::shop(tests::MAIN), next, None)
        .await
        .unwrap();
    assert_eq!(test.count(announced).await, 3);
    test.assert_promises_hold().await;
    clerk
        .put("/announcements", json!({ "checkout_expired": "yes" }))
        .await
        .refused(400, "invalid_request");
    let clerk = test.clerk_of("meera", "nobody");
    let unknown =
        tests::http::Call::new("PUT", "/v1/admin/shops/nobody/announcements").json(&wanted);
    clerk.send(unknown).await.refused(404, "not_found");
}
