"""`tools.bench`: measuring in turns, tables, charts, and the parts of a call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.stack import ROOT
from support.systems import Running
from tools.bench import transfers
from tools.bench.chart import curves, stacked, svg
from tools.bench.cpu_limit import CpuLimit
from tools.bench.measure import Series, in_turns
from tools.bench.report import markdown
from tools.bench.table import Breakdown, Table, at_most

TABLE = Table(
    title="A <title>",
    text="",
    unit="µs",
    series=[Series("presign", [3.0, 4.0, 5.0]), Series("floor", [2.0, 2.0, 2.0]), Series("other & sons", [2000.0])],
    reference="floor",
)
BREAKDOWN = Breakdown(
    title="Parts",
    text="Text.",
    unit="ms",
    bars={"floor": {"FDK": 50.4, "SDK": 170.0}, "presign": {"FDK": 50.0, "SDK": 70.0, "function": 1.0}},
    picture="parts",
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


def test_the_curves_stand_over_their_sizes() -> None:
    lines = {"a grant": [1.0, 2.0, 4.0], "a <refusal>": [2.0, 2.0, 5.0]}
    chart = ElementTree.fromstring(curves("Growth", x_unit="rules", xs=[10, 100, 1000], y_unit="µs", lines=lines))
    texts = ["".join(element.itertext()) for element in chart.iter()]
    for expected in ("Growth", "1,000 rules", "a grant: 4.0 µs", "a <refusal>: 5.0 µs"):
        assert expected in texts
    [first, second] = [element.attrib["points"].split(" ") for element in chart.iter() if "points" in element.attrib]
    # Equal steps to the right for equal factors, and a greater value higher up.
    places = [[float(number) for number in point.split(",")] for point in first]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.1)
    assert places[0][1] > places[1][1] > places[2][1]
    assert second[0].split(",")[1] == first[1].split(",")[1]


def test_a_goal_is_met_up_to_its_limit() -> None:
    assert at_most(3.0, 3, "One URL").met
    assert not at_most(3.01, 3, "One URL").met


def test_the_chart_names_every_contender() -> None:
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(svg(TABLE)).iter()]
    for expected in ("A <title>: CPU time", "floor", "other & sons", "2,000.0  (1,000 times)"):
        assert expected in texts


def test_the_parts_of_a_breakdown_and_their_sum() -> None:
    assert BREAKDOWN.rows() == [
        ["FDK", "50", "50"],
        ["SDK", "170", "70"],
        ["function", "", "1"],
        ["all", "220", "121"],
    ]
    assert "## Parts\n\nText.\n\n| median, ms | floor | presign |\n|---|---:|---:|\n| FDK | 50 | 50 |" in markdown(
        [BREAKDOWN]
    )


def test_the_stacked_chart_has_each_part_as_long_as_it_took() -> None:
    chart = ElementTree.fromstring(stacked(BREAKDOWN))
    widths = [float(rect.attrib["width"]) for rect in chart.iter() if rect.attrib.get("height") == "30"]
    assert widths == pytest.approx([width * widths[3] / 70.0 for width in (50.4, 170.0, 50.0, 70.0, 1.0)], abs=0.2)
    texts = [element.text for element in chart.iter()]
    assert {"Parts", "floor", "presign", "FDK", "SDK", "function", "170", "220", "121"} <= set(texts)


@pytest.mark.parametrize("name", ["floor", "cold", "warm"])
def test_each_part_of_a_call_is_measured(start: Callable[..., Running], name: str) -> None:
    stack = start().stack
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "bench" / "parts.py", name, stack.claims_key]
    environment = {**stack.principal.environment(), **stack.settings(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True)  # noqa: S603
    parts = json.loads(done.stdout)
    assert min(parts.values()) > 0, parts
    assert b'"outcome":"granted"' in done.stderr or name == "floor"


def test_a_limited_process_runs_in_its_control_group() -> None:
    try:
        with CpuLimit(0.5) as cpu:
            command = [*cpu.prefix, "cat", "/proc/self/cgroup"]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=10, check=True)  # noqa: S603
    except OSError as exc:
        pytest.skip(f"no control group can be made here: {exc}")
    assert f"presign-bench-{os.getpid()}-0.5" in done.stdout


@pytest.mark.slow
def test_both_clients_move_files_to_seaweedfs() -> None:
    tables = transfers.measure(lambda: None, rounds=1, big_bytes=17 << 20, files=3)
    names = {"presign_client", "boto3's transfer manager", "presign_client, CPU", "boto3's transfer manager, CPU"}
    assert [{series.name for series in table.series} for table in tables] == [names] * 4
    assert all(series.values[0] > 0 for table in tables for series in table.series)
