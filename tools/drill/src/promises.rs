//! The eleven promises, and what the rehearsal expects besides: each judged from the answers and,
//! where there is one, by the database's own check.

use serde::Serialize;

use crate::books::Books;
use crate::checks::{self, Checked};
use crate::claims::{self, Claim};
use crate::history::{DatabaseCheck, History, Refusable};
use crate::plan::Probe;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Kept,
    Broken,
    NotChecked,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    /// 1 to 11 for the promises of the design; none for what the rehearsal expects besides.
    pub(crate) number: Option<u8>,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) state: State,
    /// What was judged, with counts; or why nothing could be.
    pub(crate) evidence: String,
    pub(crate) wrong: Vec<String>,
}

/// What a promise is judged by.
struct Judged {
    number: Option<u8>,
    name: &'static str,
    text: &'static str,
    checks: Vec<Checked>,
    /// The names under which the database's check reports violations of it.
    rows: &'static [&'static str],
    /// Said when nothing of it could be judged.
    otherwise: &'static str,
}

impl Judged {
    fn promise(number: u8, name: &'static str, text: &'static str) -> Self {
        let otherwise = "not checked: no --database";
        Self {
            number: Some(number),
            name,
            text,
            checks: vec![],
            rows: &[],
            otherwise,
        }
    }

    fn expectation(name: &'static str, text: &'static str, otherwise: &'static str) -> Self {
        Self {
            number: None,
            name,
            text,
            checks: vec![],
            rows: &[],
            otherwise,
        }
    }

    fn by(mut self, check: Checked) -> Self {
        self.checks.push(check);
        self
    }

    fn and_rows(mut self, rows: &'static [&'static str]) -> Self {
        self.rows = rows;
        self
    }
}

pub(crate) fn judge(history: &History) -> Vec<Verdict> {
    let claims = claims::of_all(history);
    let mut judged = promises_of_stock(history, &claims);
    judged.extend(promises_of_answers(history, &claims));
    judged.extend(expectations(history, &claims));
    if history.staff.is_some() {
        judged.extend(expectations_of_staff(history));
    }
    if let Some(books) = &history.books {
        judged.extend(expectations_of_gateways(books));
    }
    let known: Vec<&str> = judged.iter().flat_map(|j| j.rows).copied().collect();
    let mut verdicts: Vec<Verdict> = judged
        .into_iter()
        .map(|j| verdict(j, history.database.as_ref()))
        .collect();
    verdicts.extend(unknown_violations(history.database.as_ref(), &known));
    verdicts
}

fn promises_of_stock(history: &History, claims: &[Claim]) -> Vec<Judged> {
    vec![
        Judged::promise(
            1,
            "never_oversold",
            "Never oversold: 0 ≤ held ≤ on hand, at every moment",
        )
        .by(checks::never_oversold(history, claims))
        .and_rows(&["never_oversold"]),
        Judged::promise(
            2,
            "nothing_leaks",
            "Nothing leaks: what is gone is held or sold",
        )
        .by(checks::nothing_leaks(history, claims))
        .and_rows(&["held_equals_active_holds", "on_hand_equals_movements"]),
        Judged::promise(
            3,
            "a_hold_resolves_once",
            "A hold resolves once: consumed, released or expired",
        )
        .and_rows(&["a_hold_resolves_once"]),
        Judged::promise(
            4,
            "a_payment_only_rises",
            "A payment only rises, and changes stock at most once",
        )
        .by(checks::payments_only_rise(history))
        .by(checks::deducted_once(history, claims))
        .and_rows(&["a_payment_changes_stock_once"]),
        Judged::promise(5, "no_payment_is_lost", "No verified payment is lost")
            .by(checks::payments_end_right(history))
            .and_rows(&["no_payment_is_lost"]),
        Judged::promise(
            6,
            "a_cart_is_all_or_nothing",
            "A cart is all or nothing, and a refusal names every shortage",
        )
        .by(checks::cart_whole_or_refused(history))
        .and_rows(&["a_cart_is_all_or_nothing"]),
    ]
}

fn promises_of_answers(history: &History, claims: &[Claim]) -> Vec<Judged> {
    let refused = |what, which| checks::refusables_refused(history, what, which);
    vec![
        Judged::promise(
            7,
            "same_id_same_answer",
            "Same id, same request: same answer; another request: a conflict",
        )
        .by(checks::same_request_same_answer(history))
        .by(refused("other carts under a used id", |probe| {
            probe == Refusable::Shopper(Probe::OtherCart)
        })),
        Judged::promise(
            8,
            "the_databases_clock_decides",
            "The database's clock decides; nobody is refused because of holds that are due",
        )
        .by(checks::refusals_were_true(history, claims))
        .by(checks::deadlines_by_server_clock(history)),
        Judged::promise(
            9,
            "a_stale_edit_is_refused",
            "A stale edit is refused, by hand-written SQL too",
        )
        .by(stale_edit(history.database.as_ref()))
        .by(checks::edits_changed_what_was_seen(history)),
        Judged::promise(
            10,
            "a_shop_sees_only_itself",
            "A shop sees only itself, and a customer too",
        )
        .by(refused("foreign requests", |probe| {
            use Probe::{OtherCustomer, OtherShop};
            matches!(
                probe,
                Refusable::OtherShopsPath | Refusable::Shopper(OtherShop | OtherCustomer)
            )
        })),
        Judged::promise(
            11,
            "what_was_acknowledged_survives",
            "What was acknowledged survives",
        )
        .by(checks::acknowledged_survives(history, claims)),
    ]
}

fn expectations(history: &History, claims: &[Claim]) -> Vec<Judged> {
    let refused = |what, which| checks::refusables_refused(history, what, which);
    vec![
        Judged::expectation(
            "gone_exactly",
            "The hot sku ends sold or held, to the last unit",
            "fewer shoppers wanted it than there were units",
        )
        .by(checks::gone_exactly(history, claims)),
        Judged::expectation(
            "stock_came_back",
            "Abandoned units come back by themselves",
            "nothing was read at the end",
        )
        .by(checks::stock_came_back(history, claims)),
        Judged::expectation(
            "forged_events_are_refused",
            "Forged webhooks are refused",
            "none was sent",
        )
        .by(refused("forged events", |probe| {
            matches!(probe, Refusable::Forgery(_))
        })),
        Judged::expectation(
            "prices_are_the_catalogues",
            "Prices are the catalogue's, never the caller's",
            "no price was shown",
        )
        .by(checks::prices_are_the_catalogues(history))
        .by(refused("carts with a price of their own", |probe| {
            probe == Refusable::Shopper(Probe::OwnPrice)
        }))
        .and_rows(&["a_coupon_is_never_overused", "a_limit_is_never_exceeded"]),
        Judged::expectation(
            "every_request_is_answered",
            "Every request is answered as the contract says",
            "no request was made",
        )
        .by(checks::contract_kept(history)),
    ]
}

/// What a mixed run expects besides.
fn expectations_of_staff(history: &History) -> Vec<Judged> {
    vec![
        Judged::expectation(
            "edits_are_never_starved",
            "Admin edits are never starved: each ends within 100 tries and 30 s",
            "no stock was edited",
        )
        .by(checks::edits_never_starved(history)),
        Judged::expectation(
            "no_deadlock",
            "No deadlock between sale, staff and sweeps",
            "not checked: no --database, or its count was lost in a crash",
        )
        .by(checks::no_deadlock(history)),
        Judged::expectation(
            "imports_end_as_reported",
            "Imports end as their report says",
            "nothing was imported",
        )
        .by(checks::imports_end_as_reported(history)),
        Judged::expectation(
            "the_newest_holds_break_first",
            "Missing units break the newest holds, and no others",
            "nothing was found missing",
        )
        .by(checks::newest_holds_break_first(history)),
    ]
}

/// What a run with simulated gateways expects besides.
fn expectations_of_gateways(books: &Books) -> Vec<Judged> {
    let otherwise = "nobody paid";
    vec![
        Judged::expectation(
            "every_payment_ends_once",
            "Every payment at a gateway has exactly one right ending",
            otherwise,
        )
        .by(checks::every_capture_ends_once(books)),
        Judged::expectation(
            "refunds_add_up",
            "What goes back is what is owed, at the gateway as in the books",
            otherwise,
        )
        .by(checks::refunds_add_up(books)),
        Judged::expectation(
            "goods_leave_once",
            "The goods of paid orders left once, and no others",
            otherwise,
        )
        .by(checks::sold_once(books)),
        Judged::expectation(
            "nothing_is_left_over",
            "No event, dead letter or hold is left over",
            otherwise,
        )
        .by(checks::nothing_is_left_over(books)),
    ]
}

fn stale_edit(database: Option<&DatabaseCheck>) -> Checked {
    let mut checked = Checked {
        what: "hand-written edits",
        ..Checked::default()
    };
    if let Some(refused) = database.and_then(|database| database.stale_edit_refused) {
        checked.judged = 1;
        if !refused {
            checked
                .wrong
                .push("an update of on_hand without version and ledger went through".into());
        }
    }
    checked
}

fn verdict(judged: Judged, database: Option<&DatabaseCheck>) -> Verdict {
    let mut wrong: Vec<String> = judged.checks.iter().flat_map(|c| c.wrong.clone()).collect();
    let mut evidence: Vec<String> = judged
        .checks
        .iter()
        .filter(|checked| checked.judged > 0)
        .map(|checked| format!("{}: {}", checked.what, checked.judged))
        .collect();
    if let (Some(database), false) = (database, judged.rows.is_empty()) {
        let rows = database
            .violations
            .iter()
            .filter(|(name, _)| judged.rows.contains(&name.as_str()));
        wrong.extend(rows.map(|(name, row)| format!("database, {name}: {row}")));
        evidence.push("the database's own check".to_owned());
    }
    let state = match (wrong.is_empty(), evidence.is_empty()) {
        (false, _) => State::Broken,
        (true, false) => State::Kept,
        (true, true) => State::NotChecked,
    };
    let evidence = if evidence.is_empty() {
        let unseen = database.is_some() && judged.number.is_some();
        if unseen {
            "nothing in this run showed it"
        } else {
            judged.otherwise
        }
        .to_owned()
    } else {
        evidence.join("; ")
    };
    Verdict {
        number: judged.number,
        name: judged.name,
        text: judged.text,
        state,
        evidence,
        wrong,
    }
}

/// A violation under a name that this program does not know must break the run all the same.
fn unknown_violations(database: Option<&DatabaseCheck>, known: &[&str]) -> Option<Verdict> {
    let wrong: Vec<String> = database?
        .violations
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, row)| format!("database, {name}: {row}"))
        .collect();
    (!wrong.is_empty()).then_some(Verdict {
        number: None,
        name: "the_database_agrees",
        text: "The database finds nothing else",
        state: State::Broken,
        evidence: "the database's own check".to_owned(),
        wrong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{checkout, history, visit, when};

    fn states(history: &History) -> Vec<(Option<u8>, State)> {
        judge(history).iter().map(|v| (v.number, v.state)).collect()
    }

    fn oversold() -> History {
        let hold = |id| {
            visit(
                1,
                vec![checkout(id, 1, &[("A", 1)], when(0, 10), 1_800_000)],
            )
        };
        history(1, 0, vec![hold(1), hold(2)])
    }

    #[test]
    fn every_promise_is_listed_once() {
        let numbers: Vec<_> = judge(&oversold()).iter().filter_map(|v| v.number).collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<u8>>());
    }

    #[test]
    fn an_oversell_breaks_promise_one() {
        assert!(states(&oversold()).contains(&(Some(1), State::Broken)));
    }

    #[test]
    fn without_a_database_its_promises_are_not_checked() {
        let states = states(&oversold());
        assert!(states.contains(&(Some(3), State::NotChecked)));
        assert!(states.contains(&(Some(9), State::NotChecked)));
    }

    #[test]
    fn every_row_of_the_databases_check_breaks_something() {
        for name in ["a_hold_resolves_once", "a_rule_of_tomorrow"] {
            let hold = checkout(1, 1, &[("A", 1)], when(0, 10), 1_800_000);
            let mut history = history(1, 0, vec![visit(1, vec![hold])]);
            let violations = vec![(name.to_owned(), "{}".to_owned())];
            history.database = Some(DatabaseCheck {
                violations,
                stale_edit_refused: Some(true),
            });
            let broken = judge(&history)
                .iter()
                .filter(|v| v.state == State::Broken)
                .count();
            assert_eq!(broken, 1, "{name}");
        }
    }

    #[test]
    fn what_is_expected_of_staff_is_judged_in_mixed_runs_only() {
        let mut history = oversold();
        let of_staff = |history: &History| {
            let all = judge(history);
            let state = |v: &Verdict| v.name.contains("starved").then_some(v.state);
            (all.len(), all.iter().find_map(state))
        };
        let (before, state) = of_staff(&history);
        assert_eq!(state, None);
        let starved = crate::testing::deed("A", 1, when(0, 1), crate::history::End::Starved);
        history.staff.get_or_insert_default().deeds.push(starved);
        assert_eq!(of_staff(&history), (before + 4, Some(State::Broken)));
    }

    #[test]
    fn what_is_expected_of_gateways_is_judged_where_shoppers_pay_there() {
        let mut history = oversold();
        let before = judge(&history).len();
        let left_over = |history: &History| {
            let all = judge(history);
            let state = |v: &Verdict| (v.name == "nothing_is_left_over").then_some(v.state);
            (all.len(), all.iter().find_map(state))
        };
        history.books = Some(Books::default());
        assert_eq!(left_over(&history), (before + 4, Some(State::Kept)));
        history.books.get_or_insert_default().ledger.parked = 1;
        assert_eq!(left_over(&history), (before + 4, Some(State::Broken)));
    }

    #[test]
    fn a_stale_edit_that_goes_through_breaks_promise_nine() {
        let mut history = oversold();
        let database = DatabaseCheck {
            stale_edit_refused: Some(false),
            ..Default::default()
        };
        history.database = Some(database);
        assert!(states(&history).contains(&(Some(9), State::Broken)));
    }
}
