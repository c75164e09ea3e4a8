//! From answers to claims on stock: for every unit that a shopper held or bought, the time during
//! which it *certainly* was taken, and the longest time during which it *possibly* was. The first
//! is a lower bound of what the deployment gave away (so it must never exceed the stock), the
//! second an upper bound (so a refusal must be explained by it). No clock of the deployment is
//! compared with ours: only the distance of `expires_at` to `server_time`, both the deployment's,
//! is used.
//!
//! What staff take from the shelf is a claim for ever. What they bring is one of a negative number
//! of units: the lower bound counts it as early as it can have happened, the upper bound as late.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::answers::{Checkout, Order, Said, merged, units_of};
use crate::history::{Deed, End, Fact, History, Visit, What, When};

pub(crate) const FOREVER: Duration = Duration::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) checkout: Uuid,
    pub(crate) sku: String,
    /// Negative: staff brought them.
    pub(crate) units: i64,
    pub(crate) by: By,
    /// From when until when; empty (from > until) when nothing was ever acknowledged.
    pub(crate) certain: (Duration, Duration),
    pub(crate) possible: (Duration, Duration),
    /// When it was first seen paid for; then the units will not come back.
    pub(crate) sold: Option<Duration>,
    /// Ended by time alone, so the units come back when somebody looks: a sweep or a shopper.
    pub(crate) lapses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Shopper,
    Staff,
    /// Staff whose request was never answered: done or not.
    StaffPerhaps,
}

impl Claim {
    pub(crate) fn certainly_at(&self, moment: Duration) -> bool {
        self.certain.0 <= moment && moment < self.certain.1
    }

    /// Counts for the least that was taken from `from` to `until`: what takes, when it certainly
    /// did all that time; what brings, when it may have by its end.
    pub(crate) fn certainly_within(&self, from: Duration, until: Duration) -> bool {
        if self.units < 0 {
            return self.certain.0 <= until && from <= self.certain.1;
        }
        self.certainly_at(from) && self.certainly_at(until)
    }

    /// Counts for the most that was taken at a moment from `from` to `until`: what takes, when it
    /// may have; what brings, when it was there before.
    pub(crate) fn possibly_within(&self, from: Duration, until: Duration) -> bool {
        if self.units < 0 {
            return self.possible.0 <= from && until <= self.possible.1;
        }
        self.possible.0 <= until && from <= self.possible.1
    }
}

/// The claims of everybody.
pub(crate) fn of_all(history: &History) -> Vec<Claim> {
    let shoppers = history.visits.iter().flat_map(of);
    let staff = history.staff.iter().flat_map(|staff| &staff.deeds);
    shoppers.chain(staff.flat_map(of_deed)).collect()
}

/// What staff took or brought: for ever, once it is done.
pub(crate) fn of_deed(deed: &Deed) -> Vec<Claim> {
    let never = (FOREVER, Duration::ZERO);
    let after = (deed.when.got, FOREVER);
    let during = (deed.when.first_sent, FOREVER);
    let claim = |(sku, units): &(String, i64)| {
        let (by, certain, possible) = match (&deed.end, *units < 0) {
            (End::Done, false) => (By::Staff, after, during),
            (End::Done, true) => (By::Staff, during, after),
            (End::Unclear(_), false) => (By::StaffPerhaps, never, during),
            (End::Unclear(_), true) => (By::StaffPerhaps, during, never),
            _ => return None,
        };
        Some(Claim {
            checkout: deed.id,
            sku: sku.clone(),
            units: *units,
            by,
            certain,
            possible,
            sold: (by == By::Staff).then_some(deed.when.got),
            lapses: false,
        })
    };
    deed.units.iter().filter_map(claim).collect()
}

/// The claims of one shopper.
pub(crate) fn of(visit: &Visit) -> Vec<Claim> {
    let mut facts: BTreeMap<Uuid, Vec<&Fact>> = BTreeMap::new();
    for fact in &visit.facts {
        facts.entry(fact.checkout).or_default().push(fact);
    }
    facts
        .into_iter()
        .flat_map(|(checkout, facts)| Trace::new(checkout).follow(&facts))
        .collect()
}

/// What is known about one checkout while its facts are read in order.
struct Trace {
    checkout: Uuid,
    done: Vec<Claim>,
    /// The cart that is held now, and when.
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
    fn new(checkout: Uuid) -> Self {
        Self {
            checkout,
            done: vec![],
            open: None,
            revision: 0,
        }
    }

    fn follow(mut self, facts: &[&Fact]) -> Vec<Claim> {
        let mut facts = facts.to_vec();
        facts.sort_by_key(|fact| fact.when.got);
        let mut last_cart = vec![];
        for fact in &facts {
            let when = &fact.when;
            match &fact.what {
                What::Begin {
                    cart,
                    revision,
                    answer,
                    ..
                } => {
                    last_cart = merged(cart);
                    self.begun(when, *revision, answer, &last_cart);
                }
                What::Extend(answer) => self.extended(when, answer),
                What::Order(answer) => self.ordered(when, answer),
                What::ReadOrder(Said::Yes(order)) => self.seen(when, order, &facts),
                What::Release(answer) => self.released(when, answer),
                // a request that was refused to the shopper may have been done all the same, when
                // an earlier attempt of it went unanswered: the last reading tells
                What::Read(Said::Yes(checkout)) if self.open.is_none() => {
                    if matches!(checkout.status.as_str(), "open" | "ordered") {
                        self.take(when, units_of(&checkout.lines), remaining(checkout));
                    }
                }
                _ => {}
            }
        }
        self.unresolved_payment(&facts, last_cart);
        self.close(FOREVER, FOREVER);
        self.done
    }

    fn begun(
        &mut self,
        when: &When,
        revision: u32,
        answer: &Said<Checkout>,
        cart: &[(String, u32)],
    ) {
        match answer {
            Said::Yes(checkout) if self.open.is_none() || revision > self.revision => {
                self.close(when.first_sent, when.got);
                self.revision = revision;
                self.take(when, cart.to_vec(), remaining(checkout));
            }
            Said::Nothing(_) => {
                // done or not: from here on both carts are possible and none is certain
                self.close(when.first_sent, FOREVER);
                self.maybe(when, cart);
            }
            // the answered attempt was refused; an unanswered one before it may still arrive
            Said::Short(_) if when.attempts > 1 && self.open.is_none() => self.maybe(when, cart),
            _ => {}
        }
    }

    fn take(&mut self, when: &When, units: Vec<(String, u32)>, remaining: Duration) {
        self.open = Some(Open {
            units,
            certain: (when.got, when.sent.saturating_add(remaining)),
            possible: (when.first_sent, when.got.saturating_add(remaining)),
            sold: None,
        });
    }

    fn maybe(&mut self, when: &When, cart: &[(String, u32)]) {
        let never = (FOREVER, Duration::ZERO);
        let possible = (when.first_sent, FOREVER);
        self.open = Some(Open {
            units: cart.to_vec(),
            certain: never,
            possible,
            sold: None,
        });
    }

    fn extended(&mut self, when: &When, answer: &Said<Checkout>) {
        let Some(open) = &mut self.open else { return };
        match answer {
            Said::Yes(checkout) => {
                open.certain.1 = open
                    .certain
                    .1
                    .max(when.sent.saturating_add(remaining(checkout)));
                open.possible.1 = when.got.saturating_add(remaining(checkout));
            }
            Said::Nothing(_) => open.possible.1 = FOREVER,
            _ => {}
        }
    }

    fn ordered(&mut self, when: &When, answer: &Said<Order>) {
        match answer {
            Said::Yes(order) => {
                let remaining = until_expiry(order);
                let lapsed = self
                    .open
                    .as_ref()
                    .is_none_or(|open| open.certain.1 < when.got);
                if lapsed {
                    // the hold was over, or nearly so: the order took the units again
                    self.close(FOREVER, FOREVER);
                    self.take(when, units_of(&order.lines), remaining);
                } else if let Some(open) = &mut self.open {
                    open.certain.1 = open.certain.1.max(when.sent.saturating_add(remaining));
                    open.possible.1 = when.got.saturating_add(remaining);
                }
            }
            Said::Nothing(_) => {
                if let Some(open) = &mut self.open {
                    open.possible.1 = FOREVER;
                }
            }
            _ => {}
        }
    }

    /// An order that was seen paid has its units for ever: from when it held them, or, when it had
    /// been cancelled, from some moment after the money was sent.
    fn seen(&mut self, when: &When, order: &Order, facts: &[&Fact]) {
        if order.status != "paid" {
            return;
        }
        if let Some(open) = &mut self.open {
            open.certain.1 = FOREVER;
            open.possible.1 = FOREVER;
            open.sold = open.sold.or(Some(when.got));
        } else {
            let paid_from = first_payment(facts).map_or(when.first_sent, |sent| sent.first_sent);
            self.open = Some(Open {
                units: units_of(&order.lines),
                certain: (when.got, FOREVER),
                possible: (paid_from, FOREVER),
                sold: Some(when.got),
            });
        }
    }

    fn released(&mut self, when: &When, answer: &Said<Checkout>) {
        match answer {
            Said::Yes(_) => self.close(when.first_sent, when.got),
            Said::No(404, _) => self.close(when.first_sent, when.got),
            Said::Nothing(_) => self.close(when.first_sent, FOREVER),
            _ => {}
        }
    }

    /// Money that was sent and whose end is not known may have taken the units.
    fn unresolved_payment(&mut self, facts: &[&Fact], cart: Vec<(String, u32)>) {
        let Some(sent) = first_payment(facts) else {
            return;
        };
        let last = facts.iter().rev().find_map(|fact| match &fact.what {
            What::ReadOrder(Said::Yes(order)) => Some(order.status.as_str()),
            _ => None,
        });
        if matches!(last, Some("paid" | "refund_due" | "refunded")) {
            return;
        }
        if let Some(open) = &mut self.open {
            open.possible.1 = FOREVER;
        } else {
            self.maybe(sent, &cart);
        }
    }

    /// Ends the open claim: certainly at `certain`, possibly not before `possible`.
    fn close(&mut self, certain: Duration, possible: Duration) {
        let Some(open) = self.open.take() else { return };
        for (sku, units) in open.units {
            self.done.push(Claim {
                checkout: self.checkout,
                sku,
                units: i64::from(units),
                by: By::Shopper,
                certain: (open.certain.0, open.certain.1.min(certain)),
                possible: (open.possible.0, open.possible.1.min(possible)),
                sold: open.sold,
                lapses: open.possible.1 < possible,
            });
        }
    }
}

fn first_payment<'a>(facts: &[&'a Fact]) -> Option<&'a When> {
    facts
        .iter()
        .filter(|f| {
            matches!(
                f.what,
                What::Webhook {
                    kind: crate::cashfree::Kind::Paid,
                    ..
                }
            )
        })
        .map(|f| &f.when)
        .min_by_key(|when| when.first_sent)
}

fn remaining(checkout: &Checkout) -> Duration {
    Duration::try_from(checkout.expires_at - checkout.server_time).unwrap_or_default()
}

fn until_expiry(order: &Order) -> Duration {
    Duration::try_from(order.expires_at - order.server_time).unwrap_or_default()
}

/// The most units of each sku that were certainly taken at one moment.
pub(crate) fn most_at_once(claims: &[Claim]) -> BTreeMap<&str, (i64, Duration)> {
    let mut steps: BTreeMap<&str, Vec<(Duration, i64)>> = BTreeMap::new();
    for claim in claims.iter().filter(|c| c.certain.0 < c.certain.1) {
        let steps = steps.entry(&claim.sku).or_default();
        // sorted by time, then by units: what ends at a moment ends before what begins there
        steps.push((claim.certain.0, claim.units));
        steps.push((claim.certain.1, -claim.units));
    }
    let peak = |mut steps: Vec<(Duration, i64)>| {
        steps.sort_unstable();
        let mut taken = 0;
        let mut most = (0, Duration::ZERO);
        for (at, units) in steps {
            taken += units;
            if taken > most.0 {
                most = (taken, at);
            }
        }
        most
    };
    steps
        .into_iter()
        .map(|(sku, steps)| (sku, peak(steps)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{checkout, order, visit, when};

    const ID: u128 = 1;

    #[test]
    fn a_hold_is_certain_from_its_answer_until_its_expiry_counted_from_sending() {
        let claims = of(&visit(
            1,
            vec![checkout(ID, 1, &[("A", 2)], when(100, 150), 1_000)],
        ));
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].units, 2);
        assert_eq!(claims[0].certain, (ms(150), ms(1_100)));
        assert_eq!(claims[0].possible, (ms(100), ms(1_150)));
    }

    #[test]
    fn a_replacement_ends_the_cart_before_it() {
        let claims = of(&visit(
            1,
            vec![
                checkout(ID, 1, &[("A", 1)], when(0, 10), 9_000),
                checkout(ID, 2, &[("B", 1)], when(20, 30), 9_000),
            ],
        ));
        assert_eq!(claims[0].certain, (ms(10), ms(20)));
        assert_eq!(claims[0].possible, (ms(0), ms(30)));
        assert_eq!(claims[1].sku, "B");
        assert_eq!(claims[1].certain.0, ms(30));
    }

    #[test]
    fn a_paid_order_keeps_its_units_for_ever() {
        let claims = of(&visit(
            1,
            vec![
                checkout(ID, 1, &[("A", 1)], when(0, 10), 9_000),
                order(ID, "awaiting_payment", &[("A", 1)], when(20, 30)),
                order(ID, "paid", &[("A", 1)], when(40, 50)),
            ],
        ));
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].certain, (ms(10), FOREVER));
        assert!(claims[0].sold.is_some());
    }

    #[test]
    fn an_order_after_the_hold_lapsed_is_a_claim_of_its_own() {
        let claims = of(&visit(
            1,
            vec![
                checkout(ID, 1, &[("A", 1)], when(0, 10), 100),
                order(ID, "awaiting_payment", &[("A", 1)], when(500, 510)),
            ],
        ));
        assert_eq!(claims[0].certain, (ms(10), ms(100)));
        assert_eq!(claims[1].certain.0, ms(510));
    }

    #[test]
    fn an_unanswered_request_is_possible_for_ever_and_never_certain() {
        let mut fact = checkout(ID, 1, &[("A", 1)], when(0, 10), 9_000);
        if let What::Begin { answer, .. } = &mut fact.what {
            *answer = Said::Nothing("reset".into());
        }
        let claims = of(&visit(1, vec![fact]));
        assert!(claims[0].possibly_within(ms(5), ms(6)));
        assert!(!claims[0].certainly_at(ms(20)));
        assert_eq!(most_at_once(&claims).get("A"), None);
    }

    #[test]
    fn the_most_at_once_counts_overlaps_only() {
        let hold = |id, from, until| {
            of(&visit(
                1,
                vec![checkout(id, 1, &[("A", 1)], when(from, from), until - from)],
            ))
        };
        let claims = [hold(1, 0, 100), hold(2, 100, 200), hold(3, 150, 300)].concat();
        assert_eq!(most_at_once(&claims)["A"], (2, ms(150)));
    }

    fn of_units(units: i64, end: End) -> Claim {
        let deed = crate::testing::deed("A", units, when(100, 150), end);
        of_deed(&deed).remove(0)
    }

    #[test]
    fn what_staff_take_is_certain_from_the_answer_and_possible_from_sending() {
        let taken = of_units(2, End::Done);
        assert!(!taken.certainly_within(ms(120), ms(200)));
        assert!(taken.certainly_within(ms(150), ms(200)));
        assert!(!taken.possibly_within(ms(50), ms(99)));
        assert!(taken.possibly_within(ms(50), ms(100)));
    }

    #[test]
    fn what_staff_bring_counts_early_for_the_least_and_late_for_the_most() {
        let brought = of_units(-2, End::Done);
        assert!(brought.certainly_within(ms(50), ms(100)));
        assert!(!brought.certainly_within(ms(50), ms(99)));
        assert!(brought.possibly_within(ms(150), ms(200)));
        assert!(!brought.possibly_within(ms(149), ms(200)));
    }

    #[test]
    fn what_staff_were_not_answered_is_counted_against_every_verdict() {
        let unclear = || End::Unclear("reset".into());
        let taken = of_units(2, unclear());
        assert!(taken.possibly_within(ms(100), ms(100)));
        assert!(!taken.certainly_within(ms(900), ms(900)));
        let brought = of_units(-2, unclear());
        assert!(!brought.possibly_within(ms(900), ms(900)));
        assert!(brought.certainly_within(ms(100), ms(100)));
        assert!(of_deed(&crate::testing::deed("A", 1, when(0, 1), End::Refused)).is_empty());
    }

    #[test]
    fn the_most_at_once_is_less_what_was_brought_before() {
        let hold = of(&visit(
            1,
            vec![checkout(ID, 1, &[("A", 3)], when(200, 250), 1_000)],
        ));
        let claims = [vec![of_units(-2, End::Done)], hold].concat();
        assert_eq!(most_at_once(&claims)["A"], (1, ms(250)));
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}
