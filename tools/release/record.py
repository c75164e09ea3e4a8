"""Writes a release's fixture from a running stack; tools/release/record runs it."""

import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys

DATABASE = os.environ["HOLDFAST_DATABASE_SUPERUSER"]
TREE = pathlib.Path(os.environ["HOLDFAST_RECORD_TREE"])
OUT = pathlib.Path(os.environ["HOLDFAST_RECORD_OUT"])
NUMBER = os.environ["HOLDFAST_RECORD_NUMBER"]
NULL = "<null>"
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*([+-]\d\d(:\d\d)?|Z)?")
OTHER_ID = re.compile(r"(?!00000000-)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Who may call it, its kind, what it takes and what it answers.
ROUTINES = """
select json_agg(json_build_object(
    'name', p.proname, 'kind', p.prokind,
    'arguments', (select coalesce(string_agg(t::regtype::text, ', ' order by place), '')
        from unnest(p.proargtypes::oid[]) with ordinality a (t, place)),
    'returns', p.prorettype::regtype::text, 'set', p.proretset,
    'columns', (select coalesce(json_agg(json_build_array(a.name, a.type::regtype::text)
            order by a.place), '[]')
        from unnest(p.proargnames, p.proargmodes, p.proallargtypes) with ordinality
            a (name, mode, type, place)
        where a.mode in ('o', 'b', 't')),
    'roles', (select coalesce(json_agg(r.rolname order by r.rolname), '[]')
        from aclexplode(p.proacl) acl join pg_roles r on r.oid = acl.grantee
        where r.rolname <> pg_get_userbyid(p.proowner)))
    order by p.proname, p.oid::regprocedure::text)
from pg_proc p where p.pronamespace = 'holdfast'::regnamespace
    and p.prorettype <> 'trigger'::regtype"""
# A call of the pool in Rust: the statement, and the types of its parameters.
CALL = re.compile(r'\.call(?:_one)?\(\s*"((?:[^"\\]|\\.)*)"\s*,\s*&\[(.*?)\],?\s*\)\s*\.?', re.S)


def psql(role, *arguments):
    command = ["psql", "-X", "-q", "--csv", "-P", f"null={NULL}", "-v", "ON_ERROR_STOP=1", DATABASE]
    # The other roles have passwords, which only their processes know.
    become = ["-c", f"set session authorization {role}"]
    command += [*become, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"record: {arguments[-1]}\n{done.stderr}")
    return done.stdout


def scalar(sql):
    return next(csv.reader(io.StringIO(psql("postgres", "-t", "-c", sql))))[0]


def scrub(text):
    return OTHER_ID.sub("<uuid>", TIME.sub("<time>", text))


def play():
    """Every statement of the scenario with its answer."""
    calls, role = [], "owner"
    for part in re.split(r";\n", pathlib.Path("tests/releases/scenario.sql").read_text()):
        for line in re.findall(r"^-- as (\w+)$", part, re.M):
            role = line
        sql = "\n".join(l for l in part.splitlines() if l and not l.startswith("--"))
        if not sql:
            continue
        answer = psql("postgres" if role == "owner" else role, "-c", sql)
        rows = list(csv.DictReader(io.StringIO(answer)))
        rows = [
            {name: None if value == NULL else scrub(value) for name, value in row.items()}
            for row in rows
        ]
        calls.append({"role": role, "sql": sql, "rows": rows})
    return calls


def statements():
    """What the functions send, read from the sources: each has the text and the types as constants."""
    found = []
    for path in sorted((TREE / "shared").rglob("*.rs")):
        text = path.read_text()
        for match in CALL.finditer(text):
            sql = re.sub(r"\\\n\s*", "", match[1])
            types = re.findall(r"Type::([A-Z0-9_]+)", match[2])
            found.append({"sql": sql, "types": types})
            wanted = max([int(n) for n in re.findall(r"\$(\d+)", sql)], default=0)
            if wanted != len(types):
                sys.exit(f"record: {path}: {sql} has {wanted} parameters, and {types}")
        mentioned = len(re.findall(r'"(?:select|call)[^"]*holdfast\.', text))
        if mentioned != len(CALL.findall(text)):
            sys.exit(f"record: {path}: {mentioned} statements, and not all of them understood")
    return found


def dump():
    binary = pathlib.Path(scalar("select setting from pg_config where name = 'BINDIR'")) / "pg_dump"
    command = [binary, "--schema=holdfast", "--no-owner", "--inserts", "--rows-per-insert=100"]
    done = subprocess.run([*command, DATABASE], capture_output=True, text=True, check=True)
    # psql's own commands, which a newer pg_dump writes, are no SQL.
    return re.sub(r"^\\.*\n", "", done.stdout, flags=re.M)


def write(name, content):
    (OUT / name).write_text(content)
    print(f"record: {OUT / name}, {len(content)} bytes")


def main():
    release = {"release": NUMBER, "statements": statements(), "routines": json.loads(scalar(ROUTINES))}
    calls = play()
    write("release.json", json.dumps(release, indent=1) + "\n")
    write("calls.json", json.dumps(calls, indent=1) + "\n")
    write("database.dump", dump())


main()
