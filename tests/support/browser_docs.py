"""The lines of docs/clients-javascript.md."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/clients-javascript.md"


def lines_with(text: str, *, without: str = "") -> str:
    """The one block of JavaScript that has `text`; `without` is taken out, which it must have once."""
    block: str
    (block,) = [
        block for block in re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL) if text in block
    ]
    assert not without or block.count(without) == 1
    return block.replace(without, "") if without else block
