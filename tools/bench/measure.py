"""Measuring in turns, so that other work of the machine slows all contenders alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Series(NamedTuple):
    """The values of one contender.

    Args:
        name: of the contender.
        values: one for each round, in the unit of its table.
    """

    name: str
    values: list[float]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The values that a quarter of all are below, and above."""
        if len(self.values) < 2:
            return self.median, self.median
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third


def in_turns(
    contenders: Mapping[str, Callable[[], float]], *, rounds: int, tick: Callable[[], None] = lambda: None
) -> list[Series]:
    """Measure each contender once a round; who is first in a round changes.

    Args:
        contenders: by name, a function that measures one value.
        rounds: the number of values of each.
        tick: is called after each round.
    """
    values: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            values[name].append(contenders[name]())
        tick()
    return [Series(name, found) for name, found in values.items()]
