"""`docs/reliability.md`: each row names the test that makes its fault happen, and that test exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text("utf-8")
FAULTS = PAGE.partition("\n## What we rely on")[0]
ROWS = [line for line in FAULTS.splitlines() if line.count("|") == 5 and not line.startswith(("| fault |", "|--"))]
NAMED = sorted(set(re.findall(r"`([\w/]*test_\w+\.py(?:::\w+)*)`", PAGE)))


def test_every_row_names_what_shows_it() -> None:
    assert len(ROWS) > 10
    for row in ROWS:
        shown_by = row.split("|")[4]
        assert re.search(r"`([\w/]*test_\w+\.py|python -m tools.load)", shown_by), row


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_there(name: str) -> None:
    file, *inside = name.split("::")
    text = (TESTS / file).read_text("utf-8")
    for part in inside:
        assert re.search(rf"^ *(?:class|def) {part}\b", text, re.M), part
