"""The table of docs/clients.md: each of its cells has tests, which `behaviours/` lists for each language."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTS = Path(__file__).parent / "behaviours"
LANGUAGES = ["Browser", "Python", "Kotlin", "Swift"]
NOT_OFFERED = "not offered"


def table() -> dict[str, dict[str, str]]:
    """The page's cells for each language, by behaviour."""
    page = (ROOT / "docs/clients.md").read_text("utf-8")
    heading, _, *rows = re.findall(r"^\|.*\|$", page.partition("\n## What each client does\n")[2], re.MULTILINE)
    # The heading links each language to its list.
    languages = re.findall(r"\[(\w+)\]\(\.\./tests/clients/behaviours/\w+\.json\)", heading)
    assert languages == LANGUAGES
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {behaviour: dict(zip(languages, answers, strict=True)) for behaviour, *answers in cells}


def listed_tests(language: str) -> dict[str, list[str] | str]:
    """The tests of each behaviour of a language's client, or that it does not offer it."""
    found: dict[str, list[str] | str] = json.loads((LISTS / f"{language.lower()}.json").read_text("utf-8"))
    return found


def is_test(name: str) -> bool:
    """Whether `path::Class::function`, of Python or of another language, is a test that nothing always skips."""
    path, *names = name.split("::")
    source = ROOT / path
    if not source.is_file() or not names:
        return False
    text = source.read_text("utf-8")
    if source.suffix != ".py":
        return re.search(rf"\bfunc? `?{re.escape(names[-1])}`?\(", text) is not None
    node: ast.AST | None = ast.parse(text)
    for one in names:
        body: list[ast.stmt] = getattr(node, "body", [])
        node = next((child for child in body if getattr(child, "name", "") == one), None)
        if any("mark.skip" in ast.unparse(mark) for mark in getattr(node, "decorator_list", [])):
            return False
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_behaviour_has_tests_or_is_not_offered(language: str) -> None:
    listed = listed_tests(language)
    assert list(listed) == list(table())
    untested = [behaviour for behaviour, tests in listed.items() if not tests]
    assert untested == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_is_offered(language: str) -> None:
    listed = listed_tests(language)
    told = {behaviour: answers[language] for behaviour, answers in table().items()}
    assert told == {name: NOT_OFFERED if tests == NOT_OFFERED else "yes" for name, tests in listed.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_listed_tests_exist(language: str) -> None:
    named = [name for tests in listed_tests(language).values() if tests != NOT_OFFERED for name in tests]
    assert [name for name in named if not is_test(name)] == []


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("tests/clients/test_behaviours.py::test_the_listed_tests_exist", True),
        ("tests/unit/read/test_parser.py::test_nothing", False),
        ("tests/clients/test_behaviours.py", False),
        ("tests/clients/test_behaviours.py::is_test", False),
        ("tests/clients/test_nothing.py::test_the_listed_tests_exist", False),
    ],
)
def test_a_name_of_no_test_is_found_out(name: str, exists: bool) -> None:
    assert is_test(name) is exists
