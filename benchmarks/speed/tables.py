"""The measurements as tables for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.calls import duration
from benchmarks.speed.plugins import Plugin
from benchmarks.speed.results import (
    Cell,
    Cells,
    Roof,
    Work,
    achieved,
    geometric_mean,
    ratio,
    ratios,
)
from benchmarks.speed.ways import OURS

_NONE = "-"
# A way that takes more cores than it was given is told; the system's own work is no such thing.
_SPARE_CORES = 0.2


@dataclass
class Report:
    """Everything that was measured.

    Attributes:
        tasks: The names of the components, in order.
        ways: The names of the ways, in order.
        threads: The numbers of threads.
        machine: What it was measured on.
        about: What each model is.
        work: What one call of a component takes.
        files: How the conversion of each component for each way went.
        plugins: The built plugins by model and way.
        roofs: What the machine can do, by number of threads.
        cells: The measurements.
    """

    tasks: Sequence[str]
    ways: Sequence[str]
    threads: Sequence[int]
    machine: str = ""
    about: dict[str, str] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    plugins: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    roofs: dict[int, Roof] = field(default_factory=dict)
    cells: Cells = field(default_factory=dict)

    @property
    def others(self) -> list[str]:
        """The ways that the plugins are compared with."""
        return [way for way in self.ways if way != OURS]

    def cell(self, task: str, threads: int, way: str) -> Cell:
        """One cell; an empty one for what was not measured."""
        return self.cells.get((task, threads, way), Cell())


def markdown(report: Report) -> str:
    """Return all tables."""
    parts = [f"Measured on {report.machine}. Ratios below 1: the plugin takes less."]
    parts += ["## Ratios", _means(report)]
    for threads in report.threads:
        parts += [f"### {_threads(threads)}", _ratios(report, threads)]
    for threads in report.threads:
        parts += [f"## Latency, {_threads(threads)}: median (95 of 100 calls)"]
        parts += [_latencies(report, threads)]
    parts += ["## Start: load runtime + load model + first call", _starts(report)]
    parts += [
        "## Memory: most that model and calls add, held afterwards (libraries)",
        _memory(report),
    ]
    parts += ["## Plugins", _plugins(report)]
    parts += ["## Files of the other ways", _files(report)]
    for threads in report.threads:
        parts += [f"## Roofline, {_threads(threads)}", _roofline(report, threads)]
    parts += ["## Largest error, as a share of the largest value", _errors(report)]
    if problems := _problems(report):
        parts += ["## What cannot run, or not as asked", problems]
    parts += ["## Models", "\n".join(f"- {name}: {what}" for name, what in report.about.items())]
    return "\n\n".join(parts) + "\n"


def _means(report: Report) -> str:
    """The geometric means, the worst ratio, and over how many components."""
    rows = []
    for way in report.others:
        row = [way]
        for threads in report.threads:
            found = ratios(report.cells, report.tasks, threads, way)
            mean = geometric_mean(found.values())
            if mean is None:
                row += [_NONE, _NONE, "0"]
                continue
            worst = max(found, key=lambda task: found[task])
            row += [f"{mean:.2f}", f"{found[worst]:.2f} ({worst})", str(len(found))]
        rows.append(row)
    heads = ["against"]
    for threads in report.threads:
        heads += [f"{_threads(threads)}: geometric mean", "worst", "components"]
    return _table(heads, rows)


def _ratios(report: Report, threads: int) -> str:
    rows = []
    for task in report.tasks:
        found = [ratio(report.cells, task, threads, way) for way in report.others]
        rows.append([task, *(_NONE if value is None else f"{value:.2f}" for value in found)])
    return _table(["component", *(f"against {way}" for way in report.others)], rows)


def _latencies(report: Report, threads: int) -> str:
    def told(cell: Cell) -> str:
        mark = " (wrong)" if cell.wrong else ""
        return f"{duration(cell.median_s)} ({duration(cell.p95_s)}){mark}"

    return _by_way(report, threads, told)


def _starts(report: Report) -> str:
    def told(cell: Cell) -> str:
        parts = ("library_s", "open_s", "first_s")
        return " + ".join(duration(cell.middle(part)) for part in parts)

    note = "\n\nOf runtimes from wheels, loading includes Python's own modules of theirs."
    return _by_way(report, report.threads[0], told) + note


def _memory(report: Report) -> str:
    def told(cell: Cell) -> str:
        sizes = [cell.middle(each) for each in ("peak_mb", "held_mb", "library_mb")]
        return "{:.1f}, {:.1f} MB ({:.1f} MB)".format(*sizes)

    note = (
        "\n\nPages of a mapped file count while they are resident, though the system can drop them."
        " A wheel's libraries come with Python modules, and ExecuTorch's Python interface with"
        " PyTorch, whose wheel is made for GPUs too: what they add says nothing about an app."
    )
    return _by_way(report, report.threads[0], told) + note


def _roofline(report: Report, threads: int) -> str:
    """The share of the machine's FLOP/s, and of the roof that its bandwidth may lower."""
    roof = report.roofs.get(threads)
    if roof is None:
        return _NONE
    rows = []
    for task in report.tasks:
        work = report.work[task]
        row = [task, f"{work.flops / 1e6:.1f}", f"{work.weight_bytes / 1e6:.2f} MB"]
        for way in report.ways:
            cell = report.cell(task, threads, way)
            if not cell.counts:
                row.append(_NONE)
                continue
            shares = achieved(cell, work, roof)
            row.append(f"{shares['flops']:.0%}, {shares['bytes']:.0%}")
        rows.append(row)
    peak = f"{roof.flops / 1e9:.0f} GFLOP/s in registers, {roof.bytes / 1e9:.1f} GB/s read"
    heads = ["component", "MFLOP", "weights", *report.ways]
    told = f"The machine: {peak}. Each cell: share of these FLOP/s, share of this bandwidth."
    return f"{told}\n\n{_table(heads, rows)}"


def _errors(report: Report) -> str:
    def told(cell: Cell) -> str:
        return f"{max(run.error for run in cell.runs):.1e}"

    return _by_way(report, report.threads[0], told)


def _by_way(report: Report, threads: int, told: Any) -> str:
    rows = []
    for task in report.tasks:
        cells = [report.cell(task, threads, way) for way in report.ways]
        rows.append([task, *(told(cell) if cell.runs else _NONE for cell in cells)])
    return _table(["component", *report.ways], rows)


def _plugins(report: Report) -> str:
    rows = []
    for (model, way), plugin in report.plugins.items():
        if plugin.error:
            rows.append([model, way, plugin.error, "", "", "", ""])
            continue
        rest = plugin.library_bytes - plugin.constant_bytes
        sizes = (plugin.library_bytes, plugin.constant_bytes, plugin.kernel_bytes, rest)
        build = " ".join(plugin.options) or "as for anybody"
        rows.append([model, way, build, *map(_size, sizes[:3]), _seconds(plugin.build_s)])
    heads = ["model", "way", "options", "library", "weights in it", "kernels' objects", "build"]
    return _table(heads, rows)


def _files(report: Report) -> str:
    """Sizes of models and of the runtimes' libraries, and how long conversions took."""
    rows = []
    for (task, way), told in report.files.items():
        if "error" in told:
            continue
        cell = report.cell(task, report.threads[0], way)
        native = sum(cell.runs[0].libraries.values()) if cell.runs else 0
        rows.append([task, way, _size(told["bytes"]), _size(native), _seconds(told["seconds"])])
    return _table(["component", "way", "model", "runtime's libraries", "conversion"], rows)


def _problems(report: Report) -> str:
    told: dict[tuple[str, str], list[str]] = {}
    for (task, threads, way), cell in report.cells.items():
        if cell.problem:
            told.setdefault((way, cell.problem), []).append(f"{task} ({_threads(threads)})")
        elif cell.wrong:
            told.setdefault((way, "wrong results"), []).append(f"{task} ({_threads(threads)})")
        elif cell.runs and cell.middle("cores") > threads + _SPARE_CORES:
            busy = f"runs, but kept {cell.middle('cores'):.1f} cores busy"
            told.setdefault((way, busy), []).append(f"{task} ({_threads(threads)})")
    rows = [[way, ", ".join(which), why] for (way, why), which in told.items()]
    return _table(["way", "what", "why"], rows) if rows else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
