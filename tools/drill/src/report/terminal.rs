//! The result as text.

use std::fmt::Write as _;

use super::figures::{Report, StaffFigures};
use crate::history::Outcome;
use crate::promises::{State, Verdict};

/// At most this many violations of one promise are printed; report.json has them all.
const WRONG_SHOWN: usize = 5;

pub(crate) fn terminal(report: &Report) -> String {
    let mut text = String::new();
    // writing to a String can't fail
    let _ = write(&mut text, report);
    text
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    let (counts, arguments) = (&report.counts, &report.arguments);
    writeln!(
        out,
        "\n{} shoppers, {} units of {}, seed {}, {:.1} s\n",
        arguments.shoppers, arguments.units, arguments.hot_sku, report.seed, report.duration_s
    )?;
    writeln!(
        out,
        "  holds granted {:>6}   refused      {:>6}   orders     {:>6}\n\
         \x20 orders paid   {:>6}   refunds due  {:>6}   late       {:>6}\n\
         \x20 events sent   {:>6}   duplicates   {:>6}   forged     {:>6}\n\
         \x20 second calls  {:>6}   repeated     {:>6}   failed     {:>6}\n",
        counts.holds_granted,
        counts.refused,
        counts.orders,
        counts.orders_paid,
        counts.refunds_due,
        counts.late_payments,
        counts.events_sent,
        counts.duplicates_sent,
        counts.forged_sent,
        counts.second_calls,
        counts.requests_repeated,
        counts.attempts_failed,
    )?;
    if let Some(staff) = &report.staff {
        of_staff(out, staff)?;
    }
    if let Some(gateways) = &report.gateways {
        gateways.terminal(out)?;
    }
    writeln!(
        out,
        "  call           answers    p50 ms    p95 ms    p99 ms    max ms"
    )?;
    for call in report.calls.iter().filter(|call| call.answers > 0) {
        writeln!(
            out,
            "  {:<14} {:>7} {:>9.1} {:>9.1} {:>9.1} {:>9.1}",
            call.call, call.answers, call.p50_ms, call.p95_ms, call.p99_ms, call.max_ms
        )?;
    }
    writeln!(
        out,
        "  (the rehearsal itself was kept waiting by its machine for at most {:.0} ms)",
        report.client_lag_max_ms
    )?;
    of_stock(out, report)?;
    writeln!(out)?;
    let outcomes: Vec<String> = Outcome::ALL
        .iter()
        .filter_map(|outcome| Some((report.outcomes.get(outcome)?, outcome.title())))
        .map(|(count, title)| format!("{count} {title}"))
        .collect();
    writeln!(out, "  {}\n", outcomes.join(", "))?;
    report
        .promises
        .iter()
        .try_for_each(|verdict| promise(out, verdict))?;
    writeln!(out, "\n{}.", report.conclusion())
}

/// What staff brought stands there only when staff were there.
fn of_stock(out: &mut String, report: &Report) -> std::fmt::Result {
    let brought = |text: &dyn std::fmt::Display| match report.staff {
        Some(_) => format!("{text:>9}"),
        None => String::new(),
    };
    writeln!(
        out,
        "\n  sku                       before{}   sold   held   available",
        brought(&"brought")
    )?;
    for stock in &report.stock {
        writeln!(
            out,
            "  {:<24} {:>7}{} {:>6} {:>6} {:>11}",
            stock.sku,
            stock.before,
            brought(&stock.brought),
            stock.sold,
            stock.held,
            stock.available
        )?;
    }
    Ok(())
}

fn of_staff(out: &mut String, staff: &StaffFigures) -> std::fmt::Result {
    let edits = &staff.edits;
    writeln!(
        out,
        "  edits         {:>6}   refused      {:>6}   starved    {:>6}\n\
         \x20 bookings      {:>6}   amendments   {:>6}   cancelled  {:>6}\n\
         \x20 restocks      {:>6}   imports      {:>6}   shrinkages {:>6}\n\
         \x20 an edit's tries: p50 {}, p95 {}, p99 {}, at most {}; it took p50 {:.0} ms, \
         p95 {:.0} ms, p99 {:.0} ms, at most {:.0} ms\n",
        edits.done,
        edits.refused,
        edits.starved,
        staff.bookings,
        staff.amendments,
        staff.cancellations,
        staff.restocks,
        staff.imports,
        staff.shrinkages,
        edits.tries_p50,
        edits.tries_p95,
        edits.tries_p99,
        edits.tries_max,
        edits.took_p50_ms,
        edits.took_p95_ms,
        edits.took_p99_ms,
        edits.took_max_ms,
    )
}

fn promise(out: &mut String, verdict: &Verdict) -> std::fmt::Result {
    let state = match verdict.state {
        State::Kept => "kept  ",
        State::Broken => "BROKEN",
        State::NotChecked => "-     ",
    };
    let number = verdict
        .number
        .map_or(String::new(), |number| number.to_string());
    writeln!(
        out,
        "  {state} {number:>2}  {} ({})",
        verdict.text, verdict.evidence
    )?;
    for wrong in verdict.wrong.iter().take(WRONG_SHOWN) {
        writeln!(out, "               {wrong}")?;
    }
    let more = verdict.wrong.len().saturating_sub(WRONG_SHOWN);
    if more > 0 {
        writeln!(out, "               and {more} more in report.json")?;
    }
    Ok(())
}
