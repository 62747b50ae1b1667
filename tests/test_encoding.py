"""Python's text files and the output of programs are read and written in UTF-8, whatever the locale's encoding is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (".ci", "clients", "deploy", "gateway", "local", "presign", "tests", "tools")


def in_the_locales_encoding(tree: ast.AST) -> Iterator[int]:
    """The lines of calls that leave the encoding to the locale.

    A linter finds `open()` without one. It can't tell the methods of a `Path` from others of that name, and does not
    look at programs that are run.
    """
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        given = {keyword.arg for keyword in call.keywords}
        match call.func:
            case ast.Attribute(attr="read_text") if not call.args and "encoding" not in given:
                yield call.lineno
            case ast.Attribute(attr="write_text") if len(call.args) == 1 and "encoding" not in given:
                yield call.lineno
            case ast.Attribute(value=ast.Name("subprocess")) if given & {"text", "universal_newlines"}:
                yield call.lineno


def test_text_is_read_and_written_in_utf_8() -> None:
    files = [ROOT / "func.py", *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))]
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in files
        if "node_modules" not in file.parts
        for line in in_the_locales_encoding(ast.parse(file.read_bytes()))
    ]
    assert found == []
