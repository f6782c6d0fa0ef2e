"""The ratios as a plot that needs no library and no network."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from benchmarks.speed.results import geometric_mean, ratio, ratios
from benchmarks.speed.tables import Report

# TVM's own code is no choice of anybody's, and would take most of the axis: it is in the tables.
_COLOURS = {
    "onnxruntime": "#4c78a8",
    "pytorch": "#cf6a32",
    "executorch": "#8250df",
    "litert": "#1a7f37",
}
_WIDTH, _ROW = 360, 26
_LABELS, _TOP, _GAP = 150, 76, 40


def svg_plot(report: Report) -> str:
    """Return a panel for each number of threads: a dot for each runtime they are held against.

    A dot left of the line at 1 says that the plugin takes less time than that runtime.
    """
    found = [
        value
        for threads in report.threads
        for way in _shown(report)
        for value in ratios(report.cells, report.tasks, threads, way).values()
    ]
    low = min(-2, math.floor(math.log2(min(found, default=1.0))))
    high = max(2, math.ceil(math.log2(max(found, default=1.0))))
    rows = [*report.tasks, "geometric mean"]
    width = _LABELS + len(report.threads) * (_WIDTH + _GAP)
    height = _TOP + len(rows) * _ROW + 56
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Latency of the plugins as a share of other runtimes'</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_legend(report),
        *_names(rows),
    ]
    for number, threads in enumerate(report.threads):
        left = _LABELS + number * (_WIDTH + _GAP)
        parts += _panel(report, threads, left, (low, high))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(report: Report) -> list[str]:
    parts, left = [], _LABELS
    for way in _shown(report):
        parts.append(f'<circle cx="{left}" cy="16" r="5" fill="{_COLOURS[way]}"/>')
        parts.append(f'<text x="{left + 10}" y="20" fill="#1c2128">against {escape(way)}</text>')
        left += 72 + 7 * len(way)
    return parts


def _names(rows: list[str]) -> list[str]:
    return [
        f'<text x="{_LABELS - 12}" y="{_TOP + (row + 0.5) * _ROW + 4:.1f}" text-anchor="end" '
        f'fill="#1c2128">{escape(name)}</text>'
        for row, name in enumerate(rows)
    ]


def _panel(report: Report, threads: int, left: float, powers: tuple[int, int]) -> list[str]:
    low, high = powers
    bottom = _TOP + (len(report.tasks) + 1) * _ROW

    def across(value: float) -> float:
        return left + (math.log2(value) - low) / (high - low) * _WIDTH

    title = f"latency as a share of theirs, {threads} thread{'' if threads == 1 else 's'}"
    parts = [
        f'<text x="{left}" y="{_TOP - 24}" font-weight="600" fill="#1c2128">{title}</text>',
    ]
    for power in range(low, high + 1):
        x, colour = across(2.0**power), "#59636e" if power == 0 else "#d1d9e0"
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="{colour}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle" fill="#59636e">'
            f"{_tick(power)}</text>"
        )
    for way in _shown(report):
        values = [ratio(report.cells, task, threads, way) for task in report.tasks]
        values.append(geometric_mean(value for value in values if value is not None))
        for row, value in enumerate(values):
            if value is None:
                continue
            y, size = _TOP + (row + 0.5) * _ROW, 6 if row == len(report.tasks) else 4
            parts.append(
                f'<circle cx="{across(value):.1f}" cy="{y:.1f}" r="{size}" '
                f'fill="{_COLOURS[way]}" fill-opacity="0.85"/>'
            )
    return parts


def _shown(report: Report) -> list[str]:
    return [way for way in report.others if way in _COLOURS]


def _tick(power: int) -> str:
    return str(2**power) if power >= 0 else f"1/{2**-power}"
