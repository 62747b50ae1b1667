"""The tables of docs/performance.md about capacity.

The arithmetic of a function whose containers answer one call at a time, from the limits that Oracle documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor, lgamma, log

TOTAL_MEMORY_GB = 60
"""The default of the limit `total-concurrency-mb`, for each availability domain."""
SECRET_TTL_SECONDS = 300
EARLIEST = 0.75
"""A container fetches the key again after this share of `SECRET_TTL` at the earliest."""
ENOUGH = 0.999
"""The share of all moments in which so many containers are enough."""
PROVISIONED = {128: 40, 256: 20, 512: 10}
"""The least number of provisioned concurrency units, by the memory in MB; other numbers are multiples of it."""
IDLE_PRICE_SHARE = 0.25
"""The price of a provisioned unit that waits, as a share of the price of one that runs."""
GB_SECOND_DOLLARS = 0.00001417
MONTH_SECONDS = 730 * 3600

RATES = (10, 100, 1_000, 10_000)
BUSY_MS = (1, 5, 20, 100)
MEMORY_MB = (128, 256, 512)
CALLS_A_MINUTE = (0.1, 0.5, 1.0, 2.0)
IDLE_MINUTES = (1, 5, 15)


def containers(rate: float, busy_seconds: float) -> int:
    """The containers that answer `rate` calls a second, each of which keeps one busy for so long.

    Calls that arrive independently are under way in numbers of a Poisson distribution whose mean is rate times time,
    whatever the single calls take. No call waits for another, since OCI Functions starts a container if all are busy.
    """
    mean, below, number = rate * busy_seconds, 0.0, -1
    while below < ENOUGH:
        number += 1
        below += exp(number * log(mean) - mean - lgamma(number + 1))
    return max(1, number)


def most_containers(memory_mb: int) -> int:
    """The containers that fit in the memory limit."""
    return floor(TOTAL_MEMORY_GB * 1024 / memory_mb)


def highest_rate(memory_mb: int, busy_seconds: float) -> int:
    """Calls a second that the containers in the memory limit answer, to two digits."""
    low, high = 0.0, most_containers(memory_mb) / busy_seconds
    while high - low > 0.001 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if containers(middle, busy_seconds) <= most_containers(memory_mb) else (low, middle)
    return int(float(f"{low:.2g}"))


def vault_rate(number: int) -> float:
    """Requests to Vault a second by so many containers, at most, apart from those of starting ones."""
    return number / (EARLIEST * SECRET_TTL_SECONDS)


def cold_share(calls_a_minute: float, idle_minutes: float) -> float:
    """The share of calls that find no container, when it is removed after so many idle minutes."""
    return exp(-calls_a_minute * idle_minutes)


def provisioned_gb_seconds(memory_mb: int) -> float:
    """The cost of the least provisioned concurrency in a month while it waits, in GB-seconds of running."""
    return PROVISIONED[memory_mb] * memory_mb / 1024 * IDLE_PRICE_SHARE * MONTH_SECONDS


def tables() -> dict[str, str]:
    """The tables of the page, by name, as Markdown."""
    needed = {rate: [containers(rate, busy / 1e3) for busy in BUSY_MS] for rate in RATES}
    most_busy = [numbers[-1] for numbers in needed.values()]
    return {
        "containers": _table(
            ["calls a second", *(f"busy {busy} ms" for busy in BUSY_MS)],
            [[f"{rate:,}", *(f"{number:,}" for number in numbers)] for rate, numbers in needed.items()],
        ),
        "vault": _table(
            ["containers", "memory at 128 MB", "requests to Vault a second"],
            [
                [f"{number:,}", f"{number * 128 / 1024:,.1f} GB", f"{vault_rate(number):.2g}"]
                for number in (*most_busy, most_containers(128))
            ],
        ),
        "memory": _table(
            ["memory", "containers", *(f"busy {busy} ms" for busy in BUSY_MS)],
            [
                [
                    f"{memory} MB",
                    f"{most_containers(memory):,}",
                    *(f"{highest_rate(memory, busy / 1e3):,}" for busy in BUSY_MS),
                ]
                for memory in MEMORY_MB
            ],
        ),
        "cold": _table(
            ["calls a minute", *(f"removed after {idle} min" for idle in IDLE_MINUTES)],
            [[f"{calls:g}", *(f"{cold_share(calls, idle):.2%}" for idle in IDLE_MINUTES)] for calls in CALLS_A_MINUTE],
        ),
        "provisioned": _table(
            ["memory", "least units", "GB-seconds a month, idle", "dollars a month"],
            [
                [
                    f"{memory} MB",
                    str(PROVISIONED[memory]),
                    f"{provisioned_gb_seconds(memory):,.0f}",
                    f"{provisioned_gb_seconds(memory) * GB_SECOND_DOLLARS:.0f}",
                ]
                for memory in MEMORY_MB
            ],
        ),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---:"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
