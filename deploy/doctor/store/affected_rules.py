"""The rules of a policy that are affected by a shortcoming of the store."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.doctor.finding import Finding
from presign.authorize.rules import Rule


def rules_that_grant(rules: Sequence[Rule], *operations: str) -> list[int]:
    """The numbers of the rules that give presigned URLs for any of the operations."""
    return [number for number, rule in enumerate(rules) if rule.via == "s3" and not rule.granted.isdisjoint(operations)]


def rules_text(numbers: Sequence[int]) -> str:
    """`rule 0`, `rules 0 and 2`: as errors of the policy count them, from 0."""
    listed = " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))
    return f"rule{'s' if len(numbers) > 1 else ''} {listed}"


def wrong_if_used(numbers: Sequence[int], *, text: str, mend: str) -> Finding:
    """The finding on a shortcoming of the store: `wrong` if any rule uses what the store lacks, else `ok`.

    Args:
        numbers: of the rules that use it.
        text: a sentence that names the shortcoming.
        mend: the change of the policy; `{rules}` in it stands for the rules.
    """
    if not numbers:
        return Finding("ok", f"{text} No rule depends on it.")
    return Finding("wrong", text, mend.format(rules=f"{rules_text(numbers)} of POLICY"))
