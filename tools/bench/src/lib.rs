//! `holdfast bench`: how fast one hot sku can be held, beside the classic routine and the limit.
//!
//! All contestants run in turns against one server, several rounds each. Read the medians and their
//! ratios: other programs run on the machine, too.

mod cold;
mod combined;
mod contestant;
mod figures;
pub mod growth;
mod rush;
mod server;
mod sizes;
mod sweep;

use serde::Serialize;
use std::path::PathBuf;

use contestant::{Contestant, sold_out_script};
use figures::{median, progress};
use server::{Failed, Server};

/// The bars of `--require`, as multiples of the classic routine at [`CONNECTIONS_REQUIRED`].
const RATIO_SLOW: f64 = 15.0;
const RATIO_NORMAL: f64 = 3.0;
const CONNECTIONS_REQUIRED: u32 = 50;

/// The options of `holdfast bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast bench --require
  holdfast bench --seconds 5 --rounds 1 --connections 50
  holdfast bench --rush 10000
  holdfast bench --combined --seconds 5
  holdfast bench --cold --against ../before/target/release
  holdfast bench --growth 100000
  holdfast bench --sweep --against ../before/migrations/routines")]
pub struct Args {
    /// Seconds of each round
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Rounds of each contestant
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Numbers of connections: each gets a table
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "50,500",
          value_parser = clap::value_parser!(u32).range(1..=550))]
    connections: Vec<u32>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 unless holdfast is 15 times the classic routine with slow commits, and 3 times
    /// without, at 50 connections
    #[arg(long)]
    require: bool,
    /// Instead of the comparison: this many shoppers ask for one of 100 pieces at once, through
    /// PgBouncer, which must be installed
    #[arg(long, value_name = "SHOPPERS", conflicts_with_all = ["json", "require"],
          value_parser = clap::value_parser!(u32).range(100..=15000))]
    rush: Option<u32>,
    /// Sessions of PgBouncer for the rush
    #[arg(long, value_name = "N", default_value_t = 40, requires = "rush",
          value_parser = clap::value_parser!(u32).range(1..=550))]
    sessions: u32,
    /// Instead of the comparison: many requests in one process, which go together
    #[arg(long, conflicts_with_all = ["json", "require", "rush", "cold"])]
    combined: bool,
    /// Instead of the comparison: measure new processes of the HTTP functions, and their requests
    #[arg(long, conflicts_with_all = ["json", "require", "rush"])]
    cold: bool,
    /// Instead of the comparison: make a database of so many orders, and hold every statement of
    /// every routine to a bound of buffers
    #[arg(long, value_name = "ORDERS", num_args = 0..=1, default_missing_value = "1000000",
          conflicts_with_all = ["json", "require", "rush", "cold"],
          value_parser = clap::value_parser!(u32).range(5_000..=10_000_000))]
    growth: Option<u32>,
    /// Where --growth keeps the plans
    #[arg(
        long,
        value_name = "DIR",
        default_value = "target/growth",
        requires = "growth"
    )]
    plans: PathBuf,
    /// Instead of the comparison: expire 100,000 due holds of one sku beside begins of that sku
    #[arg(long, conflicts_with_all = ["json", "require", "rush", "cold", "growth"])]
    sweep: bool,
    /// Instead of the comparison: holds of one sku in shops of several sizes, then a sweep and a
    /// purge while the shop sells (makes 10,000,000 rows first)
    #[arg(long, conflicts_with_all = ["json", "require", "rush", "cold", "growth", "sweep"])]
    sizes: bool,
    /// Measure another version in turns with this one. For --cold the folder of its binaries; for
    /// --sweep the folder of its routines
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
}

/// One contestant's rounds under one condition.
#[derive(Serialize)]
struct Row {
    commits: &'static str,
    connections: u32,
    contestant: &'static str,
    per_second: Vec<f64>,
    median: f64,
    times_classic: f64,
    of_limit: f64,
}

/// Measures and prints. Returns whether the bars of `--require` were reached.
///
/// # Errors
/// When something could not be measured, or a promise is broken.
pub async fn run(args: &Args) -> Result<bool, Failed> {
    if let Some(shoppers) = args.rush {
        rush::run(shoppers, args.sessions).await?;
        return Ok(true);
    }
    if args.combined {
        combined::run(args.seconds, args.rounds).await?;
        return Ok(true);
    }
    if args.cold {
        cold::run(args.against.as_deref()).await?;
        return Ok(true);
    }
    if let Some(orders) = args.growth {
        return growth::run(orders, &args.plans).await;
    }
    if args.sweep {
        sweep::run(args.against.as_deref(), args.rounds).await?;
        return Ok(true);
    }
    if args.sizes {
        sizes::run(args.seconds, args.rounds).await?;
        return Ok(true);
    }
    let mut rows = Vec::new();
    let mut enough = true;
    for slow in [false, true] {
        if slow && !cfg!(target_os = "linux") {
            println!("No table with slower commits: LD_PRELOAD works only on Linux.");
            continue;
        }
        let server = Server::start(slow, None).await?;
        let commits = if slow {
            "2 ms slower"
        } else {
            "as fast as this disk"
        };
        for &connections in &args.connections {
            let table = compare(&server, args, commits, connections).await?;
            print_table(&table, &server, args);
            let required = if slow { RATIO_SLOW } else { RATIO_NORMAL };
            let ours = table
                .iter()
                .find(|row| row.contestant == Contestant::Holdfast.name());
            if connections == CONNECTIONS_REQUIRED
                && ours.is_none_or(|row| row.times_classic < required)
            {
                println!("  below the bar of {required} times the classic routine\n");
                enough = false;
            }
            rows.extend(table);
        }
        if !slow {
            sold_out(&server, args).await?;
        }
    }
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(enough || !args.require)
}

async fn compare(
    server: &Server,
    args: &Args,
    commits: &'static str,
    connections: u32,
) -> Result<Vec<Row>, Failed> {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); Contestant::ALL.len()];
    for number in 1..=args.rounds {
        for (contestant, measured) in Contestant::ALL.into_iter().zip(&mut rounds) {
            let (name, of) = (contestant.name(), args.rounds);
            progress(&format!(
                "{connections} connections, round {number} of {of}: {name}"
            ));
            let round = server.round(contestant, connections, args.seconds).await?;
            measured.push(round.per_second);
        }
    }
    progress("");
    let medians: Vec<f64> = rounds.iter().map(|measured| median(measured)).collect();
    let of = |wanted: Contestant| {
        Contestant::ALL
            .iter()
            .position(|one| *one == wanted)
            .map_or(f64::NAN, |at| medians[at])
    };
    let (classic, limit) = (of(Contestant::Classic), of(Contestant::InsertOnly));
    Ok(Contestant::ALL
        .into_iter()
        .zip(rounds)
        .zip(&medians)
        .map(|((contestant, per_second), median)| Row {
            commits,
            connections,
            contestant: contestant.name(),
            per_second,
            median: *median,
            times_classic: median / classic,
            of_limit: median / limit,
        })
        .collect())
}

fn print_table(table: &[Row], server: &Server, args: &Args) {
    let Some(first) = table.first() else { return };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!(
        "One hot sku, {} connections, commits {}; PostgreSQL {}, {cores} cores, {} rounds of {} s, \
         in turns",
        first.connections,
        first.commits,
        server.cluster.major_version().unwrap_or_default(),
        args.rounds,
        args.seconds,
    );
    println!(
        "  {:<29}{:>16}{:>16}{:>14}",
        "", "holds a second", "times classic", "of the limit"
    );
    for row in table {
        println!(
            "  {:<29}{:>16.0}{:>16.1}{:>14.2}",
            row.contestant, row.median, row.times_classic, row.of_limit
        );
    }
    println!();
}

/// Refusals while another session has locked the row: they must not wait for it.
async fn sold_out(server: &Server, args: &Args) -> Result<(), Failed> {
    let lock = server.lock_sold_out().await?;
    let measured = server.measure(&sold_out_script(), "", CONNECTIONS_REQUIRED, args.seconds)?;
    drop(lock);
    println!(
        "Refusals of a sold-out sku whose row is locked all the time, {CONNECTIONS_REQUIRED} \
         connections: {:.0} a second, {:.1} ms on average\n",
        measured.per_second, measured.latency_ms
    );
    Ok(())
}
