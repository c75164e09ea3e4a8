//! One story told in every order: it must end the same.

use serde_json::{Value, json};
use shared::order::{self, Order};
use shared::payment::{Event, EventKind};
use tests::{TestDb, event, order_request};

use crate::payment::again;

/// Everything about an order but its ids and its times.
async fn final_rows(test: &TestDb, order: &Order) -> Value {
    let rows = format!(
        "with wanted (checkout_id, order_id, reference) as (values ('{}'::uuid, '{}'::uuid, '{}'))
        select jsonb_build_object(
            'order', (select to_jsonb(o) from holdfast.orders o where o.order_id = w.order_id),
            'payment', (select to_jsonb(p) from holdfast.payments p
                where p.order_id = w.order_id),
            'checkout', (select to_jsonb(c) from holdfast.checkouts c
                where c.checkout_id = w.checkout_id),
            'holds', (select jsonb_agg(to_jsonb(h) order by h.take) from holdfast.holds h
                where h.checkout_id = w.checkout_id),
            'sold', (select jsonb_agg(to_jsonb(m)) from holdfast.stock_movements m
                where m.reference = w.reference),
            'level', (select jsonb_agg(to_jsonb(l)) from holdfast.stock_levels l
                join holdfast.order_lines using (shop, sku) where order_id = w.order_id),
            'announced', (select jsonb_agg(b.topic order by b.topic) from holdfast.outbox_messages b
                where b.body ->> 'reference' = w.reference),
            'events', (select jsonb_agg(k.event order by k.event)
                from holdfast.payment_events e, split_part(e.event_key, '/', 2) k (event)
                where e.reference = w.reference),
            'coupon', (select to_jsonb(c) from holdfast.coupons c
                join holdfast.orders o on o.coupon_code = c.code where o.order_id = w.order_id)
        )
        from wanted w",
        order.checkout_id, order.order_id, order.payment.reference
    );
    let mut rows = test.json(&rows).await;
    strip(&mut rows);
    rows
}

/// Removes what differs between two orders of the same story.
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

/// One order's story told in every order, to one final state. `late`: its hold had ended before.
async fn every_order_of_events_ends_the_same(late: bool) -> Value {
    let test = TestDb::new().await;
    let mut ends: Vec<(Vec<usize>, Value)> = Vec::new();
    for (n, permutation) in permutations(&[0, 1, 2, 3, 4]).into_iter().enumerate() {
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
        if late {
            test.expire(id).await;
        }
        let paid = event(&order, EventKind::Paid, "pay");
        let story = [
            event(&order, EventKind::Failed, "try-1"),
            event(&order, EventKind::Dropped, "try-2"),
            event(&order, EventKind::Pending, "pay"),
            again(&paid, 2),
            paid,
        ];
        for step in &permutation {
            // one key is one event in the whole shop
            let event = Event {
                key: format!("{n}/{}", story[*step].key),
                ..story[*step].clone()
            };
            test.record(&event).await.unwrap();
        }
        ends.push((permutation, final_rows(&test, &order).await));
    }
    assert_eq!(ends.len(), 120);
    test.assert_promises_kept().await;
    let (_, first) = ends[0].clone();
    for (permutation, end) in &ends {
        assert_eq!(end, &first, "{permutation:?}");
    }
    first
}

/// Scenario 19. Promise 4.
#[tokio::test]
async fn every_order_of_one_orders_events_ends_in_one_state() {
    let end = every_order_of_events_ends_the_same(false).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(end["payment"]["status"], "paid");
    assert_eq!(
        end["level"],
        json!([{ "shop": "main", "on_hand": 0, "held": 0, "version": 3,
            "low_stock_threshold": 0 }])
    );
    assert_eq!(end["announced"], json!(["order.paid"]));
    assert_eq!(end["events"].as_array().map(Vec::len), Some(5));
}

/// Scenario 19, when the hold had ended.
#[tokio::test]
async fn every_order_of_a_late_orders_events_ends_in_one_state() {
    let end = every_order_of_events_ends_the_same(true).await;
    assert_eq!(end["order"]["status"], "paid");
    assert_eq!(
        end["level"],
        json!([{ "shop": "main", "on_hand": 0, "held": 0, "version": 5,
            "low_stock_threshold": 0 }])
    );
    assert_eq!(end["coupon"]["uses_consumed"], 1);
}
