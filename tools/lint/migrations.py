"""Runs Squawk on unreleased migrations. It finds long locks, and drops of what the previous release
still uses. Released migrations can no longer change.

A file runs in a transaction unless its first line is `-- migrate: outside a transaction`. Some of
Squawk's rules depend on that.
"""

import re
import subprocess
import sys
from pathlib import Path

SQUAWK = Path(sys.executable).parent / "squawk"
CONFIG = "tools/lint/squawk.toml"
ONLINE = "-- migrate: outside a transaction\n"
# Squawk must find these, or it does not work.
WRONG = {
    "in a transaction": (True, "create index skus_idx on holdfast.skus (title);"),
    "outside of one": (False, "alter table holdfast.skus drop column title;"),
    "a routine": (True, "drop function holdfast.order_read(text, uuid, text);"),
}


def released():
    """The files that any release has applied."""
    found = set()
    for dump in Path("tests/releases").glob("*/database.dump"):
        rows = dump.read_text().split("INSERT INTO holdfast.schema_history VALUES")[1]
        found |= set(re.findall(r"^\s*\('(V\w+)', '", rows.split(";")[0], re.M))
    return found


def findings(in_transaction, name, text):
    command = [SQUAWK, "--config", CONFIG, "--reporter", "gcc", "--stdin-filepath", name]
    if in_transaction:
        command.append("--assume-in-transaction")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return [done.stdout + done.stderr] if done.returncode else []


def main():
    for what, (in_transaction, text) in WRONG.items():
        if not findings(in_transaction, "wrong.sql", text):
            sys.exit(f"migrations: {what}: Squawk missed a bad statement: {text}")
    done = released()
    files = sorted(Path("migrations").glob("V*.sql"))
    files = [f for f in files if f.stem not in done]
    files += sorted(Path("tests/fixtures/next_release").glob("V*.sql"))
    found = []
    for file in files:
        text = file.read_text()
        found += findings(not text.startswith(ONLINE), str(file), text)
    print(*found, sep="\n")
    print(f"migrations: {len(files)} files checked")
    sys.exit(bool(found))


main()
