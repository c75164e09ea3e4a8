//! The options of `holdfast bench`.

use std::path::PathBuf;

/// The options of `holdfast bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast bench --require
  holdfast bench --seconds 5 --rounds 5 --out report/bench
  holdfast bench --single-calls --connections 50
  holdfast bench --rush 10000
  holdfast bench --cold --against ../before/target/release
  holdfast bench --growth 100000
  holdfast bench --pages 1000000 --within-ms 200 --watchers 500
  holdfast bench --sweep --against ../before/migrations/routines")]
pub struct Args {
    /// Seconds of each round
    #[arg(long, value_name = "SECONDS", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,
    /// Rounds of each contestant
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) rounds: u32,
    /// Where bench.json and bench.html go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Let commits be as fast as this disk, and not 2 ms slower
    #[arg(long)]
    pub(crate) fast_commits: bool,
    /// Exit with 1 unless every bar is reached
    #[arg(long)]
    pub(crate) require: bool,
    /// Instead of the comparison: one hold a call, with both kinds of commits and more contestants
    #[arg(long, conflicts_with_all = ["require", "fast_commits"])]
    pub(crate) single_calls: bool,
    /// Numbers of connections for --single-calls: each gets a table
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "50,500",
          requires = "single_calls", value_parser = clap::value_parser!(u32).range(1..=550))]
    pub(crate) connections: Vec<u32>,
    /// Write the figures of --single-calls to this file
    #[arg(long, value_name = "FILE", requires = "single_calls")]
    pub(crate) json: Option<PathBuf>,
    /// Instead of the comparison: this many shoppers ask for one of 100 pieces at once, through
    /// PgBouncer, which must be installed
    #[arg(long, value_name = "SHOPPERS", conflicts_with_all = ["single_calls", "require"],
          value_parser = clap::value_parser!(u32).range(100..=15000))]
    pub(crate) rush: Option<u32>,
    /// Sessions of PgBouncer for the rush
    #[arg(long, value_name = "N", default_value_t = 40, requires = "rush",
          value_parser = clap::value_parser!(u32).range(1..=550))]
    pub(crate) sessions: u32,
    /// Instead of the comparison: measure new processes of the HTTP functions, and their requests
    #[arg(long, conflicts_with_all = ["single_calls", "require", "rush"])]
    pub(crate) cold: bool,
    /// Instead of the comparison: make a database of so many orders, and hold every statement of
    /// every routine to a bound of buffers
    #[arg(long, value_name = "ORDERS", num_args = 0..=1, default_missing_value = "1000000",
          conflicts_with_all = ["single_calls", "require", "rush", "cold"],
          value_parser = clap::value_parser!(u32).range(5_000..=10_000_000))]
    pub(crate) growth: Option<u32>,
    /// Where --growth keeps the plans
    #[arg(
        long,
        value_name = "DIR",
        default_value = "target/growth",
        requires = "growth"
    )]
    pub(crate) plans: PathBuf,
    /// Instead of the comparison: make a database of so many orders, and measure the server's time
    /// of every page of the console
    #[arg(long, value_name = "ORDERS", num_args = 0..=1, default_missing_value = "1000000",
          conflicts_with_all = ["single_calls", "require", "rush", "cold", "growth"],
          value_parser = clap::value_parser!(u32).range(5_000..=10_000_000))]
    pub(crate) pages: Option<u32>,
    /// Requests of each page, in turns
    #[arg(long, value_name = "N", default_value_t = 100, requires = "pages",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) times: u32,
    /// Exit with 1 if a page's 95th percentile takes longer
    #[arg(long, value_name = "MS", requires = "pages")]
    pub(crate) within_ms: Option<u32>,
    /// Afterwards let so many browsers watch the sale
    #[arg(long, value_name = "BROWSERS", requires = "pages",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) watchers: Option<u32>,
    /// Instead of the comparison: expire 100,000 due holds of one sku beside begins of that sku
    #[arg(long,
          conflicts_with_all = ["single_calls", "require", "rush", "cold", "growth", "pages"])]
    pub(crate) sweep: bool,
    /// Instead of the comparison: holds on a Citus cluster beside plain PostgreSQL, and what
    /// follows for more nodes. HOLDFAST_PG_BIN names the programs of an installation with Citus
    #[arg(long, conflicts_with_all = [
        "require", "single_calls", "rush", "cold", "growth", "pages", "sweep", "sizes"])]
    pub(crate) cluster: bool,
    /// Instead of the comparison: holds of one sku in shops of several sizes, then a sweep and a
    /// purge while the shop sells (makes 10,000,000 rows first)
    #[arg(long, conflicts_with_all = [
        "single_calls", "require", "rush", "cold", "growth", "pages", "sweep"])]
    pub(crate) sizes: bool,
    /// Measure another version in turns with this one. For --cold the folder of its binaries; for
    /// --sweep the folder of its routines
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
}
