//! Random events of payments, in batches and one by one: the same outcomes, the same rows, the same
//! announcements, the same promises.

use std::sync::Mutex;

use local::roles;
use operations::checkout::{self, Begin};
use operations::ids::CheckoutId;
use operations::order::{self, Create, Created, Order};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::{CALL_MAX, TestDb, begin_request, event, new_id, order_request, property, shop};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

const CASES: u32 = 24;
const ORDERS: usize = 12;
/// What differs between the two shops, or is the time. Times are left out by their ending.
const LEFT_OUT: [&str; 5] = ["shop", "name", "number", "request_hash", "refund_id"];

#[derive(Debug, Clone)]
struct Said {
    order: usize,
    kind: EventKind,
    /// Most orders are paid once. Some events are about another payment, or about that of another
    /// order.
    payment: usize,
    more_minor: i64,
    currency: &'static str,
    has_reference: bool,
    has_payment_id: bool,
    /// The same key as that of another event of this order.
    again: bool,
    gateway: Gateway,
}

#[derive(Debug, Clone)]
enum Step {
    Record(Vec<Said>),
    Expire(usize),
}

fn said() -> impl Strategy<Value = Said> {
    let kind = prop_oneof![
        12 => Just(EventKind::Paid),
        1 => Just(EventKind::Failed),
        1 => Just(EventKind::Pending),
        1 => Just(EventKind::Other),
        1 => Just(EventKind::Disputed),
        1 => Just(EventKind::RefundSettled),
    ];
    let payment = prop_oneof![10 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    let more_minor = prop_oneof![12 => Just(0_i64), 1 => Just(-1), 1 => Just(1)];
    let currency = prop_oneof![15 => Just("INR"), 1 => Just("USD")];
    let seldom = || prop::bool::weighted(0.05);
    let gateway = prop_oneof![6 => Just(Gateway::Cashfree), 1 => Just(Gateway::Razorpay)];
    // one order more: nobody knows it
    let which = (0..=ORDERS, kind, payment, more_minor, currency);
    (which, (seldom(), seldom(), seldom()), gateway).prop_map(
        |((order, kind, payment, more_minor, currency), (a, b, c), gateway)| Said {
            order,
            kind,
            payment,
            more_minor,
            currency,
            has_reference: !a,
            has_payment_id: !b,
            again: c,
            gateway,
        },
    )
}

fn steps() -> impl Strategy<Value = (bool, Vec<Step>)> {
    let step = prop_oneof![
        3 => vec(said(), 2..11).prop_map(Step::Record),
        1 => (0..ORDERS).prop_map(Step::Expire),
    ];
    (any::<bool>(), vec(step, 2..6))
}

/// Two shops with the same skus and orders. One records one by one, the other in batches.
struct Run<'a> {
    test: &'a TestDb,
    one: (String, Vec<Order>),
    many: (String, Vec<Order>),
    checkouts: [CheckoutId; ORDERS],
}

impl<'a> Run<'a> {
    async fn prepared(test: &'a TestDb, number: usize, limited: bool) -> Self {
        let checkouts = std::array::from_fn(|_| new_id());
        let mut shops = Vec::new();
        for code in [format!("one{number}"), format!("many{number}")] {
            let orders = orders(test, &code, &checkouts, limited).await;
            shops.push((code, orders));
        }
        let (many, one) = (shops.pop().unwrap(), shops.pop().unwrap());
        Self {
            test,
            one,
            many,
            checkouts,
        }
    }

    fn event(orders: &[Order], said: &Said) -> Event {
        let known = orders.get(said.order);
        let order = known.unwrap_or(&orders[0]);
        let of = if said.payment == 2 { 0 } else { said.order };
        let id = format!("p-{of}-{}", said.payment % 2);
        let mut event = event(order, said.kind, &id);
        let again = if said.again {
            0
        } else {
            said.order * 7 + said.payment
        };
        event.key = format!(
            "{:?}:{again}:{}:{}",
            said.kind, said.more_minor, said.currency
        );
        event.amount_minor = event.amount_minor.map(|amount| amount + said.more_minor);
        event.currency = Some(said.currency.to_owned());
        event.gateway_payment_id = said.has_payment_id.then_some(id);
        if known.is_none() {
            event.reference = Some("nobodys-order".to_owned());
        }
        if !said.has_reference {
            event.reference = None;
        }
        event
    }

    /// Returns how many of them went together.
    async fn record(&self, batch: &[Said]) -> usize {
        let db = &self.test.payments;
        let (code, orders) = &self.many;
        let events: Vec<(Gateway, Event)> = batch
            .iter()
            .map(|said| (said.gateway, Self::event(orders, said)))
            .collect();
        let all: Vec<(Gateway, &Event)> = events.iter().map(|(g, e)| (*g, e)).collect();
        let decided = payment::record_events(db, &shop(code), &all, CALL_MAX)
            .await
            .unwrap();
        assert_eq!(decided.len(), batch.len());
        // A batch counts as if what it decided had come first, in its order, and then the rest.
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for (nth, decided) in decided.into_iter().enumerate() {
            match decided {
                Some(recorded) => first.push((nth, recorded)),
                None => then.push(nth),
            }
        }
        let together = first.len();
        for nth in then {
            let (gateway, event) = all[nth];
            let alone = payment::record_event(db, &shop(code), gateway, event).await;
            first.push((nth, alone.unwrap()));
        }
        for (nth, recorded) in first {
            let (code, orders) = &self.one;
            let event = Self::event(orders, &batch[nth]);
            let alone = payment::record_event(db, &shop(code), batch[nth].gateway, &event).await;
            let alone = alone.unwrap();
            assert_eq!(recorded.outcome, alone.outcome, "{:?}", batch[nth]);
            assert_eq!(recorded.contradicts, alone.contradicts, "{:?}", batch[nth]);
            let order = |orders: &[Order], id| orders.iter().position(|o| Some(o.order_id) == id);
            assert_eq!(
                order(&self.many.1, recorded.order_id),
                order(orders, alone.order_id)
            );
        }
        together
    }

    async fn step(&self, step: &Step) -> usize {
        let together = match step {
            Step::Record(batch) => self.record(batch).await,
            // in both shops: the id is the same
            Step::Expire(nth) => {
                self.test.expire(self.checkouts[*nth]).await;
                0
            }
        };
        let (one, many) = (self.rows(&self.one).await, self.rows(&self.many).await);
        assert_eq!(one, many);
        together
    }

    /// Every row of a shop, with the same names of its orders in both shops, and the order of its
    /// announcements.
    async fn rows(&self, (code, orders): &(String, Vec<Order>)) -> Vec<String> {
        let mut names = Vec::new();
        for (nth, order) in orders.iter().enumerate() {
            names.push((order.order_id.to_string(), format!("order-{nth}")));
            names.push((order.payment.reference.clone(), format!("reference-{nth}")));
            names.push((order.checkout_id.to_string(), format!("checkout-{nth}")));
        }
        let mut rows = Vec::new();
        for (table, all) in self.test.rows_of(code).await {
            rows.extend(all.into_iter().map(|row| (table.clone(), row)));
        }
        let announced = "select jsonb_build_object('group', group_key, 'all',
                jsonb_agg(topic || ' ' || subject order by number))
            from holdfast.outbox_messages where shop = $1 group by group_key";
        for row in self.test.owner.query(announced, &[code]).await.unwrap() {
            rows.push(("announced".to_owned(), row.get(0)));
        }
        assert!(rows.len() > 3 * ORDERS);
        let mut rows: Vec<String> = rows
            .into_iter()
            .map(|(table, row)| format!("{table} {}", renamed(row, &names)))
            .collect();
        rows.sort();
        rows
    }
}

fn renamed(value: Value, names: &[(String, String)]) -> Value {
    match value {
        Value::String(mut text) => {
            for (from, to) in names {
                text = text.replace(from, to);
            }
            // those that the database makes, such as that of a refund
            let words = text
                .split([' ', ':'])
                .map(|word| match Uuid::parse_str(word) {
                    Ok(_) => "an-id",
                    Err(_) => word,
                });
            words.collect::<Vec<_>>().join(" ").into()
        }
        Value::Array(all) => all.into_iter().map(|one| renamed(one, names)).collect(),
        Value::Object(members) => {
            let kept = members
                .into_iter()
                .filter(|(key, _)| !key.ends_with("_at") && !LEFT_OUT.contains(&key.as_str()));
            Value::Object(kept.map(|(key, one)| (key, renamed(one, names))).collect())
        }
        other => other,
    }
}

/// Orders of one or two skus. `L` has a limit per customer. Some have a coupon. There is little
/// stock beside them, so an order whose hold has ended may find none.
async fn orders(
    test: &TestDb,
    code: &str,
    checkouts: &[CheckoutId; ORDERS],
    limited: bool,
) -> Vec<Order> {
    test.shop(code).await;
    for (sku, units) in [("A", 13), ("B", 5), ("L", 9)] {
        test.sku_of(code, sku, units).await;
    }
    let most = if limited { "9" } else { "null" };
    test.sql(&format!(
        "update holdfast.skus set limit_per_customer = 9 where shop = '{code}' and sku = 'L';
        update holdfast.shops set checkouts_per_customer_max = {most} where shop = '{code}';
        select holdfast.coupon_put('{code}', 'TEN', 'percent', 1000, 0, null, null, 9);
        select holdfast.coupon_put('{code}', 'ELEVEN', 'percent', 1100, 0, null, null, 9)"
    ))
    .await;
    let mut orders = Vec::new();
    for (nth, id) in checkouts.iter().enumerate() {
        let skus: &[&str] = [&["A"][..], &["A", "L"], &["B", "L"], &["A"]][nth % 4];
        let lines: Vec<(&str, i64)> = skus.iter().map(|sku| (*sku, 1)).collect();
        let begin = Begin {
            shop: shop(code),
            customer: format!("c-{}", nth % 5).parse().unwrap(),
            ..begin_request(*id, &lines)
        };
        let customer = begin.customer.clone();
        checkout::begin(&test.db, &begin).await.unwrap();
        let coupon = [None, Some("TEN"), Some("ELEVEN")][nth % 3];
        let create = Create {
            shop: shop(code),
            customer: Some(customer),
            coupon: coupon.map(|code| code.parse().unwrap()),
            ..order_request(*id)
        };
        match order::create(&test.db, &create).await.unwrap() {
            Created::New(order) | Created::Same(order) => orders.push(order),
        }
    }
    orders
}

/// Promises 2, 4, 5, 6, 7 and 10.
#[test]
fn events_in_batches_have_the_effects_that_they_have_one_by_one() {
    // events, and those of them that went together
    let seen = Mutex::new((0, 0));
    property::play(
        CASES,
        50,
        &steps(),
        async |test, number, (limited, steps)| {
            let run = Run::prepared(test, number, limited).await;
            let mut own = 0;
            for step in &steps {
                own += run.step(step).await;
            }
            test.assert_promises_hold().await;
            let events = |step: &Step| match step {
                Step::Record(batch) => batch.len(),
                Step::Expire(_) => 0,
            };
            let mut seen = seen.lock().unwrap();
            seen.0 += steps.iter().map(events).sum::<usize>();
            seen.1 += own;
        },
    );
    // the control: the batches decided, and not only the single calls behind them
    let (events, together) = seen.into_inner().unwrap();
    assert!(
        together > 40 && events - together > 40,
        "{together} of {events}"
    );
}

/// A batch whose order somebody keeps locked fails soon, whatever the session allows, and keeps no
/// event locked: each goes alone.
#[tokio::test]
async fn a_batch_waits_half_a_second_for_a_lock() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let mut events = Vec::new();
    for nth in 0..2 {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        events.push(event(&order, EventKind::Paid, &format!("pay-{nth}")));
    }
    let list: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "gateway": "cashfree", "event_key": event.key, "reference": event.reference,
                "kind": "paid", "currency": "INR", "amount_minor": event.amount_minor,
                "gateway_payment_id": event.gateway_payment_id, "payload": "",
            })
        })
        .collect();
    let call = format!(
        "call holdfast.payment_record_events('main', '{}')",
        Value::from(list)
    );
    let before = test.rows().await;
    let locked = events[1].reference.as_deref().unwrap();
    let blocker = test
        .block(&format!(
            "select from holdfast.orders o join holdfast.payments p using (shop, order_id)
            where p.shop = 'main' and p.reference = '{locked}' for update of o"
        ))
        .await;
    let session = test.session_of(roles::PAYMENTS).await;
    let patient = "set lock_timeout = 0; set statement_timeout = 0";
    session.batch_execute(patient).await.unwrap();
    let error = session.batch_execute(&call).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some(&SqlState::LOCK_NOT_AVAILABLE),
        "{error:?}"
    );
    assert_eq!(test.rows().await, before);
    assert_eq!(test.record(&events[0]).await.unwrap(), Outcome::Completed);
    // the control: nobody keeps it locked
    blocker.let_go().await;
    session.batch_execute(&call).await.unwrap();
    assert_eq!(test.level("A").await.0, 7);
    test.assert_promises_hold().await;
}

/// The events of ten orders, whose batch fails as a whole for one of them. The others are not
/// harmed: they go alone.
#[tokio::test]
async fn a_batch_with_an_event_that_the_database_refuses_leaves_nothing_behind() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let mut events = Vec::new();
    for nth in 0..3 {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        events.push(event(&order, EventKind::Paid, &format!("pay-{nth}")));
    }
    // longer than payment_event_texts_are_short allows
    events[1].key = "k".repeat(2_000);
    let before = test.rows().await;
    let all: Vec<(Gateway, &Event)> = events.iter().map(|e| (Gateway::Cashfree, e)).collect();
    let refused = payment::record_events(&test.payments, &shop("main"), &all, CALL_MAX).await;
    let constraint = refused.unwrap_err().constraint().map(str::to_owned);
    assert_eq!(constraint.as_deref(), Some("payment_event_texts_are_short"));
    assert_eq!(test.rows().await, before);
    assert_eq!(test.record(&events[0]).await.unwrap(), Outcome::Completed);
    test.record(&events[1]).await.unwrap_err();
    assert_eq!(test.record(&events[2]).await.unwrap(), Outcome::Completed);
    assert_eq!(test.level("A").await.0, 7);
    test.assert_promises_hold().await;
}
