"""Reads IAM's policy statements and matching rules, as far as it takes to find the one that a deployment needs.

It is cautious: a condition that it does not understand is neither true nor false, and such a statement "may" grant.
Syntax: docs.oracle.com, Content/Identity, "Policy Syntax", "Conditions", and "Writing Matching Rules".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

VERBS = ("inspect", "read", "use", "manage")

FAMILIES = {
    "secret-bundles": "secret-family",
    "buckets": "object-family",
    "objects": "object-family",
    "fn-function": "functions-family",
    "fn-invocation": "functions-family",
    "ons-topics": "ons-family",
    "queue-push": "queues",
}
"""The family that a type of resources belongs to."""


class Verdict(Enum):
    """Whether something holds."""

    YES = 2
    PERHAPS = 1
    NO = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that somebody must be allowed to do.

    Args:
        subjects: the groups that somebody is in, as a statement names them: `dynamic-group presign-function`, and
            `dynamic-group id ocid1.dynamicgroup…` too. Each is in `any-user` as well.
        verb: the least one that allows it.
        permission: its name, such as SECRET_BUNDLE_READ.
        resource: the type of resources.
        path: the OCIDs and names of the compartment of the resource and of those that it lies in, up to the tenancy.
        variables: the values that conditions may ask for.
    """

    subjects: Sequence[str]
    verb: str
    permission: str
    resource: str
    path: Sequence[tuple[str, str]]
    variables: Mapping[str, str] = field(default_factory=dict)


_statement = re.compile(
    r"(?P<kind>allow|deny)\s+(?P<subject>.+?)\s+to\s+(?P<what>\{[^}]*\}|\w+\s+[\w-]+)"
    r"\s+in\s+(?P<location>tenancy|compartment\s+.+?)(?:\s+where\s+(?P<condition>.+))?",
    re.IGNORECASE | re.DOTALL,
)


def granted(need: Need, statements: Iterable[str]) -> Verdict:
    """Whether the statements allow what is needed."""
    allowed = Verdict.NO
    for statement in statements:
        found = _statement.fullmatch(statement.strip())
        if not found:
            continue
        verdict = _applies(found, need)
        if found["kind"].lower() == "deny":
            if verdict is not Verdict.NO:
                return Verdict.PERHAPS
        else:
            allowed = max(allowed, verdict, key=lambda one: one.value)
    return allowed


def subjects_of(statement: str) -> list[str]:
    """The groups that a statement is about, such as `dynamic-group presign`: in lower case, and without quotes."""
    found = _statement.fullmatch(statement.strip())
    return _subjects(found["subject"]) if found else []


def is_for_any(statement: str, variables: Mapping[str, str]) -> bool:
    """Whether a statement may give rights to somebody in no group, as far as these variables tell."""
    found = _statement.fullmatch(statement.strip())
    if not found or found["kind"].lower() == "deny" or _is_subject(found["subject"], ()) is Verdict.NO:
        return False
    return holds(found["condition"] or "all {}", variables) is not Verdict.NO


def _applies(found: re.Match[str], need: Need) -> Verdict:
    return _all(
        [
            _is_subject(found["subject"], need.subjects),
            _covers(found["what"], need),
            _is_location(found["location"], need.path),
            holds(found["condition"] or "all {}", {**need.variables, "request.permission": need.permission}),
        ]
    )


def _is_subject(text: str, subjects: Sequence[str]) -> Verdict:
    listed = _subjects(text)
    wanted = {_without_domain(subject.lower()) for subject in subjects} | {"any-user", "any-group"}
    return _verdict(not wanted.isdisjoint(listed))


def _subjects(text: str) -> list[str]:
    kind, _, names = text.lower().partition(" ")
    return [_without_domain(f"{kind} {name.strip()}".strip()) for name in names.split(",")]


def _without_domain(subject: str) -> str:
    """A subject without quotes and without the identity domain `Default`, which may be left out."""
    return re.sub(r"""['"]""", "", subject).replace(" default/", " ")


def _covers(text: str, need: Need) -> Verdict:
    """Whether a verb and a type of resources, or permissions in braces, are what is needed."""
    if text.startswith("{"):
        return _verdict(need.permission in re.findall(r"\w+", text.upper()))
    verb, resource = text.lower().split()
    if resource not in (need.resource, FAMILIES.get(need.resource), "all-resources"):
        return Verdict.NO
    return _verdict(verb in VERBS and VERBS.index(verb) >= VERBS.index(need.verb))


def _is_location(text: str, path: Sequence[tuple[str, str]]) -> Verdict:
    kind, *rest = text.split(maxsplit=1)
    if kind.lower() == "tenancy":
        return Verdict.YES
    name = rest[0].strip("'\"")
    names = [name.lower() for _, name in path[:-1]]
    if name.lower().startswith("id "):
        is_in_path = name[3:].strip() in [ocid for ocid, _ in path]
    else:
        # It is relative to the compartment of the policy, so its last part decides.
        is_in_path = name.rpartition(":")[2].lower() in names
    if not is_in_path and "" in names:
        return Verdict.PERHAPS
    return _verdict(is_in_path)


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
        return _any(parts) if word.lower() == "any" else _all(parts)

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
        return _verdict(equal != (text == "!="))

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


def _verdict(holds: bool) -> Verdict:
    return Verdict.YES if holds else Verdict.NO


def _all(parts: Sequence[Verdict]) -> Verdict:
    return min(parts, key=lambda one: one.value, default=Verdict.YES)


def _any(parts: Sequence[Verdict]) -> Verdict:
    return max(parts, key=lambda one: one.value, default=Verdict.NO)
