"""Rate and memory of the main job against its size, drawn as an SVG from what
`python -m benchmarks --csv FILE` has measured.

    python -m benchmarks.plot benchmarks/sizes.csv benchmarks/sizes.svg
"""

import csv
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import jinja2

STEP: Final = "run to two smtp-sink"
WIDE, HIGH, LEFT, TOP = 360, 220, 64, 40  # of one panel, in pixels; room for its words beside it


class Panel(NamedTuple):
    """One quantity against the number of clients: points in pixels, aims as (y, words)."""

    title: str
    x: int
    points: list[tuple[float, float, str, str]]  # x, y, the value, the size
    aims: list[tuple[float, str]]


SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{{ width }}" height="{{ height }}" \
font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
{% for panel in panels %}
<g transform="translate({{ panel.x }} {{ top }})">
<text y="-16" font-size="14" font-weight="bold">{{ panel.title }}</text>
<path d="M0 0V{{ high }}H{{ wide }}" fill="none" stroke="#444"/>
{% for y, words in panel.aims %}
<path d="M0 {{ y }}H{{ wide }}" stroke="#b33" stroke-dasharray="4 4"/>
<text x="{{ wide }}" y="{{ y - 4 }}" text-anchor="end" fill="#b33">{{ words }}</text>
{% endfor %}
<polyline fill="none" stroke="#236" stroke-width="2" points="\
{% for x, y, _, _ in panel.points %}{{ x }},{{ y }} {% endfor %}"/>
{% for x, y, value, size in panel.points %}
<circle cx="{{ x }}" cy="{{ y }}" r="4" fill="#236"/>
<text x="{{ x }}" y="{{ y + 20 }}" text-anchor="middle" paint-order="stroke" \
stroke="white" stroke-width="5">{{ value }}</text>
<text x="{{ x }}" y="{{ high + 18 }}" text-anchor="middle" fill="#444">{{ size }}</text>
{% endfor %}
<text x="{{ wide / 2 }}" y="{{ high + 38 }}" text-anchor="middle" fill="#444">clients</text>
</g>
{% endfor %}
</svg>
"""


def panel(
    title: str,
    number: int,
    values: Sequence[tuple[int, float]],
    aims: Sequence[tuple[float, str]],
    words: Callable[[float], str],
) -> Panel:
    """Sizes on a logarithmic axis, values on a linear one from zero."""
    top = 1.15 * max([value for _, value in values] + [aim for aim, _ in aims])
    low, high = (math.log(values[at][0]) for at in (0, -1))
    spread = (high - low) or 1.0

    def x(size: int) -> float:
        return round(30 + (math.log(size) - low) / spread * (WIDE - 60), 1)

    def y(value: float) -> float:
        return round(HIGH * (1 - value / top), 1)

    points = [(x(size), y(value), words(value), f"{size:,}") for size, value in values]
    left = LEFT // 2 + number * (WIDE + LEFT)
    return Panel(title, left, points, [(y(aim), said) for aim, said in aims])


def drawn(lines: Sequence[dict[str, str]]) -> str:
    """The picture of what was measured; the median where a size was measured more than once."""
    sizes = sorted({int(line["clients"]) for line in lines})

    def of(value: Callable[[dict[str, str]], float]) -> list[tuple[int, float]]:
        return [
            (size, median(value(line) for line in lines if int(line["clients"]) == size))
            for size in sizes
        ]

    rates = of(lambda line: int(line["items"]) / float(line["seconds"]))
    peaks = of(lambda line: float(line["peak_mb"]))
    panels = [
        panel("mails a second, end to end", 0, rates, [(14_000, "aim 14,000"), (10_000, "floor")],
              lambda rate: f"{rate:,.0f}"),
        panel("peak memory of all own processes, MB", 1, peaks, [(400, "aim 400")],
              lambda mb: f"{mb:.0f}"),
    ]  # fmt: skip
    return jinja2.Environment(trim_blocks=True, autoescape=True).from_string(SVG).render(
        panels=panels, wide=WIDE, high=HIGH, top=TOP,
        width=2 * (WIDE + LEFT), height=HIGH + TOP + 56,
    )  # fmt: skip


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    with source.open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["step"] == STEP]
    target.write_text(drawn(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
