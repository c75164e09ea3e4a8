-- The node of a Citus cluster that owns a shop: where it takes connections. Null if there is no
-- cluster, or if the coordinator has the shop: its caller knows the way. Reads the metadata alone,
-- so the node itself may be down. Locks nothing. PL/pgSQL: a server without Citus has none of these
-- tables.
create or replace function holdfast.shop_node(
    p_shop text, out o_host text, out o_port integer)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
begin
    if to_regclass('pg_catalog.pg_dist_placement') is null then
        return;
    end if;
    select n.nodename, n.nodeport into o_host, o_port
    from pg_dist_placement p
        join pg_dist_node n on n.groupid = p.groupid and n.noderole = 'primary'
    where p.shardid = get_shard_id_for_distribution_column('holdfast.shops', p_shop)
        and p.groupid <> 0;
end;
$$;
