//! Checks of units: the units given away, compared with the units in stock.

use std::time::Duration;

use uuid::Uuid;

use super::Checked;
use crate::answers::{Answer, Shortage, units_of};
use crate::history::{ActionEnd, History, Request, When};
use crate::taken::{By, Taken, most_at_once};

/// The longest hold that a shop gives (the contract's bound), for requests that name none.
const HOLD_MAX: Duration = Duration::from_secs(1_800);
/// `expires_at` and `server_time` may come from two readings of the clock, and be rounded.
const CLOCK_SLACK: Duration = Duration::from_millis(1_500);

fn units<'a>(taken: impl Iterator<Item = &'a Taken>) -> i64 {
    taken.map(|one| one.units).sum()
}

/// The units of a sku that are taken when the run ends: at least, and at most.
fn taken_at_end(history: &History, taken: &[Taken], sku: &str) -> (i64, i64) {
    let of_sku = || taken.iter().filter(|one| one.sku == sku);
    let (from, until) = (history.ended.sent, history.ended.got);
    (
        units(of_sku().filter(|one| one.certainly_within(from, until))),
        units(of_sku().filter(|one| one.possibly_within(from, until))),
    )
}

/// The units that left the shelf, less the brought ones: at least, and at most. Only unanswered
/// requests of staff make a difference.
fn sold(taken: &[Taken], sku: &str) -> (i64, i64) {
    let of_sku = || taken.iter().filter(|one| one.sku == sku);
    let sold = units(of_sku().filter(|one| one.sold.is_some()));
    let perhaps = || of_sku().filter(|one| one.by == By::StaffPerhaps);
    let brought = units(perhaps().filter(|one| one.units < 0));
    let took = units(perhaps().filter(|one| one.units > 0));
    (sold + brought, sold + took)
}

/// Promise 1. The units of acknowledged live holds and paid orders never exceed the stock, at any
/// time. No reading of the counters shows an impossible level.
pub(crate) fn never_oversold(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("never_oversold", "holds, sales and readings of stock");
    checked.count = taken.len();
    for (sku, (most, at)) in most_at_once(taken) {
        let stock = history.stock_before(sku);
        checked.check(most <= stock, || {
            format!("{sku}: {most} units were taken at {at:.3?}, of {stock}")
        });
    }
    for (when, page) in &history.availability {
        for sku in &page.skus {
            checked.check(sku.available >= 0, || {
                format!(
                    "{}: {} available at {:.3?}",
                    sku.sku, sku.available, when.got
                )
            });
        }
    }
    for sample in &history.samples {
        for (sku, (on_hand, held)) in &sample.levels {
            checked.check((0..=*on_hand).contains(held), || {
                format!("{sku}: on hand {on_hand}, held {held} at {:.3?}", sample.at)
            });
        }
    }
    checked
}

/// Promise 2. The available units at the end are the stock less the taken units. Units whose hold
/// lapsed may not have been swept yet.
pub(crate) fn nothing_leaks(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("nothing_leaks", "stock levels");
    for (sku, after) in &history.after {
        let (least, most) = taken_at_end(history, taken, sku);
        let lapsed =
            units(taken.iter().filter(|one| {
                one.sku == *sku && one.lapses && one.possible.1 < history.ended.sent
            }));
        let stock = history.stock_before(sku);
        let right = (stock - most - lapsed..=stock - least).contains(after);
        checked.check(right, || {
            format!("{sku}: {stock} before, {least} to {most} taken, but {after} available after")
        });
    }
    checked
}

/// Abandoned units came back while the drill waited for them.
pub(crate) fn stock_came_back(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("stock_came_back", "stock levels");
    for (sku, after) in &history.after {
        let (_, most) = taken_at_end(history, taken, sku);
        let expected = history.stock_before(sku) - most;
        checked.check(*after >= expected, || {
            format!("{sku}: {after} available after the wait, {expected} expected")
        });
    }
    checked
}

/// Promise 4. Exactly the units that were paid for, and those that staff took, left the shelf: by
/// the counters when the database was watched, else by the available and the held units.
pub(crate) fn deducted_once(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("a_payment_only_rises", "skus");
    for (sku, after) in &history.after {
        let (paid, most_paid) = sold(taken, sku);
        let on_hand = |sample: Option<&crate::history::StockSample>| {
            let level = sample.and_then(|sample| sample.levels.get(sku));
            level.map(|(on_hand, _)| *on_hand)
        };
        let first = on_hand(history.samples.first());
        if let (Some(first), Some(last)) = (first, on_hand(history.samples.last())) {
            let left = first - last;
            checked.check((paid..=most_paid).contains(&left), || {
                format!("{sku}: {left} units left the shelf, {paid} were paid for or taken")
            });
        } else {
            let (least, most) = taken_at_end(history, taken, sku);
            let left = history.stock_before(sku) - after;
            let right = (paid.max(least)..=most.max(most_paid)).contains(&left);
            checked.check(right, || {
                format!("{sku}: {left} units gone, {paid} paid for, {least} to {most} taken")
            });
        }
    }
    checked
}

/// As long as somebody wants the hot sku, exactly its stock is sold or held at the end.
pub(crate) fn gone_exactly(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("gone_exactly", "units");
    let (sku, wanted) = (&history.hot_sku, history.still_wanted);
    let stock = history.stock_before(sku);
    let (least, most) = taken_at_end(history, taken, sku);
    if most < stock && wanted == 0 {
        return checked;
    }
    checked.check((least..=most).contains(&stock), || {
        format!("{sku}: {least} to {most} of {stock} sold or held; {wanted} shoppers want more")
    });
    checked.count = usize::try_from(stock).unwrap_or(0);
    checked
}

/// Promise 8. Nobody was told "sold out" while there was enough: units that others may have held
/// during the decision explain every refusal. Holds that are due explain none. A refund that is due
/// is a refusal too.
pub(crate) fn refusals_were_true(history: &History, taken: &[Taken]) -> Checked {
    let mut checked = Checked::new("the_databases_clock_decides", "refusals");
    let by_shoppers = history.exchanges().filter_map(|e| match &e.request {
        Request::Begin {
            answer: Answer::Short(short),
            ..
        }
        | Request::Order(Answer::Short(short)) => Some((e.checkout, &e.when, short)),
        _ => None,
    });
    let by_staff = history.actions().filter_map(|action| match &action.end {
        ActionEnd::Short(short) => Some((action.id, &action.when, short)),
        _ => None,
    });
    for (own, when, short) in by_shoppers.chain(by_staff) {
        for Shortage { sku, requested, .. } in short {
            let free = free_of_others(history, taken, sku, own, when);
            checked.check(free < *requested, || {
                format!("{own}: {requested} of {sku} refused with at least {free} free")
            });
        }
    }
    for visit in &history.visits {
        let is_refund = |status: &str| matches!(status, "refund_due" | "refunded");
        let refund = visit.orders().find(|(_, order)| is_refund(&order.status));
        if let (Some(paid), Some((seen, order))) = (visit.first_payment(), refund) {
            let own = order.checkout_id;
            let deciding = When {
                got: seen.got,
                ..*paid
            };
            let enough = units_of(&order.lines).iter().all(|(sku, units)| {
                free_of_others(history, taken, sku, own, &deciding) >= i64::from(*units)
            });
            checked.check(!enough, || format!("{own}: a refund with stock free"));
        }
    }
    checked
}

/// At least this many units were not taken by others during a whole request.
fn free_of_others(history: &History, taken: &[Taken], sku: &str, own: Uuid, when: &When) -> i64 {
    let others = taken.iter().filter(|one| {
        let possible = one.possibly_within(when.first_sent, when.got);
        one.sku == sku && one.checkout != own && possible
    });
    history.stock_before(sku) - units(others)
}

/// Promise 8. By the deployment's own clock, a new hold is live, and ends no later than was asked.
pub(crate) fn deadlines_by_server_clock(history: &History) -> Checked {
    let mut checked = Checked::new("the_databases_clock_decides", "holds");
    for exchange in history.exchanges() {
        let Request::Begin {
            hold_s,
            answer: Answer::Done(checkout),
            ..
        } = &exchange.request
        else {
            continue;
        };
        let most = hold_s.map_or(HOLD_MAX, |s| Duration::from_secs(s.into())) + CLOCK_SLACK;
        let left = checkout.remaining();
        checked.check(!left.is_zero() && left <= most, || {
            let id = exchange.checkout;
            format!("{id}: ends in {left:?} by the server's clock, asked for {hold_s:?} s")
        });
    }
    checked
}

#[cfg(test)]
mod tests {
    use simulator::cashfree::webhook::Kind;

    use super::*;
    use crate::examples::{action, checkout, order, refused, sale, webhook, when, with_staff};
    use crate::history::{Exchange, StockSample};
    use crate::taken::in_run;

    const HALF_AN_HOUR: u64 = 1_800_000;

    fn wrong(check: fn(&History, &[Taken]) -> Checked, history: &History) -> usize {
        check(history, &in_run(history)).wrong.len()
    }

    fn hold(id: u128, at: u64, ms: u64) -> Exchange {
        checkout(id, 1, &[("A", 1)], when(at, at + 10), ms)
    }

    /// A shopper who holds a unit from the first second on.
    fn holder(id: u128) -> Vec<Exchange> {
        vec![hold(id, 0, HALF_AN_HOUR)]
    }

    fn buyer(id: u128, ends: &str) -> Vec<Exchange> {
        vec![
            hold(id, 0, HALF_AN_HOUR),
            order(id, "awaiting_payment", &[("A", 1)], when(20, 30)),
            webhook(id, Kind::Paid, when(40, 50)),
            order(id, ends, &[("A", 1)], when(60, 70)),
        ]
    }

    fn levels(at_s: u64, on_hand: i64, held: i64) -> StockSample {
        let at = Duration::from_secs(at_s);
        let levels = [("A".to_owned(), (on_hand, held))].into();
        StockSample { at, levels }
    }

    #[test]
    fn two_holds_of_one_unit_are_an_oversell() {
        let two = |stock| sale(stock, 0, vec![holder(1), holder(2)]);
        assert_eq!(wrong(never_oversold, &two(1)), 1);
        assert_eq!(wrong(never_oversold, &two(2)), 0);
    }

    #[test]
    fn an_impossible_reading_is_an_oversell() {
        let mut bad = sale(1, 0, vec![]);
        bad.samples.push(levels(0, 1, 2));
        assert_eq!(wrong(never_oversold, &bad), 1);
    }

    #[test]
    fn a_unit_that_nobody_has_is_a_leak() {
        for (after, expected) in [(1, 1), (3, 1), (2, 0)] {
            let history = sale(3, after, vec![holder(1)]);
            assert_eq!(wrong(nothing_leaks, &history), expected, "{after}");
        }
    }

    #[test]
    fn an_unswept_hold_is_no_leak_but_did_not_come_back() {
        let lapsed = sale(1, 0, vec![vec![hold(1, 0, 1_000)]]);
        assert_eq!(wrong(nothing_leaks, &lapsed), 0);
        assert_eq!(wrong(stock_came_back, &lapsed), 1);
    }

    #[test]
    fn a_second_deduction_is_found() {
        let mut history = sale(5, 3, vec![buyer(1, "paid")]);
        assert_eq!(wrong(deducted_once, &history), 1);
        history.after = [("A".to_owned(), 4)].into();
        assert_eq!(wrong(deducted_once, &history), 0);
        history.samples = vec![levels(0, 5, 0), levels(1, 3, 0)];
        assert_eq!(wrong(deducted_once, &history), 1);
    }

    #[test]
    fn the_hot_sku_must_be_gone_while_somebody_wants_it() {
        let mut history = sale(2, 1, vec![holder(1)]);
        history.still_wanted = 1;
        assert_eq!(wrong(gone_exactly, &history), 1);
        history.still_wanted = 0;
        assert_eq!(gone_exactly(&history, &in_run(&history)).count, 0);
        let gone = sale(1, 0, vec![holder(1)]);
        assert_eq!(gone_exactly(&gone, &in_run(&gone)).count, 1);
    }

    #[test]
    fn a_refusal_because_of_a_due_hold_is_found() {
        for (at, expected) in [(900, 0), (1_100, 1)] {
            let refused = vec![refused(2, &[("A", 1, 0)], when(at, at + 50))];
            let history = sale(1, 1, vec![vec![hold(1, 0, 1_000)], refused]);
            assert_eq!(wrong(refusals_were_true, &history), expected, "{at}");
        }
    }

    #[test]
    fn a_refund_with_stock_free_is_found() {
        let refund = || {
            let mut exchanges = buyer(1, "refund_due");
            exchanges.remove(1);
            exchanges
        };
        assert_eq!(wrong(refusals_were_true, &sale(1, 1, vec![refund()])), 1);
        let others = sale(1, 0, vec![refund(), holder(2)]);
        assert_eq!(wrong(refusals_were_true, &others), 0);
    }

    /// A sale in which staff took (or brought) units from 100 to 150 ms.
    fn staffed(
        (stock, after): (i64, i64),
        visits: Vec<Vec<Exchange>>,
        units: i64,
        end: ActionEnd,
    ) -> History {
        let action = action("A", units, when(100, 150), end);
        with_staff(sale(stock, after, visits), action)
    }

    #[test]
    fn a_unit_that_staff_took_and_somebody_holds_is_an_oversell() {
        for (end, expected) in [(ActionEnd::Done, 1), (ActionEnd::Refused, 0)] {
            let history = staffed((1, 0), vec![holder(1)], 1, end);
            assert_eq!(wrong(never_oversold, &history), expected);
        }
    }

    #[test]
    fn a_unit_that_staff_brought_may_be_held_afterwards_and_not_before() {
        let brought = |visit| staffed((0, 0), vec![visit], -1, ActionEnd::Done);
        let late = brought(vec![hold(1, 200, HALF_AN_HOUR)]);
        assert_eq!(wrong(never_oversold, &late), 0);
        assert_eq!(wrong(nothing_leaks, &late), 0);
        assert_eq!(wrong(never_oversold, &brought(holder(1))), 1);
    }

    #[test]
    fn an_action_of_staff_that_is_not_on_the_shelf_once_is_found() {
        let history = |after, end| staffed((5, after), vec![], 2, end);
        for (after, expected) in [(3, 0), (2, 1), (4, 1)] {
            let done = history(after, ActionEnd::Done);
            assert_eq!(wrong(nothing_leaks, &done), expected);
            assert_eq!(wrong(deducted_once, &done), expected);
        }
        for (after, expected) in [(5, 0), (3, 0), (4, 0), (2, 1), (6, 1)] {
            let unclear = history(after, ActionEnd::Unclear("reset".into()));
            assert_eq!(wrong(nothing_leaks, &unclear), expected);
            assert_eq!(wrong(deducted_once, &unclear), expected);
        }
    }

    #[test]
    fn a_refusal_after_staff_brought_a_unit_is_found() {
        for (sent, expected) in [(140, 0), (151, 1)] {
            let refused = vec![refused(2, &[("A", 1, 0)], when(sent, 160))];
            let visits = vec![holder(1), refused];
            let history = staffed((1, 1), visits, -1, ActionEnd::Done);
            assert_eq!(wrong(refusals_were_true, &history), expected);
        }
    }

    #[test]
    fn a_booking_refused_with_units_free_is_found() {
        let short = || {
            ActionEnd::Short(vec![Shortage {
                sku: "A".into(),
                requested: 1,
                available: 0,
            }])
        };
        let free = staffed((1, 1), vec![], 1, short());
        assert_eq!(wrong(refusals_were_true, &free), 1);
        let held = staffed((1, 0), vec![holder(1)], 1, short());
        assert_eq!(wrong(refusals_were_true, &held), 0);
    }

    #[test]
    fn a_hold_longer_than_asked_for_is_found() {
        for (ms, expected) in [(5_000, 0), (60_000, 1), (0, 1)] {
            let mut long = hold(1, 0, ms);
            if let Request::Begin { hold_s, .. } = &mut long.request {
                *hold_s = Some(5);
            }
            let history = sale(1, 0, vec![vec![long]]);
            let wrong = deadlines_by_server_clock(&history).wrong.len();
            assert_eq!(wrong, expected, "{ms}");
        }
    }
}
