"""Makes the bills of materials portable, and checks that each is valid and complete.

Valid: it fits the schema of CycloneDX 1.5. Complete: it has every crate and version that `cargo tree`
lists for the function. It may have more, because it uses the features of the whole workspace.
"""

import json
import pathlib
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def crates(function, processor):
    """Name and version of each crate that a function links or builds with."""
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
        yield f"is not CycloneDX 1.5: {str(invalid).splitlines()[0]}"
    bill = json.loads(text)
    components = bill["components"] + [bill["metadata"]["component"]]
    listed = {(component["name"], component["version"]) for component in components}
    wanted = crates(function, processor)
    if len(wanted) < 50:
        yield f"has only {len(wanted)} crates by cargo tree"
    for crate, version in sorted(wanted - listed):
        yield f"lacks {crate} {version}"
    unlicensed = [c["name"] for c in components if not c.get("licenses")]
    if unlicensed:
        yield f"has no licence for {', '.join(unlicensed)}"
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
