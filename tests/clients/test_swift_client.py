"""The Swift client is Swift, as far as a grammar can tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tree_sitter_swift
from tree_sitter import Language, Node, Parser

from support.pages import ROOT, blocks

SOURCE = ROOT / "clients" / "swift" / "PresignClient.swift"


def errors(source: bytes) -> list[str]:
    """The places that the grammar does not know."""
    tree = Parser(Language(tree_sitter_swift.language())).parse(source)
    return [
        f"line {node.start_point.row + 1}: {node.text.decode()[:60] if node.text else node.type}"
        for node in nodes(tree.root_node)
        if node.is_error or node.is_missing
    ]


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def test_it_can_be_parsed() -> None:
    assert errors(SOURCE.read_bytes()) == []


def test_the_lines_of_the_page_can_be_parsed() -> None:
    [lines] = blocks("clients-mobile.md", "swift")
    assert errors(lines.encode()) == []


@pytest.mark.parametrize("wrong", [b"func (", b"let a = ", b"struct A { func b( }"])
def test_the_grammar_tells_what_it_does_not_know(wrong: bytes) -> None:
    assert errors(wrong) != []
