"""Computes the tables of docs/cost.md from prices.json, assumptions.json and measured.json.

Writes them between the markers of the document; with --check, fails if they differ. Change prices and
assumptions in the files and run it again.
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
    """A month without shoppers, as (price, units, note)."""
    a = ASSUMED
    sweeps = a["hours"] * 60
    log = MEASURED["sweeper_log_bytes"] / MEASURED["sweeps"]
    log_gb = sweeps * (log + a["platform_log_bytes"] + a["metric_log_bytes"]) / GB
    polls = a["pollers"] * a["hours"] * 3600 / a["poll_s"]
    return [
        ("lambda_requests", sweeps / MILLION, "one sweep per minute"),
        ("lambda_gbs", sweeps * a["sweeper_ms"] / 1000 * a["other_gb"], "of the sweeps"),
        ("schedules", sweeps / MILLION, "of the sweeps"),
        ("sqs_requests", polls / MILLION, "Lambda polls the queue of payment events"),
        ("secrets", a["secrets"], ""),
        (
            "secret_calls",
            a["hours"] * 3600 / a["secret_ttl_s"] * a["sweeper_secrets"] / 10_000,
            "by the sweeper",
        ),
        ("logs_in", log_gb, ""),
        ("logs_kept", log_gb * a["log_months"], ""),
        ("metrics", a["metrics_idle"], "by the sweeper"),
        ("alarms", a["alarms"], ""),
        ("kms_keys", a["kms_keys"], "for the alarms' topic"),
        ("dashboards", a["dashboards"], ""),
    ]


def database_month():
    """`Database=create` adds this."""
    a = ASSUMED
    return [
        ("acu", a["instances"] * a["acu_idle"] * a["hours"], "two instances at the minimum"),
        ("aurora_storage", a["database_gb"], ""),
        ("aurora_io", a["hours"] * 60 * 10 / MILLION, "ten writes per sweep"),
        ("endpoints", a["endpoint_zones"] * a["hours"], ""),
    ]


def nat_month():
    """The NAT gateway from the VPC to payment gateways, subscribers and the console's provider."""
    a = ASSUMED
    return [
        ("nat", a["hours"], "one"),
        ("address", a["hours"], "of the NAT gateway"),
        ("nat_data", a["nat_gb"], ""),
    ]


def proxy_month():
    return [("proxy", ASSUMED["proxy_acu_min"] * ASSUMED["hours"], "the least charge")]


def per_order(key):
    return MEASURED[key] / MEASURED["orders_paid"]


def flash_hour():
    """An hour of a flash sale, beyond an idle hour."""
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
        ("api_requests", api / MILLION, "all shoppers"),
        ("lambda_requests", invocations / MILLION, "API, webhooks, batches of events"),
        ("lambda_gbs", gbs, ""),
        ("sqs_requests", (messages + 2 * batches) / MILLION, "send each; receive and delete each batch"),
        ("secret_calls", a["environments"] * 3600 / a["secret_ttl_s"] / 10_000, ""),
        ("logs_in", log_bytes / GB, ""),
        ("logs_kept", log_bytes / GB * a["log_months"], ""),
        ("transfer_out", api * a["answer_bytes"] / GB, "answers"),
        ("metrics", (a["metrics"] - a["metrics_idle"]) / a["hours"], "the others, for an hour"),
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
    lines = ["| what | in the run | per paid order |", "| --- | --- | --- |"]
    for what, key in names:
        lines.append(f"| {what} | {MEASURED[key]:,} | {per_order(key):,.1f} |")
    return "\n".join(lines)


def prices():
    lines = ["| what | USD | per | source |", "| --- | --- | --- | --- |"]
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
    """The change of a total by one changed assumption."""

    def changed(key, factor, rows):
        before, value = cost(rows()), ASSUMED[key]
        ASSUMED[key] = value * factor
        after = cost(rows())
        ASSUMED[key] = value
        return after - before

    alarms_only = ASSUMED["metrics_idle_alarms"] / ASSUMED["metrics_idle"]
    routes = ASSUMED["route_metrics"] * PRICE["metrics"]["usd"]
    rows = [
        ("no standby", "month", changed("instances", 0.5, database_month)),
        ("`DatabaseCapacityMin=0.5`", "month", changed("acu_idle", 0.25, database_month)),
        ("an RDS Proxy", "month", cost(proxy_month())),
        ("`Metrics=alarms`", "month", changed("metrics_idle", alarms_only, idle_month)),
        ("`ApiRouteMetrics=yes`, with traffic in each hour", "month", routes),
        ("each request takes twice as long", "hour", changed("checkout_ms", 2, flash_hour)),
        ("no access log", "hour", changed("access_log_bytes", 0, flash_hour)),
        ("a maximum of 4 ACU", "hour", changed("acu_flash", 0.25, database_hour)),
    ]
    lines = ["| change | per | USD |", "| --- | --- | --- |"]
    lines += [f"| {what} | {of} | {usd:+.2f} |" for what, of, usd in rows]
    return "\n".join(lines)


def tables():
    return {
        "idle": bill(
            ("the functions, with a database of your own", idle_month()),
            ("`Database=create` adds", database_month()),
            ("`GatewaysSecretArn`, `SubscriberSecretsArn` or `Console=yes` adds to that", nat_month()),
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
            sys.exit(f"cost: {DOCUMENT.name} has {found} markers for the table {name}")
    if check and filled != text:
        sys.exit("cost: docs/cost.md is out of date: run tools/cost/tables.py")
    DOCUMENT.write_text(filled)


if __name__ == "__main__":
    main(check=sys.argv[1:] == ["--check"])
