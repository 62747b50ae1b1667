"""Conditions of statements, and matching rules of dynamic groups.

It is cautious: a condition that it does not understand is neither true nor false.
Syntax: docs.oracle.com, Content/Identity, "Conditions" and "Writing Matching Rules".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum


class Verdict(Enum):
    """Whether something holds."""

    YES = 2
    PERHAPS = 1
    NO = 0


_token = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|(!=|==|=|[{},()])|([^\s{},()='"!]+))""")


def holds(condition: str, variables: Mapping[str, str]) -> Verdict:
    """Whether a condition of a statement, or a matching rule, is true for these variables."""
    tokens = []
    at = 0
    while at < len(condition.rstrip()):
        found = _token.match(condition, at)
        if not found:
            return Verdict.PERHAPS
        tokens.append(found)
        at = found.end()
    reader = _Reader(tokens, {name.lower(): value for name, value in variables.items()})
    try:
        verdict = reader.condition()
    except (IndexError, ValueError):
        return Verdict.PERHAPS
    return verdict if reader.is_at_end else Verdict.PERHAPS


class _Reader:
    """Reads a condition token by token, and judges it; raises ValueError or IndexError where it makes no sense."""

    def __init__(self, tokens: Sequence[re.Match[str]], variables: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._variables = variables
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._tokens)

    def condition(self) -> Verdict:
        word = self._word()
        if word.lower() not in ("any", "all"):
            return self._comparison(word)
        self._expect("{")
        parts: list[Verdict] = []
        while not self._is("}"):
            parts.append(self.condition())
            if not self._is("}"):
                self._expect(",")
        self._expect("}")
        return any_of(parts) if word.lower() == "any" else all_of(parts)

    def _comparison(self, variable: str) -> Verdict:
        operator = self._next()
        text = operator[3] or (operator[4] or "").lower()
        if text == "in":
            self._expect("(")
            values = [self._value()]
            while self._is(","):
                self._expect(",")
                values.append(self._value())
            self._expect(")")
        elif text in ("=", "==", "!="):
            values = [self._value()]
        else:
            raise ValueError(text)
        actual = self._variables.get(variable.lower())
        if actual is None or any(value is None for value in values):
            return Verdict.PERHAPS
        equal = actual.lower() in [value.lower() for value in values if value is not None]
        return verdict_of(equal != (text == "!="))

    def _value(self) -> str | None:
        """A value; None for one that is a pattern or another variable."""
        token = self._next()
        if token[4] is not None:
            return None
        if token[3] is not None:
            raise ValueError(token[3])
        return token[1] if token[1] is not None else token[2]

    def _word(self) -> str:
        word = self._next()[4]
        if word is None:
            raise ValueError
        return word

    def _is(self, sign: str) -> bool:
        return self._tokens[self._at][3] == sign

    def _expect(self, sign: str) -> None:
        if self._next()[3] != sign:
            raise ValueError(sign)

    def _next(self) -> re.Match[str]:
        token = self._tokens[self._at]
        self._at += 1
        return token


def verdict_of(is_true: bool) -> Verdict:
    """The verdict on something that is known."""
    return Verdict.YES if is_true else Verdict.NO


def all_of(parts: Sequence[Verdict]) -> Verdict:
    """Whether all of the parts hold: the worst of their verdicts."""
    return min(parts, key=lambda one: one.value, default=Verdict.YES)


def any_of(parts: Sequence[Verdict]) -> Verdict:
    """Whether any of the parts holds: the best of their verdicts."""
    return max(parts, key=lambda one: one.value, default=Verdict.NO)
