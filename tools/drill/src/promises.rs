//! The eleven promises, and what the drill expects besides. Each is checked by the answers and,
//! with `--database`, by the database's own check.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::checks::{Checked, answers, money, payments, staff, stock};
use crate::history::History;
use crate::taken;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Passed,
    Failed,
    NotChecked,
}

/// The result of one promise or expectation.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PromiseResult {
    /// 1 to 11 for a promise of docs/invariants.md; none for an expectation of the drill.
    pub(crate) number: Option<usize>,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) state: State,
    /// What was checked, with counts; or why nothing was checked.
    pub(crate) evidence: String,
    pub(crate) wrong: Vec<String>,
}

/// Name and text of each promise, in the order of their numbers.
#[rustfmt::skip]
const PROMISES: [(&str, &str); 11] = [
    ("never_oversold", "Never oversold: 0 ≤ held ≤ on hand, at every moment"),
    ("nothing_leaks", "Nothing leaks: every unit that is gone is held or sold"),
    ("a_hold_resolves_once", "A hold resolves once: consumed, released or expired"),
    ("a_payment_only_rises", "A payment only rises, and changes stock at most once"),
    ("no_payment_is_lost", "No verified payment is lost"),
    ("a_cart_is_all_or_nothing", "A cart is all or nothing, and a refusal names every shortage"),
    ("same_id_same_answer", "Same id, same request: same answer; another request: a conflict"),
    ("the_databases_clock_decides", "The database's clock decides; due holds cause no refusal"),
    ("a_stale_edit_is_refused", "A stale edit is refused, by hand-written SQL too"),
    ("a_shop_sees_only_itself", "A shop sees only itself, and so does a customer"),
    ("what_was_acknowledged_survives", "What was acknowledged survives"),
];

#[rustfmt::skip]
const EXPECTATIONS: [(&str, &str); 5] = [
    ("gone_exactly", "The hot sku ends sold or held, to the last unit"),
    ("stock_came_back", "Abandoned units come back by themselves"),
    ("forged_events_are_refused", "Forged webhooks are refused"),
    ("prices_are_the_catalogues", "Prices are the catalogue's, never the caller's"),
    ("every_request_is_answered", "Every request is answered as the contract says"),
];

/// In a mixed run.
#[rustfmt::skip]
const OF_STAFF: [(&str, &str); 4] = [
    ("edits_are_never_starved", "Edits are never starved: each ends within 100 tries and 30 s"),
    ("no_deadlock", "No deadlock between sale, staff and sweeps"),
    ("imports_end_as_reported", "Imports end as their report says"),
    ("the_newest_holds_break_first", "Missing units break the newest holds, and no others"),
];

/// When shoppers pay at simulated gateways.
#[rustfmt::skip]
const OF_RECORDS: [(&str, &str); 4] = [
    ("every_payment_ends_once", "Every payment at a gateway has exactly one right ending"),
    ("refunds_add_up", "Refunds are exactly what is owed, at the gateway as in the database"),
    ("goods_leave_once", "The goods of paid orders left once, and no others"),
    ("nothing_is_left_over", "No event, dead letter or hold is left over"),
];

/// The result for violations that the database's check reports under another name: the run fails
/// even if the drill does not know the name.
const UNKNOWN: (&str, &str) = ("the_database_agrees", "The database finds nothing else");

/// The promises that the database's check covers: its name for each, and the promise's name.
const ROWS: [(&str, &str); 9] = [
    ("never_oversold", "never_oversold"),
    ("held_equals_active_holds", "nothing_leaks"),
    ("on_hand_equals_movements", "nothing_leaks"),
    ("a_hold_resolves_once", "a_hold_resolves_once"),
    ("a_payment_changes_stock_once", "a_payment_only_rises"),
    ("no_payment_is_lost", "no_payment_is_lost"),
    ("a_cart_is_all_or_nothing", "a_cart_is_all_or_nothing"),
    ("a_coupon_is_never_overused", "prices_are_the_catalogues"),
    ("a_limit_is_never_exceeded", "prices_are_the_catalogues"),
];

/// The result of every promise and expectation.
pub(crate) fn results(history: &History) -> Vec<PromiseResult> {
    let mut checks = all_checks(history);
    checks.extend(database_checks(history));
    let numbered = (1..).map(Some).zip(PROMISES);
    let expected = EXPECTATIONS.iter();
    let staff = OF_STAFF.iter().filter(|_| history.staff.is_some());
    let records = OF_RECORDS.iter().filter(|_| history.records.is_some());
    let unknown = checks.iter().any(|checked| checked.promise == UNKNOWN.0);
    let expected = expected.chain(staff).chain(records).copied();
    let expected = expected.chain(unknown.then_some(UNKNOWN));
    numbered
        .chain(expected.map(|expected| (None, expected)))
        .map(|(number, promise)| result(number, promise, &checks, history))
        .collect()
}

fn all_checks(history: &History) -> Vec<Checked> {
    let taken = taken::in_run(history);
    let mut checks = vec![
        stock::never_oversold(history, &taken),
        stock::nothing_leaks(history, &taken),
        payments::payments_only_rise(history),
        stock::deducted_once(history, &taken),
        payments::payments_end_right(history),
        answers::cart_whole_or_refused(history),
        answers::same_request_same_answer(history),
        stock::refusals_were_true(history, &taken),
        stock::deadlines_by_server_clock(history),
        staff::edit_by_hand_refused(history),
        staff::edits_changed_the_seen_level(history),
        payments::acknowledged_survives(history, &taken),
        stock::gone_exactly(history, &taken),
        stock::stock_came_back(history, &taken),
        answers::prices_are_the_catalogues(history),
        answers::answered_by_contract(history),
        staff::edits_never_starved(history),
        staff::no_deadlock(history),
        staff::imports_end_as_reported(history),
        staff::newest_holds_break_first(history),
    ];
    checks.extend(answers::probes_refused(history));
    if let Some(records) = &history.records {
        checks.extend(money::CHECKS.map(|check| check(records)));
    }
    checks
}

/// The database's own check, by promise.
fn database_checks(history: &History) -> Vec<Checked> {
    let Some(database) = &history.database else {
        return vec![];
    };
    let mut checks: BTreeMap<&'static str, Checked> = BTreeMap::new();
    let rules = |promise| Checked::new(promise, "rules checked by the database");
    for (_, promise) in ROWS {
        checks
            .entry(promise)
            .or_insert_with(|| rules(promise))
            .count += 1;
    }
    for (name, row) in &database.violations {
        let known = ROWS.iter().find(|(row, _)| row == name);
        let promise = known.map_or(UNKNOWN.0, |(_, promise)| *promise);
        let checked = checks.entry(promise).or_insert_with(|| rules(promise));
        checked.wrong.push(format!("database, {name}: {row}"));
    }
    checks.into_values().collect()
}

fn result(
    number: Option<usize>,
    (name, text): (&'static str, &'static str),
    checks: &[Checked],
    history: &History,
) -> PromiseResult {
    let checks = || checks.iter().filter(|checked| checked.promise == name);
    let wrong: Vec<String> = checks().flat_map(|checked| checked.wrong.clone()).collect();
    let counted = checks().filter(|checked| checked.count > 0);
    let evidence = counted.map(|checked| format!("{}: {}", checked.what, checked.count));
    let evidence = evidence.collect::<Vec<_>>().join("; ");
    let by_database = ROWS.iter().any(|(_, promise)| *promise == name);
    let (state, evidence) = match (wrong.is_empty(), evidence.as_str()) {
        (false, _) => (State::Failed, evidence),
        (true, "") if by_database && history.database.is_none() => {
            (State::NotChecked, "not checked: no --database".to_owned())
        }
        (true, "") => (
            State::NotChecked,
            "nothing in this run showed it".to_owned(),
        ),
        (true, _) => (State::Passed, evidence),
    };
    PromiseResult {
        number,
        name,
        text,
        state,
        evidence,
        wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{action, checkout, sale, when, with_staff};
    use crate::history::ActionEnd;
    use crate::records::Records;

    /// A sale of `stock` units of which two were held.
    fn two_held(stock: i64) -> History {
        let hold = |id| vec![checkout(id, 1, &[("A", 1)], when(0, 10), 1_800_000)];
        sale(stock, 0, vec![hold(1), hold(2)])
    }

    fn failed(history: &History) -> Vec<&'static str> {
        let results = results(history).into_iter();
        let failed = results.filter(|result| result.state == State::Failed);
        failed.map(|result| result.name).collect()
    }

    fn state(history: &History, name: &str) -> Option<State> {
        let results = results(history);
        let result = results.iter().find(|result| result.name == name);
        result.map(|result| result.state)
    }

    #[test]
    fn every_promise_has_one_result() {
        let results = results(&two_held(2));
        let numbers: Vec<_> = results.iter().filter_map(|r| r.number).collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<_>>());
        assert_eq!(failed(&two_held(2)), Vec::<&str>::new());
    }

    #[test]
    fn an_oversell_fails_promise_one() {
        assert!(failed(&two_held(1)).contains(&"never_oversold"));
    }

    #[test]
    fn without_a_database_its_promises_are_not_checked() {
        for name in ["a_hold_resolves_once", "a_stale_edit_is_refused"] {
            assert_eq!(state(&two_held(2), name), Some(State::NotChecked));
        }
    }

    #[test]
    fn every_row_of_the_databases_check_fails_something() {
        for (name, fails) in [
            ("a_hold_resolves_once", "a_hold_resolves_once"),
            ("on_hand_equals_movements", "nothing_leaks"),
            ("a_rule_of_tomorrow", "the_database_agrees"),
        ] {
            let mut history = two_held(2);
            let database = history.database.get_or_insert_default();
            database.violations = vec![(name.to_owned(), "{}".to_owned())];
            assert_eq!(failed(&history), [fails]);
        }
    }

    #[test]
    fn a_stale_edit_that_goes_through_fails_promise_nine() {
        let mut history = two_held(2);
        history.database.get_or_insert_default().stale_edit_refused = Some(false);
        assert_eq!(failed(&history), ["a_stale_edit_is_refused"]);
    }

    #[test]
    fn staff_are_judged_in_mixed_runs_only() {
        assert_eq!(state(&two_held(2), "edits_are_never_starved"), None);
        let starved = action("A", 1, when(0, 1), ActionEnd::Starved);
        let history = with_staff(two_held(2), starved);
        let judged = state(&history, "edits_are_never_starved");
        assert_eq!(judged, Some(State::Failed));
    }

    #[test]
    fn records_are_judged_only_when_shoppers_pay_at_gateways() {
        let mut history = two_held(2);
        assert_eq!(state(&history, "nothing_is_left_over"), None);
        history.records = Some(Records::default());
        let judged = state(&history, "nothing_is_left_over");
        assert_eq!(judged, Some(State::Passed));
        history.records.get_or_insert_default().database.parked = 1;
        let judged = state(&history, "nothing_is_left_over");
        assert_eq!(judged, Some(State::Failed));
    }
}
