//! Shoppers, and their payment gateway.

use operations::checkout::{self, Begin};
use operations::ids::{CheckoutId, Customer};
use operations::order::{self, Create, Created, Order, PaymentMethod};
use operations::payment::{self, EventKind, Gateway, Outcome};
use rand::Rng as _;
use rand::rngs::StdRng;
use tests::{begin_request, event, order_request};

use super::traffic::{Traffic, any_sku, id_of};

/// Few names, so that limits for one customer are reached.
const CUSTOMERS: u32 = 30;

/// One shopper after another.
pub(super) async fn shop(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        visit(traffic, &mut random).await;
    }
}

fn cart(random: &mut StdRng) -> Vec<(&'static str, i64)> {
    let lines = random.random_range(1..=2);
    (0..lines)
        .map(|_| (any_sku(random), random.random_range(1..=2)))
        .collect()
}

fn customer(random: &mut StdRng) -> Customer {
    let number = random.random_range(0..CUSTOMERS);
    format!("c-{number}").parse().unwrap()
}

async fn visit(traffic: &Traffic, random: &mut StdRng) {
    let (id, customer): (CheckoutId, _) = (id_of(random), customer(random));
    let request = Begin {
        customer: customer.clone(),
        ..begin_request(id, &cart(random))
    };
    let begun = checkout::begin(&traffic.checkout, &request).await;
    if traffic.outcome("begin", begun).is_none() {
        return;
    }
    match random.random_range(0..100) {
        0..10 => return traffic.lapse(Some(id)).await,
        10..25 => {
            let replacement = Begin {
                revision: 2.try_into().unwrap(),
                customer: customer.clone(),
                ..begin_request(id, &cart(random))
            };
            let replaced = checkout::begin(&traffic.checkout, &replacement).await;
            traffic.outcome("replace", replaced);
        }
        25..35 => {
            let extended = checkout::extend(&traffic.checkout, &traffic.main, id, None, None).await;
            traffic.outcome("extend", extended);
        }
        35..45 => return release(traffic, id).await,
        _ => {}
    }
    order_and_pay(traffic, random, id, customer).await;
}

async fn release(traffic: &Traffic, id: CheckoutId) {
    let released = checkout::release(&traffic.checkout, &traffic.main, id, None).await;
    traffic.outcome("release", released);
}

async fn order_and_pay(traffic: &Traffic, random: &mut StdRng, id: CheckoutId, who: Customer) {
    let method = match random.random_range(0..100) {
        0..30 => PaymentMethod::Offline,
        _ => PaymentMethod::Online,
    };
    let coupon = random.random_bool(0.3).then(|| "TEN".parse().unwrap());
    let request = Create {
        customer: Some(who),
        method,
        coupon,
        ..order_request(id)
    };
    let created = order::create(&traffic.checkout, &request).await;
    let Some(Created::New(order) | Created::Same(order)) = traffic.outcome("order", created) else {
        return;
    };
    if method == PaymentMethod::Offline {
        sold(traffic, &order);
        return;
    }
    let attempt = format!("pay-{id}");
    if random.random_bool(0.3) {
        record(traffic, &order, EventKind::Failed, &attempt).await;
    }
    // the hold is gone when the money comes: released, or ended
    match random.random_range(0..100) {
        0..15 => release(traffic, id).await,
        15..30 => traffic.lapse(Some(id)).await,
        30..40 => return,
        _ => {}
    }
    // the gateway sends it twice
    let paid = || record(traffic, &order, EventKind::Paid, &attempt);
    let (one, two) = tokio::join!(paid(), paid());
    let completed = |outcome: &Option<Outcome>| {
        matches!(outcome, Some(Outcome::Completed | Outcome::CompletedLate))
    };
    match [one, two]
        .iter()
        .filter(|outcome| completed(outcome))
        .count()
    {
        0 => {}
        1 => sold(traffic, &order),
        _ => traffic
            .wrong
            .borrow_mut()
            .push(format!("completed twice: {id}")),
    }
}

async fn record(traffic: &Traffic, order: &Order, kind: EventKind, id: &str) -> Option<Outcome> {
    let event = event(order, kind, id);
    let cashfree = Gateway::Cashfree;
    let recorded = payment::record_event(&traffic.payments, &traffic.main, cashfree, &event).await;
    match recorded {
        Ok(recorded) => {
            traffic.count(&format!("payment {:?}", recorded.outcome));
            Some(recorded.outcome)
        }
        Err(failure) => {
            traffic
                .wrong
                .borrow_mut()
                .push(format!("payment: {failure:?}"));
            None
        }
    }
}

fn sold(traffic: &Traffic, order: &Order) {
    let line = &order.lines[0];
    let sold = (
        order.order_id.into(),
        line.sku.clone(),
        i64::from(line.quantity),
    );
    traffic.paid.borrow_mut().push(sold);
}
