-- The codes of all shops, sorted, and where the node of a Citus cluster that owns each shop takes
-- connections. Host and port are null if there is no cluster, or if the coordinator has the shop.
-- Reads the list and the metadata alone, so other nodes may be down. No locks.
create or replace function holdfast.shop_list()
    returns table (o_shop text, o_host text, o_port integer)
language plpgsql stable security definer set search_path = holdfast, pg_temp as $$
declare
    v_shops text[] := array(select c.shop from shop_codes c order by c.shop);
begin
    -- PL/pgSQL: a server without Citus has none of these tables
    if to_regclass('pg_catalog.pg_dist_placement') is null then
        return query select s.shop, null::text, null::integer from unnest(v_shops) s (shop);
        return;
    end if;
    return query
        select s.shop, n.nodename::text, n.nodeport
        from unnest(v_shops) s (shop)
            left join pg_dist_placement p on p.groupid <> 0
                and p.shardid = get_shard_id_for_distribution_column('holdfast.shops', s.shop)
            left join pg_dist_node n on n.groupid = p.groupid and n.noderole = 'primary'
        order by s.shop collate "C";
end;
$$;
