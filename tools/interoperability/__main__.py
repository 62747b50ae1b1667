"""`python -m tools.interoperability` prints the tables of docs/interoperability.md.

It starts the whole system on this machine. Signers from npm take part after `npm install` in this folder.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator

from local.stack import Stack
from tools.interoperability.cases import cases
from tools.interoperability.signers import SIGNERS, calls, compared
from tools.interoperability.url_clients import URL_CLIENTS, Missing


def url_client_rows(stack: Stack) -> Iterator[str]:
    """A row for each client of URLs that is on this machine."""
    yield "| client | requests that worked |"
    yield "|---|---|"
    for name, send in URL_CLIENTS.items():
        wanted = cases(stack)
        try:
            answers = send(wanted)
        except Missing as missing:
            print(f"Without {name}: {missing}.", file=sys.stderr)
            continue
        worked = sum(answer == (200, case.wanted) for answer, case in zip(answers, wanted, strict=True))
        yield f"| {name} | {worked} of {len(wanted)} |"


def signer_rows(stack: Stack) -> Iterator[str]:
    """Rows for each signer that is on this machine."""
    yield "| signer | operation | its URL |"
    yield "|---|---|---|"
    for name in SIGNERS:
        try:
            results = compared(stack, name, calls())
        except Missing as missing:
            print(f"Without {name}: {missing}.", file=sys.stderr)
            continue
        by_operation: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for call, result in results:
            by_operation[f"`{call.request['operation']}`"][result] += 1
        by_result: dict[str, list[str]] = defaultdict(list)
        for operation, counts in by_operation.items():
            total = sum(counts.values())
            told = "; ".join(
                result if count == total else f"{result} ({count} of {total})" for result, count in counts.items()
            )
            by_result[told].append(operation)
        for told, operations in by_result.items():
            yield f"| {name} | {', '.join(operations)} | {told} |"


def main() -> None:
    """Print both tables."""
    with Stack(s3_cors=True, log=open("/dev/null", "wb")) as stack:  # noqa: PTH123
        for rows in (url_client_rows(stack), signer_rows(stack)):
            for row in rows:
                print(row, flush=True)
            print()


if __name__ == "__main__":
    main()
