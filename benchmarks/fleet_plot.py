"""The fleet's measurements as a table and as a plot that needs no library and no network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from benchmarks.fleet import Size

NAMES = {"serial": "serial loop", "xargs": "xargs -P 2", "fleet": "tvmplug fleet update"}
_COLOURS = {"serial": "#8c959f", "xargs": "#4c78a8", "fleet": "#1a7f37"}
_WIDTH, _HEIGHT = 300, 240
_LEFT, _TOP, _GAP = 64, 56, 92


def markdown_table(sizes: Sequence[Size]) -> str:
    """Return the measurements as a table for the documentation."""
    lines = [
        "| projects | serial loop | `xargs -P 2` | `fleet update --jobs 2` | faster than serial "
        "| than xargs | CPU a project: serial, xargs, fleet | memory: serial, xargs, fleet |",
        "|---" * 8 + "|",
    ]
    for size in sizes:
        serial, xargs, fleet = (size.ways[way] for way in NAMES)
        cpu = ", ".join(f"{way.cpu_s / way.projects:.2f}" for way in (serial, xargs, fleet))
        memory = ", ".join(f"{way.peak_mb:.0f}" for way in (serial, xargs, fleet))
        cells = [
            str(size.projects),
            _seconds(serial.each_s * size.projects, whole=serial.projects == size.projects),
            _seconds(xargs.each_s * size.projects, whole=xargs.projects == size.projects),
            _seconds(fleet.wall_s, whole=True),
            f"{size.ratio('serial'):.1f}",
            f"{size.ratio('xargs'):.1f}",
            f"{cpu} s",
            f"{memory} MB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [
        f"- {size.projects} projects: the loops were measured on {size.ways['serial'].projects} of "
        "them; their times for all follow from that."
        for size in sizes
        if size.ways["serial"].projects < size.projects
    ]
    notes += [
        f"- {size.projects} projects: {size.same_trees} of {size.compared} trees equal Copier's, "
        f"byte for byte; Copier left conflicts in {size.conflicts}, the fleet refused "
        f"{size.refused}."
        for size in sizes
    ]
    return "\n".join([*lines, "", *notes]) + "\n"


def svg_plot(sizes: Sequence[Size]) -> str:
    """Return three small plots over the number of projects: wall time, CPU a project, memory."""
    panels: tuple[tuple[str, Callable[[Size, str], float]], ...] = (
        ("wall time, s", lambda size, way: size.ways[way].each_s * size.projects),
        ("CPU a project, s", lambda size, way: size.ways[way].cpu_s / size.ways[way].projects),
        ("memory of all processes, MB", lambda size, way: size.ways[way].peak_mb),
    )
    width = _LEFT + len(panels) * (_WIDTH + _GAP) - _GAP + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_TOP + _HEIGHT + 56}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Updating a fleet: wall time, processor time and memory</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_legend(),
    ]
    for number, (title, value) in enumerate(panels):
        parts += _panel(sizes, title, value, _LEFT + number * (_WIDTH + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> list[str]:
    parts = []
    left = _LEFT
    for way, name in NAMES.items():
        parts.append(f'<circle cx="{left}" cy="16" r="5" fill="{_COLOURS[way]}"/>')
        parts.append(f'<text x="{left + 10}" y="20" fill="#1c2128">{escape(name)}</text>')
        left += 40 + 7 * len(name)
    hollow = "hollow: measured on a part of the projects"
    return [*parts, f'<text x="{left}" y="20" fill="#59636e">{hollow}</text>']


def _panel(
    sizes: Sequence[Size], title: str, value: Callable[[Size, str], float], left: float
) -> list[str]:
    """One plot, both axes logarithmic."""
    xs = [size.projects for size in sizes]
    ys = [value(size, way) for size in sizes for way in NAMES]
    low, high = _decades(ys)
    first, last = math.log10(min(xs)), math.log10(max(xs))

    def across(projects: float) -> float:
        share = (math.log10(projects) - first) / (last - first) if last > first else 0.5
        return left + share * _WIDTH

    def down(number: float) -> float:
        share = (math.log10(max(number, 10**low)) - low) / (high - low)
        return _TOP + (1 - share) * _HEIGHT

    parts = [
        f'<text x="{left}" y="{_TOP - 12}" font-weight="600" fill="#1c2128">{escape(title)}</text>'
    ]
    for power in range(low, high + 1):
        y = down(10**power)
        parts.append(f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#d1d9e0"/>')
        parts.append(_label(left - 8, y + 4, f"{10**power:g}", "end"))
    for projects in xs:
        x = across(projects)
        parts.append(f'<path d="M{x:.1f} {_TOP + _HEIGHT}v5" stroke="#59636e"/>')
        parts.append(_label(x, _TOP + _HEIGHT + 20, str(projects), "middle"))
    parts.append(_label(left + _WIDTH / 2, _TOP + _HEIGHT + 40, "projects", "middle"))
    for way, colour in _COLOURS.items():
        points = [(across(size.projects), down(value(size, way))) for size in sizes]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for size, (x, y) in zip(sizes, points, strict=True):
            fill = colour if size.ways[way].projects == size.projects else "#ffffff"
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{colour}" '
                'stroke-width="2"/>'
            )
    return parts


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that hold all values."""
    low = math.floor(math.log10(max(min(values), 1e-3)))
    return low, max(low + 1, math.ceil(math.log10(max(*values, 1e-3))))


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#59636e">{text}</text>'


def _seconds(seconds: float, *, whole: bool) -> str:
    """A time; one that was not measured on the whole fleet is told as about so much."""
    told = f"{seconds:.1f} s" if seconds < 99.95 else f"{seconds:.0f} s"
    return told if whole else f"about {told}"
