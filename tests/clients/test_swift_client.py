"""Swift's package manager builds the client, and XCTest runs its tests against the local system."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from support import mobile
from support.pages import ROOT, blocks, docs_page
from support.swift import swift
from support.systems import Running

PROJECT = ROOT / "clients" / "swift"
TESTS = sorted((PROJECT / "Tests").rglob("*.swift"))


def written() -> set[str]:
    """The names of the tests in the sources that are for Linux too."""
    sources = [path.read_text("utf-8") for path in TESTS]
    portable = [source for source in sources if not source.startswith("#if canImport(CryptoKit)")]
    return {name for source in portable for name in re.findall(r"    func (test\w+)\(", source)}


@pytest.mark.slow
def test_swift_builds_it_and_its_tests_pass(start: Callable[..., Running]) -> None:
    with mobile.environment(start) as variables:
        printed = swift(PROJECT, "test", variables=variables)
    outcomes = re.findall(r"^Test Case '\w+\.(\w+)' (passed|failed|skipped)", printed, re.MULTILINE)
    assert dict(outcomes) == dict.fromkeys(written(), "passed")
    # A developer who runs them has no such system: the tests that need it are skipped.
    printed = swift(PROJECT, "test", variables={})
    assert "There is no local system: make check starts one." in printed


@pytest.mark.slow
def test_it_is_free_of_data_races_as_far_as_swift_6_can_tell() -> None:
    mode = ["-Xswiftc", "-swift-version", "-Xswiftc", "6", "-Xswiftc", "-warnings-as-errors"]
    swift(PROJECT, "build", "--target", "PresignClient", "--build-path", ".build/swift-6", *mode, variables={})


@pytest.mark.parametrize("block", blocks(docs_page("clients-mobile.md"), "swift"))
def test_the_lines_of_the_page_are_among_the_tests(block: str) -> None:
    assert any(block in path.read_text("utf-8") for path in TESTS)
