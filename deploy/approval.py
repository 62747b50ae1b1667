"""The words that an operator must say before a change: yes, and one for each thing that can't be undone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.changes import Danger


@dataclass(frozen=True, slots=True)
class Approval:
    """The words that were said on the command line, and a way to ask for the rest.

    Args:
        auto: whether a change that can be undone needs no yes.
        words: that were given.
        ask: asks a question, and gives the answer; None where nobody can answer.
    """

    auto: bool = False
    words: frozenset[str] = frozenset()
    ask: Callable[[str], str] | None = None

    def allows(self, question: str, dangers: Iterable[Danger] = ()) -> bool:
        """Whether a change may be carried out; each danger is told, and needs its word."""
        for danger in dangers:
            print(danger.text, file=sys.stderr)
            if danger.word in self.words:
                continue
            if self.ask is None:
                print(f"This needs a word: CONFIRM={danger.word}", file=sys.stderr)
                return False
            if self.ask(f"To go on, type {danger.word}: ") != danger.word:
                return False
        if self.auto:
            return True
        if self.ask is None:
            print("Nobody is here to say yes: AUTO_APPROVE=1 says it.", file=sys.stderr)
            return False
        return self.ask(f"{question} Only yes goes on: ") == "yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that approve in advance."""
    parser.add_argument("--auto-approve", action="store_true", help="ask for no yes; words are asked for all the same")
    parser.add_argument("--confirm", default="", metavar="WORDS", help="words for what can't be undone, with commas")


def of(arguments: argparse.Namespace) -> Approval:
    """The approval of a command line; a terminal can be asked for the rest."""
    words = frozenset(word.strip() for word in arguments.confirm.split(",") if word.strip())
    is_terminal = sys.stdin is not None and sys.stdin.isatty()  # it is None where it was closed
    return Approval(auto=arguments.auto_approve, words=words, ask=_ask if is_terminal else None)


def _ask(question: str) -> str:
    """The answer at the terminal; empty if somebody ends it (Ctrl-D)."""
    try:
        return input(question)
    except EOFError:
        print()
        return ""
