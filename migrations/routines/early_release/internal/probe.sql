-- How this server can flush, and why: `message` where the server is PostgreSQL itself and takes the
-- message, otherwise `row-lock`. pg_logical_emit_message is PostgreSQL's own way to write a record.
-- What a server with another storage does with the record is not documented, while logical
-- replication is off.
create or replace function holdfast.early_release_probe(
    p_version text default version(), out o_way text, out o_why text)
language plpgsql set search_path = holdfast, pg_temp as $$
begin
    o_why := case
        when exists (select from pg_proc p where p.proname = 'aurora_version')
            then 'the server is Aurora'
        when exists (select from pg_roles r where r.rolname = 'alloydbsuperuser')
            then 'the server is AlloyDB'
        when exists (select from pg_roles r where r.rolname = 'neon_superuser')
            then 'the server is Neon'
        -- Forks put their own name or number after PostgreSQL's, also in brackets. Only the
        -- packages of Debian and Ubuntu put anything there and are PostgreSQL itself.
        when p_version !~ ('^PostgreSQL [0-9]+([.][0-9]+|beta[0-9]+|rc[0-9]+|devel)?'
                '( [(](Debian|Ubuntu) [0-9][^() ]*[)])?( on |$)')
            then 'the server is not known: ' || left(p_version, 60)
    end;
    o_why := coalesce(o_why, 'the server refuses the message: ' || early_release_refused());
    o_way := case when o_why is null then 'message' else 'row-lock' end;
    o_why := coalesce(o_why, 'the server is ' || split_part(p_version, ' on ', 1));
end;
$$;
