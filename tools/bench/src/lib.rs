//! `holdfast bench`: how fast one hot sku can be held and paid, beside its rivals.
//!
//! All contestants run in turns, several rounds each. Read the medians and their ratios: other
//! programs run on the machine, too.

mod cold;
mod combined;
mod comparison;
mod contestant;
mod cpu;
mod figures;
pub mod growth;
mod page;
mod payments;
mod redis;
mod rush;
mod server;
mod singles;
mod sizes;
mod sweep;

use std::path::PathBuf;

use server::Failed;

/// The options of `holdfast bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast bench --require
  holdfast bench --seconds 5 --rounds 5 --out report/bench
  holdfast bench --single-calls --connections 50
  holdfast bench --rush 10000
  holdfast bench --cold --against ../before/target/release
  holdfast bench --growth 100000
  holdfast bench --sweep --against ../before/migrations/routines")]
pub struct Args {
    /// Seconds of each round
    #[arg(long, value_name = "SECONDS", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Rounds of each contestant
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Where bench.json and bench.html go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Let commits be as fast as this disk, and not 2 ms slower
    #[arg(long)]
    fast_commits: bool,
    /// Exit with 1 unless every bar is reached
    #[arg(long)]
    require: bool,
    /// Instead of the comparison: one hold a call, with both kinds of commits and more contestants
    #[arg(long, conflicts_with_all = ["require", "fast_commits"])]
    single_calls: bool,
    /// Numbers of connections for --single-calls: each gets a table
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "50,500",
          requires = "single_calls", value_parser = clap::value_parser!(u32).range(1..=550))]
    connections: Vec<u32>,
    /// Write the figures of --single-calls to this file
    #[arg(long, value_name = "FILE", requires = "single_calls")]
    json: Option<PathBuf>,
    /// Instead of the comparison: this many shoppers ask for one of 100 pieces at once, through
    /// PgBouncer, which must be installed
    #[arg(long, value_name = "SHOPPERS", conflicts_with_all = ["single_calls", "require"],
          value_parser = clap::value_parser!(u32).range(100..=15000))]
    rush: Option<u32>,
    /// Sessions of PgBouncer for the rush
    #[arg(long, value_name = "N", default_value_t = 40, requires = "rush",
          value_parser = clap::value_parser!(u32).range(1..=550))]
    sessions: u32,
    /// Instead of the comparison: measure new processes of the HTTP functions, and their requests
    #[arg(long, conflicts_with_all = ["single_calls", "require", "rush"])]
    cold: bool,
    /// Instead of the comparison: make a database of so many orders, and hold every statement of
    /// every routine to a bound of buffers
    #[arg(long, value_name = "ORDERS", num_args = 0..=1, default_missing_value = "1000000",
          conflicts_with_all = ["single_calls", "require", "rush", "cold"],
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
    #[arg(long, conflicts_with_all = ["single_calls", "require", "rush", "cold", "growth"])]
    sweep: bool,
    /// Instead of the comparison: holds of one sku in shops of several sizes, then a sweep and a
    /// purge while the shop sells (makes 10,000,000 rows first)
    #[arg(long,
          conflicts_with_all = ["single_calls", "require", "rush", "cold", "growth", "sweep"])]
    sizes: bool,
    /// Measure another version in turns with this one. For --cold the folder of its binaries; for
    /// --sweep the folder of its routines
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
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
    if args.single_calls {
        singles::run(args).await?;
        return Ok(true);
    }
    let reached = comparison::run(args).await?;
    Ok(reached || !args.require)
}
