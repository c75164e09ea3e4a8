//! Which units were taken from the stock, and when. For each unit that a shopper held or bought:
//! the time during which it was *certainly* taken, and the longest time during which it was
//! *possibly* taken. The first is a lower bound: it must never exceed the stock. The second is an
//! upper bound: it must explain every refusal. The deployment's clock is never compared with the
//! drill's: only the distance from its `server_time` to its `expires_at` counts.
//!
//! Units that staff take are taken for ever. Units that staff bring have a negative number: the
//! lower bound counts them as early as possible, the upper bound as late as possible.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::answers::{Answer, Checkout, Order, merged, units_of};
use crate::history::first_payment;
use crate::history::{ActionEnd, Exchange, History, Request, StaffAction, Visit, When};

pub(crate) const FOREVER: Duration = Duration::MAX;
const NEVER: (Duration, Duration) = (FOREVER, Duration::ZERO);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) checkout: Uuid,
    pub(crate) sku: String,
    /// Negative: staff brought them.
    pub(crate) units: i64,
    pub(crate) by: By,
    /// From when until when; empty (from > until) when nothing was ever acknowledged.
    pub(crate) certain: (Duration, Duration),
    pub(crate) possible: (Duration, Duration),
    /// When the units were first seen paid for. Paid units never come back.
    pub(crate) sold: Option<Duration>,
    /// Time alone ended it. The units come back when a sweep or a shopper looks.
    pub(crate) lapses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Shopper,
    Staff,
    /// Staff whose request was not answered: done or not.
    StaffPerhaps,
}

impl Taken {
    pub(crate) fn certainly_at(&self, at: Duration) -> bool {
        self.certain.0 <= at && at < self.certain.1
    }

    /// Counts for the least that was taken from `from` to `until`: taken units that were certainly
    /// taken all that time, and brought units that may have been there by its end.
    pub(crate) fn certainly_within(&self, from: Duration, until: Duration) -> bool {
        if self.units < 0 {
            return self.certain.0 <= until && from <= self.certain.1;
        }
        self.certainly_at(from) && self.certainly_at(until)
    }

    /// Counts for the most that was taken at any time from `from` to `until`: taken units that may
    /// have been taken then, and brought units that were certainly there before.
    pub(crate) fn possibly_within(&self, from: Duration, until: Duration) -> bool {
        if self.units < 0 {
            return self.possible.0 <= from && until <= self.possible.1;
        }
        self.possible.0 <= until && from <= self.possible.1
    }
}

/// The units of all shoppers and staff.
pub(crate) fn in_run(history: &History) -> Vec<Taken> {
    let by_shoppers = history.visits.iter().flat_map(by_shopper);
    by_shoppers
        .chain(history.actions().flat_map(by_staff))
        .collect()
}

/// The units of one action of staff. What was refused changed nothing.
pub(crate) fn by_staff(action: &StaffAction) -> Vec<Taken> {
    let after = (action.when.got, FOREVER);
    let during = (action.when.first_sent, FOREVER);
    let taken = |(sku, units): &(String, i64)| {
        let (by, certain, possible) = match (&action.end, *units < 0) {
            (ActionEnd::Done, false) => (By::Staff, after, during),
            (ActionEnd::Done, true) => (By::Staff, during, after),
            (ActionEnd::Unclear(_), false) => (By::StaffPerhaps, NEVER, during),
            (ActionEnd::Unclear(_), true) => (By::StaffPerhaps, during, NEVER),
            _ => return None,
        };
        Some(Taken {
            checkout: action.id,
            sku: sku.clone(),
            units: *units,
            by,
            certain,
            possible,
            sold: (by == By::Staff).then_some(action.when.got),
            lapses: false,
        })
    };
    action.units.iter().filter_map(taken).collect()
}

/// The units of one shopper.
pub(crate) fn by_shopper(visit: &Visit) -> Vec<Taken> {
    let mut checkouts: BTreeMap<Uuid, Vec<&Exchange>> = BTreeMap::new();
    for exchange in &visit.exchanges {
        checkouts
            .entry(exchange.checkout)
            .or_default()
            .push(exchange);
    }
    let of = |(checkout, exchanges)| Trace::default().follow(checkout, exchanges);
    checkouts.into_iter().flat_map(of).collect()
}

/// What is known about one checkout while its exchanges are read in order.
#[derive(Default)]
struct Trace {
    done: Vec<(Open, Duration, Duration)>,
    /// The cart that is held now.
    open: Option<Open>,
    revision: u32,
}

struct Open {
    units: Vec<(String, u32)>,
    certain: (Duration, Duration),
    possible: (Duration, Duration),
    sold: Option<Duration>,
}

impl Trace {
    fn follow(mut self, checkout: Uuid, mut exchanges: Vec<&Exchange>) -> Vec<Taken> {
        exchanges.sort_by_key(|exchange| exchange.when.got);
        let mut last_cart = vec![];
        for exchange in &exchanges {
            let when = &exchange.when;
            match &exchange.request {
                Request::Begin {
                    cart,
                    revision,
                    answer,
                    ..
                } => {
                    last_cart = merged(cart);
                    self.begun(when, *revision, answer, &last_cart);
                }
                Request::Extend(Answer::Done(extended)) => {
                    self.held_on(when, extended.remaining());
                }
                Request::Order(Answer::Done(order)) => self.ordered(when, order),
                Request::Extend(Answer::Missing(_)) | Request::Order(Answer::Missing(_)) => {
                    self.possible_for_ever();
                }
                Request::ReadOrder(Answer::Done(order)) if order.status == "paid" => {
                    let paid = first_payment(exchanges.iter().copied()).unwrap_or(when);
                    self.seen_paid(when, order, paid.first_sent);
                }
                Request::Release(answer) => self.released(when, answer),
                // A refused request may have been done all the same, when an earlier attempt of it
                // went unanswered. The last reading shows it.
                Request::Read(Answer::Done(read)) if self.open.is_none() => {
                    if matches!(read.status.as_str(), "open" | "ordered") {
                        self.hold(when, units_of(&read.lines), read.remaining());
                    }
                }
                _ => {}
            }
        }
        self.unresolved_payment(&exchanges, last_cart);
        self.close(FOREVER, FOREVER);
        self.into_taken(checkout)
    }

    fn begun(
        &mut self,
        when: &When,
        revision: u32,
        answer: &Answer<Checkout>,
        cart: &[(String, u32)],
    ) {
        match answer {
            Answer::Done(begun) if self.open.is_none() || revision > self.revision => {
                self.close(when.first_sent, when.got);
                self.revision = revision;
                self.hold(when, cart.to_vec(), begun.remaining());
            }
            Answer::Missing(_) => {
                // Done or not: from here on both carts are possible and neither is certain.
                self.close(when.first_sent, FOREVER);
                self.maybe(when, cart.to_vec());
            }
            // The answered attempt was refused. An unanswered one before it may still arrive.
            Answer::Short(_) if when.attempts > 1 && self.open.is_none() => {
                self.maybe(when, cart.to_vec());
            }
            _ => {}
        }
    }

    fn hold(&mut self, when: &When, units: Vec<(String, u32)>, remaining: Duration) {
        self.open = Some(Open {
            units,
            certain: (when.got, when.sent.saturating_add(remaining)),
            possible: (when.first_sent, when.got.saturating_add(remaining)),
            sold: None,
        });
    }

    fn maybe(&mut self, when: &When, units: Vec<(String, u32)>) {
        self.open = Some(Open {
            units,
            certain: NEVER,
            possible: (when.first_sent, FOREVER),
            sold: None,
        });
    }

    /// The hold lasts `remaining` from this request on.
    fn held_on(&mut self, when: &When, remaining: Duration) {
        if let Some(open) = &mut self.open {
            let certain = when.sent.saturating_add(remaining);
            open.certain.1 = open.certain.1.max(certain);
            open.possible.1 = when.got.saturating_add(remaining);
        }
    }

    fn possible_for_ever(&mut self) {
        if let Some(open) = &mut self.open {
            open.possible.1 = FOREVER;
        }
    }

    fn ordered(&mut self, when: &When, order: &Order) {
        let open = self.open.as_ref();
        if open.is_none_or(|open| open.certain.1 < when.got) {
            // The hold was over, or nearly so: the order took the units again.
            self.close(FOREVER, FOREVER);
            self.hold(when, units_of(&order.lines), order.remaining());
        } else {
            self.held_on(when, order.remaining());
        }
    }

    /// A paid order has its units for ever: from when it held them on. When it had been cancelled,
    /// from some time after the money was sent on.
    fn seen_paid(&mut self, when: &When, order: &Order, money_sent: Duration) {
        let open = self.open.get_or_insert_with(|| Open {
            units: units_of(&order.lines),
            certain: (when.got, FOREVER),
            possible: (money_sent, FOREVER),
            sold: None,
        });
        open.certain.1 = FOREVER;
        open.possible.1 = FOREVER;
        open.sold = open.sold.or(Some(when.got));
    }

    fn released(&mut self, when: &When, answer: &Answer<Checkout>) {
        match answer {
            Answer::Done(_) | Answer::Refused(404, _) => self.close(when.first_sent, when.got),
            Answer::Missing(_) => self.close(when.first_sent, FOREVER),
            _ => {}
        }
    }

    /// Money whose end is not known may have taken the units.
    fn unresolved_payment(&mut self, exchanges: &[&Exchange], cart: Vec<(String, u32)>) {
        let Some(sent) = first_payment(exchanges.iter().copied()) else {
            return;
        };
        let last = exchanges.iter().rev().find_map(|e| match &e.request {
            Request::ReadOrder(Answer::Done(order)) => Some(order.status.as_str()),
            _ => None,
        });
        if matches!(last, Some("paid" | "refund_due" | "refunded")) {
            return;
        }
        if self.open.is_none() {
            self.maybe(sent, cart);
        }
        self.possible_for_ever();
    }

    /// Ends the open hold: certainly at `certain`, possibly as late as `possible`.
    fn close(&mut self, certain: Duration, possible: Duration) {
        if let Some(open) = self.open.take() {
            self.done.push((open, certain, possible));
        }
    }

    fn into_taken(self, checkout: Uuid) -> Vec<Taken> {
        let taken = |(open, certain, possible): (Open, Duration, Duration)| {
            open.units.into_iter().map(move |(sku, units)| Taken {
                checkout,
                sku,
                units: i64::from(units),
                by: By::Shopper,
                certain: (open.certain.0, open.certain.1.min(certain)),
                possible: (open.possible.0, open.possible.1.min(possible)),
                sold: open.sold,
                lapses: open.possible.1 < possible,
            })
        };
        self.done.into_iter().flat_map(taken).collect()
    }
}

/// The most units of each sku that were certainly taken at one time, and that time.
pub(crate) fn most_at_once(taken: &[Taken]) -> BTreeMap<&str, (i64, Duration)> {
    let mut steps: BTreeMap<&str, Vec<(Duration, i64)>> = BTreeMap::new();
    for one in taken.iter().filter(|one| one.certain.0 < one.certain.1) {
        let (from, until) = one.certain;
        let steps = steps.entry(&one.sku).or_default();
        steps.extend([(from, one.units), (until, -one.units)]);
    }
    let peak = |mut steps: Vec<(Duration, i64)>| {
        // By time, then by units: at one time, the ends come before the beginnings.
        steps.sort_unstable();
        let (mut now, mut most) = (0, (0, Duration::ZERO));
        for (at, units) in steps {
            now += units;
            if now > most.0 {
                most = (now, at);
            }
        }
        most
    };
    let steps = steps.into_iter();
    steps.map(|(sku, steps)| (sku, peak(steps))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{action, checkout, order, visit, when};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(exchanges: Vec<Exchange>) -> Vec<Taken> {
        by_shopper(&visit(1, exchanges))
    }

    #[test]
    fn a_hold_is_certain_from_its_answer_until_its_expiry_counted_from_sending() {
        let taken = of(vec![checkout(1, 1, &[("A", 2)], when(100, 150), 1_000)]);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].units, 2);
        assert_eq!(taken[0].certain, (ms(150), ms(1_100)));
        assert_eq!(taken[0].possible, (ms(100), ms(1_150)));
    }

    #[test]
    fn a_replacement_ends_the_cart_before_it() {
        let taken = of(vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 9_000),
            checkout(1, 2, &[("B", 1)], when(20, 30), 9_000),
        ]);
        assert_eq!(taken[0].certain, (ms(10), ms(20)));
        assert_eq!(taken[0].possible, (ms(0), ms(30)));
        assert_eq!(taken[1].sku, "B");
        assert_eq!(taken[1].certain.0, ms(30));
    }

    #[test]
    fn a_paid_order_has_its_units_for_ever() {
        let taken = of(vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 9_000),
            order(1, "awaiting_payment", &[("A", 1)], when(20, 30)),
            order(1, "paid", &[("A", 1)], when(40, 50)),
        ]);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].certain, (ms(10), FOREVER));
        assert!(taken[0].sold.is_some());
    }

    #[test]
    fn an_order_after_the_hold_lapsed_takes_the_units_again() {
        let taken = of(vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 100),
            order(1, "awaiting_payment", &[("A", 1)], when(500, 510)),
        ]);
        assert_eq!(taken[0].certain, (ms(10), ms(100)));
        assert_eq!(taken[1].certain.0, ms(510));
    }

    #[test]
    fn an_unanswered_request_is_possible_for_ever_and_never_certain() {
        let mut begun = checkout(1, 1, &[("A", 1)], when(0, 10), 9_000);
        if let Request::Begin { answer, .. } = &mut begun.request {
            *answer = Answer::Missing("reset".into());
        }
        let taken = of(vec![begun]);
        assert!(taken[0].possibly_within(ms(5), ms(6)));
        assert!(!taken[0].certainly_at(ms(20)));
        assert_eq!(most_at_once(&taken).get("A"), None);
    }

    #[test]
    fn the_most_at_once_counts_overlaps_only() {
        let hold = |id, from, until| {
            of(vec![checkout(
                id,
                1,
                &[("A", 1)],
                when(from, from),
                until - from,
            )])
        };
        let taken = [hold(1, 0, 100), hold(2, 100, 200), hold(3, 150, 300)].concat();
        assert_eq!(most_at_once(&taken)["A"], (2, ms(150)));
    }

    /// An action of staff from 100 to 150 ms.
    fn staff(units: i64, end: ActionEnd) -> Taken {
        by_staff(&action("A", units, when(100, 150), end)).remove(0)
    }

    #[test]
    fn units_that_staff_take_are_certain_from_the_answer_and_possible_from_sending() {
        let taken = staff(2, ActionEnd::Done);
        assert!(!taken.certainly_within(ms(120), ms(200)));
        assert!(taken.certainly_within(ms(150), ms(200)));
        assert!(!taken.possibly_within(ms(50), ms(99)));
        assert!(taken.possibly_within(ms(50), ms(100)));
    }

    #[test]
    fn units_that_staff_bring_count_early_for_the_least_and_late_for_the_most() {
        let brought = staff(-2, ActionEnd::Done);
        assert!(brought.certainly_within(ms(50), ms(100)));
        assert!(!brought.certainly_within(ms(50), ms(99)));
        assert!(brought.possibly_within(ms(150), ms(200)));
        assert!(!brought.possibly_within(ms(149), ms(200)));
    }

    #[test]
    fn an_unanswered_action_never_helps_to_find_a_fault() {
        let unclear = || ActionEnd::Unclear("reset".into());
        let taken = staff(2, unclear());
        assert!(taken.possibly_within(ms(100), ms(100)));
        assert!(!taken.certainly_within(ms(900), ms(900)));
        let brought = staff(-2, unclear());
        assert!(!brought.possibly_within(ms(900), ms(900)));
        assert!(brought.certainly_within(ms(100), ms(100)));
        assert!(by_staff(&action("A", 1, when(0, 1), ActionEnd::Refused)).is_empty());
    }

    #[test]
    fn units_that_staff_brought_before_lower_the_most_at_once() {
        let hold = of(vec![checkout(1, 1, &[("A", 3)], when(200, 250), 1_000)]);
        let taken = [vec![staff(-2, ActionEnd::Done)], hold].concat();
        assert_eq!(most_at_once(&taken)["A"], (1, ms(250)));
    }
}
