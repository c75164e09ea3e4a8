//! Subscribers: deliveries are signed as the standard's own library signs, tried again as the
//! standard says, and given up after four days.

use std::collections::BTreeSet;
use std::iter::repeat;

use operations::subscriber::signature::sign;
use operations::subscriber::{self, DeliveryResult};
use serde_json::Value;
use tests::{MAIN, Routine, TestDb};
use tokio_postgres::error::SqlState;

#[test]
fn our_signatures_are_those_of_the_official_library() {
    let vectors = include_str!("../fixtures/standard_webhooks.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    assert_eq!(vectors.len(), 9);
    let mut seen = BTreeSet::new();
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let timestamp = vector["timestamp"].as_i64().unwrap();
        let secret = [text("secret").parse().unwrap()];
        let signature = sign(&secret, text("id"), timestamp, text("body"));
        assert_eq!(signature, text("signature"));
        seen.insert(signature);
    }
    assert_eq!(seen.len(), 9);
}

/// The pauses of the standard, then the delivery is given up. The other subscribers go on.
#[tokio::test]
async fn a_delivery_is_tried_ten_times_over_three_days() {
    let test = TestDb::new().await;
    test.sql(
        "select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null);
        select holdfast.subscriber_put('main', 'crm', 'https://crm.example', '{stock.low}')",
    )
    .await;
    test.sku("A", 1).await;
    let claim = async || subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let deliveries = claim().await;
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        // another worker has it
        assert_eq!(claim().await, []);
        let failed = DeliveryResult::Failed("it answered 500".to_owned());
        let results: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| (delivery, failed.clone()))
            .collect();
        subscriber::mark(&test.sweeper, MAIN, "dead", &results)
            .await
            .unwrap();
        let pause = "select round(extract(epoch from next_try_at - clock_timestamp()) / 5)::bigint
            from holdfast.subscriber_deliveries";
        pauses.push(test.count(pause).await * 5);
        test.sql("update holdfast.subscriber_deliveries set next_try_at = now()")
            .await;
    }
    let hours = |hours: i64| hours * 3600;
    let expected = [
        5,
        300,
        1800,
        hours(2),
        hours(5),
        hours(10),
        hours(14),
        hours(20),
        hours(24),
    ];
    assert_eq!(pauses[..9], expected);
    assert_eq!(claim().await, []);
    assert!(subscriber::waiting(&test.sweeper).await.unwrap().is_empty());
    let given_up = "select count(*) from holdfast.subscriber_deliveries
        where given_up_at is not null and attempts = 10";
    assert_eq!(test.count(given_up).await, 1);
}

/// The numbers behind the alarms: the age of waiting deliveries, of all shops, and the deliveries
/// given up.
#[tokio::test]
async fn a_sweep_reports_waiting_and_given_up_deliveries() {
    let test = TestDb::new().await;
    let seen = async || subscriber::backlog(&test.sweeper).await.unwrap();
    let nothing = subscriber::Backlog {
        waiting_s: 0.0,
        given_up: 0,
    };
    assert_eq!(seen().await, nothing);
    test.sql(
        "select holdfast.subscriber_put('main', 'crm', 'https://crm.example', '{stock.back}');
        select holdfast.subscriber_put('main', 'old', 'https://old.example', '{stock.back}')",
    )
    .await;
    test.sku("A", 1).await;
    test.sku("B", 1).await;
    let age = |name: &str, sku: &str, hours: i32| {
        format!(
            "update holdfast.subscriber_deliveries set created_at = now() - interval '{hours} h'
             where name = '{name}' and subject like '{sku}@%'"
        )
    };
    test.sql(&age("crm", "A", 2)).await;
    test.sql(&age("old", "B", 5)).await;
    assert_eq!((seen().await.waiting_s / 3600.0).round(), 5.0);
    // a disabled subscriber has nothing waiting; its waiting deliveries are given up
    let deliveries = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let result = |delivery: subscriber::Delivery| match delivery.name.as_str() {
        "old" => (delivery, DeliveryResult::Gone),
        _ => (
            delivery,
            DeliveryResult::Failed("it answered 500".to_owned()),
        ),
    };
    for (name, results) in [("crm", 0..2), ("old", 2..4)] {
        let own: Vec<_> = deliveries[results].iter().cloned().map(result).collect();
        assert!(own.iter().all(|(delivery, _)| delivery.name == name));
        subscriber::mark(&test.sweeper, MAIN, name, &own)
            .await
            .unwrap();
    }
    // one of another shop, and one that came while its subscriber was disabled
    test.sql(
        "insert into holdfast.shop_codes (shop) values ('other');
         insert into holdfast.shops (shop, name, currency, created_at)
         values ('other', 'Other', 'INR', now());
         insert into holdfast.subscribers (shop, name, url, created_at, disabled_at) values
            ('other', 'crm', 'https://crm.example', now(), null),
            ('other', 'gone', 'https://gone.example', now(), now());
         insert into holdfast.subscriber_deliveries
            (shop, name, topic, subject, created_at, next_try_at, given_up_at) values
            ('other', 'crm', 'order.paid', '1', now() - interval '90 min', now(), null),
            ('other', 'crm', 'order.paid', '2', now(), now(), now()),
            ('other', 'gone', 'order.paid', '1', now() - interval '9 h', now(), null)",
    )
    .await;
    let now = seen().await;
    assert_eq!((now.waiting_s / 3600.0).round(), 2.0);
    assert_eq!(now.given_up, 3);
    test.sql("delete from holdfast.subscribers where shop = 'main' and name = 'crm'")
        .await;
    assert_eq!((seen().await.waiting_s / 60.0).round(), 90.0);
    test.sql(
        "update holdfast.subscriber_deliveries set given_up_at = now() - interval '25 h'
         where name = 'old' and subject like 'A@%'",
    )
    .await;
    assert_eq!(seen().await.given_up, 2);
}

/// A run makes one failing try. Deliveries behind it are given up by their age.
#[tokio::test]
async fn deliveries_to_a_dead_subscriber_are_given_up_after_four_days() {
    let test = TestDb::new().await;
    test.sql("select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null)")
        .await;
    for n in 0..4 {
        test.sku(&format!("A{n}"), 1).await;
    }
    test.sql(
        "update holdfast.subscriber_deliveries set created_at = now() - interval '97 h'
         where subject like 'A0@%' or subject like 'A1@%'",
    )
    .await;
    let mark = async |first: DeliveryResult| {
        let deliveries = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
        let results = [first].into_iter().chain(repeat(DeliveryResult::Untried));
        let results: Vec<_> = deliveries.into_iter().zip(results).collect();
        subscriber::mark(&test.sweeper, MAIN, "dead", &results)
            .await
            .unwrap();
        let count = "select count(*) from holdfast.subscriber_deliveries
            where given_up_at is not null";
        test.count(count).await
    };
    // while the subscriber accepts deliveries, age does not matter
    assert_eq!(mark(DeliveryResult::Delivered).await, 0);
    assert_eq!(
        mark(DeliveryResult::Failed("it answered 500".to_owned())).await,
        1
    );
    let waiting = "select count(*) from holdfast.subscriber_deliveries
        where delivered_at is null and given_up_at is null and subject not like 'A1@%'";
    assert_eq!(test.count(waiting).await, 2);
}

/// So many deliveries wait that one call gives up only a part of them.
#[tokio::test]
async fn a_subscriber_that_is_gone_costs_little_however_much_waits() {
    let test = TestDb::new().await;
    test.sql(
        "select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null);
         insert into holdfast.subscriber_deliveries (shop, name, topic, subject, next_try_at)
         select 'main', 'dead', 'order.paid', n::text, now() from generate_series(1, 1500) n;
         select holdfast.subscriber_mark('main', 'dead', '{order.paid}', '{1}', '{gone}', '{null}');
         select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null)",
    )
    .await;
    let waiting = "select count(*) from holdfast.subscriber_deliveries
        where delivered_at is null and given_up_at is null";
    assert_eq!(test.count(waiting).await, 500);
    // it was enabled again, for announcements from then on
    assert_eq!(
        subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap(),
        []
    );
    let seen = subscriber::backlog(&test.sweeper).await.unwrap();
    assert!(seen.waiting_s.abs() < f64::EPSILON, "{seen:?}");
    test.sweep().await;
    assert_eq!(test.count(waiting).await, 0);
    test.sku("A", 1).await;
    let deliveries = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    assert_eq!(deliveries.len(), 1);
}

/// A new subscriber under the old name gets nothing of the old one.
#[tokio::test]
async fn the_deliveries_of_a_deleted_subscriber_are_purged() {
    let test = TestDb::new().await;
    let put = "select holdfast.subscriber_put('main', 'crm', 'https://crm.example', null)";
    test.sql(put).await;
    test.sql(
        "insert into holdfast.subscriber_deliveries (shop, name, topic, subject, next_try_at)
         select 'main', 'crm', 'order.paid', n::text, now() from generate_series(1, 1500) n;
         select holdfast.subscriber_delete('main', 'crm')",
    )
    .await;
    let left = "select count(*) from holdfast.subscriber_deliveries
        where delivered_at is null and given_up_at is null";
    assert_eq!(test.count(left).await, 500);
    test.sql(put).await;
    assert_eq!(
        subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap(),
        []
    );
    test.sweep().await;
    assert_eq!(test.count(left).await, 0);
    test.sql("select holdfast.subscriber_delete('main', 'crm')")
        .await;
    test.sweep().await;
    let all = "select count(*) from holdfast.subscriber_deliveries";
    assert_eq!(test.count(all).await, 0);
}

/// Two sweepers each give up a delivery and the old ones. Without the lock on the subscriber (the
/// control), they deadlock on each other's rows.
#[tokio::test]
async fn two_workers_that_mark_one_subscribers_deliveries_do_not_deadlock() {
    assert_eq!(deadlocks_of_two_marks(true).await, 0);
    assert_eq!(deadlocks_of_two_marks(false).await, 1);
}

async fn deadlocks_of_two_marks(locked: bool) -> usize {
    let test = TestDb::new().await;
    if !locked {
        let routine = Routine::named("subscriber_mark").without_guard("marks_never_deadlock");
        test.put_routine(routine).await;
    }
    // both come to the blocker's row first
    test.sql(
        "select holdfast.subscriber_put('main', 'dead', 'https://dead.example', null);
         insert into holdfast.subscriber_deliveries
            (shop, name, topic, subject, created_at, next_try_at)
         select 'main', 'dead', 'order.paid', n::text, now() - interval '9 d' + n * interval '1 s',
            now()
         from generate_series(1, 3) n",
    )
    .await;
    let blocker = test.session().await;
    let block = "begin; select from holdfast.subscriber_deliveries
        where shop = 'main' and subject = '1' for update";
    blocker.batch_execute(block).await.unwrap();
    let mark = async |subject: &str| {
        let session = test.session().await;
        let mark = format!(
            "select holdfast.subscriber_mark('main', 'dead', '{{order.paid}}', '{{{subject}}}',
                '{{failed}}', '{{it answered 500}}')"
        );
        session.batch_execute(&mark).await
    };
    let let_go = async {
        test.until_waiting(2).await;
        blocker.batch_execute("commit").await.unwrap();
    };
    let (one, two, ()) = tokio::join!(mark("2"), mark("3"), let_go);
    let errors = [one, two].into_iter().filter_map(Result::err);
    errors
        .inspect(|error| assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED)))
        .count()
}
