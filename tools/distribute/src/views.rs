//! The views of `holdfast_read`, for a person who reads by SQL.
//!
//! On PostgreSQL alone a view reads with its owner's rights. Citus sends its query to the shards
//! with the reader's own rights, and the reader has none there. So here each view reads from a
//! function with the owner's rights, and shows the same columns. Rejected: rights on the columns of
//! the shards. They would show the checkout ids that the views hide, and a moved shard loses them.

use tokio_postgres::Client;

use crate::error::{Error, failed};

/// Changes nothing about a view that reads from its function already. A migration that makes a view
/// again makes it read from the tables.
///
/// # Errors
/// When a statement fails. Then nothing has changed.
pub(crate) async fn read_as_owner(client: &mut Client) -> Result<(), Error> {
    let step = "letting the views read as the owner";
    let transaction = client.transaction().await.map_err(failed(step))?;
    for statements in [BEGIN, VIEWS, RIGHTS] {
        let done = transaction.batch_execute(statements).await;
        done.map_err(failed(step))?;
    }
    transaction.commit().await.map_err(failed(step))
}

/// Without a search path, `pg_get_viewdef` writes every schema out. The nodes get the functions one
/// after another, as `holdfast migrate` does it.
const BEGIN: &str = "
    set local citus.multi_shard_modify_mode = 'sequential';
    set local role holdfast_owner;
    set local search_path = pg_catalog, pg_temp";

/// The columns keep their collation: `create or replace view` can't change it, and a comparison of
/// two collations uses no index.
const VIEWS: &str = r#"do $do$
declare
    v_view record;
    v_function text;
begin
    for v_view in
        select c.relname as name, rtrim(pg_get_viewdef(c.oid), ';') as query,
            string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                order by a.attnum) as columns,
            string_agg(format('r.%I', a.attname)
                || case a.attcollation when '"C"'::regcollation then ' collate "C"' else '' end,
                ', ' order by a.attnum) as shown
        from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'holdfast_read'::regnamespace and c.relkind = 'v'
            and exists (
                select from pg_rewrite w
                    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                        and d.refclassid = 'pg_class'::regclass
                    join pg_dist_partition p on p.logicalrelid = d.refobjid
                where w.ev_class = c.oid)
        group by c.oid, c.relname
    loop
        v_function := format('holdfast_read.%I()', v_view.name || '_rows');
        execute format('drop function if exists %s', v_function);
        execute format($create$
            create function %s returns table (%s)
            language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
            #variable_conflict use_column
            declare
                v_shop text := nullif(current_setting('holdfast.shop', true), '');
            begin
                if v_shop is null then
                    return query %s;
                else
                    -- one node, and its index
                    return query select * from (%s) r where r.shop = v_shop;
                end if;
            end;
            $$$create$, v_function, v_view.columns, v_view.query, v_view.query);
        execute format('create or replace view holdfast_read.%I as select %s from %s r',
            v_view.name, v_view.shown, v_function);
    end loop;
end;
$do$"#;

/// Without the guide's default privilege, a node that was added lets PUBLIC execute every function.
const RIGHTS: &str = "do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select p.oid from pg_proc p where p.pronamespace = 'holdfast_read'::regnamespace
    loop
        execute format('revoke all on function %s from public', v_function);
        execute format('grant execute on function %s to holdfast_readonly', v_function);
    end loop;
end;
$$";
