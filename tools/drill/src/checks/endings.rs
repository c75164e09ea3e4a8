//! Checks of the books: every capture at a gateway has one right ending, money goes back once, and
//! goods leave once. Pure functions of both accounts.

use std::collections::BTreeMap;

use super::Checked;
use crate::books::{Attempt, BookedOrder, Books};

/// Every capture of an order, together: the order is paid with exactly its total, or all of it went
/// back or goes back, and the order says so. No order is paid without captures.
pub(crate) fn every_capture_ends_once(books: &Books) -> Checked {
    let mut checked = Checked::new("captures and orders");
    let mut captures: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for (attempt, reference) in books.captures() {
        captures.entry(reference).or_default().push(attempt);
        let key = (attempt.gateway.clone(), attempt.id.clone());
        let known = books.ledger.captures.get(&key);
        checked.judge(known == Some(&attempt.amount), || {
            let (gateway, id, amount) = (&attempt.gateway, &attempt.id, attempt.amount);
            format!("{reference}: {gateway} captured {amount} by {id}, known as {known:?}")
        });
    }
    for reference in captures.keys() {
        checked.judge(books.ledger.orders.contains_key(*reference), || {
            format!("{reference}: captured, and no such order")
        });
    }
    for (reference, order) in &books.ledger.orders {
        let attempts = captures.remove(reference.as_str()).unwrap_or_default();
        let captured: i64 = attempts.iter().map(|attempt| attempt.amount).sum();
        let back: i64 = attempts.iter().map(|attempt| books.settled(attempt)).sum();
        let wrong = wrong_end(order, captured, back, books.owed(reference));
        checked.judge(wrong.is_none(), || {
            format!(
                "{reference}: {}, of {}; {captured} captured, {back} given back, {}",
                order.status,
                order.total_minor,
                wrong.unwrap_or_default()
            )
        });
    }
    checked
}

fn wrong_end(order: &BookedOrder, captured: i64, back: i64, owed: i64) -> Option<String> {
    let left = captured - back - owed;
    let status = order.status.as_str();
    let right = match status {
        "paid" => left == order.total_minor && captured > 0,
        "refund_due" => left == 0 && owed > 0,
        "refunded" => left == 0 && owed == 0 && captured > 0,
        // an order that was paid, even late, has to say so
        _ => captured == 0,
    };
    (!right).then(|| format!("{owed} owed, {left} left"))
}

/// No attempt is given back beyond its amount; every refund at a gateway is one of the
/// deployment's, of its amount; and what the deployment calls settled is.
pub(crate) fn refunds_add_up(books: &Books) -> Checked {
    let mut checked = Checked::new("refunds");
    for (attempt, reference) in books.captures() {
        let of = books.world.refunds.iter().filter(|refund| {
            refund.attempt == attempt.attempt
                && refund.gateway == attempt.gateway
                && refund.state != "failed"
        });
        let back: i64 = of.map(|refund| refund.amount).sum();
        checked.judge(back <= attempt.amount, || {
            let id = &attempt.id;
            format!(
                "{reference}: {back} go back of the {} of {id}",
                attempt.amount
            )
        });
    }
    let mut claimed: BTreeMap<(&str, &str), (i64, bool)> = BTreeMap::new();
    for refund in &books.ledger.refunds {
        if let Some(id) = &refund.gateway_refund_id {
            let value = (refund.amount_minor, refund.status == "settled");
            claimed.insert((&refund.gateway, id), value);
        }
    }
    for refund in &books.world.refunds {
        let known = claimed.remove(&(refund.gateway.as_str(), refund.id.as_str()));
        let right = match known {
            Some((amount, settled)) => {
                amount == refund.amount && settled == (refund.state == "settled")
            }
            None => false,
        };
        checked.judge(right, || {
            let (gateway, id, state) = (&refund.gateway, &refund.id, &refund.state);
            format!(
                "{gateway} has refund {id} of {}, {state}; known: {known:?}",
                refund.amount
            )
        });
    }
    for (gateway, id) in claimed.keys() {
        checked.judge(false, || format!("{gateway} knows no refund {id}"));
    }
    for refund in books.ledger.refunds.iter().filter(|r| r.status == "failed") {
        checked.judge(false, || format!("{}: a refund failed", refund.reference));
    }
    checked
}

/// The lines of paid orders left the shelf once, and nothing else did.
pub(crate) fn sold_once(books: &Books) -> Checked {
    let mut checked = Checked::new("orders");
    for (reference, order) in &books.ledger.orders {
        let expected: BTreeMap<&String, (i64, i64)> = match order.status.as_str() {
            "paid" => order.lines.iter().map(|(sku, n)| (sku, (1, *n))).collect(),
            _ => BTreeMap::new(),
        };
        let sold: BTreeMap<&String, (i64, i64)> =
            order.sold.iter().map(|(sku, sold)| (sku, *sold)).collect();
        checked.judge(sold == expected, || {
            let status = &order.status;
            format!("{reference}: {status}; (times, units) {sold:?} sold, {expected:?} expected")
        });
    }
    checked
}

/// Nothing waits any more: no event, no dead letter, no hold that is over.
pub(crate) fn nothing_is_left_over(books: &Books) -> Checked {
    let mut checked = Checked::new("places where work waits");
    let (overdue, parked) = (books.ledger.overdue, books.ledger.parked);
    checked.judge(overdue == 0, || {
        format!("{overdue} holds are over and not let go")
    });
    checked.judge(parked == 0, || {
        format!("{parked} events wait for their order")
    });
    if let Some(queues) = books.queues {
        let (waiting, dead) = (queues.waiting, queues.dead);
        checked.judge(waiting == 0, || format!("{waiting} messages wait"));
        checked.judge(dead == 0, || format!("{dead} dead letters"));
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::{BookedRefund, GatewayOrder, GatewayRefund, Queues};

    const TOTAL: i64 = 1_000;

    /// One order of one unit with these captures, and one without any.
    fn books(status: &str, captures: &[i64]) -> Books {
        let mut books = Books::default();
        for (reference, id) in [("dress-1", "order_1"), ("dress-2", "order_2")] {
            books.world.orders.push(GatewayOrder {
                id: id.into(),
                reference: reference.into(),
            });
            let order = BookedOrder {
                status: "awaiting_payment".into(),
                total_minor: TOTAL,
                lines: [("A".to_owned(), 1)].into(),
                sold: BTreeMap::new(),
            };
            books.ledger.orders.insert(reference.into(), order);
        }
        for (n, amount) in captures.iter().enumerate() {
            let id = format!("pay_{n}");
            books.world.payments.push(Attempt {
                gateway: "razorpay".into(),
                attempt: id.clone(),
                id: id.clone(),
                order: "order_1".into(),
                amount: *amount,
                ending: "paid".into(),
            });
            let key = ("razorpay".to_owned(), id);
            books.ledger.captures.insert(key, *amount);
        }
        let order = books.ledger.orders.get_mut("dress-1").unwrap();
        order.status = status.into();
        if status == "paid" {
            order.sold = [("A".to_owned(), (1, 1))].into();
        }
        books
    }

    /// Gives back from an attempt, on both sides.
    fn refund(books: &mut Books, attempt: &str, amount: i64, status: &str) {
        let id = format!("rfnd_{}", books.ledger.refunds.len());
        books.ledger.refunds.push(BookedRefund {
            reference: "dress-1".into(),
            gateway: "razorpay".into(),
            amount_minor: amount,
            status: status.into(),
            gateway_refund_id: (status != "owed").then(|| id.clone()),
        });
        if status != "owed" {
            books.world.refunds.push(GatewayRefund {
                gateway: "razorpay".into(),
                id,
                attempt: attempt.into(),
                amount,
                state: status.into(),
            });
        }
    }

    fn wrong(books: &Books) -> [usize; 4] {
        [
            every_capture_ends_once(books),
            refunds_add_up(books),
            sold_once(books),
            nothing_is_left_over(books),
        ]
        .map(|checked| checked.wrong.len())
    }

    #[test]
    fn right_endings_are_right() {
        assert_eq!(wrong(&books("awaiting_payment", &[])), [0; 4]);
        assert_eq!(wrong(&books("paid", &[TOTAL])), [0; 4]);
        assert_eq!(wrong(&books("paid", &[400, 600])), [0; 4]);
        let mut twice = books("paid", &[TOTAL, TOTAL]);
        refund(&mut twice, "pay_1", TOTAL, "settled");
        assert_eq!(wrong(&twice), [0; 4]);
        let mut late = books("refunded", &[TOTAL]);
        refund(&mut late, "pay_0", TOTAL, "settled");
        assert_eq!(wrong(&late), [0; 4]);
        for status in ["owed", "pending"] {
            let mut due = books("refund_due", &[TOTAL]);
            refund(&mut due, "pay_0", TOTAL, status);
            assert_eq!(wrong(&due), [0; 4], "{status}");
        }
    }

    #[test]
    fn a_capture_without_an_ending_is_found() {
        let ends = |status| wrong(&books(status, &[TOTAL]))[0];
        for status in ["awaiting_payment", "review", "expired", "cancelled"] {
            assert_eq!(ends(status), 1, "{status}");
        }
        // owed, says the order, and no refund is
        assert_eq!(ends("refund_due"), 1);
        assert_eq!(ends("refunded"), 1);
        // its money came twice, and nobody gives the second back
        assert_eq!(wrong(&books("paid", &[TOTAL, TOTAL]))[0], 1);
        // the first part of two
        assert_eq!(wrong(&books("paid", &[400]))[0], 1);
    }

    #[test]
    fn a_capture_that_the_deployment_does_not_know_is_found() {
        let mut unknown = books("paid", &[TOTAL]);
        unknown.ledger.captures.clear();
        assert_eq!(wrong(&unknown)[0], 1);
        let mut other = books("paid", &[TOTAL]);
        other
            .ledger
            .captures
            .values_mut()
            .for_each(|amount| *amount += 1);
        assert_eq!(wrong(&other)[0], 1);
        let mut foreign = books("awaiting_payment", &[TOTAL]);
        foreign.ledger.orders.remove("dress-1");
        assert_eq!(wrong(&foreign)[0], 1);
    }

    #[test]
    fn an_order_paid_without_money_is_found() {
        assert_eq!(wrong(&books("paid", &[]))[0], 1);
        assert_eq!(wrong(&books("refunded", &[]))[0], 1);
    }

    #[test]
    fn a_capture_with_two_endings_is_found() {
        // the goods and the money
        let mut both = books("paid", &[TOTAL]);
        refund(&mut both, "pay_0", TOTAL, "settled");
        assert_eq!(wrong(&both)[0], 1);
    }

    #[test]
    fn a_refund_too_much_is_found() {
        let mut more = books("refunded", &[TOTAL]);
        refund(&mut more, "pay_0", TOTAL, "settled");
        refund(&mut more, "pay_0", 1, "settled");
        assert_eq!(wrong(&more), [1, 1, 0, 0]);
        // one that only the gateway knows of
        let mut theirs = books("refunded", &[TOTAL]);
        refund(&mut theirs, "pay_0", TOTAL, "settled");
        theirs.ledger.refunds.clear();
        assert_eq!(wrong(&theirs)[1], 1);
    }

    #[test]
    fn a_refund_that_is_not_what_the_deployment_says_is_found() {
        let mut pending = books("refunded", &[TOTAL]);
        refund(&mut pending, "pay_0", TOTAL, "settled");
        pending.world.refunds[0].state = "pending".into();
        assert_eq!(wrong(&pending), [1, 1, 0, 0]);
        pending.world.refunds.clear();
        assert_eq!(wrong(&pending), [1, 1, 0, 0]);
        let mut failed = books("refund_due", &[TOTAL]);
        refund(&mut failed, "pay_0", TOTAL, "failed");
        assert_eq!(wrong(&failed), [1, 1, 0, 0]);
    }

    #[test]
    fn a_double_deduction_is_found() {
        let sold = |status, sold: &[(&str, (i64, i64))]| {
            let mut books = books(status, &[TOTAL]);
            let order = books.ledger.orders.get_mut("dress-1").unwrap();
            order.sold = sold
                .iter()
                .map(|(sku, sold)| ((*sku).into(), *sold))
                .collect();
            wrong(&books)[2]
        };
        assert_eq!(sold("paid", &[("A", (1, 1))]), 0);
        assert_eq!(sold("paid", &[("A", (2, 2))]), 1);
        assert_eq!(sold("paid", &[("A", (1, 2))]), 1);
        assert_eq!(sold("paid", &[]), 1);
        assert_eq!(sold("paid", &[("A", (1, 1)), ("B", (1, 1))]), 1);
        assert_eq!(sold("refunded", &[("A", (1, 1))]), 1);
    }

    #[test]
    fn what_is_left_over_is_found() {
        let mut books = books("paid", &[TOTAL]);
        books.ledger.overdue = 1;
        books.ledger.parked = 1;
        books.queues = Some(Queues {
            waiting: 1,
            dead: 1,
        });
        assert_eq!(wrong(&books), [0, 0, 0, 4]);
    }
}
