"""Signs the golden webhooks, and checks them with the gateways' own client libraries.

`golden.py` signs every file of tests/fixtures/webhooks anew, for example after an edit of a body.
`golden.py --check` fails if a file is not what signing writes, if the gateway's library rejects
it, or if the library accepts a changed body.
"""

import base64
import hashlib
import hmac
import importlib.metadata
import json
import pathlib
import sys

import razorpay
import stripe
from cashfree_pg.api_client import Cashfree

FIXTURES = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "webhooks"
# Changed bytes that are tried per body, spread evenly.
CHANGES = 40


def digest(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


def sign_cashfree(entry):
    # Cashfree signs milliseconds; any will do.
    timestamp = f"{entry['signed_at']}733"
    signature = digest(entry["secrets"][0], timestamp + entry["body"]).digest()
    encoded = base64.b64encode(signature).decode()
    return {"x-webhook-timestamp": timestamp, "x-webhook-signature": encoded}


def verify_cashfree(body, headers, secret):
    library = Cashfree(Cashfree.SANDBOX, XClientId="id", XClientSecret=secret)
    signature, timestamp = headers["x-webhook-signature"], headers["x-webhook-timestamp"]
    library.PGVerifyWebhookSignature(signature, body, timestamp)


def sign_stripe(entry):
    make = stripe.WebhookSignature.generate_signature_header
    new, *old = (make(entry["body"], key, entry["signed_at"]) for key in entry["secrets"])
    for header in old:
        # While a secret is replaced, both sign. Nobody accepts the scheme v0.
        new = new.replace(",v1=", f",v1={header.split(',v1=')[1]},v1=") + ",v0=" + "0" * 64
    return {"stripe-signature": new}


def verify_stripe(body, headers, secret):
    header = headers["stripe-signature"]
    if json.loads(body)["object"] == "event":
        stripe.Webhook.construct_event(body, header, secret, tolerance=None)
    else:
        stripe.WebhookSignature.verify_header(body, header, secret)


def sign_razorpay(entry):
    return {"x-razorpay-signature": digest(entry["secrets"][0], entry["body"]).hexdigest()}


def verify_razorpay(body, headers, secret):
    client = razorpay.Client(auth=("rzp_test_key", "unused"))
    client.utility.verify_webhook_signature(body, headers["x-razorpay-signature"], secret)


# The library's distribution, what it does for us, our signer, and its verifier.
GATEWAYS = {
    "cashfree": ("cashfree-pg", "verified", sign_cashfree, verify_cashfree),
    "razorpay": ("razorpay", "verified", sign_razorpay, verify_razorpay),
    "stripe": ("stripe", "signed and verified", sign_stripe, verify_stripe),
}


def signed(entry):
    """The file's entry, with what depends on its body and on the library."""
    name, did, sign, _ = GATEWAYS[entry["gateway"]]
    body = json.loads(entry["body"])
    return entry | {
        "event": body.get("event") or body.get("type"),
        "library": {"name": name, "version": importlib.metadata.version(name), "did": did},
        "headers": entry["headers"] | sign(entry),
    }


def changed(body):
    """Descriptions of changed bodies, and the bodies."""
    for index in range(0, len(body), max(1, len(body) // CHANGES)):
        other = "0" if body[index] != "0" else "1"
        yield f"a change of character {index}", body[:index] + other + body[index + 1 :]
    yield "an added line", body + "\n"


def complaints(entry):
    verify = GATEWAYS[entry["gateway"]][3]
    for secret in entry["secrets"]:
        verify(entry["body"], entry["headers"], secret)
    for what, body in changed(entry["body"]):
        try:
            verify(body, entry["headers"], entry["secrets"][0])
        # Each library raises its own exceptions, one of them nothing but this.
        except Exception:
            continue
        yield f"the library accepts {what}"


def main(check):
    wrong = []
    paths = sorted(FIXTURES.glob("*/*.json"))
    for path in paths:
        text = path.read_text()
        entry = signed(json.loads(text))
        wrong += [f"{path.name}: {complaint}" for complaint in complaints(entry)]
        new = json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(new)
        elif new != text:
            wrong.append(f"{path.name}: differs from what tools/golden/run writes")
    for line in wrong:
        print(f"golden: {line}", file=sys.stderr)
    print(f"golden: {len(paths)} webhooks, {len(wrong)} complaints")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
