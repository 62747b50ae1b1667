"""Charts for light and dark pages: a table on a logarithmic scale, a breakdown as stacked bars, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from tools.bench.table import OURS, Breakdown, Table, times_of

WIDTH = 860
LABELS = 290
"""Where the bars begin: the names stand before them."""
VALUES = 190
"""Room behind the longest bar."""
TOP, ROW, BAR = 66, 30, 18

_STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .ours { font-weight: 600 }
  .bar { fill: #afb8c1 } .bar.floor { fill: #d0d7de } .bar.ours { fill: #1f883d }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .in { font-size: 12px; fill: #fff }
  .p0 { fill: #8c959f } .p1 { fill: #57606a } .p2 { fill: #1f883d } .p3 { fill: #0969da } .p4 { fill: #8250df }
  .p5 { fill: #bc4c00 }
  .curve { fill: none; stroke-width: 2 } .c0 { stroke: #1f883d } .c1 { stroke: #bc4c00; stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .quiet { fill: #9198a1 }
    .bar { fill: #656c76 } .bar.floor { fill: #3d444d } .bar.ours { fill: #2ea043 }
    .grid { stroke: #30363d }
  }"""


def svg(table: Table) -> str:
    """The chart of `table`."""
    series = sorted(table.series, key=lambda one: one.median)
    least, most = floor(log10(series[0].median)), ceil(log10(series[-1].median))
    height = TOP + ROW * len(series) + 40

    def x(value: float) -> float:
        return LABELS + (log10(value) - least) / (most - least) * (WIDTH - LABELS - VALUES)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(_summary(table))}</title>",
        f"<style>{_STYLE}\n</style>",
        f'<text class="title" x="12" y="26">{escape(table.title)}: CPU time</text>',
        '<text class="quiet" x="12" y="46">median, microseconds, logarithmic; less is better</text>',
    ]
    bottom = TOP + ROW * len(series)
    for power in range(least, most + 1):
        at, label = x(10**power), f"{10**power:,g} {table.unit}"
        parts.append(f'<line class="grid" x1="{at:.1f}" y1="{TOP - 4}" x2="{at:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="quiet" x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    for index, one in enumerate(series):
        y = TOP + ROW * index
        kind = "ours" if one.name.startswith(OURS) else "floor" if one.name == table.reference else ""
        middle = y + ROW / 2 + 1
        name = escape(one.name.partition(":")[0])
        times = "" if one.name == table.reference else f"  ({times_of(table.ratio(one.name))} times)"
        parts += [
            f'<text class="{kind}" x="{LABELS - 12}" y="{middle}" text-anchor="end">{name}</text>',
            f'<rect class="bar {kind}" x="{LABELS}" y="{y + (ROW - BAR) / 2 - 3}" width="{x(one.median) - LABELS:.1f}" '
            f'height="{BAR}" rx="3"/>',
            f'<text class="{kind}" x="{x(one.median) + 8:.1f}" y="{middle}">{one.median:,.1f}'
            f'<tspan class="quiet">{times}</tspan></text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def stacked(breakdown: Breakdown) -> str:
    """The chart of `breakdown`: a bar for each contender, as long as its parts together."""
    bottom = TOP + 2 * ROW * len(breakdown.bars)
    scale = (WIDTH - 24 - 80) / max(sum(bar.values()) for bar in breakdown.bars.values())
    summary = "; ".join(f"{', '.join([name, *_parts(breakdown, name)])}" for name in breakdown.bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" role="img">',
        f"<title>{escape(f'{breakdown.title}, {breakdown.unit}: {summary}')}</title>",
        f"<style>{_STYLE}\n</style>",
        f'<text class="title" x="12" y="26">{escape(breakdown.title)}</text>',
        f'<text class="quiet" x="12" y="46">medians, {breakdown.unit}; less is better</text>',
    ]
    for index, (name, bar) in enumerate(breakdown.bars.items()):
        y, x = TOP + 2 * ROW * index, 12.0
        kind = "ours" if name.startswith(OURS) else ""
        parts.append(f'<text class="{kind}" x="12" y="{y + 14}">{escape(name)}</text>')
        for part, value in bar.items():
            width, colour = value * scale, breakdown.parts.index(part)
            parts.append(f'<rect class="p{colour}" x="{x:.1f}" y="{y + 22}" width="{width:.1f}" height="{ROW}"/>')
            if width >= 30:
                shown = breakdown.shown(value)
                parts.append(
                    f'<text class="in" x="{x + width / 2:.1f}" y="{y + 41}" text-anchor="middle">{shown}</text>'
                )
            x += width
        parts.append(f'<text class="{kind}" x="{x + 8:.1f}" y="{y + 41}">{breakdown.shown(sum(bar.values()))}</text>')
    for colour, part in enumerate(breakdown.parts):
        x = 12 + colour * (WIDTH - 24) / len(breakdown.parts)
        parts.append(f'<rect class="p{colour}" x="{x:.1f}" y="{bottom + 10}" width="12" height="12" rx="2"/>')
        parts.append(f'<text class="quiet" x="{x + 17:.1f}" y="{bottom + 20}">{escape(part)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def curves(title: str, *, x_unit: str, xs: Sequence[int], y_unit: str, lines: Mapping[str, Sequence[float]]) -> str:
    """The chart of `lines`: for each its values at `xs`, which stand on a logarithmic scale."""
    top, bottom, right = TOP, TOP + 200, WIDTH - VALUES
    most = 1.25 * max(max(values) for values in lines.values())

    def x(value: int) -> float:
        return 80 + (log10(value) - log10(xs[0])) / (log10(xs[-1]) - log10(xs[0])) * (right - 80)

    def y(value: float) -> float:
        return bottom - value / most * (bottom - top)

    sizes = ", ".join(f"{value:,}" for value in xs)
    told = "; ".join(f"{name} {', '.join(f'{value:,.1f}' for value in values)}" for name, values in lines.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 40}" role="img">',
        f"<title>{escape(f'{title}, {y_unit}, at {sizes} {x_unit}: {told}')}</title>",
        f"<style>{_STYLE}\n</style>",
        f'<text class="title" x="12" y="26">{escape(title)}</text>',
        f'<text class="quiet" x="12" y="46">median, {y_unit}; the number of {x_unit} on a logarithmic scale</text>',
        f'<line class="grid" x1="80" y1="{bottom}" x2="{right}" y2="{bottom}"/>',
    ]
    for value in xs:
        parts.append(f'<line class="grid" x1="{x(value):.1f}" y1="{top}" x2="{x(value):.1f}" y2="{bottom}"/>')
        label = f"{value:,} {x_unit}"
        parts.append(f'<text class="quiet" x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    for colour, (name, values) in enumerate(lines.items()):
        key = top + 8 + 24 * colour
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in zip(xs, values, strict=True))
        parts.append(f'<polyline class="curve c{colour}" points="{points}"/>')
        parts.append(f'<line class="curve c{colour}" x1="{right + 12}" y1="{key}" x2="{right + 36}" y2="{key}"/>')
        parts.append(f'<text x="{right + 44}" y="{key + 5}">{escape(name)}: {values[-1]:,.1f} {y_unit}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _parts(breakdown: Breakdown, name: str) -> list[str]:
    return [f"{part} {breakdown.shown(value)}" for part, value in breakdown.bars[name].items()]


def _summary(table: Table) -> str:
    return f"{table.title}, {table.unit}: " + ", ".join(f"{one.name} {one.median:,.1f}" for one in table.series)
