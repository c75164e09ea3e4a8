//! Checks of the records: every capture at a gateway has one right ending, money goes back once,
//! and goods leave once. Pure functions of the gateways' and the database's records.

use std::collections::BTreeMap;

use super::Checked;
use crate::records::{Attempt, LedgerOrder, Records};

/// All checks of the records.
pub(crate) const CHECKS: [fn(&Records) -> Checked; 4] = [
    every_capture_ends_once,
    refunds_add_up,
    sold_once,
    nothing_is_left_over,
];

/// Whether there is nothing left to wait for.
pub(crate) fn is_settled(records: &Records) -> bool {
    let mut refunds = records.database.refunds.iter();
    let right = |check: &fn(&Records) -> Checked| check(records).wrong.is_empty();
    refunds.all(|refund| refund.status == "settled") && CHECKS.iter().all(right)
}

/// All captures of an order together: either the order is paid with exactly its total, or all of
/// the money was or will be refunded, and the order says so. No order is paid without captures.
pub(crate) fn every_capture_ends_once(records: &Records) -> Checked {
    let mut checked = Checked::new("every_payment_ends_once", "captures and orders");
    let mut captures: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for (attempt, reference) in records.captures() {
        captures.entry(reference).or_default().push(attempt);
        let (gateway, id, amount) = (&attempt.gateway, &attempt.id, attempt.amount);
        let mut captures = records.database.captures.iter();
        let known = captures.find(|(at, known, _)| (at, known) == (gateway, id));
        let known = known.map(|(.., amount)| *amount);
        checked.check(known == Some(amount), || {
            format!("{reference}: {gateway} captured {amount} by {id}, known as {known:?}")
        });
    }
    for reference in captures.keys() {
        checked.check(records.database.orders.contains_key(*reference), || {
            format!("{reference}: captured, and no such order")
        });
    }
    for (reference, order) in &records.database.orders {
        let attempts = captures.remove(reference.as_str()).unwrap_or_default();
        let captured: i64 = attempts.iter().map(|attempt| attempt.amount).sum();
        let back: i64 = attempts.iter().map(|one| records.settled(one)).sum();
        let owed = records.owed(reference);
        checked.check(ends_right(order, captured, back, owed), || {
            let (status, total) = (&order.status, order.total_minor);
            format!(
                "{reference}: {status}, of {total}; {captured} captured, {back} refunded, {owed} \
                 owed"
            )
        });
    }
    checked
}

fn ends_right(order: &LedgerOrder, captured: i64, back: i64, owed: i64) -> bool {
    let left = captured - back - owed;
    match order.status.as_str() {
        "paid" => left == order.total_minor && captured > 0,
        "refund_due" => left == 0 && owed > 0,
        "refunded" => left == 0 && owed == 0 && captured > 0,
        // An order that was paid, even late, has to say so.
        _ => captured == 0,
    }
}

/// No attempt is refunded beyond its amount. Every refund at a gateway is one of the deployment's,
/// of the same amount. A refund that the deployment calls settled is settled.
pub(crate) fn refunds_add_up(records: &Records) -> Checked {
    let mut checked = Checked::new("refunds_add_up", "refunds");
    for (attempt, reference) in records.captures() {
        let back = records.refunded(attempt, |state| state != "failed");
        let (id, amount) = (&attempt.id, attempt.amount);
        checked.check(back <= amount, || {
            format!("{reference}: {back} refunded of the {amount} of {id}")
        });
    }
    let known = records.database.refunds.iter().filter_map(|refund| {
        let id = refund.gateway_refund_id.as_deref()?;
        let settled = refund.status == "settled";
        Some((
            (refund.gateway.as_str(), id),
            (refund.amount_minor, settled),
        ))
    });
    let mut known: BTreeMap<(&str, &str), (i64, bool)> = known.collect();
    for refund in &records.gateways.refunds {
        let (gateway, id, state) = (&refund.gateway, &refund.id, &refund.state);
        let known = known.remove(&(gateway.as_str(), id.as_str()));
        checked.check(known == Some((refund.amount, state == "settled")), || {
            let amount = refund.amount;
            format!("{gateway} has refund {id} of {amount}, {state}; known: {known:?}")
        });
    }
    for (gateway, id) in known.keys() {
        checked.check(false, || format!("{gateway} has no refund {id}"));
    }
    for refund in &records.database.refunds {
        if refund.status == "failed" {
            checked.check(false, || format!("{}: a refund failed", refund.reference));
        }
    }
    checked
}

/// The lines of paid orders left the shelf once, and nothing else did.
pub(crate) fn sold_once(records: &Records) -> Checked {
    let mut checked = Checked::new("goods_leave_once", "orders");
    for (reference, order) in &records.database.orders {
        let status = &order.status;
        let lines = order.lines.iter().filter(|_| status == "paid");
        let expected: BTreeMap<String, (i64, i64)> = lines
            .map(|(sku, units)| (sku.clone(), (1, *units)))
            .collect();
        let sold = &order.sold;
        checked.check(*sold == expected, || {
            format!("{reference}: {status}; (times, units) {sold:?} sold, {expected:?} expected")
        });
    }
    checked
}

/// Nothing waits any more: no message, no dead letter, no parked event, no expired hold.
pub(crate) fn nothing_is_left_over(records: &Records) -> Checked {
    let mut checked = Checked::new("nothing_is_left_over", "places where work waits");
    let (overdue, parked) = (records.database.overdue, records.database.parked);
    checked.check(overdue == 0, || {
        format!("{overdue} holds have expired and are not released")
    });
    checked.check(parked == 0, || {
        format!("{parked} events wait for their order")
    });
    if let Some(queue) = records.queue {
        let (waiting, dead) = (queue.waiting, queue.dead);
        checked.check(waiting == 0, || format!("{waiting} messages wait"));
        checked.check(dead == 0, || format!("{dead} dead letters"));
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{GatewayOrder, GatewayRefund, LedgerRefund, Queue};

    const TOTAL: i64 = 1_000;

    /// One order of one unit with these captures, and one without any.
    fn records(status: &str, captures: &[i64]) -> Records {
        let mut records = Records::default();
        for (reference, id) in [("dress-1", "order_1"), ("dress-2", "order_2")] {
            records.gateways.orders.push(GatewayOrder {
                id: id.into(),
                reference: reference.into(),
            });
            let order = LedgerOrder {
                status: "awaiting_payment".into(),
                total_minor: TOTAL,
                lines: [("A".to_owned(), 1)].into(),
                sold: BTreeMap::new(),
            };
            records.database.orders.insert(reference.into(), order);
        }
        for (n, amount) in captures.iter().enumerate() {
            let id = format!("pay_{n}");
            records.gateways.payments.push(Attempt {
                gateway: "razorpay".into(),
                attempt: id.clone(),
                id: id.clone(),
                order: "order_1".into(),
                amount: *amount,
                ending: "paid".into(),
            });
            let capture = ("razorpay".to_owned(), id, *amount);
            records.database.captures.push(capture);
        }
        let order = records.database.orders.get_mut("dress-1").unwrap();
        order.status = status.into();
        if status == "paid" {
            order.sold = [("A".to_owned(), (1, 1))].into();
        }
        records
    }

    /// The same with a refund of one capture on both sides.
    fn refunded(mut records: Records, attempt: &str, amount: i64, status: &str) -> Records {
        let id = format!("rfnd_{}", records.database.refunds.len());
        let gateway_refund_id = (status != "owed").then(|| id.clone());
        records.database.refunds.push(LedgerRefund {
            reference: "dress-1".into(),
            gateway: "razorpay".into(),
            amount_minor: amount,
            status: status.into(),
            gateway_refund_id,
        });
        if status != "owed" {
            records.gateways.refunds.push(GatewayRefund {
                gateway: "razorpay".into(),
                id,
                attempt: attempt.into(),
                amount,
                state: status.into(),
            });
        }
        records
    }

    fn wrong(records: &Records) -> [usize; 4] {
        CHECKS.map(|check| check(records).wrong.len())
    }

    #[test]
    fn right_endings_are_right() {
        let twice = records("paid", &[TOTAL, TOTAL]);
        let late = || records("refunded", &[TOTAL]);
        let due = || records("refund_due", &[TOTAL]);
        for right in [
            records("awaiting_payment", &[]),
            records("paid", &[TOTAL]),
            records("paid", &[400, 600]),
            refunded(twice, "pay_1", TOTAL, "settled"),
            refunded(late(), "pay_0", TOTAL, "settled"),
            refunded(due(), "pay_0", TOTAL, "owed"),
            refunded(due(), "pay_0", TOTAL, "pending"),
        ] {
            assert_eq!(wrong(&right), [0; 4], "{right:?}");
        }
    }

    #[test]
    fn a_capture_without_an_ending_is_found() {
        let ends = |status, captures: &[i64]| wrong(&records(status, captures))[0];
        for status in ["awaiting_payment", "review", "expired", "cancelled"] {
            assert_eq!(ends(status, &[TOTAL]), 1, "{status}");
        }
        assert_eq!(ends("refund_due", &[TOTAL]), 1, "no refund is owed");
        assert_eq!(ends("refunded", &[TOTAL]), 1, "nothing was refunded");
        assert_eq!(ends("paid", &[TOTAL, TOTAL]), 1, "paid twice");
        assert_eq!(ends("paid", &[400]), 1, "the first part of two");
    }

    #[test]
    fn a_capture_that_the_deployment_does_not_know_is_found() {
        let broken = |status, change: fn(&mut Records)| {
            let mut records = records(status, &[TOTAL]);
            change(&mut records);
            wrong(&records)[0]
        };
        assert_eq!(broken("paid", |r| r.database.captures.clear()), 1);
        assert_eq!(broken("paid", |r| r.database.captures[0].2 += 1), 1);
        let foreign = |r: &mut Records| drop(r.database.orders.remove("dress-1"));
        assert_eq!(broken("awaiting_payment", foreign), 1);
    }

    #[test]
    fn an_order_paid_without_money_is_found() {
        assert_eq!(wrong(&records("paid", &[]))[0], 1);
        assert_eq!(wrong(&records("refunded", &[]))[0], 1);
    }

    #[test]
    fn a_capture_that_gave_goods_and_a_refund_is_found() {
        let both = refunded(records("paid", &[TOTAL]), "pay_0", TOTAL, "settled");
        assert_eq!(wrong(&both)[0], 1);
    }

    #[test]
    fn a_refund_too_much_is_found() {
        let late = || refunded(records("refunded", &[TOTAL]), "pay_0", TOTAL, "settled");
        assert_eq!(
            wrong(&refunded(late(), "pay_0", 1, "settled")),
            [1, 1, 0, 0]
        );
        let mut unknown = late();
        unknown.database.refunds.clear();
        assert_eq!(wrong(&unknown)[1], 1);
    }

    #[test]
    fn a_refund_that_differs_from_the_deployments_is_found() {
        let mut late = refunded(records("refunded", &[TOTAL]), "pay_0", TOTAL, "settled");
        late.gateways.refunds[0].state = "pending".into();
        assert_eq!(wrong(&late), [1, 1, 0, 0]);
        late.gateways.refunds.clear();
        assert_eq!(wrong(&late), [1, 1, 0, 0]);
        let failed = refunded(records("refund_due", &[TOTAL]), "pay_0", TOTAL, "failed");
        assert_eq!(wrong(&failed), [1, 1, 0, 0]);
    }

    #[test]
    fn a_second_deduction_is_found() {
        let sold = |status, sold: &[(&str, (i64, i64))]| {
            let mut records = records(status, &[TOTAL]);
            let order = records.database.orders.get_mut("dress-1").unwrap();
            let sold = sold.iter().map(|(sku, sold)| ((*sku).into(), *sold));
            order.sold = sold.collect();
            wrong(&records)[2]
        };
        assert_eq!(sold("paid", &[("A", (1, 1))]), 0);
        assert_eq!(sold("paid", &[("A", (2, 2))]), 1);
        assert_eq!(sold("paid", &[("A", (1, 2))]), 1);
        assert_eq!(sold("paid", &[]), 1);
        assert_eq!(sold("paid", &[("A", (1, 1)), ("B", (1, 1))]), 1);
        assert_eq!(sold("refunded", &[("A", (1, 1))]), 1);
    }

    #[test]
    fn work_that_is_left_over_is_found() {
        let mut records = records("paid", &[TOTAL]);
        records.database.overdue = 1;
        records.database.parked = 1;
        let (waiting, dead) = (1, 1);
        records.queue = Some(Queue { waiting, dead });
        assert_eq!(wrong(&records), [0, 0, 0, 4]);
        assert!(!is_settled(&records));
    }
}
