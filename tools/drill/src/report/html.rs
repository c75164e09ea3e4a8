//! `report.html`: one file without any other, readable on a phone, in light and in dark.

use super::figures::{Report, StaffFigures, StockFigures};
use super::gateways::GatewayFigures;
use super::svg;
use crate::history::Outcome;
use crate::promises::{State, Verdict};

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report) -> String {
    let sections = [
        headline(report),
        stock_figure(report),
        shoppers_figure(report),
        promises(report),
        latency_figure(report),
        stock_table(report),
        traffic(report),
        reading(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Holdfast rehearsal {}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{}\n</main>\n</body>\n</html>\n",
        escape(&report.run_id),
        sections.join("\n")
    )
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Milliseconds as people read them.
pub(super) fn ms(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.1}"),
        value => thousands(format!("{value:.0}")),
    }
}

fn thousands(digits: String) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn money(minor: i64, currency: &str) -> String {
    format!(
        "{currency} {}.{:02}",
        thousands((minor / 100).to_string()),
        minor % 100
    )
}

fn headline(report: &Report) -> String {
    let (counts, arguments) = (&report.counts, &report.arguments);
    let empty = |stock: &StockFigures| (stock.sold, stock.held, stock.title.clone());
    let (sold, held, title) = report.hot().map(empty).unwrap_or_default();
    let brought = report.hot().map_or(0, |stock| stock.brought);
    let over = (sold + held - i64::from(arguments.units) - brought).max(0);
    let (class, sign) = if report.kept {
        ("kept", '✓')
    } else {
        ("broken", '✗')
    };
    let verdict = format!("{sign} {}", report.conclusion());
    let head = match over {
        0 => format!(
            "{} shoppers, {} units: {} sold or held, none twice.",
            arguments.shoppers,
            arguments.units,
            sold + held
        ),
        over => format!(
            "{} units, and {over} more were given away.",
            arguments.units
        ),
    };
    let begin = report.calls.iter().find(|call| call.call == "begin");
    let p99 = begin.map_or(String::new(), |call| ms(call.p99_ms));
    let tiles = [
        (
            arguments.shoppers.to_string(),
            format!("shoppers within {} s", arguments.rush_s),
        ),
        (
            counts.units_wanted.to_string(),
            format!("units wanted of {}", arguments.units),
        ),
        (sold.to_string(), "units sold".to_owned()),
        (held.to_string(), "held for open orders".to_owned()),
        (over.to_string(), "oversold".to_owned()),
        (
            counts.duplicates_sent.to_string(),
            "duplicate webhooks".to_owned(),
        ),
        (counts.late_payments.to_string(), "late payments".to_owned()),
        (p99, "ms, p99 of begin".to_owned()),
    ];
    let tile = |(number, label): (String, String)| {
        format!("<div class=\"tile\"><b>{number}</b><span>{label}</span></div>")
    };
    format!(
        "<p class=\"kicker\">Holdfast · flash-sale rehearsal</p>\n<h1>{head}</h1>\n\
         <p><span class=\"verdict {class}\">{verdict}</span></p>\n\
         <p class=\"note\">{}, shop <b>{}</b> · {} · {:.1} s · seed {} · run {}</p>\n\
         <div class=\"tiles\">{}</div>",
        escape(&title),
        escape(&arguments.shop),
        escape(&report.started_at.replace('T', " ").replace('Z', " UTC")),
        report.duration_s,
        report.seed,
        escape(&report.run_id),
        tiles.into_iter().map(tile).collect::<String>()
    )
}

fn legend(items: &[(&str, String)]) -> String {
    let item = |(colour, label): &(&str, String)| {
        format!("<li><i style=\"background:var(--{colour})\"></i>{label}</li>")
    };
    format!(
        "<ul class=\"legend\">{}</ul>",
        items.iter().map(item).collect::<String>()
    )
}

fn figure(title: &str, legend: &str, svg: &str, caption: &str) -> String {
    format!(
        "<h2>{title}</h2>\n<figure>{legend}<div class=\"frame\">{svg}</div>\n\
         <figcaption><p>{caption}</p></figcaption></figure>"
    )
}

fn stock_figure(report: &Report) -> String {
    let units = i64::from(report.arguments.units);
    let source = match report.timeline.source {
        "database" => "Read from the database's counters ten times a second, not from answers",
        _ => "From what was acknowledged to shoppers: what they certainly had",
    };
    let (line, limit) = match report.arguments.mixed {
        false => (
            "the limit",
            "The coloured part never rises above the dashed line.",
        ),
        true => (
            "at the start",
            "Staff took and brought units all the while, so the height moves with them.",
        ),
    };
    figure(
        "Where the units were",
        &legend(&[
            ("sold", "sold".to_owned()),
            ("held", "held for a cart or an order".to_owned()),
            ("free", "available".to_owned()),
        ]),
        &svg::stock(&report.timeline, units, line),
        &format!(
            "{source}. Held units become sold units when the payment arrives; abandoned carts \
             lapse after {} s and their units go to the next shopper. {limit}",
            report.arguments.hold_s
        ),
    )
}

fn shoppers_figure(report: &Report) -> String {
    let names: Vec<(String, String)> = Outcome::ALL
        .iter()
        .filter_map(|outcome| {
            let count = report.outcomes.get(outcome)?;
            Some((
                svg::name_of(outcome),
                format!("<b>{count}</b> {}", outcome.title()),
            ))
        })
        .collect();
    let items: Vec<(&str, String)> = names
        .iter()
        .map(|(name, label)| (name.as_str(), label.clone()))
        .collect();
    figure(
        "What became of every shopper",
        &legend(&items),
        &svg::shoppers(&report.shoppers),
        "One square a shopper, in the order in which their first request was sent, from the top \
         left. Point at one for its story.",
    )
}

fn latency_figure(report: &Report) -> String {
    let calls: Vec<_> = report
        .calls
        .iter()
        .filter(|call| call.answers > 0)
        .collect();
    let failed = match report.counts.attempts_failed {
        0 => "No attempt had to be repeated.".to_owned(),
        failed => format!("{failed} attempts failed and were sent again; they are not in it."),
    };
    figure(
        "How long each call took",
        "",
        &svg::latencies(&calls),
        &format!(
            "From sending a request to its complete answer, at the client: connecting and waiting \
             for a free function included. Each row is scaled to its tallest bar; the ticks below \
             it are p50, p95 and p99. {failed} The rehearsal itself was kept waiting by its \
             machine for at most {} ms.",
            ms(report.client_lag_max_ms)
        ),
    )
}

fn promises(report: &Report) -> String {
    let row = |verdict: &Verdict| {
        let (class, state) = match verdict.state {
            State::Kept => ("kept", "✓ kept"),
            State::Broken => ("broken", "✗ BROKEN"),
            State::NotChecked => ("not_checked", "not checked"),
        };
        let wrong: String = verdict
            .wrong
            .iter()
            .take(20)
            .map(|w| format!("<li>{}</li>", escape(w)))
            .collect();
        let wrong = if wrong.is_empty() {
            wrong
        } else {
            format!("<ul>{wrong}</ul>")
        };
        format!(
            "<tr><td class=\"n\">{}</td><td>{}<span class=\"note\">{}</span>{wrong}</td>\
             <td class=\"state {class}\">{state}</td></tr>",
            verdict
                .number
                .map_or(String::new(), |number| number.to_string()),
            escape(verdict.text),
            escape(&verdict.evidence)
        )
    };
    let of = |numbered: bool| -> String {
        report
            .promises
            .iter()
            .filter(|p| p.number.is_some() == numbered)
            .map(row)
            .collect()
    };
    format!(
        "<h2>The eleven promises</h2>\n<p class=\"note\">Each with what it was judged by. This \
         program shares no code with Holdfast and judges by the answers that shoppers got{}.</p>\n\
         <table>{}</table>\n<h2>What else was expected</h2>\n<table>{}</table>",
        if report.arguments.database {
            ", and by the database's own check"
        } else {
            ""
        },
        of(true),
        of(false)
    )
}

fn stock_table(report: &Report) -> String {
    let row = |stock: &StockFigures| {
        format!(
            "<tr><td>{}<span class=\"note\"><code>{}</code></span></td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(&stock.title),
            escape(&stock.sku),
            money(stock.price_minor, &stock.currency),
            stock.before,
            stock.brought,
            stock.sold,
            stock.held,
            stock.available
        )
    };
    format!(
        "<h2>Stock before and after</h2>\n<div class=\"scroll\"><table><tr><th>sku</th>\
         <th class=\"n\">price</th><th class=\"n\">before</th>\
         <th class=\"n\">brought by staff</th><th class=\"n\">sold</th>\
         <th class=\"n\">held</th><th class=\"n\">available after</th></tr>{}</table></div>\n\
         <p class=\"note\">Held at the end: ordered but not paid. Their time runs out later.</p>",
        report.stock.iter().map(row).collect::<String>()
    )
}

fn traffic(report: &Report) -> String {
    let counts = &report.counts;
    let rows = [
        ("Holds granted", counts.holds_granted.to_string()),
        (
            "Checkouts refused for a shortage",
            counts.refused.to_string(),
        ),
        (
            "Requests repeated on purpose",
            counts.requests_repeated.to_string(),
        ),
        ("Orders", counts.orders.to_string()),
        ("Orders paid", counts.orders_paid.to_string()),
        ("Worth", money(counts.revenue_minor, &counts.currency)),
        (
            "Payments after the hold was gone",
            counts.late_payments.to_string(),
        ),
        ("Refunds due", counts.refunds_due.to_string()),
        ("Signed webhooks sent", counts.events_sent.to_string()),
        ("of them duplicates", counts.duplicates_sent.to_string()),
        (
            "failures told of after the payment",
            counts.events_out_of_order.to_string(),
        ),
        ("Forged webhooks sent", counts.forged_sent.to_string()),
        ("Rounds for what came back", counts.second_calls.to_string()),
        (
            "Attempts failed and sent again",
            counts.attempts_failed.to_string(),
        ),
    ];
    let row = |(what, count): &(&str, String)| {
        format!(
            "<tr><td>{what}</td><td class=\"n\">{}</td></tr>",
            escape(count)
        )
    };
    let call = |call: &super::figures::CallFigures| {
        let cells = [call.p50_ms, call.p95_ms, call.p99_ms, call.max_ms].map(ms);
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            call.call,
            call.answers,
            cells.join("</td><td class=\"n\">"),
            call.unavailable,
            call.unanswered
        )
    };
    format!(
        "<h2>Traffic</h2>\n<table>{}</table>\n{}<h2>Calls</h2>\n<div class=\"scroll\"><table>\
         <tr><th>call</th><th class=\"n\">answers</th><th class=\"n\">p50 ms</th>\
         <th class=\"n\">p95 ms</th><th class=\"n\">p99 ms</th><th class=\"n\">max ms</th>\
         <th class=\"n\">5xx, repeated</th><th class=\"n\">unanswered, repeated</th></tr>{}\
         </table></div>",
        rows.iter().map(row).collect::<String>(),
        besides(report),
        report
            .calls
            .iter()
            .filter(|c| c.answers > 0)
            .map(call)
            .collect::<String>()
    )
}

/// What only some runs have.
fn besides(report: &Report) -> String {
    let staff = report.staff.as_ref().map(of_staff);
    let gateways = report.gateways.as_ref().map(GatewayFigures::html);
    [staff, gateways].into_iter().flatten().collect()
}

/// What staff did beside the shoppers.
fn of_staff(staff: &StaffFigures) -> String {
    let edits = &staff.edits;
    let tries = [
        edits.tries_p50,
        edits.tries_p95,
        edits.tries_p99,
        edits.tries_max,
    ];
    let took = [
        edits.took_p50_ms,
        edits.took_p95_ms,
        edits.took_p99_ms,
        edits.took_max_ms,
    ];
    let rows = [
        ("Edits of stock done", edits.done.to_string()),
        ("refused: below what is held", edits.refused.to_string()),
        ("given up: always stale", edits.starved.to_string()),
        (
            "Tries of an edit: p50, p95, p99, most",
            tries.map(|tries| tries.to_string()).join(", "),
        ),
        (
            "An edit took: p50, p95, p99, most, in ms",
            took.map(ms).join(", "),
        ),
        ("Parties booked at the desk", staff.bookings.to_string()),
        ("changed or moved", staff.amendments.to_string()),
        ("cancelled", staff.cancellations.to_string()),
        ("Returns put back", staff.restocks.to_string()),
        ("Imports", staff.imports.to_string()),
        ("Shrinkages", staff.shrinkages.to_string()),
        (
            "Deadlocks",
            staff
                .deadlocks
                .map_or("not counted".to_owned(), |count| count.to_string()),
        ),
    ];
    let row = |(what, count): &(&str, String)| {
        format!(
            "<tr><td>{what}</td><td class=\"n\">{}</td></tr>",
            escape(count)
        )
    };
    format!(
        "<h2>Staff</h2>\n<table>{}</table>\n",
        rows.iter().map(row).collect::<String>()
    )
}

fn reading(report: &Report) -> String {
    let arguments = &report.arguments;
    let repeat = format!(
        "holdfast drill --shop {} --hot-sku {} --skus {} --shoppers {} --units {} --seed {} \
         --rush-s {} --hold-s {} --api … --webhook … --webhook-secret …",
        arguments.shop,
        arguments.hot_sku,
        arguments.skus.join(","),
        arguments.shoppers,
        arguments.units,
        report.seed,
        arguments.rush_s,
        arguments.hold_s
    );
    format!(
        "<h2>How to read this</h2>\n<ul class=\"facts\">\
         <li><b>True on any machine:</b> units, refusals, orders, payments and promises. A slower \
         machine changes who gets a unit, never how many units there are.</li>\
         <li><b>True of this machine only:</b> the latencies. Shoppers, functions and database \
         shared it if the deployment was local.</li>\
         <li><b>Oversold</b> is judged from below: only units that a shopper certainly had, by an \
         answer in hand, are counted, at every moment of the run. A refusal is judged from above: \
         it must be explained by claims that may have been live while it was decided.</li>\
         <li><b>Repeatable:</b> the seed decides what every shopper plans: arrival, cart, retries, \
         payment and the order of its webhooks. Who wins a race is decided by the race.</li></ul>\n\
         <pre><code>{}</code></pre>\n<p class=\"note\">{} {}. All figures are in \
         <code>report.json</code> beside this page.</p>",
        escape(&repeat),
        report.tool.name,
        report.tool.version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(ms(3.26), "3.3");
        assert_eq!(ms(12_345.6), "12,346");
        assert_eq!(money(123_456_789, "INR"), "INR 1,234,567.89");
    }

    #[test]
    fn titles_of_a_catalogue_cannot_break_the_page() {
        assert_eq!(escape("<b>\"A\" & B"), "&lt;b&gt;&quot;A&quot; &amp; B");
    }
}
