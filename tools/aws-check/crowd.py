"""Shoppers who begin checkouts of one sku at the same time, as careful clients do: each repeats its
request with the same id."""

import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

TRIES = 8
PAUSE_MAX_S = 4.0


@dataclass
class Crowd:
    """What became of everybody."""
    granted: list = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0
    # Statuses of every try, 0 for none.
    statuses: Counter = field(default_factory=Counter)
    latencies_ms: list = field(default_factory=list)
    took_s: float = 0.0

    def percentile(self, share):
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def summary(self):
        rate = len(self.granted) / self.took_s if self.took_s else 0
        return {
            "granted": len(self.granted), "refused": self.refused, "unanswered": self.unanswered,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "p50_ms": self.percentile(0.5), "p99_ms": self.percentile(0.99),
            "seconds": round(self.took_s, 1), "holds_a_second": round(rate, 1),
        }


def shopper(call, url, sku, crowd, tries, wait):
    checkout = str(uuid.uuid4())
    body = {"customer": f"shopper-{checkout}", "lines": [{"sku": sku, "quantity": 1}]}
    for attempt in range(tries):
        began = time.monotonic()
        try:
            status, _ = call("PUT", f"{url}/checkouts/{checkout}", body)
        except OSError:
            status = 0
        crowd.statuses[status] += 1
        if status in (200, 201):
            crowd.latencies_ms.append(round((time.monotonic() - began) * 1000))
            crowd.granted.append(checkout)
            return
        if status != 0 and status < 500 and status != 429:
            crowd.refused += 1
            return
        # With jitter: everybody was refused in the same moment.
        wait(random.uniform(0, min(PAUSE_MAX_S, 0.2 * 2**attempt)))
    crowd.unanswered += 1


def rush(call, url, sku, shoppers, at_once, tries=TRIES, wait=time.sleep):
    """call(method, url, body) answers (status, body)."""
    crowd = Crowd()
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        running = [pool.submit(shopper, call, url, sku, crowd, tries, wait) for _ in range(shoppers)]
        for one in running:
            one.result()
    crowd.took_s = time.monotonic() - began
    return crowd
