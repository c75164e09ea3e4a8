"""Golden webhooks: signed as the gateways sign, and accepted by their own client libraries.

`golden.py` writes tests/fixtures/webhooks/<gateway>/<case>.json. `golden.py --check` says whether
what lies there is what would be written, whether each library accepts its own, and whether it
refuses it as soon as a byte of the body is another.
"""

import importlib.metadata
import json
import pathlib
import sys

import of_cashfree
import of_razorpay
import of_stripe

FIXTURES = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "webhooks"
GATEWAYS = {"cashfree": of_cashfree, "razorpay": of_razorpay, "stripe": of_stripe}


def fixture(name, gateway, case):
    signature, how = gateway.sign(case)
    secrets = [gateway.SECRET] + ([gateway.OLD_SECRET] if case.old_secret else [])
    body = json.loads(case.body)
    return {
        "gateway": name,
        "event": body.get("event") or body.get("type"),
        "what": case.what,
        "documented": case.documented,
        "library": {
            "name": gateway.DISTRIBUTION,
            "version": importlib.metadata.version(gateway.DISTRIBUTION),
            "did": how,
        },
        "signed_at": case.sent_at,
        "secrets": secrets,
        "headers": case.headers | signature,
        "body": case.body,
    }


def refuses(gateway, entry, body):
    """Whether the library refuses another body under the same signature."""
    try:
        gateway.verify(body, entry["headers"], entry["secrets"][0])
    except Exception:  # each library has an exception of its own, and one has none but this
        return True
    return False


def complaints(gateway, entry):
    for secret in entry["secrets"]:
        gateway.verify(entry["body"], entry["headers"], secret)
    body = entry["body"]
    for place in range(0, len(body), max(1, len(body) // 40)):
        other = "0" if body[place] != "0" else "1"
        if not refuses(gateway, entry, body[:place] + other + body[place + 1 :]):
            yield f"a changed byte {place} is accepted"
    if not refuses(gateway, entry, body + "\n"):
        yield "an added byte is accepted"


def main(check):
    wrong, written = [], set()
    for name, gateway in GATEWAYS.items():
        for case in gateway.all_cases():
            entry = fixture(name, gateway, case)
            path = FIXTURES / name / f"{case.name}.json"
            wrong += [f"{path.name}: {complaint}" for complaint in complaints(gateway, entry)]
            text = json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
            if path in written:
                wrong.append(f"{path.name}: there are two")
            written.add(path)
            if check:
                found = path.read_text() if path.exists() else "{}"
                if found != text:
                    wrong.append(f"{path.name}: is not what golden.py writes")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for path in sorted(set(FIXTURES.glob("*/*.json")) - written):
        wrong.append(f"{path.name}: nobody makes it")
    for line in wrong:
        print(f"golden: {line}", file=sys.stderr)
    print(f"golden: {len(written)} webhooks, {len(wrong)} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
