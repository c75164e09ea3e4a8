//! The page about one run: one file without scripts, for a colleague.

use crate::report::{Bar, Report, Row, said};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
    padding:0 1rem;color:#1d2733}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:right;padding:.2rem .5rem;\
    border-bottom:1px solid #dde3ea}td:first-child,th:first-child{text-align:left}\
    .met{color:#0b6b3a}.missed{color:#a11d1d;font-weight:600}svg{width:100%;height:auto}\
    svg text{font:13px system-ui,sans-serif;fill:#1d2733}";

/// Widths of the plot: names, bars, numbers.
const NAMES: f64 = 330.0;
const BARS: f64 = 460.0;
const NUMBERS: f64 = 90.0;
const ROW: f64 = 26.0;

/// What each contestant does, by the beginning of its name.
const CONTESTANTS: [(&str, &str); 6] = [
    (
        "classic",
        "locks the stock row, sums the active holds, inserts one hold. One round trip by pgbench.",
    ),
    (
        "one-row insert",
        "inserts one row into a table with a primary key, by pgbench: the limit of one commit a \
         request.",
    ),
    (
        "holdfast, one request a call",
        "calls checkout_begin for each request, without the combiner, as a lone request does. \
         Every request has a connection.",
    ),
    (
        "holdfast combined",
        "the operation checkout::begin in one process with 8 connections, of which 4 begin \
         checkouts. Requests that wait go together, up to 100 in one call. Every hold is durable \
         before its answer.",
    ),
    (
        "Redis",
        "a Lua script that gives due holds back, refuses what is not there, is idempotent, and \
         keeps an index of the ends of holds; by redis-benchmark. With everysec it loses up to a \
         second of answered holds in a crash; with always none.",
    ),
    (
        "payments",
        "8 functions record 3,000 events of payments that complete their orders, one event a call \
         or ten. Waiting times are those of ten events.",
    ),
];

pub(crate) fn of(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Holdfast: holds of one hot sku\
         </title><style>{STYLE}</style><h1>Holdfast: holds of one hot sku</h1><p>How many holds a \
         second one PostgreSQL places on a single hot item, beside its rivals. All contestants \
         took turns in one run.</p>"
    );
    page += &conditions(report);
    page += "<h2>Bars</h2><ul>";
    for bar in &report.bars {
        page += &format!("<li class={}>{}</li>", class(bar), escaped(&said(bar)));
    }
    page += "</ul>";
    for (of, title) in [
        ("holds", "Holds a second"),
        ("payments", "Payments a second"),
    ] {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.of == of).collect();
        page += &format!("<h2>{title}</h2>{}{}", plot(&rows), table(&rows));
    }
    page += "<p>Bars and numbers are medians. Each dot is one round. Processor time is per hold or \
        payment: of the server's processes, and of the program that asks it.</p>\
        <h2>What each contestant does</h2><ul>";
    for (name, does) in CONTESTANTS {
        page += &format!("<li><b>{}</b>: {}</li>", escaped(name), escaped(does));
    }
    page + "</ul></html>\n"
}

fn class(bar: &Bar) -> &'static str {
    if bar.reached { "met" } else { "missed" }
}

fn conditions(report: &Report) -> String {
    let redis = report.redis.as_deref().unwrap_or("not installed");
    escaped(&format!(
        "Made on {}. Processor: {}, {} cores, shared by the server and its clients; load {} before \
         the run. PostgreSQL {}. Redis {redis}. Commits are {}. {} rounds of {} s for each \
         contestant.",
        report.made_at,
        report.processor,
        report.cores,
        report.load_before,
        report.postgresql,
        report.commits,
        report.turns,
        report.seconds,
    ))
}

/// Horizontal bars of the medians, and a dot for each round.
fn plot(rows: &[&Row]) -> String {
    let rates = rows.iter().flat_map(|row| &row.rounds);
    let most = rates.map(|round| round.per_second).fold(1.0, f64::max);
    let x = |rate: f64| NAMES + BARS * rate / most;
    let mut drawn = String::new();
    let mut top = 0.0;
    for row in rows {
        let middle = top + ROW / 2.0;
        let (rate, base) = (row.rate(), middle + 4.0);
        let name = escaped(row.name);
        drawn += &format!(
            "<text x=0 y={base:.0}>{name}</text><rect x={NAMES} y={:.0} width={:.1} height=14 \
             fill={} /><text x={:.0} y={base:.0}>{rate:.0}</text>",
            middle - 7.0,
            x(rate) - NAMES,
            colour(row.name),
            NAMES + BARS + 10.0,
        );
        for round in &row.rounds {
            drawn += &format!(
                "<circle cx={:.1} cy={middle:.0} r=3 fill=#1d2733 />",
                x(round.per_second)
            );
        }
        top += ROW;
    }
    let width = NAMES + BARS + NUMBERS;
    format!("<svg viewBox='0 0 {width:.0} {top:.0}' role=img>{drawn}</svg>")
}

fn colour(name: &str) -> &'static str {
    match name {
        name if name.starts_with("Redis") => "#c98a8a",
        name if name.starts_with("classic") || name.starts_with("one-row") => "#b9c2cc",
        _ => "#7fa7d6",
    }
}

fn table(rows: &[&Row]) -> String {
    let first = rows.first().map_or(f64::NAN, |row| row.rate());
    let first_name = rows.first().map_or("", |row| row.name);
    let first_name = first_name.split([':', ',']).next().unwrap_or_default();
    let mut table = format!(
        "<table><tr><th></th><th>a second</th><th>times {}</th><th>p50 ms</th><th>p99 ms</th>\
         <th>server µs</th><th>client µs</th></tr>",
        escaped(first_name)
    );
    for row in rows {
        let shown = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        table += &format!(
            "<tr><td>{}</td><td>{:.0}</td><td>{:.1}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td></tr>",
            escaped(row.name),
            row.rate(),
            row.rate() / first,
            shown(row.median(|round| round.p50_ms), 2),
            shown(row.median(|round| round.p99_ms), 2),
            shown(row.median(|round| Some(round.server_us)), 0),
            shown(row.median(|round| Some(round.client_us)), 0),
        );
    }
    table + "</table>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
