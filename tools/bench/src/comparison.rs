//! The comparison: every contestant in turns, the bars, and what is written about them.

use std::fs;

use crate::args::Args;
use crate::combined::{self, CATALOGUE, Cartful, Load, Way, combined};
use crate::contestant::Contestant;
use crate::cpu::Meter;
use crate::figures::progress;
use crate::redis::{self, Redis};
use crate::report::{Bar, Report, Round, Row, said};
use crate::server::{Failed, Server};
use crate::{page, payments};

/// Connections of contestants that ask with one request a call.
const CONNECTIONS: u32 = 50;

/// A contestant.
enum How {
    /// pgbench, on [`CONNECTIONS`] connections.
    Sql(Contestant),
    /// One process through the operations crate.
    Process(Load),
    /// A Redis with this appendfsync, and so many clients.
    Redis(&'static str, u32),
    /// Payments, ten in one call or each alone.
    Payments(bool),
}

const COMBINED: &str = "holdfast combined, 500 in flight";
const LIMITED: &str = "… with a limit per customer";
const THREE_SKUS: &str = "… carts of three skus, the hot one in each";
const LONE: &str = "holdfast combined, 1 in flight";
const LONE_STATEMENT: &str = "checkout_begin without the combiner, 1 in flight";
const INSERT: &str = "one-row insert, 50 connections";
const EVERYSEC: [&str; 2] = ["Redis everysec, 50 clients", "Redis everysec, 500 clients"];
const PAYMENTS_ALONE: &str = "payments, one event a call";
const PAYMENTS_TOGETHER: &str = "payments, ten events a call";

fn contestants() -> Vec<(&'static str, How)> {
    let full = combined(500);
    vec![
        (
            "classic: lock, sum, insert, 50 connections",
            How::Sql(Contestant::Classic),
        ),
        (INSERT, How::Sql(Contestant::InsertOnly)),
        (
            "holdfast, one request a call, 50 connections",
            How::Process(Load {
                connections: CONNECTIONS as usize,
                way: Way::Statement,
                ..combined(50)
            }),
        ),
        (
            LONE_STATEMENT,
            How::Process(Load {
                connections: 1,
                way: Way::Statement,
                ..combined(1)
            }),
        ),
        (LONE, How::Process(combined(1))),
        ("holdfast combined, 8 in flight", How::Process(combined(8))),
        (
            "holdfast combined, 64 in flight",
            How::Process(combined(64)),
        ),
        (COMBINED, How::Process(full)),
        (
            LIMITED,
            How::Process(Load {
                limited: true,
                ..full
            }),
        ),
        (
            THREE_SKUS,
            How::Process(Load {
                cart: Cartful::HotAndTwoMore,
                ..full
            }),
        ),
        (EVERYSEC[0], How::Redis("everysec", 50)),
        (EVERYSEC[1], How::Redis("everysec", 500)),
        ("Redis always, 50 clients", How::Redis("always", 50)),
        ("Redis always, 500 clients", How::Redis("always", 500)),
        (PAYMENTS_ALONE, How::Payments(false)),
        (PAYMENTS_TOGETHER, How::Payments(true)),
    ]
}

/// Measures, prints, and writes bench.json and bench.html. Returns whether every bar was reached.
pub(crate) async fn run(args: &Args) -> Result<bool, Failed> {
    let slow = !args.fast_commits;
    if slow && !cfg!(target_os = "linux") {
        return Err("commits can be made slower only on Linux: --fast-commits".into());
    }
    let load_before = first_word("/proc/loadavg");
    let server = Server::start(slow, None).await?;
    for statement in CATALOGUE.split_inclusive(';') {
        server.cluster.execute("postgres", statement)?;
    }
    server.cluster.execute("postgres", "analyze")?;
    let redis = redis::version();
    let mut all = contestants();
    all.retain(|(_, how)| redis.is_some() || !matches!(how, How::Redis(..)));
    let mut rows: Vec<Row> = all
        .iter()
        .map(|(name, how)| Row {
            name,
            of: if matches!(how, How::Payments(_)) {
                "payments"
            } else {
                "holds"
            },
            rounds: Vec::new(),
        })
        .collect();
    for turn in 1..=args.rounds {
        for ((name, how), row) in all.iter().zip(&mut rows) {
            progress(&format!("round {turn} of {}: {name}", args.rounds));
            row.rounds.push(round(&server, how, args.seconds).await?);
        }
    }
    progress("");
    let report = Report {
        made_at: time::OffsetDateTime::now_utc().date().to_string(),
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        load_before,
        postgresql: server.version().await?,
        redis,
        commits: if slow {
            "2 ms slower"
        } else {
            "as fast as this disk"
        },
        seconds: args.seconds,
        turns: args.rounds,
        bars: bars(&rows),
        rows,
    };
    print(&report);
    fs::create_dir_all(&args.out)?;
    fs::write(
        args.out.join("bench.json"),
        serde_json::to_vec_pretty(&report)?,
    )?;
    fs::write(args.out.join("bench.html"), page::of(&report))?;
    println!("\n{}: bench.json and bench.html", args.out.display());
    Ok(report.bars.iter().all(|bar| bar.reached))
}

async fn round(server: &Server, how: &How, seconds: u32) -> Result<Round, Failed> {
    match *how {
        How::Sql(contestant) => {
            server.begin_round()?;
            let meter = Meter::start(&[server.pid()?])?;
            let options = contestant.session_options();
            let script = contestant.script();
            let measured = server.measure(&script, options, CONNECTIONS, seconds)?;
            let used = meter.stop()?;
            let holds = measured.per_second * f64::from(seconds);
            Ok(Round::of(holds, measured.per_second, &used))
        }
        How::Process(load) => combined::round(server, load, seconds).await,
        How::Redis(fsync, clients) => {
            let redis = Redis::start(fsync, server.slow_commits().as_deref())?;
            redis.round(fsync, clients, seconds)
        }
        How::Payments(together) => payments::round(server, together).await,
    }
}

/// The bars of the comparison.
fn bars(rows: &[Row]) -> Vec<Bar> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let rate = |name: &str| row(name).map(Row::rate);
    let wait = |name: &str| row(name).and_then(|row| row.median(|round| round.p50_ms));
    let of = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let redis = EVERYSEC.into_iter().filter_map(rate).reduce(f64::max);
    let least = |claim, ratio: Option<f64>, least| Bar {
        claim,
        ratio,
        least: Some(least),
        most: None,
        reached: ratio.is_some_and(|ratio| ratio >= least),
    };
    let lone = of(wait(LONE), wait(LONE_STATEMENT));
    vec![
        least(
            "500 in flight, of Redis everysec at its best",
            of(rate(COMBINED), redis),
            1.5,
        ),
        least(
            "500 in flight, of one-row inserts",
            of(rate(COMBINED), rate(INSERT)),
            5.0,
        ),
        least(
            "with a limit, of without",
            of(rate(LIMITED), rate(COMBINED)),
            0.6,
        ),
        least(
            "three skus, of one sku",
            of(rate(THREE_SKUS), rate(COMBINED)),
            0.4,
        ),
        least(
            "payments: ten events a call, of one",
            of(rate(PAYMENTS_TOGETHER), rate(PAYMENTS_ALONE)),
            2.5,
        ),
        Bar {
            claim: "a lone request's p50, of the statement's",
            ratio: lone,
            least: None,
            most: Some(1.05),
            reached: lone.is_some_and(|ratio| ratio <= 1.05),
        },
    ]
}

fn print(report: &Report) {
    println!(
        "Commits {}; PostgreSQL {}; Redis {}; {} cores, load {} before; {} rounds of {} s",
        report.commits,
        report.postgresql,
        report.redis.as_deref().unwrap_or("is not installed"),
        report.cores,
        report.load_before,
        report.turns,
        report.seconds,
    );
    println!(
        "  {:<54}{:>10}{:>9}{:>9}{:>11}{:>11}",
        "", "a second", "p50 ms", "p99 ms", "server µs", "client µs"
    );
    for row in &report.rows {
        let shown = |value: Option<f64>| value.map_or(String::new(), |ms| format!("{ms:.2}"));
        println!(
            "  {:<54}{:>10.0}{:>9}{:>9}{:>11.0}{:>11.0}",
            row.name,
            row.rate(),
            shown(row.median(|round| round.p50_ms)),
            shown(row.median(|round| round.p99_ms)),
            row.median(|round| Some(round.server_us))
                .unwrap_or(f64::NAN),
            row.median(|round| Some(round.client_us))
                .unwrap_or(f64::NAN),
        );
    }
    println!();
    for bar in &report.bars {
        println!("  {}", said(bar));
    }
}

fn first_word(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|rest| rest.split_once(": "));
    name.map_or("unknown", |(_, name)| name).trim().to_owned()
}
