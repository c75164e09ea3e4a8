//! The relay: it sends at least once, in order within a group, and one group's trouble delays no
//! other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use local::roles::SWEEPER;
use operations::outbox::{self, RUN_MAX};
use operations::payment::EventKind;
use rand::Rng as _;
use serde_json::{Value, json};
use tests::outbox::Mailbox;
use tests::{MAIN, TestDb, at_once, event};
use uuid::Uuid;

#[tokio::test]
async fn an_event_is_sent_once_in_the_form_of_standard_webhooks() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (id, order) = test.ordered(&[("A", 2)]).await;
    let mailbox = Mailbox::default();
    test.announce(&mailbox).await; // the sku came into stock
    test.record(&event(&order, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    let report = test.announce(&mailbox).await;
    assert_eq!((report.sent, report.refused, report.more), (1, 0, false));
    let message = mailbox.arrived().pop().unwrap();
    assert_eq!(message.kind, "order.paid");
    assert_eq!(message.group, format!("order/{}", order.order_id));
    assert!(message.id.starts_with("msg_") && message.id.len() == 36);
    let payload: Value = serde_json::from_str(&message.payload).unwrap();
    let created = "select to_char(created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS')
        from holdfast.outbox_messages where topic = 'order.paid'";
    let timestamp = payload["timestamp"].as_str().unwrap();
    assert!(timestamp.starts_with(&test.text(created).await) && timestamp.ends_with('Z'));
    let expected = json!({
        "type": "order.paid", "timestamp": timestamp,
        "data": {
            "shop": "main", "order_id": order.order_id, "checkout_id": id.as_uuid(),
            "reference": order.payment.reference, "total_minor": 20_000, "currency": "INR",
        },
    });
    assert_eq!(payload, expected);
    // nothing is left, and nothing is sent again
    assert_eq!(test.announce(&mailbox).await.sent, 0);
    assert_eq!(test.unsent().await, 0);
    // a message that is sent again is the same to the byte
    test.sql("update holdfast.outbox_messages set sent_at = null where topic = 'order.paid'")
        .await;
    test.announce(&mailbox).await;
    assert_eq!(mailbox.arrived().pop().unwrap(), message);
}

/// The usual queue query: any free row, skipping locked ones.
const NAIVE_CLAIM: &str = "
    create or replace function holdfast.outbox_claim(
        p_shop text, p_groups text[], p_claim_id uuid, p_limit integer, p_lease interval)
        returns table (o_number bigint, o_group text, o_message_id text, o_topic text,
            o_subject text, o_created_at timestamptz, o_body jsonb)
    language plpgsql security definer set search_path = holdfast, pg_temp as $$
    begin
        return query
            update outbox_messages b set claim_id = p_claim_id, next_try_at = now() + p_lease
            from (
                select n.topic, n.subject from outbox_messages n
                where n.shop = p_shop and n.sent_at is null
                    and (n.next_try_at is null or n.next_try_at <= now())
                order by n.number limit p_limit for update skip locked) taken
            where b.shop = p_shop and b.topic = taken.topic and b.subject = taken.subject
            returning b.number, b.group_key, 'msg_' || b.subject, b.topic, b.subject,
                b.created_at, b.body;
    end;
    $$";

/// Ten relays at once, and a queue that refuses every fifth message, until everything is sent.
async fn ten_relays(test: TestDb) -> Arc<Mailbox> {
    let refuses = |_: &outbox::Message| rand::rng().random_bool(0.2);
    let mailbox = Arc::new(Mailbox::refusing(refuses));
    test.messages(40, 10).await;
    let test = Arc::new(test);
    at_once(10, |_| {
        let (test, mailbox) = (Arc::clone(&test), Arc::clone(&mailbox));
        async move {
            let db = test.pool_of(SWEEPER, 1);
            let deadline = Instant::now() + Duration::from_secs(60);
            while test.unsent().await > 0 {
                assert!(Instant::now() < deadline, "never all sent");
                let relayed = outbox::relay(&db, MAIN, None, 15, &*mailbox, deadline).await;
                assert_eq!(relayed.unwrap().failure, None);
                // ends the pauses of refused messages, but no lease
                test.sql(
                    "update holdfast.outbox_messages set next_try_at = null
                    where sent_at is null and claim_id is null and next_try_at is not null",
                )
                .await;
            }
        }
    })
    .await;
    assert_eq!(mailbox.ids().len(), 400);
    mailbox
}

#[tokio::test]
async fn ten_relays_at_once_send_every_order_in_order() {
    let mailbox = ten_relays(TestDb::new().await).await;
    assert_eq!(mailbox.too_early(), []);
    // and, because no lease ends, exactly once
    assert_eq!(mailbox.arrived().len(), 400);
}

/// The control of the test above.
#[tokio::test]
async fn ten_relays_that_take_any_free_row_mix_up_the_order() {
    let test = TestDb::new().await;
    test.sql(NAIVE_CLAIM).await;
    let mailbox = ten_relays(test).await;
    assert!(!mailbox.too_early().is_empty());
}

/// On one server the sequence alone gives the order. With a setting of Citus, and the index that
/// `holdfast distribute` makes, the session numbers its messages as there.
const LIKE_CITUS: &str = "set citus.shard_count = 4;
    create index if not exists outbox_group_idx
    on holdfast.outbox_messages (shop, group_key, number);";

/// The topics of one order's announcements as they arrive. After the first one the numbers begin
/// again, as on another node of a cluster.
async fn after_new_numbers(test: &TestDb) -> Vec<String> {
    let order = Uuid::new_v4();
    for topic in ["order.paid", "order.amended", "order.cancelled"] {
        test.sql(&format!(
            "{LIKE_CITUS}
            insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
                values ('main', '{topic}', '{order}', '{{\"order_id\": \"{order}\"}}', now());
            select setval('holdfast.outbox_numbers', 1, false)"
        ))
        .await;
    }
    let mailbox = Mailbox::default();
    test.announce(&mailbox).await;
    mailbox.arrived().into_iter().map(|of| of.kind).collect()
}

#[tokio::test]
async fn announcements_of_an_order_stay_in_order_when_the_numbers_begin_again() {
    let test = TestDb::new().await;
    test.messages(1, 40).await;
    test.announce(&Mailbox::default()).await;
    let arrived = after_new_numbers(&test).await;
    assert_eq!(arrived, ["order.paid", "order.amended", "order.cancelled"]);
}

/// The control of the test above: the number of the sequence alone.
#[tokio::test]
async fn numbers_of_the_sequence_alone_mix_up_the_order() {
    let test = TestDb::new().await;
    test.messages(1, 40).await;
    test.announce(&Mailbox::default()).await;
    let alone = "create or replace function holdfast.set_outbox_group() returns trigger
        language plpgsql security definer set search_path = holdfast, pg_temp as $$
        begin
            new.group_key := outbox_group(new.shop, new.topic, new.subject, new.body);
            return new;
        end $$";
    test.sql(alone).await;
    let arrived = after_new_numbers(&test).await;
    assert_ne!(arrived[0], "order.paid");
}

/// The pages that one more announcement reads while thousands wait, and the planner believes that
/// none does: it looked at the table before they were committed.
async fn pages_of_an_announcement(test: &TestDb) -> i64 {
    let busy = test.session().await;
    busy.batch_execute(LIKE_CITUS).await.unwrap();
    let many = "set enable_seqscan = off; begin;
        insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
        select 'main', 'stock.low', md5(n::text), jsonb_build_object('sku', md5(n::text)), now()
        from generate_series(1, 12000) n";
    busy.batch_execute(many).await.unwrap();
    test.sql("analyze holdfast.outbox_messages").await;
    let one = "explain (analyze, buffers, format json)
        insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
        values ('main', 'stock.low', gen_random_uuid()::text, '{\"sku\": \"A\"}', now())";
    let mut pages = 0;
    // the first one plans
    for _ in 0..3 {
        let plan: Value = busy.query_one(one, &[]).await.unwrap().get(0);
        pages = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap();
    }
    pages
}

#[tokio::test]
async fn an_announcement_reads_only_its_own_group_of_a_sudden_backlog() {
    let pages = pages_of_an_announcement(&TestDb::new().await).await;
    assert!(pages < 50, "{pages}");
}

/// The control of the test above.
#[tokio::test]
async fn an_announcement_that_may_sort_reads_all_that_wait() {
    let test = TestDb::new().await;
    test.sql("alter function holdfast.outbox_last_number reset enable_sort")
        .await;
    let pages = pages_of_an_announcement(&test).await;
    assert!(pages > 200, "{pages}");
}

#[tokio::test]
async fn a_message_that_cant_be_sent_delays_only_its_own_group() {
    let test = TestDb::new().await;
    test.messages(1, 2_000).await;
    test.sql(
        "insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
        select 'main', 'stock.low', 'S@' || n, jsonb_build_object('sku', 'S' || n % 50),
            clock_timestamp()
        from generate_series(1, 500) n",
    )
    .await;
    let poison = "select number from holdfast.outbox_messages where subject = '1:1'";
    let poison = test.count(poison).await;
    let mailbox = Mailbox::refusing(move |message| message.number == poison);
    let report = test.announce(&mailbox).await;
    assert_eq!((report.sent, report.refused, report.more), (500, 1, false));
    assert_eq!(test.unsent().await, 2_000);
    // The backlog shows it to a person.
    let seen = test
        .text(
            "select string_agg(format('%s: %s, %s', subject, attempts, last_error), '')
            from holdfast_read.outbox_messages where attempts > 0",
        )
        .await;
    assert_eq!(seen, "1:1: 1, refused by the test");
    // It is tried again after its pause, and each pause is longer.
    let pause = "select extract(epoch from next_try_at - clock_timestamp())::bigint
        from holdfast.outbox_messages where subject = '1:1'";
    assert!((3..=5).contains(&test.count(pause).await));
    assert_eq!(test.announce(&mailbox).await.refused, 0);
    test.pauses_are_over().await;
    assert_eq!(test.announce(&mailbox).await.refused, 1);
    assert!((8..=10).contains(&test.count(pause).await));
    // Once it is sent, so are the messages behind it.
    test.pauses_are_over().await;
    let healed = Mailbox::default();
    let mut sent = 0;
    loop {
        // a run ends in time, on a slow machine before it has sent all
        let report = test.announce(&healed).await;
        sent += report.sent;
        if !report.more {
            break;
        }
    }
    assert_eq!(sent, 2_000);
    assert_eq!(healed.too_early(), []);
}

#[tokio::test]
async fn a_backlog_of_ten_thousand_is_sent_in_bounded_runs() {
    let test = TestDb::new().await;
    test.messages(2_500, 4).await;
    let mailbox = Mailbox::default();
    let first = test.announce(&mailbox).await;
    assert!(first.more, "{first:?}");
    assert!(
        (RUN_MAX..RUN_MAX + 200).contains(&first.sent),
        "{}",
        first.sent
    );
    let second = test.announce(&mailbox).await;
    assert_eq!(first.sent + second.sent, 10_000);
    assert_eq!(test.announce(&mailbox).await.sent, 0);
    assert_eq!(mailbox.too_early(), []);
    assert_eq!(mailbox.arrived().len(), 10_000);
}

/// Usually nothing waits, and the planner expects an empty table. Even then a claim must not read
/// the whole backlog for each of its messages.
#[tokio::test]
async fn a_claim_reads_only_its_own_messages_of_a_sudden_backlog() {
    let test = TestDb::new().await;
    test.messages(3_000, 1).await;
    test.sql("update holdfast.outbox_messages set sent_at = now()")
        .await;
    test.sql("vacuum analyze holdfast.outbox_messages").await;
    test.sql(
        "insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
        select 'main', 'order.paid', o, jsonb_build_object('order_id', o % 2500),
            clock_timestamp()
        from generate_series(1, 10000) o",
    )
    .await;
    let read = "select (seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
        where relname = 'outbox_messages'";
    let some = "array(select 'order/' || o from generate_series(501, 525) o)";
    for groups in ["null", some] {
        let claim = format!(
            "select count(*) from holdfast.outbox_claim('main', {groups}, gen_random_uuid(), 100,
                interval '1 minute')"
        );
        test.sql("begin").await;
        assert_eq!(test.count(&claim).await, 100);
        let rows = test.count(read).await;
        test.sql("commit").await;
        // a few reads for each message; reading the whole backlog for each would be a million
        assert!(rows < 20_000, "{groups}: {rows}");
    }
}

/// A shop with many messages leaves time for the others.
#[tokio::test]
async fn a_busy_shop_does_not_delay_another() {
    let test = TestDb::new().await;
    test.shop("other").await;
    test.messages(1_000, 1).await;
    test.sku_of("other", "A", 1).await;
    let mailbox = Mailbox::default();
    test.announce(&mailbox).await;
    let arrived = mailbox.arrived();
    let place = arrived.iter().position(|message| message.shop == "other");
    assert!(place.unwrap() <= 200, "{place:?}");
    assert_eq!(arrived.len(), 1_001);
}

#[tokio::test]
async fn a_queue_that_is_down_ends_the_run_and_the_next_one_sends_at_once() {
    let test = TestDb::new().await;
    test.messages(30, 2).await;
    let mailbox = Mailbox::default();
    mailbox.down.store(true, Ordering::Relaxed);
    let report = test.announce(&mailbox).await;
    assert_eq!((report.sent, report.more), (0, true));
    assert_eq!(report.failure.as_deref(), Some("nobody answers"));
    assert_eq!(
        test.count("select count(*) from holdfast.outbox_messages where attempts > 0")
            .await,
        0
    );
    mailbox.down.store(false, Ordering::Relaxed);
    assert_eq!(test.announce(&mailbox).await.sent, 60);
    assert_eq!(mailbox.too_early(), []);
}

/// A lease keeps other relays away. When it ends, they take all of its messages, from the beginning
/// of each group. Messages that the slow relay sent after all are marked as sent.
#[tokio::test]
async fn messages_of_a_dead_relay_are_sent_when_its_lease_ends() {
    let test = TestDb::new().await;
    test.messages(3, 2).await;
    let claim_id = Uuid::now_v7();
    let claim = async |id, limit| {
        outbox::claim(&test.sweeper, MAIN, None, id, limit)
            .await
            .unwrap()
    };
    let claimed = claim(claim_id, 5).await;
    assert_eq!(claimed.len(), 5);
    // the answer was lost: the same claim again
    assert_eq!(claim(claim_id, 5).await, claimed);
    let mailbox = Mailbox::default();
    assert_eq!(test.announce(&mailbox).await.sent, 0);
    test.pauses_are_over().await;
    let other = claim(Uuid::now_v7(), 100).await;
    assert_eq!(other.len(), 6);
    // The relay was not dead, but slow.
    let mut fates: Vec<_> = claimed
        .into_iter()
        .map(|message| (message, outbox::Fate::Sent))
        .collect();
    fates[4].1 = outbox::Fate::Refused("too late to say so".to_owned());
    let marked = outbox::mark(&test.sweeper, MAIN, claim_id, &fates).await;
    assert_eq!(marked.unwrap(), 4);
    let left = "select count(*) from holdfast.outbox_messages
        where sent_at is null and attempts = 0 and next_try_at > clock_timestamp()";
    assert_eq!(test.count(left).await, 2);
}

#[tokio::test]
async fn only_unneeded_messages_are_purged() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (_, order) = test.ordered(&[("A", 5)]).await;
    test.record(&event(&order, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    let purge = "select holdfast.outbox_purge('main', interval '30 days', 100)::bigint";
    // unsent messages are never purged, however old
    test.sql("update holdfast.outbox_messages set created_at = now() - interval '1 year'")
        .await;
    assert_eq!(test.count(purge).await, 0);
    test.announce(&Mailbox::default()).await;
    assert_eq!(test.count(purge).await, 0);
    test.sql("update holdfast.outbox_messages set sent_at = now() - interval '31 days'")
        .await;
    test.sweep().await;
    let left = "select string_agg(topic, ' ') from holdfast.outbox_messages";
    assert_eq!(test.text(left).await, "order.paid");
    test.assert_promises_hold().await;
    // the records of finished deliveries go; those of waiting deliveries stay
    test.sql(
        "insert into holdfast.subscribers (shop, name, url, created_at)
            select 'main', name, 'https://shop.example', now()
            from unnest(array['told', 'tired', 'yesterday', 'waits']) name;
        insert into holdfast.subscriber_deliveries
            (shop, name, topic, subject, next_try_at, delivered_at, given_up_at) values
            ('main', 'told', 'order.paid', 'a', now(), now() - interval '31 days', null),
            ('main', 'tired', 'order.paid', 'a', now(), null, now() - interval '31 days'),
            ('main', 'yesterday', 'order.paid', 'a', now(), now() - interval '1 day', null),
            ('main', 'waits', 'order.paid', 'a', now() - interval '31 days', null, null)",
    )
    .await;
    assert_eq!(test.count(purge).await, 2);
    let left = "select string_agg(name, ' ' order by name) from holdfast.subscriber_deliveries";
    assert_eq!(test.text(left).await, "waits yesterday");
    let session = test.session_of(SWEEPER).await;
    let today = "select holdfast.outbox_purge('main', interval '1 hour', 100)";
    assert!(session.batch_execute(today).await.is_err());
}
