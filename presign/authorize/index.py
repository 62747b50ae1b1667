"""The index of a policy: the rules that may be for a request, found without a look at the others.

A rule is found by its operations, its bucket, and the literal beginning of its prefix, which ends at the first claim.
So a decision takes no longer with ten thousand rules than with those few that it is about.
"""

from bisect import bisect_right
from collections.abc import Sequence

from presign.authorize.rules import Rule
from presign.model.request import Request

ANY_BUCKET = None
"""The place of rules with a claim in their bucket."""


class RuleIndex:
    """The numbers of `rules`, from 0; what an operation needs is worked out when it is first asked for."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._by_operation: dict[str, dict[str | None, _Beginnings]] = {}

    def candidates(self, request: Request) -> list[int]:
        """The rules that list the operation, and whose bucket and prefix fit as far as they hold no claim; in order."""
        buckets, key = self._buckets_of(request.operation.name), request.operation.target
        named, any_ = buckets.get(request.bucket), buckets.get(ANY_BUCKET)
        numbers = named.of(key) if named else []
        if any_:
            numbers += any_.of(key)
        numbers.sort()
        return numbers

    def nearest(self, request: Request) -> int | None:
        """The first rule that lists the operation, of those for the bucket if there are any; None if no rule does."""
        buckets = self._buckets_of(request.operation.name)
        nearby = buckets.get(request.bucket) or buckets.get(ANY_BUCKET)
        return nearby.first if nearby else min((found.first for found in buckets.values()), default=None)

    def _buckets_of(self, operation: str) -> "dict[str | None, _Beginnings]":
        if operation not in self._by_operation:
            found: dict[str | None, dict[str, list[int]]] = {}
            for number, rule in enumerate(self._rules):
                if operation in rule.granted:
                    bucket = ANY_BUCKET if "{" in rule.bucket else rule.bucket
                    found.setdefault(bucket, {}).setdefault(rule.prefix.partition("{")[0], []).append(number)
            self._by_operation[operation] = {bucket: _Beginnings(numbers) for bucket, numbers in found.items()}
        return self._by_operation[operation]


class _Beginnings:
    """Numbers of rules by the texts with which keys must begin; `first` is the least."""

    def __init__(self, numbers: dict[str, list[int]]) -> None:
        self._texts = sorted(numbers)
        self._numbers = [numbers[text] for text in self._texts]
        self.first = min(map(min, self._numbers))
        # For each text, the place of the longest other one that it begins with, or -1.
        self._parents: list[int] = []
        open_places: list[int] = []
        for place, text in enumerate(self._texts):
            while open_places and not text.startswith(self._texts[open_places[-1]]):
                open_places.pop()
            self._parents.append(open_places[-1] if open_places else -1)
            open_places.append(place)

    def of(self, key: str) -> list[int]:
        """The numbers of all texts that `key` begins with.

        In alphabetical order, each text that lies between a beginning of `key` and `key` has that beginning too. So all
        beginnings are among the last text before `key` and those that this one begins with.
        """
        found = []
        place = bisect_right(self._texts, key) - 1
        while place >= 0:
            if key.startswith(self._texts[place]):
                found += self._numbers[place]
            place = self._parents[place]
        return found
