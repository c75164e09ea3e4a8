//! The search finds a purchase by any id that a person may have in hand.

use operations::history;
use operations::payment::{Event, EventKind, Gateway, Outcome};
use serde_json::json;
use tests::refund::{ask_for, settled};
use tests::webhooks::read;
use tests::{MAIN, TestDb, event, shop};

async fn found(test: &TestDb, text: &str) -> Vec<String> {
    let desk = test.desk(1);
    let found = history::search(&desk.0, &shop(MAIN), &text.parse().unwrap()).await;
    let found = found.unwrap().found;
    let all = found.as_array().unwrap().iter();
    all.map(|one| one["order"]["order_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_purchase_is_found_by_every_id_of_it() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    // another purchase, with ids of the same kinds
    test.paid_order("A", "pi_other").await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let reference = &order.payment.reference;
    test.sql(&format!(
        "select holdfast.gateway_order_put('main', '{reference}', 'cashfree', '{reference}', '{{}}',
            1800, 'cf-order-1');
         select holdfast.gateway_order_put('main', '{reference}', 'stripe', 'cs_1', '{{}}', 1800)"
    ))
    .await;
    // an order that the storefront made at Razorpay
    let failed = Event {
        gateway_order_id: Some("order_1".to_owned()),
        ..event(&order, EventKind::Failed, "pay_1")
    };
    assert_eq!(test.stripe(&failed).await, Outcome::Recorded);
    let paid = json!({ "object": "event", "type": "payment_intent.succeeded", "data": { "object": {
        "id": "pi_1", "status": "succeeded", "amount_received": order.total_minor,
        "currency": "inr", "latest_charge": "ch_1", "metadata": { "reference": reference } } } });
    let paid = read(Gateway::Stripe, &paid.to_string()).unwrap();
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    let dispute = json!({ "object": "event", "type": "charge.dispute.created", "data": { "object": {
        "id": "du_1", "status": "won", "amount": 1, "currency": "inr", "payment_intent": "pi_1",
        "charge": "ch_1" } } });
    let dispute = read(Gateway::Stripe, &dispute.to_string()).unwrap();
    assert_eq!(test.stripe(&dispute).await, Outcome::Recorded);
    let ask = ask_for(None);
    test.ask(order.order_id, &ask).await.unwrap();
    let (refund_id, ..) = test.refund().await;
    test.claimed().await;
    test.report(refund_id, &settled("re_1")).await;

    let ids = [
        id.to_string(),
        order.order_id.to_string(),
        refund_id.to_string(),
    ];
    let theirs = [
        reference.as_str(),
        "cf-order-1",
        "cs_1",
        "order_1",
        "pay_1",
        "pi_1",
        "ch_1",
        "re_1",
        "du_1",
    ];
    for text in ids.iter().map(String::as_str).chain(theirs) {
        assert_eq!(
            found(&test, text).await,
            [order.order_id.to_string()],
            "{text}"
        );
    }
    for nothing in [
        "ch_2",
        "re_2",
        "order_2",
        "00000000-0000-4000-8000-000000000001",
    ] {
        assert!(found(&test, nothing).await.is_empty(), "{nothing}");
    }
    test.assert_promises_hold().await;
}

/// Cashfree's own number of the order is beside the payment.
#[test]
fn cashfrees_own_id_of_the_order_is_kept() {
    let paid = |gateway: &str| {
        let body = json!({ "type": "PAYMENT_SUCCESS_WEBHOOK", "data": {
            "order": { "order_id": "main-x", "order_amount": 1, "order_currency": "INR" },
            "payment": { "cf_payment_id": "11", "payment_status": "SUCCESS" },
            "payment_gateway_details": { "gateway_name": gateway, "gateway_order_id": "163" } } });
        read(Gateway::Cashfree, &body.to_string())
            .unwrap()
            .gateway_order_id
    };
    assert_eq!(paid("CASHFREE").as_deref(), Some("163"));
    assert_eq!(paid("ANOTHER"), None);
}

/// Money of no order here is found by the same ids.
#[tokio::test]
async fn an_event_of_no_order_is_found_by_its_ids() {
    let test = TestDb::new().await;
    let refund = json!({ "object": "event", "type": "refund.created", "data": { "object": {
        "id": "re_1", "status": "succeeded", "amount": 1, "currency": "inr",
        "payment_intent": "pi_1", "charge": "ch_1" } } });
    let refund = read(Gateway::Stripe, &refund.to_string()).unwrap();
    assert_eq!(test.stripe(&refund).await, Outcome::Parked);
    let desk = test.desk(1);
    for text in ["pi_1", "ch_1", "re_1"] {
        let found = history::search(&desk.0, &shop(MAIN), &text.parse().unwrap()).await;
        let events = found.unwrap().unmatched_events;
        assert_eq!(events.as_array().map(Vec::len), Some(1), "{text}");
    }
}
