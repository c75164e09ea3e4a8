"""Lines up to 100 columns and files up to 600 lines, of Rust and SQL (CONTRIBUTING.md)."""

import sys
from pathlib import Path

LINE_COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FOLDERS = ["functions", "shared", "tools", "tests", "migrations"]
ENDINGS = {".rs", ".sql"}


def can_be_broken(line):
    """A line without a place to break it (a URL, a long text) may be longer."""
    return max(map(len, line.split()), default=0) < LINE_COLUMNS_MAX - 20


def findings(name, text):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX and can_be_broken(line):
            yield f"{name}:{number}: {len(line)} columns, {LINE_COLUMNS_MAX} are the most"
    count = text.count("\n")
    if count > FILE_LINES_MAX:
        yield f"{name}: {count} lines, {FILE_LINES_MAX} are the most"


def main():
    # Each must be found, or this linter does not work.
    if not list(findings("", "word " * 21)) or not list(findings("", "word\n" * 601)):
        sys.exit("lengths: the linter misses what it must find")
    files = [
        path
        for folder in FOLDERS
        for path in sorted(Path(folder).rglob("*"))
        if path.suffix in ENDINGS and path.is_file()
    ]
    if not files:
        sys.exit("lengths: no file to read")
    wrong = [found for path in files for found in findings(path, path.read_text())]
    for found in wrong:
        print(found, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
