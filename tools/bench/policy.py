"""The policy: the time of one decision, and of reading the rules, as their number grows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from presign.authorize.decision import Policy
from presign.authorize.rules import parse_rules
from presign.model.invocation import Principal
from presign.model.operations.objects import GetObject
from presign.model.request import Request
from presign.problems import AccessDenied
from tools.bench import chart
from tools.bench.measure import Series, in_turns
from tools.bench.table import Goal, Table, at_most

TITLE = "The policy as it grows"
PICTURE = "policy"
SIZES = (10, 100, 1_000, 10_000)
CANDIDATES = 10
"""How many rules of each policy are for the key that is asked for."""
CALLS = 1_000
ROUNDS = 20

_BUCKET = "uploads"
_CALLER = Principal("gateway", {"sub": "alice", "groups": f"g{CANDIDATES - 1}"})
_STRANGER = Principal("gateway", {"sub": "alice", "groups": "none"})


def measure(tick: Callable[[], None]) -> Table:
    """Measure decisions with policies of all sizes, and the time to read the largest."""
    texts = {size: _policy_text(size) for size in SIZES}
    policies = {size: _policy(text) for size, text in texts.items()}
    contenders = {
        _name(size, kind): partial(_microseconds, policy, caller)
        for size, policy in policies.items()
        for kind, caller in (("a grant", _CALLER), ("a refusal", _STRANGER))
    }
    series = in_turns(contenders, rounds=ROUNDS, tick=tick)
    table = Table(
        title=TITLE,
        text=f"CPU time of one decision. {CANDIDATES} rules of each policy are for the key. The last one grants it, "
        "or none does.",
        unit="µs",
        series=series,
        reference=_name(SIZES[0], "a grant"),
    )
    reading = Series("reading", [_reading_milliseconds(texts[SIZES[-1]]) for _ in range(5)]).median
    goals = [
        at_most(table.ratio(_name(SIZES[-1], kind), _name(SIZES[0], kind)), 2, f"10,000 rules against 10, {kind}")
        for kind in ("a grant", "a refusal")
    ]
    goals.append(Goal("Reading 10,000 rules: at most 250 ms", f"{reading:.0f} ms", reading <= 250))
    return replace(table, goals=goals)


def picture(table: Table) -> str:
    """The curves of `table`: over the number of rules, one for grants and one for refusals."""
    lines = {kind: [table.median(_name(size, kind)) for size in SIZES] for kind in ("a grant", "a refusal")}
    return chart.curves(f"{TITLE}: CPU time of one decision", x_unit="rules", xs=SIZES, y_unit="µs", lines=lines)


def _name(size: int, kind: str) -> str:
    return f"{size:,} rules, {kind}"


def _policy_text(size: int) -> str:
    """A policy in which most rules are for the folders of teams, and the last for one that several groups share."""
    limits = {"max_expires_in": 900, "max_content_length": 1_000_000, "content_types": ["image/*"]}
    rules = [
        {"operations": ["read", "put_object"], "bucket": _BUCKET, "prefix": f"teams/{number}/{{sub}}/", **limits}
        for number in range(size - CANDIDATES)
    ]
    rules += [
        {"operations": ["read"], "bucket": _BUCKET, "prefix": "shared/", "when": {"groups": [f"g{number}"]}}
        for number in range(CANDIDATES)
    ]
    return json.dumps({"rules": rules})


def _policy(text: str) -> Policy:
    rules, errors = parse_rules(text)
    if errors:
        raise ValueError(errors)
    return Policy(rules, default_expires_in=3600)


def _microseconds(policy: Policy, caller: Principal) -> float:
    request = Request(GetObject(key="shared/a"), _BUCKET)
    began_at = time.process_time()
    for _ in range(CALLS):
        with suppress(AccessDenied):
            policy.authorize(request, caller)
    return (time.process_time() - began_at) / CALLS * 1e6


def _reading_milliseconds(text: str) -> float:
    """From the text of a policy to its first decision."""
    began_at = time.process_time()
    _policy(text).authorize(Request(GetObject(key="shared/a"), _BUCKET), _CALLER)
    return (time.process_time() - began_at) * 1e3
