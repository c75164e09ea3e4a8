//! One hold a call: every contestant of pgbench, with both kinds of commits.

use serde::Serialize;

use crate::args::Args;
use crate::contestant::{Contestant, sold_out_script};
use crate::figures::{median, progress};
use crate::server::{Failed, Server};

/// Connections that ask for a sold-out sku.
const CONNECTIONS_SOLD_OUT: u32 = 50;

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

/// Measures and prints.
pub(crate) async fn run(args: &Args) -> Result<(), Failed> {
    let mut rows = Vec::new();
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
            rows.extend(table);
        }
        if !slow {
            sold_out(&server, args).await?;
        }
    }
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
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
    let measured = server.measure(&sold_out_script(), "", CONNECTIONS_SOLD_OUT, args.seconds)?;
    drop(lock);
    println!(
        "Refusals of a sold-out sku whose row is locked all the time, {CONNECTIONS_SOLD_OUT} \
         connections: {:.0} a second, {:.1} ms on average\n",
        measured.per_second, measured.latency_ms
    );
    Ok(())
}
