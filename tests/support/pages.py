"""The pages that users read, and the lines in them that users copy."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def docs_page(name: str) -> str:
    """The text of a page in `docs`."""
    return (ROOT / "docs" / name).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indentation}", "", block, flags=re.MULTILINE) for indentation, block in found]


def javascript_with(text: str, *, without: str = "") -> str:
    """The one block of docs/clients-javascript.md that has `text`; `without` is taken out, which it must have once."""
    [block] = [block for block in blocks(docs_page("clients-javascript.md"), "js") if text in block]
    if without:
        assert block.count(without) == 1
        block = block.replace(without, "")
    return block
