"""The words that an operator says, and those who can't be asked for them."""

from __future__ import annotations

import argparse
import io
import sys

import pytest

from deploy import approval


class Terminal(io.StringIO):
    """A terminal at which this text is typed."""

    def isatty(self) -> bool:
        return True


def approved(monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None) -> bool:
    """Whether a change is approved that needs a yes."""
    monkeypatch.setattr(sys, "stdin", stdin)
    return approval.of(argparse.Namespace(auto_approve=False, confirm="")).allows("Make these changes?")


@pytest.mark.parametrize(("typed", "is_yes"), [("yes\n", True), ("y\n", False), ("", False)])
def test_only_yes_goes_on(monkeypatch: pytest.MonkeyPatch, typed: str, is_yes: bool) -> None:
    """A terminal that is ended by Ctrl-D has no text."""
    assert approved(monkeypatch, Terminal(typed)) is is_yes


@pytest.mark.parametrize("stdin", [io.StringIO("yes\n"), None])
def test_nobody_is_asked_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdin: io.StringIO | None
) -> None:
    """A program whose standard input is closed has none."""
    assert not approved(monkeypatch, stdin)
    assert capsys.readouterr().err == "Nobody is here to say yes: AUTO_APPROVE=1 says it.\n"
