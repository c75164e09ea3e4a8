"""What the check does, in this order, and what it costs."""

import json
from dataclasses import dataclass
from pathlib import Path

PRICES = Path(__file__).parent.parent / "cost" / "prices.json"
# The longest run, everything included.
HOURS = 4
# Mean capacity of one instance while it works: it grows for the rushes only.
ACU = 6
# Interface endpoints in two zones: Secrets Manager and SQS.
ENDPOINTS = 4
ALARMS = 48
METRICS = 65
HOURS_OF_A_MONTH = 730


@dataclass(frozen=True)
class Step:
    name: str
    minutes: int
    settles: str


STEPS = (
    Step("preflight", 1, "tools, quotas, zones and the engine's version suffice"),
    Step("deploy", 45, "the template deploys with a database of its own; a unit is sold"),
    Step("flush", 3, "the server takes the message of early release, and its commit waits"),
    Step("holds", 5, "early release on and off: holds a second of one hot sku"),
    Step("doors", 2, "each entrance with and without rights"),
    Step("crash", 15, "what was acknowledged survives a crash; without the flush some is lost"),
    Step("canary", 12, "a second deployment moves a tenth of the traffic first"),
    Step("rush", 3, "a crowd meets cold functions; nobody gets a unit twice"),
    Step("rollback", 15, "an alarm rolls a release back; ReleaseGuard=off lets one pass"),
    Step("delete", 25, "the stack goes, and what stays is listed and deleted"),
)


def costs():
    """(what, USD) of a run. Prices are those of docs/cost.md: another region differs."""
    price = {entry["key"]: entry["usd"] for entry in json.loads(PRICES.read_text())["prices"]}
    month = HOURS / HOURS_OF_A_MONTH
    return [
        ("the database", HOURS * ACU * price["acu"]),
        ("endpoints of the network", HOURS * ENDPOINTS * price["endpoints"]),
        ("200,000 requests to the HTTP API, and their functions",
         0.2 * (price["api_requests"] + price["lambda_requests"]) + 0.2),
        ("alarms and metrics", month * (ALARMS * price["alarms"] + METRICS * price["metrics"])),
        ("a key and secrets, until they are gone", 1.0),
        ("logs", 1 * price["logs_in"]),
    ]


def text(skipped):
    lines = ["What it does:"]
    for step in STEPS:
        mark = "-" if step.name in skipped else "•"
        what = f"{step.settles} (skipped)" if step.name in skipped else step.settles
        lines.append(f"  {mark} {step.name:<10} {step.minutes:>3} min  {what}")
    lines.append(f"  together about {sum(step.minutes for step in STEPS)} minutes")
    lines.append("What it costs, at the prices of docs/cost.md, for up to "
                 f"{HOURS} hours:")
    rows = costs()
    lines += [f"  {usd:6.2f} USD  {what}" for what, usd in rows]
    lines.append(f"  {sum(usd for _, usd in rows):6.2f} USD  together; AWS may bill more")
    return "\n".join(lines)
