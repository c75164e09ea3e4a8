//! `holdfast rebalance`: shops move to other nodes of a Citus cluster while they sell.

use std::time::Instant;

use anstream::{eprintln, println};
use distribute::Wish;
use operations::cause::causes;
use operations::db;

use crate::migrate::config;

const APPLICATION: &str = "holdfast-rebalance";

const HELP: &str =
    "Connects to the coordinator as a superuser, by the variables that `holdfast migrate` reads.
Without options it makes the moves that Citus proposes, after citus_add_node and `holdfast
distribute`. Early lock release is off meanwhile. If it stops half way, run it again.

Examples:
  DATABASE_URL=postgresql://postgres@localhost/shop holdfast rebalance
  holdfast rebalance --shop wedding --to node3.internal:5432";

/// The options of `holdfast rebalance`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Move only the shard of this shop, with the other shops in it
    #[arg(long, value_name = "CODE", requires = "to")]
    shop: Option<String>,
    /// The node that gets the shop, as select * from citus_get_active_worker_nodes() says
    #[arg(long, value_name = "HOST:PORT", requires = "shop")]
    to: Option<String>,
}

pub(crate) async fn run(args: &Args) -> Result<(), String> {
    let wish = match (args.shop.clone(), args.to.clone()) {
        (Some(shop), Some(to)) => Wish::Shop { shop, to },
        _ => Wish::Rebalance,
    };
    let config = config(APPLICATION).map_err(|error| error.to_string())?;
    let mut client = db::connect(&config).await.map_err(|error| causes(&error))?;
    let began = Instant::now();
    let moves = distribute::rebalance(&mut client, &wish, |one| {
        eprintln!("moving shard {} from {} to {}", one.shard, one.from, one.to);
    })
    .await
    .map_err(|error| causes(&error))?;
    match moves.len() {
        0 => println!("nothing to move"),
        number => println!("moved {number} shards in {} s", began.elapsed().as_secs()),
    }
    Ok(())
}
