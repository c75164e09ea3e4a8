"""Makes the bills of materials portable, and says whether each is valid and complete.

Valid: CycloneDX 1.5 by the standard's own schema, strictly. Complete: every crate, in its version,
that `cargo tree` says the function is made of is in it. There may be a few more: a bill is of the
whole workspace's choice of features, as `cargo build --workspace` makes it.
"""

import json
import pathlib
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def crates(function, processor):
    """(name, version) of all that cargo would link into a function or build it with."""
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "--package", function, "--edges", "normal,build"]
        + ["--target", f"{processor}-unknown-linux-gnu", "--prefix", "none", "--format", "{p}"],
        check=True,
        capture_output=True,
        text=True,
    )
    lines = (line.split() for line in tree.stdout.splitlines() if line)
    return {(words[0], words[1].removeprefix("v")) for words in lines}


def complaints(path):
    name = path.name.removesuffix(".cdx.json")
    function, processor = name.rsplit("-", 1)
    root = pathlib.Path.cwd().as_uri()
    text = path.read_text().replace(root, "file://.")
    path.write_text(text)
    invalid = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if invalid:
        yield f"is no CycloneDX 1.5: {str(invalid).splitlines()[0]}"
    bill = json.loads(text)
    components = bill["components"] + [bill["metadata"]["component"]]
    listed = {(component["name"], component["version"]) for component in components}
    wanted = crates(function, processor)
    if len(wanted) < 50:
        yield f"is compared with {len(wanted)} crates only"
    for crate, version in sorted(wanted - listed):
        yield f"lacks {crate} {version}"
    unlicensed = [c["name"] for c in components if not c.get("licenses")]
    if unlicensed:
        yield f"names no licence of {', '.join(unlicensed)}"
    print(f"  {name}: {len(bill['components'])} components, {len(wanted)} by cargo tree")


def main(folder):
    paths = sorted(pathlib.Path(folder).glob("*.cdx.json"))
    expected = 2 * len(list(pathlib.Path("functions").glob("*/src/main.rs")))
    wrong = []
    if len(paths) != expected:
        wrong.append(f"{len(paths)} bills, {expected} expected")
    for path in paths:
        wrong += [f"{path}: {complaint}" for complaint in complaints(path)]
    for line in wrong:
        print(f"sbom: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
