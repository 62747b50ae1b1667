"""Statements of IAM's policies: whether they grant a permission that a deployment needs.

A statement whose condition is not understood *may* grant it.
Syntax: docs.oracle.com, Content/Identity, "Policy Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.doctor.iam.conditions import Verdict, all_of, holds, verdict_of

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
    return all_of(
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
    return verdict_of(not wanted.isdisjoint(listed))


def _subjects(text: str) -> list[str]:
    kind, _, names = text.lower().partition(" ")
    return [_without_domain(f"{kind} {name.strip()}".strip()) for name in names.split(",")]


def _without_domain(subject: str) -> str:
    """A subject without quotes and without the identity domain `Default`, which may be left out."""
    return re.sub(r"""['"]""", "", subject).replace(" default/", " ")


def _covers(text: str, need: Need) -> Verdict:
    """Whether a verb and a type of resources, or permissions in braces, are what is needed."""
    if text.startswith("{"):
        return verdict_of(need.permission in re.findall(r"\w+", text.upper()))
    verb, resource = text.lower().split()
    if resource not in (need.resource, FAMILIES.get(need.resource), "all-resources"):
        return Verdict.NO
    return verdict_of(verb in VERBS and VERBS.index(verb) >= VERBS.index(need.verb))


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
    return verdict_of(is_in_path)
