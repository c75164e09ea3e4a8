//! Holds on a Citus cluster beside plain PostgreSQL, all on this machine: what Citus costs. Ratios
//! count, because coordinator and nodes share its cores.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::{CHECKOUT, PAYMENTS};
use tokio_postgres::{Client, NoTls};

use crate::combined::{Cartful, Load, Way, combined, pool_at, shop};
use crate::cpu::Meter;
use crate::figures::progress;
use crate::report::{Round, Row};
use crate::server::{Failed, slow_commit_library};
use crate::sizing;

const DATABASE: &str = "bench";
/// A call of a shop uses one shard, however many there are.
const SHARDS: u32 = 8;
const CONNECTIONS: usize = 50;
const IN_FLIGHT: usize = 500;

/// One request a call, as many at once as there are connections.
const SINGLE: Load = Load {
    in_flight: CONNECTIONS,
    connections: CONNECTIONS,
    cart: Cartful::Hot,
    limited: false,
    way: Way::Statement,
};
/// Whole sales, by as many functions as payments have in the comparison.
const SALES: Load = Load {
    in_flight: 8,
    connections: 8,
    way: Way::Sale,
    ..SINGLE
};
const ALONE: Load = Load {
    in_flight: 1,
    connections: 1,
    ..SINGLE
};

/// Plain PostgreSQL, and a coordinator with two nodes. Two shops, on one node each.
struct Servers {
    plain: Cluster,
    citus: Cluster,
    shops: [String; 2],
    nodes: [usize; 2],
}

/// Where the calls of a contestant go.
#[derive(Clone, Copy)]
enum To {
    Plain,
    /// The node that has the shop.
    Node,
    Coordinator,
    /// The node that has the other shop.
    OtherNode,
}

/// What is compared: name, where to, how many shops, and the load of each.
const CONTESTANTS: [(&str, To, usize, Load); 13] = [
    ("plain, 1 in flight", To::Plain, 1, ALONE),
    ("node, 1 in flight", To::Node, 1, ALONE),
    ("coordinator, 1 in flight", To::Coordinator, 1, ALONE),
    ("plain, one request a call", To::Plain, 1, SINGLE),
    ("node, one request a call", To::Node, 1, SINGLE),
    ("other node, one request a call", To::OtherNode, 1, SINGLE),
    (
        "coordinator, one request a call",
        To::Coordinator,
        1,
        SINGLE,
    ),
    ("plain, combined", To::Plain, 1, combined(IN_FLIGHT)),
    ("node, combined", To::Node, 1, combined(IN_FLIGHT)),
    (
        "coordinator, combined",
        To::Coordinator,
        1,
        combined(IN_FLIGHT),
    ),
    ("plain, whole sales", To::Plain, 1, SALES),
    ("node, whole sales", To::Node, 1, SALES),
    ("two nodes, combined", To::Node, 2, combined(IN_FLIGHT)),
];

/// The contestants whose cost the arithmetic takes.
const NODE_COMBINED: usize = 8;
const NODE_SALE: usize = 11;

/// Measures and prints.
pub(crate) async fn run(fast_commits: bool, seconds: u32, rounds: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    // the server may run as another user, who must be able to load the library
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let mut environment = Vec::new();
    if !fast_commits {
        environment.push(("LD_PRELOAD".to_owned(), slow_commit_library(folder.path())?));
    }
    let servers = Servers::start(&environment).await?;
    let empty = |(name, ..): &(&'static str, To, usize, Load)| Row {
        name,
        of: "holds",
        rounds: Vec::new(),
    };
    let mut rows: Vec<Row> = CONTESTANTS.iter().map(empty).collect();
    for number in 1..=rounds {
        for ((name, to, shops, load), row) in CONTESTANTS.iter().zip(&mut rows) {
            progress(&format!("round {number} of {rounds}: {name}"));
            row.rounds
                .push(servers.round(*to, *shops, *load, seconds).await?);
        }
    }
    progress("");
    print(&rows, fast_commits, seconds);
    let cost = |nth: usize| rows[nth].median(|round| Some(round.server_us));
    if let (Some(hold), Some(sale)) = (cost(NODE_COMBINED), cost(NODE_SALE)) {
        sizing::print(hold, sale);
    }
    Ok(())
}

fn print(rows: &[Row], fast_commits: bool, seconds: u32) {
    let commits = if fast_commits {
        "as fast as the disk"
    } else {
        "2 ms slower"
    };
    println!(
        "one hot sku of each shop, commits {commits}; medians of {} rounds of {seconds} s\n  \
         {:<34}{:>10}{:>10}{:>10}{:>18}",
        rows[0].rounds.len(),
        "",
        "a second",
        "p50",
        "p99",
        "server's time"
    );
    for row in rows {
        let of = |of: fn(&Round) -> Option<f64>| row.median(of).unwrap_or(f64::NAN);
        println!(
            "  {:<34}{:>10.0}{:>7.1} ms{:>7.1} ms{:>15.0} us",
            row.name,
            row.rate(),
            of(|round| round.p50_ms),
            of(|round| round.p99_ms),
            of(|round| Some(round.server_us)),
        );
    }
}

impl Servers {
    async fn start(environment: &[(String, String)]) -> Result<Self, Failed> {
        let options = |citus_workers| ClusterOptions {
            settings: [
                ("max_connections", "800"),
                ("max_wal_size", "8GB"),
                ("checkpoint_timeout", "30min"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            environment: environment.to_vec(),
            citus_workers,
            ..ClusterOptions::default()
        };
        let (plain, citus) = (
            Cluster::start(options(None))?,
            Cluster::start(options(Some(2)))?,
        );
        for cluster in [&plain, &citus] {
            cluster.create_database(DATABASE, "")?;
            holdfast_migrate::run(&mut connect(cluster).await?).await?;
        }
        citus.join_nodes(DATABASE)?;
        distribute::run(&mut connect(&citus).await?, Some(SHARDS)).await?;
        let (shops, nodes) = shops_on_two_nodes(&citus).await?;
        for cluster in [&plain, &citus] {
            for shop in &shops {
                cluster.execute(DATABASE, &catalogue(shop))?;
            }
            cluster.execute(DATABASE, "analyze")?;
        }
        Ok(Self {
            plain,
            citus,
            shops,
            nodes,
        })
    }

    fn at(&self, to: To, nth: usize) -> &Cluster {
        match to {
            To::Plain => &self.plain,
            To::Coordinator => &self.citus,
            To::Node => &self.citus.workers()[self.nodes[nth]],
            To::OtherNode => &self.citus.workers()[self.nodes[1 - nth]],
        }
    }

    /// One round. Fails unless exactly what was answered is held or sold.
    async fn round(&self, to: To, shops: usize, load: Load, seconds: u32) -> Result<Round, Failed> {
        let ends = [&self.plain, &self.citus]
            .into_iter()
            .chain(self.citus.workers());
        let pids: Option<Vec<u32>> = ends.map(Cluster::postmaster_pid).collect();
        let before = self.taken(to).await?;
        let meter = Meter::start(&pids.ok_or("a server does not run")?)?;
        let mut waits = Vec::new();
        let one = async |nth: usize| -> Result<_, Failed> {
            let pool = |role| pool_at(&self.at(to, nth).url(role, DATABASE), load.connections);
            let pools = [&pool(CHECKOUT)?, &pool(PAYMENTS)?];
            shop(pools, &self.shops[nth], load, seconds).await
        };
        if shops == 1 {
            waits.extend(one(0).await?);
        } else {
            let (first, second) = tokio::join!(one(0), one(1));
            waits.extend(first?);
            waits.extend(second?);
        }
        let used = meter.stop()?;
        let taken = self.taken(to).await? - before;
        if usize::try_from(taken)? != waits.len() {
            return Err("the stock levels do not agree with the answers".into());
        }
        Ok(Round::of_waits(waits, &used))
    }

    /// Units that are held or sold.
    async fn taken(&self, to: To) -> Result<i64, Failed> {
        let cluster = match to {
            To::Plain => &self.plain,
            _ => &self.citus,
        };
        let taken = "select 1800000000 - sum(l.on_hand - l.held)::bigint
            from holdfast.stock_levels l";
        Ok(connect(cluster).await?.query_one(taken, &[]).await?.get(0))
    }
}

/// Two shops that are not on the same node, and the numbers of their nodes.
async fn shops_on_two_nodes(citus: &Cluster) -> Result<([String; 2], [usize; 2]), Failed> {
    let client = connect(citus).await?;
    let mut found: Vec<(String, usize)> = Vec::new();
    for number in 0..100 {
        let shop = format!("shop{number}");
        let query = "select o_port from holdfast.shop_node($1)";
        let port: i32 = client.query_one(query, &[&shop]).await?.get(0);
        let is_it = |node: &Cluster| i32::from(node.port()) == port;
        let node = citus.workers().iter().position(is_it);
        let node = node.ok_or("a shop is on no worker")?;
        if found.iter().all(|(_, other)| *other != node) {
            found.push((shop, node));
        }
        if let [(one, first), (other, second)] = &found[..] {
            return Ok(([one.clone(), other.clone()], [*first, *second]));
        }
    }
    Err("all shops are on one node".into())
}

fn catalogue(shop: &str) -> String {
    format!(
        "select holdfast.shop_put('{shop}', 'A shop', 'INR');
        select holdfast.sku_put('{shop}', 'HOT', 'A dress', '{{}}', 1000);
        select holdfast.stock_adjust('{shop}', 'HOT', 900000000, null, 'received', 'bench', null)"
    )
}

async fn connect(cluster: &Cluster) -> Result<Client, Failed> {
    let url = cluster.url(SUPERUSER, DATABASE);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
