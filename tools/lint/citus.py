"""Refuses what a Citus cluster can't run: the routines, the triggers and the tables are the same
there as on PostgreSQL alone (docs/scaling.md). Each rule says what to write instead.

It reads text, and knows little of SQL: it finds the usual forms of a mistake. `make test-citus`
finds the others, and needs an installation with Citus.
"""

import re
import sys
from pathlib import Path

MIGRATIONS = Path("migrations")
# The last file that was written for PostgreSQL alone. Its tables are distributed as they are.
BEFORE = "V0016"
# Tables of the runner: they stay on the coordinator.
LOCAL = ("schema_",)
# What Citus would have to compute for each row, on the shard.
VOLATILE = r"\b(clock_timestamp|statement_timestamp|random|gen_random_uuid|set_config)\s*\("
STABLE = r"\b(now|make_interval|age|to_char)\s*\(|\bcurrent_(date|timestamp)\b"

# Each must be found, or this linter does not work. Some have two forms.
WRONG = {
    "an SQL function over tables": """language sql as $$
        select s.name from shops s where s.shop = p_shop $$;""",
    "a volatile function in an UPDATE": """language plpgsql as $$ begin
        update skus k set retired_at = clock_timestamp() where k.shop = p_shop; end $$;""",
    "a function of the time in CASE or COALESCE of an UPDATE": """language plpgsql as $$ begin
        update skus k set retired_at = coalesce(k.retired_at, now()) where k.shop = p_shop;
        end $$;""",
    "a volatile function in ON CONFLICT": """language plpgsql as $$ begin
        insert into skus as k (shop, sku) values (p_shop, p_sku) on conflict (shop, sku)
        do update set retired_at = clock_timestamp(); end $$;""",
    "a function of the time in ON CONFLICT": """language plpgsql as $$ begin
        insert into skus as k (shop, sku) values (p_shop, p_sku) on conflict (shop, sku)
        do update set retired_at = now() where k.retired_at is null; end $$;""",
    "CASE with a value in a write": """language plpgsql as $$ begin
        update skus k set title = case p_word when 'a' then 'b' end where k.shop = p_shop;
        end $$;""",
    "a query in the values of an INSERT": """language plpgsql as $$ begin
        insert into skus (shop, title) values (p_shop, (select s.name from shops s
            where s.shop = p_shop)); end $$;""",
    "a join in the query of an INSERT": """language plpgsql as $$ begin
        insert into skus (shop, title) select s.shop, k.title from shops s
            left join skus k on k.shop = s.shop where s.shop = p_shop; end $$;""",
    "a routine that reads tables, in a query over tables": """language plpgsql as $$ begin
        return (select jsonb_agg(sku_read(p_shop, k.sku)) from skus k where k.shop = p_shop);
        end $$;""",
    "a table's row as a parameter": """language plpgsql as $$ begin
        return (select hold_describe(h) from holds h where h.shop = p_shop); end $$;""",
    "how many rows an INSERT of a query wrote": """language plpgsql as $$ begin
        insert into skus (shop, sku) select p_shop, n.sku from unnest(p_skus) n (sku)
        on conflict do nothing;
        get diagnostics v_written = row_count; end $$;""",
    "a trigger's row as a parameter": """language plpgsql as $$ begin
        new.title := hold_describe(new); return new; end $$;""",
    "a time of the row and an interval in an UPDATE": """language plpgsql as $$ begin
        update holds h set expires_at = h.expires_at + interval '1 minute'
        where h.shop = p_shop; end $$;""",
    "a query about the row in an UPDATE": ("""language plpgsql as $$ begin
        update skus k set title = (select s.name from shops s where s.shop = k.shop)
        where k.shop = p_shop; end $$;""", """language plpgsql as $$ begin
        update skus set title = (select s.name from shops s where s.shop = skus.shop)
        where skus.shop = p_shop; end $$;"""),
    "an array of rows without a type": """language plpgsql as $$ begin
        select array_agg(page) into v_all from (select * from skus k where k.shop = p_shop) page;
        end $$;""",
    "a table without its shop": ("""language plpgsql as $$ begin
        return exists (select from holds h where h.sku = p_sku); end $$;""",
        """language plpgsql as $$ begin
        return exists (select from shops s join holds h on h.sku = p_sku
            where s.shop = p_shop); end $$;"""),
    "one query for one shop or all": """language plpgsql as $$ begin
        return (select count(*) from shops s where p_shop is null or s.shop = p_shop); end $$;""",
    "a relation with the shops of other nodes": """(p_shops text[]) language plpgsql as $$ begin
        return (select count(*) from shops s where (p_shops is null or s.shop = any (p_shops))
            and exists (select from holds h where h.shop = s.shop)); end $$;""",
    "a generic plan": """language plpgsql
        set plan_cache_mode = force_generic_plan as $$ begin null; end $$;""",
    "an unlogged table": "create unlogged table holdfast.drafts (shop text);",
    "a sequence": "create table holdfast.drafts (shop text, nth bigint generated always as identity);",
    "a constraint beside another change in one ALTER": """alter table holdfast.skus
        add column a text, add constraint b check (true);""",
}
WHY = {
    "an SQL function over tables":
        "Citus can't plan a query of an SQL function with parameters: use PL/pgSQL",
    "a volatile function in an UPDATE": "assign it to a variable first",
    "a function of the time in CASE or COALESCE of an UPDATE": "assign it to a variable first",
    "a volatile function in ON CONFLICT": "assign it to a variable first",
    "a function of the time in ON CONFLICT":
        "assign it to a variable first, or write `excluded.retired_at`",
    "CASE with a value in a write": "write `case when x = 'a' then …`",
    "a query in the values of an INSERT": "read it into a variable first",
    "a join in the query of an INSERT": "read the values into variables or arrays first",
    "a routine that reads tables, in a query over tables":
        "a shard can't begin a query over shards: call it in another statement",
    "a table's row as a parameter":
        "a shard has another row type: `from (select * from holds …) h`, or a %rowtype variable",
    "how many rows an INSERT of a query wrote":
        "Citus answers how many rows it read: count what a CTE with RETURNING returns",
    "a trigger's row as a parameter": "assign it to a %rowtype variable first",
    "a time of the row and an interval in an UPDATE":
        "the sum depends on the session's zone: read the time into a variable first",
    "a query about the row in an UPDATE": "read it into a variable first, or loop",
    "an array of rows without a type":
        "rows without a type can't come from another node: `array_agg(page::skus)`",
    "a table without its shop": "Citus finds the shard by it: `h.shop = p_shop`",
    "one query for one shop or all": "Citus can't tell the shard: write two queries, or a loop",
    "a relation with the shops of other nodes":
        "one of them may be down: `(p_shops is null or h.shop = any (p_shops))`, or `= v_shop`",
    "a generic plan": "Citus plans a statement for its shop: see order/internal/complete.sql",
    "an unlogged table": "a shard of it can't be moved while the shop sells",
    "a sequence": "each node numbers in a range of its own, and shops move: see outbox_last_number",
    "a constraint beside another change in one ALTER": "Citus takes it alone: two statements",
}


def without_comments(text):
    return re.sub(r"--[^\n]*", "", text)


def tables():
    """The distributed tables."""
    text = "".join(f.read_text() for f in sorted(MIGRATIONS.glob("V*.sql")))
    found = re.findall(r"create (?:unlogged )?table holdfast\.(\w+)", text)
    return {name for name in found if not name.startswith(LOCAL)}


TABLES = tables()
TABLE = rf"(?:holdfast\.)?(?:{'|'.join(sorted(TABLES))})\b(?!\()"
# `from holds h`, `join holds h`, `update holds h`.
RELATION = re.compile(rf"\b(?:from|join|update|using|into)\s+({TABLE})(?:\s+as)?\s+(\w+)?")
NO_ALIAS = {"on", "set", "where", "values", "order", "limit", "for", "group", "left", "join",
    "cross", "default", "returning", "select", "union"}


def name_of(file):
    parts = file.relative_to(MIGRATIONS / "routines").with_suffix("").parts
    return "_".join(part for part in parts if part != "internal")


def read():
    """The text of each routine, by its name."""
    return {name_of(f): without_comments(f.read_text())
        for f in sorted((MIGRATIONS / "routines").rglob("*.sql"))}


def calls(text, names):
    return {name for name in re.findall(r"\b(\w+)\s*\(", text) if name in names}


def that_read_tables(routines):
    """The routines that read or write tables, themselves or through others."""
    found = {n for n, text in routines.items() if RELATION.search(text)}
    while True:
        more = {n for n, text in routines.items()
            if n not in found and calls(text.split("$$", 1)[-1], found)}
        if not more:
            return found
        found |= more


def with_row_parameters(routines):
    row = rf"\bp_\w+ holdfast\.(?:{'|'.join(sorted(TABLES))})\b"
    return {n for n, text in routines.items() if re.search(row, text.split("$$")[0])}


def statements(body):
    """The statements of a body, roughly: an IF or a loop is divided from what is inside."""
    return re.split(r";|\bthen\n|\bloop\n|\belse\n|\bbegin\n|\bthen\s+(?=select|update|insert)",
        body)


def aliases(statement):
    found = {}
    for table, alias in RELATION.findall(statement):
        table = table.removeprefix("holdfast.")
        found[alias if alias and alias not in NO_ALIAS else table] = table
    return found


def of_statement(statement, reading, taking_rows):
    """The mistakes in one statement."""
    known = aliases(statement)
    writes = re.search(rf"\b(?:update|delete from)\s+{TABLE}", statement)
    update = statement[writes.start():] if writes else ""
    insert = re.search(rf"\binsert into\s+{TABLE}", statement)
    inserted = statement[insert.start():] if insert else ""
    if re.search(VOLATILE, update):
        yield "a volatile function in an UPDATE"
    changes = re.split(r"\b(?:where|returning)\b|\bfrom\b(?!.*\bset\b)", update, maxsplit=1)[0]
    if re.search(r"\b\w+\.\w+\s*[+-][^,;]*\binterval\b", changes):
        yield "a time of the row and an interval in an UPDATE"
    updated = re.match(
        r"update\s+(?:holdfast\.)?(\w+)(?:\s+(?:as\s+)?(\w+))?\s+set\b", update)
    for query in re.findall(r"\(\s*select\b(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", update):
        assigned = update[:update.index(query)]
        if updated and not re.search(r"\b(?:where|from)\b", assigned) and re.search(
            rf"\b{updated[2] or updated[1]}\.", query
        ):
            yield "a query about the row in an UPDATE"
    if any(re.search(rf"\b{f}\s*\(\s*(?:new|old)\s*[,)]", statement) for f in taking_rows):
        yield "a trigger's row as a parameter"
    inner = re.findall(r"\bcase\b.*?\bend\b|\bcoalesce\((?:[^()]|\([^()]*\))*\)", update, re.S)
    if any(re.search(STABLE, part) for part in inner):
        yield "a function of the time in CASE or COALESCE of an UPDATE"
    if re.search(r"\bcase\s+(?!when\b)\S", update + inserted):
        yield "CASE with a value in a write"
    values, _, conflict = inserted.partition("on conflict")
    if re.search(VOLATILE, conflict):
        yield "a volatile function in ON CONFLICT"
    # there Citus takes no function that is not immutable, alone or in an expression
    if re.search(STABLE, conflict):
        yield "a function of the time in ON CONFLICT"
    if re.search(r"\bvalues\s*\(.*\(\s*select\b", values, re.S):
        yield "a query in the values of an INSERT"
    if len(aliases(values)) > 2 and re.search(r"\bselect\b", values):
        yield "a join in the query of an INSERT"
    if known and calls(statement, reading):
        yield "a routine that reads tables, in a query over tables"
    for alias in known:
        # not if a query in brackets has the same name
        if not re.search(rf"\)\s+{alias}\b", statement) and any(
            re.search(rf"\b{f}\s*\(\s*{alias}\s*[,)]", statement) for f in taking_rows
        ):
            yield "a table's row as a parameter"
        shop = rf"\b{alias}\.shop\b|insert into\s+(?:holdfast\.)?{known[alias]}\b"
        if not re.search(shop, statement):
            yield "a table without its shop"
    if known and re.search(r"\barray_agg\((page|few|\w)( order by [^)]*)?\)(?!::)", statement):
        yield "an array of rows without a type"
    if known and re.search(r"\bp_shop is null\b", statement):
        yield "one query for one shop or all"


def counts_too_many(statement):
    """Whether an INSERT of a query may leave rows out. What it returns is counted well."""
    values, conflict, action = statement.partition("on conflict")
    insert, _, query = values.partition("insert into")
    return (insert.strip() == "" and re.search(r"\bselect\b", query) and conflict
        and re.search(r"\bdo nothing\b|\bwhere\b", action) and "returning" not in action)


def of_routine(text, reading, taking_rows):
    """The mistakes in one routine."""
    head, *bodies = text.split("$$")
    body = bodies[0] if bodies else ""
    if re.search(r"\blanguage sql\b", head) and RELATION.search(body):
        yield "an SQL function over tables"
    if re.search(r"plan_cache_mode\s*=\s*force_generic_plan", head):
        yield "a generic plan"
    before = ""
    for statement in statements(body):
        yield from of_statement(statement, reading, taking_rows)
        if counts_too_many(before) and re.search(r"\b(?:found|row_count)\b", statement):
            yield "how many rows an INSERT of a query wrote"
        before = statement
        if re.search(r"\bp_shops text\[\]", head):
            found = [alias for _, alias in RELATION.findall(statement)]
            for alias in set(found):
                named = rf"\b{alias}\.shop = (?:any \(p_shops\)|v_shop\b)"
                if len(re.findall(named, statement)) < found.count(alias):
                    yield "a relation with the shops of other nodes"


def of_migration(text):
    """The mistakes in a versioned file."""
    if re.search(r"\bcreate unlogged\b", text):
        yield "an unlogged table"
    if re.search(r"\bcreate sequence\b|\b(?:big|small)?serial\b|\bas identity\b", text):
        yield "a sequence"
    for alter in re.findall(r"\balter table\b[^;]*;", text):
        changes = re.findall(r"\b(?:add|drop|alter) (?:column|constraint)\b", alter)
        if len(changes) > 1 and any("constraint" in change for change in changes):
            yield "a constraint beside another change in one ALTER"


def main():
    routines = read()
    reading, taking_rows = that_read_tables(routines), with_row_parameters(routines)
    for mistake, texts in WRONG.items():
        for text in [texts] if isinstance(texts, str) else texts:
            found = {*of_routine(text, reading, taking_rows), *of_migration(text)}
            if mistake not in found:
                sys.exit(f"citus: did not find {mistake}, but {found}: {text}")
    found = []
    for name, text in routines.items():
        found += [(name, what) for what in of_routine(text, reading, taking_rows)]
    for file in sorted(MIGRATIONS.glob("V*.sql")):
        if file.stem.split("__")[0] > BEFORE:
            text = without_comments(file.read_text())
            found += [(file.stem, what) for what in of_migration(text)]
            for routine in re.split(r"(?=\bcreate (?:or replace )?function\b)", text)[1:]:
                found += [(file.stem, what) for what in of_routine(routine, reading, taking_rows)]
    for where, what in dict.fromkeys(found):
        print(f"{where}: {what}. {WHY[what]}")
    print(f"citus: {len(routines)} routines checked")
    sys.exit(bool(found))


main()
