//! `holdfast rebalance`: moves shards between nodes while their shops sell.
//!
//! Citus copies a shard by logical replication, blocks its writers for the end, and then waits
//! until the new node has everything that the old one had written to its log. A commit that did not
//! wait for the disk is not there yet (Citus reads `pg_current_wal_lsn()`). So nothing may be
//! committed like that before a move: early lock release is paused first, and the calls that began
//! before end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use holdfast_migrate::Release;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{Error, failed};
use crate::{SHOPS, check, nodes};

/// Time for the calls that began before the pause. A function's call ends in seconds.
const CALLS_END_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// What Citus would move, so that every node has its share of the rows.
    Rebalance,
    /// The shard of this shop, with all shops in it, to this node (`host:port`).
    Shop {
        /// Its code.
        shop: String,
        /// `host:port`, as Citus knows the node.
        to: String,
    },
}

/// A shard of each table, with the same shops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Its shard of the shops.
    pub shard: i64,
    /// The node that has it, `host:port`.
    pub from: String,
    /// The node that gets it, `host:port`.
    pub to: String,
    /// Citus's numbers of both.
    nodes: (i32, i32),
}

/// Moves the shards one after the other, and tells each before it begins. Each move is whole: if
/// one fails, those before it stay. Early lock release is off meanwhile, so the hottest skus sell
/// slower. Afterwards the moved shards get their statistics. The connection belongs to a superuser.
///
/// # Errors
/// When something is missing, or a step fails. It may be repeated, and must be after
/// [`Error::StillPaused`].
pub async fn run(
    client: &mut Client,
    wish: &Wish,
    mut tell: impl FnMut(&Move),
) -> Result<Vec<Move>, Error> {
    check::all(client, &Release::this()).await?;
    alone(client).await?;
    // a node that was only added has neither the roles' timeouts nor, without the guide's default
    // privilege, closed routines
    nodes::verify(client).await?;
    let moves = match wish {
        Wish::Rebalance => rebalance(client).await?,
        Wish::Shop { shop, to } => shop_to(client, shop, to).await?,
    };
    let done = match moves.is_empty() {
        true => Ok(()),
        false => all(client, &moves, &mut tell).await,
    };
    match resume(client).await {
        Ok(()) => done.map(|()| moves),
        Err(source) => Err(Error::StillPaused {
            source,
            after: done.err().map(Box::new),
        }),
    }
}

/// Ends the pause, also that of a run that died.
async fn resume(client: &Client) -> Result<(), tokio_postgres::Error> {
    let query = "select e.paused from holdfast.schema_early_release e";
    if client.query_typed_one(query, &[]).await?.get(0) {
        let resume = "select holdfast.early_release_pause(false)";
        client.batch_execute(resume).await?;
    }
    Ok(())
}

/// Another run must not end the pause of this one. Until the connection ends.
async fn alone(client: &Client) -> Result<(), Error> {
    let lock = "select pg_try_advisory_lock(hashtext('holdfast rebalance'))";
    let row = client.query_typed_one(lock, &[]).await;
    match row.map_err(failed("excluding other runs"))?.get(0) {
        true => Ok(()),
        false => Err(Error::NotReady(vec![
            "`holdfast rebalance` runs already: wait for its end".to_owned(),
        ])),
    }
}

async fn all(client: &Client, moves: &[Move], tell: &mut impl FnMut(&Move)) -> Result<(), Error> {
    let pause = client.batch_execute("select holdfast.early_release_pause(true)");
    pause.await.map_err(failed("pausing early lock release"))?;
    paused_everywhere(client).await?;
    running_calls_end(client).await?;
    for one in moves {
        tell(one);
        let step = format!("moving shard {} from {} to {}", one.shard, one.from, one.to);
        let query = "select citus_move_shard_placement($1, $2, $3)";
        let values = [
            (&one.shard as _, Type::INT8),
            (&one.nodes.0 as _, Type::INT4),
            (&one.nodes.1 as _, Type::INT4),
        ];
        let moved = client.query_typed(query, &values).await;
        moved.map_err(failed(&step))?;
        analyze(client, one).await?;
    }
    // Citus drops the old copies later; a removed node would keep them, and could not come back
    let clean = client.batch_execute("call citus_cleanup_orphaned_resources()");
    clean.await.map_err(failed("dropping the old copies"))
}

/// A node may get the second half of Citus's commit later.
async fn paused_everywhere(client: &Client) -> Result<(), Error> {
    let question = "select holdfast.early_release_chosen()";
    let answers = nodes::ask(client, "asking for the pause", question).await?;
    let others = answers.into_iter().filter(|(_, way)| way != "off");
    let say = |(node, way)| format!("{node} still frees locks early ({way})");
    let wrong: Vec<String> = others.map(say).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Nodes(wrong)),
    }
}

/// A call that began before the pause still frees its locks early.
async fn running_calls_end(client: &Client) -> Result<(), Error> {
    let running = async || -> Result<BTreeSet<(String, String)>, Error> {
        // a call's transactions are several, its statement is one
        let question = "select coalesce(json_agg(a.usename || ' ' || a.pid || ' '
                || a.query_start), '[]')
            from pg_stat_activity a
            where a.datname = current_database() and a.state <> 'idle' and a.pid <> pg_backend_pid()
                and a.usename in ('holdfast_checkout', 'holdfast_payments', 'holdfast_sweeper',
                    'holdfast_admin', 'holdfast_console')";
        let mut calls = BTreeSet::new();
        for (node, answer) in nodes::ask(client, "looking for calls", question).await? {
            let of_node: Vec<String> = serde_json::from_str(&answer)?;
            calls.extend(of_node.into_iter().map(|call| (node.clone(), call)));
        }
        Ok(calls)
    };
    let began = Instant::now();
    let mut before = running().await?;
    while !before.is_empty() {
        if began.elapsed() > CALLS_END_WITHIN {
            let say = |(node, call): &(String, String)| format!("{node}: {call}");
            return Err(Error::CallsRun(before.iter().map(say).collect()));
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        let now = running().await?;
        before.retain(|call| now.contains(call));
    }
    Ok(())
}

/// The moves that Citus would make.
async fn rebalance(client: &Client) -> Result<Vec<Move>, Error> {
    let query = "select p.shardid, f.nodeid, format('%s:%s', f.nodename, f.nodeport),
            t.nodeid, format('%s:%s', t.nodename, t.nodeport)
        from get_rebalance_table_shards_plan() p
            join pg_dist_node f on f.nodename = p.sourcename and f.nodeport = p.sourceport
            join pg_dist_node t on t.nodename = p.targetname and t.nodeport = p.targetport
        where p.table_name = $1::text::regclass";
    moves(client, query, &[(&SHOPS as _, Type::TEXT)]).await
}

/// The move of the shop's shard, unless it is there already.
async fn shop_to(client: &Client, shop: &str, to: &str) -> Result<Vec<Move>, Error> {
    let query = "select from pg_dist_node t where t.noderole = 'primary' and t.isactive
        and t.shouldhaveshards and format('%s:%s', t.nodename, t.nodeport) = $1";
    let there = client.query_typed(query, &[(&to as _, Type::TEXT)]).await;
    if there.map_err(failed("looking for the node"))?.is_empty() {
        let missing = format!("--to: {to} is no active node that takes shards");
        return Err(Error::NotReady(vec![missing]));
    }
    // a code without a shop would belong to some shard, too
    let query = "select from holdfast.shop_codes c where c.shop = $1";
    let known = client.query_typed(query, &[(&shop as _, Type::TEXT)]).await;
    if known.map_err(failed("looking for the shop"))?.is_empty() {
        let missing = format!("--shop: there is no shop {shop}");
        return Err(Error::NotReady(vec![missing]));
    }
    let query = "select p.shardid, f.nodeid, format('%s:%s', f.nodename, f.nodeport),
            t.nodeid, format('%s:%s', t.nodename, t.nodeport)
        from pg_dist_placement p
            join pg_dist_node f on f.groupid = p.groupid and f.noderole = 'primary'
            join pg_dist_node t on t.nodeid <> f.nodeid and t.noderole = 'primary'
                and format('%s:%s', t.nodename, t.nodeport) = $3
        where p.shardid = get_shard_id_for_distribution_column($1::text::regclass, $2)";
    let values = [
        (&SHOPS as _, Type::TEXT),
        (&shop as _, Type::TEXT),
        (&to as _, Type::TEXT),
    ];
    moves(client, query, &values).await
}

async fn moves(
    client: &Client,
    query: &str,
    values: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)],
) -> Result<Vec<Move>, Error> {
    let rows = client.query_typed(query, values).await;
    let rows = rows.map_err(failed("planning the moves"))?;
    let one = |row: &tokio_postgres::Row| Move {
        shard: row.get(0),
        from: row.get(2),
        to: row.get(4),
        nodes: (row.get(1), row.get(3)),
    };
    Ok(rows.iter().map(one).collect())
}

/// A moved shard has no statistics, and the planner would guess.
async fn analyze(client: &Client, moved: &Move) -> Result<(), Error> {
    let query = "select format('analyze %s',
                string_agg(shard_name(s.logicalrelid, s.shardid), ', ')),
            (select n.nodename from pg_dist_node n where n.nodeid = $2),
            (select n.nodeport from pg_dist_node n where n.nodeid = $2)
        from pg_dist_shard o
            join pg_dist_partition op on op.logicalrelid = o.logicalrelid
            join pg_dist_partition p on p.colocationid = op.colocationid
            join pg_dist_shard s on s.logicalrelid = p.logicalrelid
                and s.shardminvalue = o.shardminvalue
        where o.shardid = $1";
    let step = format!("analyzing the moved shard {}", moved.shard);
    let values = [
        (&moved.shard as _, Type::INT8),
        (&moved.nodes.1 as _, Type::INT4),
    ];
    let row = client.query_typed_one(query, &values).await;
    let row = row.map_err(failed(&step))?;
    let (analyze, host, port): (String, String, i32) = (row.get(0), row.get(1), row.get(2));
    let query = "select a.success, a.result
        from master_run_on_worker(array[$1], array[$2], array[$3], false) a";
    let values = [
        (&host as _, Type::TEXT),
        (&port as _, Type::INT4),
        (&analyze as _, Type::TEXT),
    ];
    let row = client.query_typed_one(query, &values).await;
    let row = row.map_err(failed(&step))?;
    match row.get(0) {
        true => Ok(()),
        false => {
            let why: String = row.get(1);
            Err(Error::Nodes(vec![format!("{step}: {why}")]))
        }
    }
}
