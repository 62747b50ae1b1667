"""docs/interoperability.md holds what `python -m tools.interoperability` prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Running
from tools.interoperability.__main__ import signer_rows, url_client_rows

PAGE = (Path(__file__).parents[2] / "docs" / "interoperability.md").read_text("utf-8")
TABLES = [table.splitlines() for table in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE)]


@pytest.fixture(scope="module")
def system(start: Callable[..., Running]) -> Running:
    return start(s3_cors=True)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "rows", "least"), [(TABLES[0], url_client_rows, 7), (TABLES[1], signer_rows, 3)])
def test_the_page_holds_what_is_printed(
    system: Running,
    table: list[str],
    rows: Callable[..., Iterator[str]],
    least: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """But for the clients that are not on this machine."""
    found = list(rows(system.stack))
    left_out = re.findall(r"^Without (.*): ", capsys.readouterr().err, re.MULTILINE)
    assert found == [row for row in table if not any(row.startswith(f"| {name} |") for name in left_out)]
    assert len(found) >= least
