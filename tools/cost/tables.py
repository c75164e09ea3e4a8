"""Computes the tables of docs/cost.md from prices.json, assumptions.json and measured.json.

Without an argument it writes them into the document, between its markers; with --check it fails
when they are not what stands there. Put your own prices and assumptions into the files and run it.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "cost.md"
MILLION = 1_000_000
GB = 1_000_000_000


def read(name):
    return json.loads((HERE / name).read_text())


PRICES = read("prices.json")
ASSUMED = {entry["key"]: entry["value"] for entry in read("assumptions.json")}
MEASURED = read("measured.json")
PRICE = {price["key"]: price for price in PRICES["prices"]}


def idle_month():
    """Units of a month in which nobody comes, as (price, units, what they are)."""
    a = ASSUMED
    sweeps = a["hours"] * 60
    log = MEASURED["sweeper_log_bytes"] / MEASURED["sweeps"]
    log_gb = sweeps * (log + a["platform_log_bytes"] + a["metric_log_bytes"]) / GB
    polls = a["pollers"] * a["hours"] * 3600 / a["poll_s"]
    return [
        ("lambda_requests", sweeps / MILLION, "a sweep a minute"),
        ("lambda_gbs", sweeps * a["sweeper_ms"] / 1000 * a["other_gb"], "the same"),
        ("schedules", sweeps / MILLION, "the same"),
        ("sqs_requests", polls / MILLION, "Lambda polling the queue of payment events"),
        ("secrets", a["secrets"], ""),
        (
            "secret_calls",
            a["hours"] * 3600 / a["secret_ttl_s"] * a["sweeper_secrets"] / 10_000,
            "the sweeper's",
        ),
        ("logs_in", log_gb, ""),
        ("logs_kept", log_gb * a["log_months"], ""),
        ("metrics", a["metrics"], ""),
        ("alarms", a["alarms"], ""),
        ("kms_keys", a["kms_keys"], "of the alarms' topic"),
        ("dashboards", a["dashboards"], ""),
    ]


def database_month():
    """What `Database=create` adds to it."""
    a = ASSUMED
    return [
        ("acu", a["instances"] * a["acu_idle"] * a["hours"], "two instances at the least"),
        ("aurora_storage", a["database_gb"], ""),
        ("aurora_io", a["hours"] * 60 * 10 / MILLION, "ten writes a sweep"),
        ("endpoints", a["endpoint_zones"] * a["hours"], ""),
    ]


def way_out_month():
    """What `GatewaysSecretArn` adds to that: the way from the VPC to the gateways."""
    a = ASSUMED
    return [
        ("nat", a["hours"], "one, in one zone"),
        ("address", a["hours"], "its own"),
        ("nat_data", a["nat_gb"], ""),
    ]


def proxy_month():
    return [("proxy", ASSUMED["proxy_acu_min"] * ASSUMED["hours"], "from the least charge on")]


def per_order(key):
    return MEASURED[key] / MEASURED["orders_paid"]


def flash_hour():
    """Units of the hour, beyond what an idle one costs."""
    a = ASSUMED
    orders = a["orders"]
    api = orders * per_order("api_requests")
    webhooks = orders * per_order("webhook_requests")
    messages = orders * per_order("payment_messages")
    batches = orders * per_order("payment_batches")
    invocations = api + webhooks + batches
    gbs = (
        api * a["checkout_ms"] * a["checkout_gb"]
        + (webhooks * a["webhook_ms"] + batches * a["payments_ms"]) * a["other_gb"]
        + a["environments"] * a["init_ms"] * a["checkout_gb"]
    ) / 1000
    own = sum(per_order(f"{name}_log_bytes") for name in ("checkout", "webhook", "payments"))
    log_bytes = orders * own + api * a["access_log_bytes"]
    log_bytes += invocations * (a["platform_log_bytes"] + a["metric_log_bytes"])
    return [
        ("api_requests", api / MILLION, "every request of the crowd"),
        ("lambda_requests", invocations / MILLION, "those, webhooks, batches of events"),
        ("lambda_gbs", gbs, ""),
        ("sqs_requests", (messages + 2 * batches) / MILLION, "send; receive and delete a batch"),
        ("secret_calls", a["environments"] * 3600 / a["secret_ttl_s"] / 10_000, ""),
        ("logs_in", log_bytes / GB, ""),
        ("logs_kept", log_bytes / GB * a["log_months"], ""),
        ("transfer_out", api * a["answer_bytes"] / GB, "answers"),
    ]


def database_hour():
    a = ASSUMED
    grown = a["acu_flash"] - a["acu_idle"]
    return [
        ("acu", a["instances"] * grown, "both instances at the maximum"),
        ("aurora_io", a["orders"] * a["commits_per_order"] / MILLION, ""),
    ]


def cost(rows):
    return sum(units * PRICE[key]["usd"] for key, units, _ in rows)


def amount(number):
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 0.001 else f"{number:.1g}"


def bill(*parts):
    lines = ["| what | units | USD |", "| --- | --- | --- |"]
    for title, rows in parts:
        for key, units, note in rows:
            price = PRICE[key]
            what = price["what"] + (f" ({note})" if note else "")
            usd = units * price["usd"]
            lines.append(f"| {what} | {amount(units)} {price['unit']} | {usd:.2f} |")
        lines.append(f"| **{title}** | | **{cost(rows):.2f}** |")
    return "\n".join(lines)


def measured():
    names = [
        ("requests to the HTTP API", "api_requests"),
        ("webhooks", "webhook_requests"),
        ("payment events queued", "payment_messages"),
        ("batches of payment events", "payment_batches"),
        ("bytes logged by checkout", "checkout_log_bytes"),
        ("bytes logged by webhook", "webhook_log_bytes"),
        ("bytes logged by payments", "payments_log_bytes"),
    ]
    lines = ["| what | in the run | for each paid order |", "| --- | --- | --- |"]
    for what, key in names:
        lines.append(f"| {what} | {MEASURED[key]:,} | {per_order(key):,.1f} |")
    return "\n".join(lines)


def prices():
    lines = ["| what | USD | for each | source |", "| --- | --- | --- | --- |"]
    for price in PRICES["prices"]:
        usd = f"{price['usd']:.10f}".rstrip("0").rstrip(".")
        lines.append(f"| {price['what']} | {usd} | {price['unit']} | {price['source']} |")
    lines += ["", *(f"- {name}: {text}." for name, text in PRICES["sources"].items())]
    return "\n".join(lines)


def assumptions():
    lines = ["| what | value |", "| --- | --- |"]
    lines += [f"| {entry['what']} | {entry['value']:,} |" for entry in read("assumptions.json")]
    return "\n".join(lines)


def what_if():
    """How the totals answer to one changed assumption."""

    def changed(key, factor, rows):
        before, kept = cost(rows()), ASSUMED[key]
        ASSUMED[key] = kept * factor
        after = cost(rows())
        ASSUMED[key] = kept
        return after - before

    rows = [
        ("no standby", "month", changed("instances", 0.5, database_month)),
        ("an RDS Proxy", "month", cost(proxy_month())),
        ("half as many custom metrics", "month", changed("metrics", 0.5, idle_month)),
        ("each request billed twice as long", "hour", changed("checkout_ms", 2, flash_hour)),
        ("no access log", "hour", changed("access_log_bytes", 0, flash_hour)),
        ("a maximum of 4 ACU", "hour", changed("acu_flash", 0.25, database_hour)),
    ]
    lines = ["| if | of the | USD |", "| --- | --- | --- |"]
    lines += [f"| {what} | {of} | {usd:+.2f} |" for what, of, usd in rows]
    return "\n".join(lines)


def tables():
    return {
        "idle": bill(
            ("the functions, with a database of your own", idle_month()),
            ("`Database=create` adds", database_month()),
            ("`GatewaysSecretArn` adds to that", way_out_month()),
        ),
        "flash": bill(
            ("the functions", flash_hour()),
            ("the database at its maximum, for an hour", database_hour()),
        ),
        "measured": measured(),
        "what-if": what_if(),
        "prices": prices(),
        "assumptions": assumptions(),
    }


def main(check):
    text = DOCUMENT.read_text()
    filled = text
    for name, table in tables().items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        filled, found = re.subn(
            pattern, lambda match: f"{match[1]}{table}\n{match[2]}", filled, flags=re.DOTALL
        )
        if found != 1:
            sys.exit(f"cost: {DOCUMENT.name} has {found} places for the table {name}")
    if check and filled != text:
        sys.exit("cost: the tables of docs/cost.md are not what tools/cost/tables.py computes")
    DOCUMENT.write_text(filled)


if __name__ == "__main__":
    main(check=sys.argv[1:] == ["--check"])
