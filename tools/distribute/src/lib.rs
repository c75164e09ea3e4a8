//! `holdfast distribute` and `holdfast rebalance`.
//!
//! `holdfast distribute` distributes every table over the nodes of a Citus cluster, by shop. A
//! shop's rows are on one node, whole, so a call uses one node, and everything that holds on
//! PostgreSQL alone holds there: constraints, foreign keys, FOR UPDATE SKIP LOCKED. The list of
//! shops is whole on every node, so that work over all shops goes on while a node is down.
//!
//! It checks first ([`check`]), and says everything that is missing. Then it works in steps that
//! may each be repeated: the owner's login, the tables with the index of announcements (one
//! transaction), the routines (another migration: only now can they go to the other nodes), the
//! roles' timeouts, the list of shops, the views for a person who reads ([`views`]), and a look at
//! every node at the end.

mod check;
mod error;
mod nodes;
mod rebalance;
mod views;

use holdfast_migrate::{MigrateReport, Release};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

pub use error::Error;
use error::failed;
pub use rebalance::{Move, Wish, run as rebalance};

/// Shards of each table. Each shard is on one node, so there are several for each node, and a new
/// node can take some.
pub const SHARDS: u32 = 32;
/// The most that anybody needs: each shard of each of the tables is a table of its own.
pub const SHARDS_MAX: u32 = 1_024;

/// What was done.
#[derive(Debug)]
pub struct Report {
    /// `host:port` of each node.
    pub nodes: Vec<String>,
    /// The tables that were not distributed before.
    pub tables: Vec<String>,
    /// The migration that wrote the routines on every node.
    pub migrated: MigrateReport,
}

/// Distributes what is not distributed yet, over the cluster of this coordinator, into so many
/// shards, and brings the routines to every node. Repeat it when a node was added. The connection
/// belongs to a superuser.
///
/// # Errors
/// When something is missing, or a step fails. The tables are distributed whole or not at all.
/// [`Error::HalfDone`]: they have just been, and a later step failed. The whole may always be
/// repeated.
pub async fn run(client: &mut Client, shards: Option<u32>) -> Result<Report, Error> {
    let release = Release::this();
    let nodes = check::all(client, &release).await?;
    let shards = shards_of(client, shards).await?;
    let tables = distribute(client, shards, nodes.len()).await?;
    match complete(client).await {
        Ok(migrated) => Ok(Report {
            nodes,
            tables,
            migrated,
        }),
        Err(error) if !tables.is_empty() && !matches!(error, Error::Nodes(_)) => {
            Err(Error::HalfDone(Box::new(error)))
        }
        Err(error) => Err(error),
    }
}

/// Everything after the tables.
async fn complete(client: &mut Client) -> Result<MigrateReport, Error> {
    let migrated = holdfast_migrate::run(client).await?;
    let set = client.batch_execute(ROLES).await;
    set.map_err(failed("setting the roles' timeouts on every node"))?;
    let listed = client.batch_execute(LIST_WHOLE).await;
    listed.map_err(failed("listing every shop on every node"))?;
    let step = "letting early lock release on where shops live";
    nodes::ask(client, step, EARLY_RELEASE_ON).await?;
    views::read_as_owner(client).await?;
    nodes::verify(client).await?;
    Ok(migrated)
}

/// The number of shards of each table: that of the tables that are distributed already.
async fn shards_of(client: &Client, wished: Option<u32>) -> Result<u32, Error> {
    let query = "select max(t.shard_count)::integer from citus_tables t
        where t.table_name = 'holdfast.shops'::regclass and t.citus_table_type = 'distributed'";
    let row = client.query_typed_one(query, &[]).await;
    let has: Option<i32> = row.map_err(failed("counting the shards"))?.get(0);
    let has = has.and_then(|shards| u32::try_from(shards).ok());
    match (has, wished) {
        (Some(has), Some(wished)) if has != wished => Err(Error::NotReady(vec![format!(
            "--shards is {wished}, but the tables have {has} shards: leave the option out"
        )])),
        (has, wished) => Ok(has.or(wished).unwrap_or(SHARDS)),
    }
}

/// Each table whose rows belong to a shop: `shop` is its first column. The shops first, and then
/// in the order in which the migrations made them: a foreign key points to a distributed table.
const TABLES: &str = "select c.oid::regclass::text
    from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum = 1 and a.attname = 'shop'
    where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
        and not relation_is_a_known_shard(c.oid)
        and c.relname <> 'shop_codes'
        and not exists (select from pg_dist_partition p where p.logicalrelid = c.oid)
    order by c.relname <> 'shops', c.oid";

/// All tables or none.
async fn distribute(client: &mut Client, shards: u32, nodes: usize) -> Result<Vec<String>, Error> {
    let step = "distributing the tables";
    let transaction = client.transaction().await.map_err(failed(step))?;
    // Citus lets triggers run on shards only on this word. Ours compare OLD with NEW, or read and
    // write rows of the same shop.
    let set = format!(
        "set local citus.enable_unsafe_triggers = on; set local citus.shard_count = {shards}"
    );
    transaction
        .batch_execute(&set)
        .await
        .map_err(failed(step))?;
    let rows = transaction.query_typed(TABLES, &[]).await;
    let rows = rows.map_err(failed("listing the tables"))?;
    let mut tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let listed = copy_list(&transaction).await?;
    for table in &tables {
        let with = if table == SHOPS { "default" } else { SHOPS };
        let distribute = "select create_distributed_table($1::text::regclass, 'shop', \
            colocate_with => $2)";
        let values = [(table as _, Type::TEXT), (&with as _, Type::TEXT)];
        let distributed = transaction.execute_typed(distribute, &values).await;
        distributed.map_err(failed(&format!("distributing {table}")))?;
    }
    if listed {
        let add = transaction.batch_execute(LIST_ADD).await;
        add.map_err(failed("letting the shops point to their list"))?;
        tables.push(LIST.to_owned());
    }
    let index = transaction.batch_execute(GROUPS).await;
    index.map_err(failed("indexing the groups of announcements"))?;
    if nodes > 1 {
        let off = transaction.batch_execute(EARLY_RELEASE_OFF).await;
        off.map_err(failed("turning early lock release off on the coordinator"))?;
    }
    transaction.commit().await.map_err(failed(step))?;
    Ok(tables)
}

/// The migration sets what differs on the coordinator, and Citus passes on what is set. A node that
/// was added after that has the roles alone, without their timeouts.
const ROLES: &str = "
    do $$ declare v_setting record; begin
        for v_setting in select * from holdfast.role_settings() loop
            execute format('alter role %I set %I = %L', v_setting.o_role, v_setting.o_setting,
                v_setting.o_value);
        end loop;
    end $$";

const SHOPS: &str = "holdfast.shops";
const LIST: &str = "holdfast.shop_codes";

/// Puts the list of shops on every node. Returns false if it is there already. Citus takes the
/// foreign key only after both of its tables are what they will be, and then wants one connection
/// to each node for the whole transaction.
async fn copy_list(transaction: &Transaction<'_>) -> Result<bool, Error> {
    let step = "copying the list of shops to every node";
    let known = "select exists (
        select from pg_dist_partition p where p.logicalrelid = 'holdfast.shop_codes'::regclass)";
    let known = transaction.query_typed_one(known, &[]).await;
    if known.map_err(failed(step))?.get(0) {
        return Ok(false);
    }
    let copied = transaction.batch_execute(LIST_COPY).await;
    copied.map_err(failed(step)).map(|()| true)
}

const LIST_COPY: &str = "
    set local citus.multi_shard_modify_mode = sequential;
    alter table holdfast.shops drop constraint shop_is_listed;
    select create_reference_table('holdfast.shop_codes')";

/// The same as its migration made.
const LIST_ADD: &str = "alter table holdfast.shops
    add constraint shop_is_listed foreign key (shop) references holdfast.shop_codes";

/// A node that was restored to an older moment may lack shops that came later.
const LIST_WHOLE: &str = "insert into holdfast.shop_codes (shop)
    select s.shop from holdfast.shops s on conflict do nothing";

/// An order's announcements are numbered behind all of its group, sent ones too
/// (`outbox_last_number`): a URL may wait for a message that the queue has. One server numbers by
/// its sequence, and has no such index.
const GROUPS: &str = "create index if not exists outbox_group_idx
    on holdfast.outbox_messages (shop, group_key, number)";

/// Early lock release is sound where the shop lives: there, the node that runs the call also
/// flushes its log. Through the coordinator it gains nothing. Citus would pass this setting on to
/// the nodes where the shops live, so it must not.
const EARLY_RELEASE_OFF: &str = "
    set local citus.enable_ddl_propagation = off;
    do $$ begin
        execute format('alter database %I set holdfast.early_release = off', current_database());
    end $$";

/// Citus copies the coordinator's setting to a node that is added.
const EARLY_RELEASE_ON: &str = "do $$ begin
    if (select g.groupid <> 0 from pg_dist_local_group g) then
        perform set_config('citus.enable_ddl_propagation', 'off', true);
        execute format('alter database %I reset holdfast.early_release', current_database());
    end if;
end $$";
