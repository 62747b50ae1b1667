"""One measurement as it is shown: how much each contender took, how many times a peer or a floor that is, its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.bench.measure import Series

OURS = "presign"
"""The beginning of the names of our own contenders."""


@dataclass(frozen=True)
class Goal:
    """A limit for a measured value.

    Args:
        text: the limit in words.
        value: the measured value, in words.
        met: whether the value is within the limit.
    """

    text: str
    value: str
    met: bool


@dataclass(frozen=True)
class Table:
    """The result of one measurement.

    Args:
        title: of the table.
        text: describes the measurement.
        unit: of the values.
        series: the values of each contender.
        reference: the contender whose median the others' are divided by.
        goals: limits for the values.
        left_out: contenders that could not be measured, with the reason.
        digits: of a value, after the point.
    """

    title: str
    text: str
    unit: str
    series: Sequence[Series]
    reference: str
    goals: Sequence[Goal] = ()
    left_out: Sequence[str] = ()
    digits: int = 1

    def median(self, name: str) -> float:
        """The median of a contender."""
        return next(series.median for series in self.series if series.name == name)

    def ratio(self, name: str, to: str | None = None) -> float:
        """The median of `name`, divided by that of another contender, by default the reference."""
        return self.median(name) / self.median(to or self.reference)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """For each contender its name, median, quartiles and ratio, the least first."""
        rows = []
        for series in sorted(self.series, key=lambda series: series.median):
            low, high = series.quartiles
            spread = "" if low == high else f"{low:,.{self.digits}f} to {high:,.{self.digits}f}"
            rows.append((series.name, f"{series.median:,.{self.digits}f}", spread, times_of(self.ratio(series.name))))
        return rows


@dataclass(frozen=True)
class Breakdown:
    """The parts that the time of some contenders has.

    Args:
        title: of the table and of the picture.
        text: describes the measurement.
        unit: of the values.
        bars: for each contender its parts, in the order of the picture.
        picture: the name of its file in `docs/`.
        digits: of a value, after the point.
    """

    title: str
    text: str
    unit: str
    bars: Mapping[str, Mapping[str, float]]
    picture: str
    digits: int = 0

    @property
    def parts(self) -> list[str]:
        """The names of all parts, each once."""
        return list(dict.fromkeys(part for bar in self.bars.values() for part in bar))

    def rows(self) -> list[list[str]]:
        """For each part, and for all together, its name and its value for each contender."""
        return [
            *(
                [part, *(self.shown(bar[part]) if part in bar else "" for bar in self.bars.values())]
                for part in self.parts
            ),
            ["all", *(self.shown(sum(bar.values())) for bar in self.bars.values())],
        ]

    def shown(self, value: float) -> str:
        """A value with its digits."""
        return f"{value:,.{self.digits}f}"


def times_of(ratio: float) -> str:
    """A ratio to three digits, or to the last before the point."""
    return f"{ratio:,.2f}" if ratio < 10 else f"{ratio:,.1f}" if ratio < 100 else f"{ratio:,.0f}"


def at_most(ratio: float, limit: float, text: str, unit: str = "times") -> Goal:
    """The goal that `ratio` is not above `limit`."""
    return Goal(f"{text}: at most {limit:,g} {unit}", f"{ratio:,.2f}", ratio <= limit)


def at_least(ratio: float, limit: float, text: str, unit: str = "times") -> Goal:
    """The goal that `ratio` is not below `limit`."""
    return Goal(f"{text}: at least {limit:,g} {unit}", f"{ratio:,.1f}", ratio >= limit)
