//! `holdfast distribute`: a database on a Citus cluster, each shop whole on one of its nodes.

use anstream::{eprintln, println};
use operations::cause::causes;
use operations::db;

use crate::migrate::config;

const APPLICATION: &str = "holdfast-distribute";

const HELP: &str =
    "Connects to the coordinator as a superuser, by the variables that `holdfast migrate` reads.
Checks extension, versions, settings, nodes and the owner's login first, and says what is missing.

Run it after the first `holdfast migrate`, and again after citus_add_node (docs/scaling.md).

Example:
  DATABASE_URL=postgresql://postgres@localhost/shop holdfast distribute";

/// The options of `holdfast distribute`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    #[arg(long, value_name = "N",
          help = format!("Shards of each table, for the first time: several for each node that \
              there will ever be [default: {}]", distribute::SHARDS),
          value_parser = clap::value_parser!(u32).range(1..=i64::from(distribute::SHARDS_MAX)))]
    shards: Option<u32>,
}

pub(crate) async fn run(args: &Args) -> Result<(), String> {
    let config = config(APPLICATION).map_err(|error| error.to_string())?;
    let mut client = db::connect(&config).await.map_err(|error| causes(&error))?;
    eprintln!("checking the cluster; then distributing, which takes up to a minute");
    let report = distribute::run(&mut client, args.shards)
        .await
        .map_err(|error| causes(&error))?;
    for table in &report.tables {
        println!("distributed {table}");
    }
    for role in &report.migrated.roles {
        println!("to mend by a user that may: {role}");
    }
    println!(
        "{} tables distributed, {} routines the same on {}",
        report.tables.len(),
        report.migrated.routines,
        report.nodes.join(", ")
    );
    Ok(())
}
