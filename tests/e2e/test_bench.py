"""`tools.bench`: measuring in turns, tables and the chart."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from tools.bench.chart import svg
from tools.bench.measure import Series, in_turns
from tools.bench.table import Table, at_most

TABLE = Table(
    title="A <title>",
    text="",
    unit="µs",
    series=[Series("presign", [3.0, 4.0, 5.0]), Series("floor", [2.0, 2.0, 2.0]), Series("other & sons", [2000.0])],
    reference="floor",
)


def test_contenders_are_measured_in_turns_and_each_is_first_as_often_as_the_others() -> None:
    order: list[str] = []

    def contender(name: str) -> Callable[[], float]:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return measure

    series = in_turns({"a": contender("a"), "b": contender("b")}, rounds=4)
    assert "".join(order) == "abbaabba"
    assert series == [Series("a", [1, 4, 5, 8]), Series("b", [2, 3, 6, 7])]


def test_the_rows_have_the_ratio_to_the_reference_and_the_least_comes_first() -> None:
    assert TABLE.rows() == [
        ("floor", "2.0", "", "1.00"),
        ("presign", "4.0", "3.5 to 4.5", "2.00"),
        ("other & sons", "2,000.0", "", "1,000"),
    ]


def test_a_goal_is_met_up_to_its_limit() -> None:
    assert at_most(3.0, 3, "One URL").met
    assert not at_most(3.01, 3, "One URL").met


def test_the_chart_names_every_contender() -> None:
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg(TABLE)).iter()]
    for expected in ("A <title>: CPU time", "floor", "other & sons", "2,000.0  (1,000 times)"):
        assert expected in texts
