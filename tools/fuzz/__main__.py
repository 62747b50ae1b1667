"""`python -m tools.fuzz` runs a coverage-guided fuzzer, atheris, which `make fuzz` installs first.

Arguments go to libFuzzer, such as `-max_total_time=600` (seconds) and a directory for its corpus.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["presign"]):
    from tools.fuzz.calls import POLICIES, calls
    from tools.fuzz.target import Target

from hypothesis import HealthCheck, given, settings

REPORT_SECONDS = 10
MAX_BYTES = 2048
SEEDS = 200
POLICIES_A_CALL = 20


def main() -> None:
    """Fuzz until the time is over, or an answer is wrong."""
    reported_at = time.monotonic()

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(calls())
    def check(call: dict[str, Any]) -> None:
        nonlocal reported_at
        for policy in range(call["number"], call["number"] + POLICIES_A_CALL):
            target.call(**{**call, "number": policy % POLICIES})
        if time.monotonic() - reported_at > REPORT_SECONDS:
            reported_at = time.monotonic()
            print(f"{target.calls} calls, {target.urls} URLs and forms, nothing wrong", flush=True)

    with Target() as target, tempfile.TemporaryDirectory() as corpus:
        # Hypothesis can make no call from a few bytes, so the fuzzer begins with many.
        for number in range(SEEDS):
            Path(corpus, str(number)).write_bytes(random.Random(number).randbytes(MAX_BYTES))
        fuzz_one_input = check.hypothesis.fuzz_one_input  # type: ignore[attr-defined] # which `given` sets
        arguments = [sys.argv[0], f"-max_len={MAX_BYTES}", "-len_control=0", *sys.argv[1:], corpus]
        atheris.Setup(arguments, fuzz_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
