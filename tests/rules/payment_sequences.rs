//! A sequence of payment events, in every order: the end must be the same.

use operations::ids::CheckoutId;
use operations::order::{self, Order};
use operations::payment::{self, Event, EventKind, Gateway};
use serde_json::{Value, json};
use tests::golden::golden;
use tests::refund::refund_event;
use tests::{MAIN, TestDb, again, event, order_request, shop, webhooks};

/// Everything about an order except its ids and times.
async fn final_rows(test: &TestDb, order: &Order) -> Value {
    let (checkout, id) = (order.checkout_id, order.order_id);
    let reference = &order.payment.reference;
    // each query names the shop: Citus needs it
    let rows = format!(
        "select jsonb_build_object(
            'order', (select to_jsonb(o) from holdfast.orders o
                where o.shop = 'main' and o.order_id = '{id}'),
            'payment', (select to_jsonb(p) from holdfast.payments p
                where p.shop = 'main' and p.order_id = '{id}'),
            'checkout', (select to_jsonb(c) from holdfast.checkouts c
                where c.shop = 'main' and c.checkout_id = '{checkout}'),
            'holds', (select jsonb_agg(to_jsonb(h) order by h.generation) from holdfast.holds h
                where h.shop = 'main' and h.checkout_id = '{checkout}'),
            'sold', (select jsonb_agg(to_jsonb(m)) from holdfast.stock_movements m
                where m.shop = 'main' and m.reference = '{reference}'),
            'level', (select jsonb_agg(to_jsonb(l)) from holdfast.stock_levels l
                join holdfast.order_lines n using (shop, sku)
                where n.shop = 'main' and n.order_id = '{id}'),
            'announced', (select jsonb_agg(b.topic order by b.topic) from holdfast.outbox_messages b
                where b.shop = 'main' and b.body ->> 'reference' = '{reference}'),
            'captures', (select jsonb_agg(to_jsonb(c) order by c.gateway_payment_id)
                from holdfast.payment_captures c
                where c.shop = 'main' and c.reference = '{reference}'),
            'refunds', (select jsonb_agg(to_jsonb(r)) from holdfast.refunds r
                where r.shop = 'main' and r.order_id = '{id}'),
            'events', (select jsonb_agg(split_part(e.event_key, '/', 2)
                    order by split_part(e.event_key, '/', 2))
                from holdfast.payment_events e
                where e.shop = 'main' and e.reference = '{reference}'),
            'coupon', (select to_jsonb(c) from holdfast.coupons c
                join holdfast.orders o on o.shop = c.shop and o.coupon_code = c.code
                where o.shop = 'main' and o.order_id = '{id}'))"
    );
    let mut rows = test.json(&rows).await;
    strip(&mut rows);
    rows
}

/// Removes the values that differ between two orders of the same sequence.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| {
                !key.ends_with("_at")
                    && ![
                        "order_id",
                        "checkout_id",
                        "reference",
                        "request_hash",
                        "sku",
                        "code",
                        "coupon_code",
                        "refund_id",
                        "gateway_payment_id",
                        "gateway_refund_id",
                        "last_error",
                    ]
                    .contains(&key.as_str())
            });
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(at);
        for mut tail in permutations(&rest) {
            tail.insert(0, *first);
            all.push(tail);
        }
    }
    all
}

/// The events of one order. The number makes the gateway's ids unique.
type Sequence = fn(&Order, usize) -> Vec<Event>;

/// Failed attempts, and a payment that is reported twice.
fn attempts(order: &Order, n: usize) -> Vec<Event> {
    let paid = event(order, EventKind::Paid, &format!("pay-{n}"));
    vec![
        event(order, EventKind::Failed, "try-1"),
        event(order, EventKind::Dropped, "try-2"),
        event(order, EventKind::Pending, "pay"),
        again(&paid, 2),
        paid,
    ]
}

/// Two parts of the total, one of them reported twice, a failed attempt, a dispute.
fn parts(order: &Order, n: usize) -> Vec<Event> {
    let (first, second) = (format!("a-{n}"), format!("b-{n}"));
    let part = tests::refund::part(order, &first, 4_000);
    vec![
        again(&part, 2),
        part,
        tests::refund::part(order, &second, order.total_minor - 4_000),
        event(order, EventKind::Failed, &first),
        event(order, EventKind::Disputed, &second),
    ]
}

/// A payment, and its whole refund in the gateway's dashboard.
fn refunded(order: &Order, n: usize) -> Vec<Event> {
    let (payment, refund) = (format!("pay-{n}"), format!("refund-{n}"));
    let about = |kind| refund_event(kind, &payment, &refund, None, order.total_minor);
    vec![
        event(order, EventKind::Paid, &payment),
        about(EventKind::RefundPending),
        about(EventKind::RefundSettled),
        event(order, EventKind::Disputed, &payment),
    ]
}

/// The same, and the refund bounced.
fn bounced(order: &Order, n: usize) -> Vec<Event> {
    let (payment, refund) = (format!("pay-{n}"), format!("refund-{n}"));
    let failed = EventKind::RefundFailed;
    let mut sequence = refunded(order, n);
    sequence.push(refund_event(
        failed,
        &payment,
        &refund,
        None,
        order.total_minor,
    ));
    sequence
}

/// A gateway's own events of attempts, a payment that is reported twice, and its refund: real
/// bodies, read by its adapter, with this order's reference.
fn in_the_words_of(gateway: Gateway, order: &Order, n: usize) -> Vec<Event> {
    let names: [&str; 5] = match gateway {
        Gateway::Cashfree => [
            "2023-08-01-failed",
            "2025-01-01-dropped",
            "2023-08-01-paid",
            "2025-01-01-paid",
            "2025-01-01-refund_success",
        ],
        Gateway::Stripe => [
            "intent_payment_failed",
            "intent_processing",
            "intent_succeeded",
            "session_completed_paid",
            "refund_updated_succeeded",
        ],
        Gateway::Razorpay => [
            "payment_failed",
            "payment_authorized",
            "payment_captured",
            "order_paid",
            "refund_processed",
        ],
    };
    let event = |name: &str| {
        let golden = golden(&format!("{gateway}/{name}"));
        let event = webhooks::read(gateway, &golden.body).unwrap();
        let own = |id: Option<String>| id.map(|id| format!("{id}-{n}"));
        Event {
            reference: event.reference.map(|_| order.payment.reference.clone()),
            gateway_order_id: own(event.gateway_order_id),
            amount_minor: event.amount_minor.map(|_| order.total_minor),
            gateway_payment_id: own(event.gateway_payment_id),
            // a refund of the gateway's dashboard
            refund_id: None,
            gateway_refund_id: own(event.gateway_refund_id),
            ..event
        }
    };
    names.map(event).into()
}

fn in_cashfrees_words(order: &Order, n: usize) -> Vec<Event> {
    in_the_words_of(Gateway::Cashfree, order, n)
}

fn in_stripes_words(order: &Order, n: usize) -> Vec<Event> {
    in_the_words_of(Gateway::Stripe, order, n)
}

fn in_razorpays_words(order: &Order, n: usize) -> Vec<Event> {
    in_the_words_of(Gateway::Razorpay, order, n)
}

/// Runs one order's events in every order, to one final state. `late`: its hold had ended before.
async fn ends_in_every_order(late: bool, sequence: Sequence) -> Value {
    ends_in_every_order_of(Gateway::Cashfree, late, sequence).await
}

/// The same, from this gateway.
async fn ends_in_every_order_of(gateway: Gateway, late: bool, sequence: Sequence) -> Value {
    let test = TestDb::new().await;
    let mut ends: Vec<(Vec<usize>, Value)> = Vec::new();
    let mut orders = Vec::new();
    let events: Vec<usize> = {
        let (_, any) = some_order(&test, 1_000).await;
        (0..sequence(&any, 0).len()).collect()
    };
    for (n, permutation) in permutations(&events).into_iter().enumerate() {
        let (id, order) = some_order(&test, n).await;
        if late {
            test.expire(id).await;
        }
        let sequence = sequence(&order, n);
        for step in &permutation {
            // an event key is unique in the whole shop
            let event = Event {
                key: format!("{n}/{step}"),
                ..sequence[*step].clone()
            };
            payment::record_event(&test.payments, &shop(MAIN), gateway, &event)
                .await
                .unwrap();
        }
        orders.push((permutation, order));
    }
    // events that came too early are applied now
    while test.sweep().await.shops[0].unparked > 0 {}
    for (permutation, order) in orders {
        ends.push((permutation, final_rows(&test, &order).await));
    }
    test.assert_promises_hold().await;
    for (_, end) in &mut ends {
        // a bounced refund was announced as settled only where that event came first
        if end["refunds"][0]["bounced"] == true {
            end["announced"] = Value::Null;
        }
    }
    let (_, first) = ends[0].clone();
    for (permutation, end) in &ends {
        assert_eq!(end, &first, "{permutation:?}");
    }
    first
}

/// An order of its own unit, with its own coupon.
async fn some_order(test: &TestDb, n: usize) -> (CheckoutId, Order) {
    let (sku, code) = (format!("S{n}"), format!("C{n}"));
    test.sku(&sku, 1).await;
    test.sql(&format!(
        "select holdfast.coupon_put('main', '{code}', 'fixed', 500, 0, null, null, 1)"
    ))
    .await;
    let id = test.held(&[(&sku, 1)]).await;
    let request = order::Create {
        coupon: Some(code.parse().unwrap()),
        ..order_request(id)
    };
    let order::Created::New(order) = order::create(&test.db, &request).await.unwrap() else {
        panic!("not new")
    };
    (id, order)
}

/// Scenario 19. Promise 4.
#[tokio::test]
async fn an_orders_events_end_in_one_state_in_every_order() {
    let end = ends_in_every_order(false, attempts).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(end["payment"]["status"], "paid");
    assert_eq!(
        end["level"],
        json!([{ "shop": "main", "on_hand": 0, "held": 0, "version": 3,
            "low_stock_threshold": 0, "sold": 1 }])
    );
    assert_eq!(end["announced"], json!(["order.paid"]));
    assert_eq!(end["events"].as_array().map(Vec::len), Some(5));
}

/// Scenario 19, when the hold had ended.
#[tokio::test]
async fn a_late_orders_events_end_in_one_state_in_every_order() {
    let end = ends_in_every_order(true, attempts).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(
        end["level"],
        json!([{ "shop": "main", "on_hand": 0, "held": 0, "version": 5,
            "low_stock_threshold": 0, "sold": 1 }])
    );
    assert_eq!(end["coupon"]["uses_consumed"], 1);
}

/// Scenario 19, with the total in parts and a dispute (scenario 11).
#[tokio::test]
async fn the_parts_of_a_payment_end_in_one_state_in_every_order() {
    let end = ends_in_every_order(false, parts).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(end["captures"].as_array().map(Vec::len), Some(2));
    assert_eq!(end["refunds"], Value::Null);
    assert_eq!(
        end["announced"],
        json!(["order.paid", "payment.disputed", "payment.review"])
    );
}

/// Scenario 19, with a refund made at the gateway.
#[tokio::test]
async fn a_payment_and_its_refund_end_in_one_state_in_every_order() {
    let end = ends_in_every_order(false, refunded).await;
    assert_eq!(end["order"]["status"], "refunded");
    assert_eq!(end["payment"]["status"], "paid");
    assert_eq!(end["level"][0]["on_hand"], 0, "the goods stay sold");
    assert_eq!(end["refunds"][0]["status"], "settled");
    assert_eq!(end["refunds"].as_array().map(Vec::len), Some(1));
}

/// Scenario 19, for each gateway: its own events, in every order.
#[tokio::test]
async fn each_gateways_own_events_end_in_one_state_in_every_order() {
    let sequences: [(Gateway, Sequence); 3] = [
        (Gateway::Cashfree, in_cashfrees_words),
        (Gateway::Stripe, in_stripes_words),
        (Gateway::Razorpay, in_razorpays_words),
    ];
    for (gateway, sequence) in sequences {
        let end = ends_in_every_order_of(gateway, false, sequence).await;
        assert_eq!(end["order"]["status"], "refunded", "{gateway}: {end}");
        assert_eq!(end["payment"]["status"], "paid", "{gateway}");
        assert_eq!(
            end["captures"].as_array().map(Vec::len),
            Some(1),
            "{gateway}"
        );
        assert_eq!(end["refunds"][0]["status"], "settled", "{gateway}");
        assert_eq!(
            end["refunds"].as_array().map(Vec::len),
            Some(1),
            "{gateway}"
        );
        assert_eq!(
            end["level"][0]["on_hand"], 0,
            "{gateway}: the goods stay sold"
        );
    }
}

/// Scenario 19, with a refund that bounced.
#[tokio::test]
async fn a_bounced_refunds_events_end_in_one_state_in_every_order() {
    let end = ends_in_every_order(false, bounced).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(end["captures"][0]["refunded_minor"], 0);
    assert_eq!(end["refunds"][0]["status"], "failed");
}
