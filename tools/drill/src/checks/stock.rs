//! Checks of units: what was given away against what there was.

use std::time::Duration;

use super::Checked;
use crate::answers::{Checkout, Said, Shortage, units_of};
use crate::claims::{By, Claim, most_at_once};
use crate::history::{End, History, What, When};

/// The longest hold that a shop gives (the contract's bound), for requests that name none.
const HOLD_MAX: Duration = Duration::from_secs(1_800);
/// Between reading the clock for `expires_at` and for `server_time`, or rounding one of them.
const CLOCK_SLACK: Duration = Duration::from_millis(1_500);

/// The units of a sku that are taken when the run ends: at least, and at most.
fn taken(history: &History, claims: &[Claim], sku: &str) -> (i64, i64) {
    let of_sku = || claims.iter().filter(|claim| claim.sku == sku);
    let (from, until) = (history.ended.sent, history.ended.got);
    let sum = |claims: &mut dyn Iterator<Item = &Claim>| claims.map(|c| c.units).sum();
    (
        sum(&mut of_sku().filter(|c| c.certainly_within(from, until))),
        sum(&mut of_sku().filter(|c| c.possibly_within(from, until))),
    )
}

/// The units that left the shelf, less what was brought: at least, and at most. Only what staff
/// did and were not told leaves a doubt.
fn sold(claims: &[Claim], sku: &str) -> (i64, i64) {
    let of_sku = || claims.iter().filter(|c| c.sku == sku);
    let sold: i64 = of_sku().filter(|c| c.sold.is_some()).map(|c| c.units).sum();
    let perhaps = || of_sku().filter(|c| c.by == By::StaffPerhaps);
    let brought: i64 = perhaps().map(|c| c.units.min(0)).sum();
    let taken: i64 = perhaps().map(|c| c.units.max(0)).sum();
    (sold + brought, sold + taken)
}

/// Promise 1. The units of acknowledged live holds and paid orders never exceed the stock, at any
/// moment; no reading of the counters shows an impossible level.
pub(crate) fn never_oversold(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("claims and stock readings");
    checked.judged = claims.len();
    for (sku, (most, at)) in most_at_once(claims) {
        let stock = history.stock_before(sku);
        checked.judge(most <= stock, || {
            format!(
                "{sku}: {most} units were taken at {:.3} s, of {stock}",
                at.as_secs_f64()
            )
        });
    }
    for (when, seen) in &history.availability {
        for sku in &seen.skus {
            checked.judge(sku.available >= 0, || {
                let at = when.got.as_secs_f64();
                format!("{}: {} available at {at:.3} s", sku.sku, sku.available)
            });
        }
    }
    for sample in &history.samples {
        for (sku, (on_hand, held)) in &sample.levels {
            checked.judge((0..=*on_hand).contains(held), || {
                format!("{sku}: on hand {on_hand}, held {held} at {:?}", sample.at)
            });
        }
    }
    checked
}

/// Promise 2. What is available at the end is what there was, less what is taken; units whose hold
/// lapsed may not have been swept yet.
pub(crate) fn nothing_leaks(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("stock levels");
    for (sku, after) in &history.after {
        let (least, most) = taken(history, claims, sku);
        let lapsed: i64 = claims
            .iter()
            .filter(|c| c.sku == *sku && c.lapses && c.possible.1 < history.ended.sent)
            .map(|c| c.units)
            .sum();
        let stock = history.stock_before(sku);
        let right = (stock - most - lapsed..=stock - least).contains(after);
        checked.judge(right, || {
            format!("{sku}: {stock} before, {least} to {most} taken, but {after} available after")
        });
    }
    checked
}

/// Abandoned units were given back while the rehearsal waited for it.
pub(crate) fn stock_came_back(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("stock levels");
    for (sku, after) in &history.after {
        let (_, most) = taken(history, claims, sku);
        let expected = history.stock_before(sku) - most;
        checked.judge(*after >= expected, || {
            format!("{sku}: {after} available after the wait, {expected} expected")
        });
    }
    checked
}

/// Promise 4. What left the shelf is what was paid for, and what staff took: by the counters when
/// the database was watched, else by what is available and what is still held.
pub(crate) fn deducted_once(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("skus");
    let (first, last) = (history.samples.first(), history.samples.last());
    for (sku, after) in &history.after {
        let (paid, most_paid) = sold(claims, sku);
        let level = |sample: Option<&crate::history::StockSample>| {
            sample
                .and_then(|s| s.levels.get(sku))
                .map(|(on_hand, _)| *on_hand)
        };
        if let (Some(before), Some(now)) = (level(first), level(last)) {
            let left = before - now;
            checked.judge((paid..=most_paid).contains(&left), || {
                format!("{sku}: {left} units left the shelf, {paid} were paid for or taken")
            });
        } else {
            let (least, most) = taken(history, claims, sku);
            let left = history.stock_before(sku) - after;
            checked.judge(
                (paid.max(least)..=most.max(most_paid)).contains(&left),
                || format!("{sku}: {left} units gone, {paid} paid for, {least} to {most} taken"),
            );
        }
    }
    checked
}

/// The hot sku is gone at the end: exactly its stock is sold or held, as long as somebody wants it.
pub(crate) fn gone_exactly(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("units");
    let sku = &history.hot_sku;
    let stock = history.stock_before(sku);
    let (least, most) = taken(history, claims, sku);
    let short = most < stock;
    if short && history.still_wanted == 0 {
        return checked;
    }
    checked.judge(!short && least <= stock, || {
        let wanted = history.still_wanted;
        format!("{sku}: {least} to {most} of {stock} sold or held; {wanted} shoppers want more")
    });
    checked.judged = usize::try_from(stock).unwrap_or(0);
    checked
}

/// Promise 8. Nobody was told "sold out" while there was enough: every refusal is explained by
/// claims of others that may have been live while it was decided. Holds that are due explain none.
pub(crate) fn refusals_were_true(history: &History, claims: &[Claim]) -> Checked {
    let mut checked = Checked::new("refusals");
    let of_shoppers = history.facts().filter_map(|(_, fact)| match &fact.what {
        What::Begin {
            answer: Said::Short(short),
            ..
        }
        | What::Order(Said::Short(short)) => Some((fact.checkout, &fact.when, short)),
        _ => None,
    });
    let of_staff = history.deeds().filter_map(|deed| match &deed.end {
        End::Short(short) => Some((deed.id, &deed.when, short)),
        _ => None,
    });
    for (own, when, short) in of_shoppers.chain(of_staff) {
        for Shortage { sku, requested, .. } in short {
            let free = free_of_others(history, claims, sku, own, when);
            checked.judge(free < *requested, || {
                format!("{own}: {requested} of {sku} refused with at least {free} free")
            });
        }
    }
    for visit in &history.visits {
        let refund = visit
            .orders()
            .find(|(_, order)| matches!(order.status.as_str(), "refund_due" | "refunded"));
        if let (Some(paid), Some((seen, order))) = (visit.first_payment_sent(), refund) {
            let while_decided = When {
                got: seen.got,
                ..*paid
            };
            let enough = units_of(&order.lines).iter().all(|(sku, units)| {
                let of = order.checkout_id;
                free_of_others(history, claims, sku, of, &while_decided) >= i64::from(*units)
            });
            checked.judge(!enough, || {
                format!("{}: a refund with stock free", order.checkout_id)
            });
        }
    }
    checked
}

/// At least this many units were free of others' claims during a whole request.
fn free_of_others(
    history: &History,
    claims: &[Claim],
    sku: &str,
    own: uuid::Uuid,
    when: &When,
) -> i64 {
    let taken: i64 = claims
        .iter()
        .filter(|c| c.sku == sku && c.checkout != own)
        .filter(|c| c.possibly_within(when.first_sent, when.got))
        .map(|c| c.units)
        .sum();
    history.stock_before(sku) - taken
}

/// Promise 8. A hold's end lies where the deployment's own clock puts it: live, and never further
/// away than was asked for.
pub(crate) fn deadlines_by_server_clock(history: &History) -> Checked {
    let mut checked = Checked::new("holds");
    for (_, fact) in history.facts() {
        let What::Begin {
            hold_s,
            answer: Said::Yes(checkout),
            ..
        } = &fact.what
        else {
            continue;
        };
        let most = hold_s.map_or(HOLD_MAX, |s| Duration::from_secs(s.into())) + CLOCK_SLACK;
        let left = left(checkout);
        let right = left > time::Duration::ZERO && left <= most;
        checked.judge(right, || {
            format!(
                "{}: ends in {left} by the server's clock, asked for {hold_s:?} s",
                fact.checkout
            )
        });
    }
    checked
}

fn left(checkout: &Checkout) -> time::Duration {
    checkout.expires_at - checkout.server_time
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;
    use crate::history::{Staff, StockSample, Visit};
    use crate::testing::{cart, checkout, history, order, refused, visit, webhook, when};

    const HOUR_MS: u64 = 1_800_000;

    fn all(history: &History) -> Vec<Claim> {
        claims::of_all(history)
    }

    /// One shopper who holds a unit from the first second on.
    fn holder(id: u128) -> Visit {
        visit(1, vec![checkout(id, 1, &[("A", 1)], when(0, 10), HOUR_MS)])
    }

    fn buyer(id: u128) -> Visit {
        visit(
            1,
            vec![
                checkout(id, 1, &[("A", 1)], when(0, 10), HOUR_MS),
                order(id, "awaiting_payment", &[("A", 1)], when(20, 30)),
                webhook(id, crate::cashfree::Kind::Paid, when(40, 50)),
                order(id, "paid", &[("A", 1)], when(60, 70)),
            ],
        )
    }

    #[test]
    fn two_holds_of_one_unit_are_an_oversell() {
        let bad = history(1, 0, vec![holder(1), holder(2)]);
        assert_eq!(never_oversold(&bad, &all(&bad)).wrong.len(), 1);
        let good = history(2, 0, vec![holder(1), holder(2)]);
        assert_eq!(
            never_oversold(&good, &all(&good)).wrong,
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_impossible_counter_is_an_oversell() {
        let mut bad = history(1, 0, vec![]);
        let at = Duration::ZERO;
        bad.samples.push(StockSample {
            at,
            levels: [("A".to_owned(), (1, 2))].into(),
        });
        assert_eq!(never_oversold(&bad, &[]).wrong.len(), 1);
    }

    #[test]
    fn a_unit_that_nobody_has_is_a_leak() {
        let bad = history(3, 1, vec![holder(1)]);
        assert_eq!(nothing_leaks(&bad, &all(&bad)).wrong.len(), 1);
        let doubled = history(3, 3, vec![holder(1)]);
        assert_eq!(nothing_leaks(&doubled, &all(&doubled)).wrong.len(), 1);
        let good = history(3, 2, vec![holder(1)]);
        assert!(nothing_leaks(&good, &all(&good)).wrong.is_empty());
    }

    #[test]
    fn an_unswept_hold_leaks_nothing_but_did_not_come_back() {
        let lapsed = visit(1, vec![checkout(1, 1, &[("A", 1)], when(0, 10), 1_000)]);
        let history = history(1, 0, vec![lapsed]);
        assert!(nothing_leaks(&history, &all(&history)).wrong.is_empty());
        assert_eq!(stock_came_back(&history, &all(&history)).wrong.len(), 1);
    }

    #[test]
    fn a_second_deduction_is_seen() {
        let mut bad = history(5, 3, vec![buyer(1)]);
        assert_eq!(deducted_once(&bad, &all(&bad)).wrong.len(), 1);
        bad.after = [("A".to_owned(), 4)].into();
        assert!(deducted_once(&bad, &all(&bad)).wrong.is_empty());
        let level = |at, on_hand| StockSample {
            at: Duration::from_secs(at),
            levels: [("A".to_owned(), (on_hand, 0))].into(),
        };
        bad.samples = vec![level(0, 5), level(1, 3)];
        assert_eq!(deducted_once(&bad, &all(&bad)).wrong.len(), 1);
    }

    #[test]
    fn the_hot_sku_must_be_gone_when_somebody_wants_it() {
        let mut bad = history(2, 1, vec![holder(1)]);
        bad.still_wanted = 1;
        assert_eq!(gone_exactly(&bad, &all(&bad)).wrong.len(), 1);
        bad.still_wanted = 0;
        assert_eq!(gone_exactly(&bad, &all(&bad)).judged, 0);
        let good = history(1, 0, vec![holder(1)]);
        assert_eq!(gone_exactly(&good, &all(&good)).judged, 1);
    }

    #[test]
    fn a_refusal_because_of_a_due_hold_is_false() {
        let lapsed = visit(1, vec![checkout(1, 1, &[("A", 1)], when(0, 10), 1_000)]);
        let early = visit(2, vec![refused(2, &[("A", 1, 0)], when(900, 950))]);
        let good = history(1, 1, vec![lapsed.clone(), early]);
        assert!(refusals_were_true(&good, &all(&good)).wrong.is_empty());
        let late = visit(2, vec![refused(2, &[("A", 1, 0)], when(1_100, 1_150))]);
        let bad = history(1, 1, vec![lapsed, late]);
        assert_eq!(refusals_were_true(&bad, &all(&bad)).wrong.len(), 1);
    }

    #[test]
    fn a_refund_with_stock_free_is_false() {
        let visit = visit(
            1,
            vec![
                checkout(1, 1, &[("A", 1)], when(0, 10), HOUR_MS),
                webhook(1, crate::cashfree::Kind::Paid, when(40, 50)),
                order(1, "refund_due", &[("A", 1)], when(60, 70)),
            ],
        );
        let bad = history(1, 1, vec![visit.clone()]);
        assert_eq!(refusals_were_true(&bad, &all(&bad)).wrong.len(), 1);
        let good = history(1, 0, vec![visit, holder(2)]);
        assert!(refusals_were_true(&good, &all(&good)).wrong.is_empty());
    }

    /// A sale of `stock` units in which staff did one thing at 100 ms.
    fn with_staff(stock: i64, after: i64, visits: Vec<Visit>, units: i64, end: End) -> History {
        let mut history = history(stock, after, visits);
        history.staff = Some(Staff {
            deeds: vec![crate::testing::deed("A", units, when(100, 150), end)],
            ..Staff::default()
        });
        history
    }

    fn late_holder(id: u128) -> Visit {
        visit(
            1,
            vec![checkout(id, 1, &[("A", 1)], when(200, 210), HOUR_MS)],
        )
    }

    #[test]
    fn a_unit_that_staff_took_is_oversold_when_somebody_holds_it() {
        let bad = with_staff(1, 0, vec![holder(1)], 1, End::Done);
        assert_eq!(never_oversold(&bad, &all(&bad)).wrong.len(), 1);
        let refused = with_staff(1, 0, vec![holder(1)], 1, End::Refused);
        assert!(never_oversold(&refused, &all(&refused)).wrong.is_empty());
    }

    #[test]
    fn a_unit_that_staff_brought_may_be_held_afterwards_and_not_before() {
        let good = with_staff(0, 0, vec![late_holder(1)], -1, End::Done);
        assert!(never_oversold(&good, &all(&good)).wrong.is_empty());
        assert!(nothing_leaks(&good, &all(&good)).wrong.is_empty());
        let bad = with_staff(0, 0, vec![holder(1)], -1, End::Done);
        assert_eq!(never_oversold(&bad, &all(&bad)).wrong.len(), 1);
    }

    #[test]
    fn what_staff_did_must_be_on_the_shelf_at_the_end_and_once() {
        for (after, wrong) in [(3, 0), (2, 1), (4, 1)] {
            let bad = with_staff(5, after, vec![], 2, End::Done);
            assert_eq!(nothing_leaks(&bad, &all(&bad)).wrong.len(), wrong);
            assert_eq!(deducted_once(&bad, &all(&bad)).wrong.len(), wrong);
        }
        for (after, wrong) in [(5, 0), (3, 0), (4, 0), (2, 1), (6, 1)] {
            let bad = with_staff(5, after, vec![], 2, End::Unclear("reset".into()));
            assert_eq!(nothing_leaks(&bad, &all(&bad)).wrong.len(), wrong);
            assert_eq!(deducted_once(&bad, &all(&bad)).wrong.len(), wrong);
        }
    }

    #[test]
    fn a_refusal_after_staff_brought_a_unit_is_false() {
        let visits = |at| vec![holder(1), visit(2, vec![refused(2, &[("A", 1, 0)], at)])];
        let early = with_staff(1, 1, visits(when(140, 160)), -1, End::Done);
        assert!(refusals_were_true(&early, &all(&early)).wrong.is_empty());
        let late = with_staff(1, 1, visits(when(151, 160)), -1, End::Done);
        assert_eq!(refusals_were_true(&late, &all(&late)).wrong.len(), 1);
    }

    #[test]
    fn a_booking_refused_with_units_free_is_false() {
        let short = || {
            End::Short(vec![Shortage {
                sku: "A".into(),
                requested: 1,
                available: 0,
            }])
        };
        let bad = with_staff(1, 1, vec![], 1, short());
        assert_eq!(refusals_were_true(&bad, &all(&bad)).wrong.len(), 1);
        let good = with_staff(1, 0, vec![holder(1)], 1, short());
        assert!(refusals_were_true(&good, &all(&good)).wrong.is_empty());
    }

    #[test]
    fn a_hold_longer_than_asked_for_is_seen() {
        let mut fact = checkout(1, 1, &[("A", 1)], when(0, 10), 60_000);
        if let What::Begin {
            hold_s,
            cart: lines,
            ..
        } = &mut fact.what
        {
            *hold_s = Some(5);
            *lines = cart(&[("A", 1)]);
        }
        let bad = history(1, 0, vec![visit(1, vec![fact])]);
        assert_eq!(deadlines_by_server_clock(&bad).wrong.len(), 1);
    }
}
