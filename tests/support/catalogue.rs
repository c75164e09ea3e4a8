//! A database's schema as text that can be compared.

use std::collections::BTreeSet;

use tokio_postgres::Client;

/// Everything that a migration can make, one line each. Without the parentheses of constraints and
/// triggers: a dump writes `(a and b) and c` for `a and b and c`.
const LINES: &str = "
    with here as (select 'holdfast'::regnamespace::oid as schema)
    select 'schema: ' || coalesce((select string_agg(a.grantee::regrole::text || '=' ||
            a.privilege_type, ' ' order by a.grantee::regrole::text, a.privilege_type)
        from aclexplode(n.nspacl) a where a.grantee <> n.nspowner), '')
    from pg_namespace n, here where n.oid = schema
    union all
    select format('table %s: kind %s, persistence %s, options %s, grants %s', relname, relkind,
        relpersistence, reloptions, (select string_agg(a.grantee::regrole::text || '=' ||
            a.privilege_type, ' ' order by a.grantee::regrole::text, a.privilege_type)
        from aclexplode(relacl) a where a.grantee <> relowner))
    from pg_class, here where relnamespace = schema and relkind in ('r', 'p', 'v', 'm', 'S')
    union all
    select format('column %s.%s: %s, not null %s, collation %s, default %s', c.relname, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation,
        pg_get_expr(d.adbin, d.adrelid))
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum, here
    where c.relnamespace = schema and c.relkind in ('r', 'p', 'v', 'm', 'c') and not a.attisdropped
    union all
    select format('constraint %s.%s: %s, valid %s', conrelid::regclass, conname,
        translate(pg_get_constraintdef(oid), '()', ''), convalidated)
    from pg_constraint, here where connamespace = schema
    union all
    select format('index %s, valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
    from pg_index i join pg_class c on c.oid = i.indexrelid, here where c.relnamespace = schema
    union all
    select format('trigger %s, enabled %s', translate(pg_get_triggerdef(t.oid), '()', ''),
        t.tgenabled)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid, here
    where c.relnamespace = schema and not t.tgisinternal
    union all
    select format('enum %s: %s', t.typname, string_agg(e.enumlabel, ', ' order by e.enumsortorder))
    from pg_type t join pg_enum e on e.enumtypid = t.oid, here
    where t.typnamespace = schema group by t.typname
    union all
    select format('routine %s: grants %s: %s', p.oid::regprocedure,
        (select string_agg(case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
            ' ' order by a.grantee) from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
            a where a.grantee <> p.proowner), pg_get_functiondef(p.oid))
    from pg_proc p, here where p.pronamespace = schema";

/// Tables, columns, constraints, indexes, triggers, types, routines and grants of the schema.
pub async fn catalogue(client: &Client) -> BTreeSet<String> {
    let rows = client.query(LINES, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The lines that only one of the two has.
pub fn differences(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Vec<String> {
    a.symmetric_difference(b).cloned().collect()
}
