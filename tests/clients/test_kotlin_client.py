"""Maven builds the Kotlin client, and JUnit runs its tests against the local system."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from support import mobile
from support.pages import ROOT, blocks, docs_page
from support.systems import Running

PROJECT = ROOT / "clients" / "kotlin"
TESTS = sorted((PROJECT / "src" / "test" / "kotlin").rglob("*.kt"))


def written() -> set[str]:
    """The names of the tests in the sources, where nothing else has a name in such quotes."""
    return {name for path in TESTS for name in re.findall(r"fun `(.+?)`", path.read_text("utf-8"))}


def outcomes() -> dict[str, str]:
    """The outcome of each test that ran, by its name without the arguments; `passed` if all of them passed."""
    found: dict[str, str] = {}
    for report in PROJECT.glob("target/surefire-reports*/*.xml"):
        for case in ElementTree.parse(report).iter("testcase"):
            name = re.split(r"[({\[]", case.attrib["name"])[0].strip()
            outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
            if found.get(name, "passed") == "passed":
                found[name] = outcome
    return found


@pytest.mark.slow
@pytest.mark.needs("mvn", "javac")
def test_maven_builds_it_and_its_tests_pass(start: Callable[..., Running]) -> None:
    shutil.rmtree(PROJECT / "target", ignore_errors=True)  # classes of tests that are no more would run, too
    command = ["mvn", "--batch-mode", "--no-transfer-progress"]
    with mobile.environment(start) as variables:
        # Without a locale, Java can't name most files.
        mobile.run([*command, "test"], folder=str(PROJECT), variables={**os.environ, "LC_ALL": "C.UTF-8", **variables})
    assert outcomes() == dict.fromkeys(written(), "passed")
    # A developer who builds it has no such system.
    printed = mobile.run([*command, "surefire:test"], folder=str(PROJECT), variables=os.environ)
    skipped = re.findall(r"^(\w+) is skipped: there is no local system", printed, re.MULTILINE)
    assert sorted(skipped) == ["ObjectsTest", "PageTest", "SurvivalTest", "UploadTest"]


@pytest.mark.parametrize("block", blocks(docs_page("clients-mobile.md"), "kotlin"))
def test_the_lines_of_the_page_are_among_the_tests(block: str) -> None:
    assert any(block in path.read_text("utf-8") for path in TESTS)
