"""Writes tools/cost/measured.json: what one run of the drill used.

Usage, after `make demo PROFILE=release` and before the next start of the stack:
    measure.py report/report.json .run/logs
"""

import json
import pathlib
import statistics
import sys

RESULT = pathlib.Path(__file__).with_name("measured.json")


def lines(folder, function):
    text = (folder / f"holdfast-{function}.log").read_text()
    return text, [json.loads(line) for line in text.splitlines()]


def main(report, logs):
    report = json.loads(pathlib.Path(report).read_text())
    logs = pathlib.Path(logs)
    checkout_log, checkout = lines(logs, "checkout")
    webhook_log, webhook = lines(logs, "webhook")
    payments_log, payments = lines(logs, "payments")
    sweeper_log, sweeper = lines(logs, "sweeper")
    answered = [line for line in checkout if line["message"] == "answered"]
    took = [line["duration_ms"] for line in answered]
    recorded = [line for line in payments if line["message"] == "recorded"]
    sweeps = [line for line in sweeper if line["message"] == "swept"]
    calls = {call["call"]: call for call in report["calls"]}
    if not (answered and recorded and sweeps and report["passed"]):
        sys.exit("cost: the drill failed, or the logs are of another run")
    measured = {
        "shoppers": report["arguments"]["shoppers"],
        "hot_units": report["arguments"]["units"],
        "run_at": report["started_at"],
        "orders_paid": report["counts"]["orders_paid"],
        "api_requests": len(answered),
        "checkout_ms_mean": round(statistics.mean(took), 1),
        "checkout_log_bytes": len(checkout_log.encode()),
        "webhook_requests": sum(line["message"] == "answered" for line in webhook),
        "webhook_ms_p50": calls["webhook"]["latency_ms"]["p50"],
        "webhook_log_bytes": len(webhook_log.encode()),
        "payment_messages": len(recorded),
        "payment_batches": len({line["span"]["request.id"] for line in recorded}),
        "payments_log_bytes": len(payments_log.encode()),
        "sweeps": len(sweeps),
        "sweeper_log_bytes": len(sweeper_log.encode()),
    }
    RESULT.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
