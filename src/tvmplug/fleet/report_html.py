"""A run's report as one page that needs nothing else: no network, no scripts, light or dark."""

from __future__ import annotations

import functools
import importlib.resources
from dataclasses import dataclass

import jinja2

from tvmplug.fleet import report_parts as parts
from tvmplug.fleet.records import Result
from tvmplug.fleet.report import RepositoryReport, RunReport
from tvmplug.fleet.wording import duration, printable, visible

_TEMPLATE = "report.html.jinja"
# Colours of phases in the order in which they first occur; the page's style has one for each.
_PHASE_COLOURS = 6


@dataclass(frozen=True)
class _Share:
    """A part of a bar.

    Attributes:
        label: What it stands for.
        colour: The class that colours it.
        percent: Its length.
    """

    label: str
    colour: str
    percent: float


@dataclass(frozen=True)
class _Bar:
    """What one repository cost."""

    name: str
    told: str
    cpu: str
    shares: tuple[_Share, ...]


def to_html(report: RunReport) -> str:
    """Return the report as a page.

    Args:
        report: What a run did.

    Returns:
        The page: its style is in it, and its policy forbids it to load or run anything.
    """
    phases = parts.phase_times(report)
    return _template().render(
        report=report,
        title=f"Fleet run {report.run}",
        counts=_counts(report),
        told=[*parts.flat(report.targets), *parts.flat(report.asked)],
        groups=parts.groups(report),
        notices=parts.notices(report),
        versions=parts.versions(report),
        files=parts.changed_files(report),
        updated=[entry for entry in report.repositories if entry.state == Result.UPDATED.value],
        phases=[(phase, _colour(number)) for number, phase in enumerate(phases)],
        bars=_bars(report, [phase.name for phase in phases]),
        cpu=sum(outcome.cpu_seconds for outcome in report.outcomes()),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    environment.filters["visible"] = visible
    environment.filters["duration"] = duration
    source = importlib.resources.files("tvmplug.fleet").joinpath(_TEMPLATE)
    return environment.from_string(source.read_text(encoding="utf-8"))


def _counts(report: RunReport) -> list[tuple[int, _Share]]:
    total = len(report.repositories)
    return [
        (count, _Share(state, state, 100 * count / total)) for state, count in report.counts.items()
    ]


def _bars(report: RunReport, phases: list[str]) -> list[_Bar]:
    """A bar for each repository that was worked on, the slowest first, all to one scale."""
    slowest = sorted(report.repositories, key=lambda entry: -entry.seconds)
    scale = max((entry.seconds for entry in slowest), default=0.0)
    return [_bar(entry, phases, scale) for entry in slowest if entry.seconds > 0]


def _bar(entry: RepositoryReport, phases: list[str], scale: float) -> _Bar:
    outcome = entry.outcome
    seconds = {} if outcome is None else outcome.seconds
    return _Bar(
        name=entry.name,
        told=duration(entry.seconds),
        cpu=duration(0.0 if outcome is None else outcome.cpu_seconds),
        shares=tuple(
            _Share(
                f"{phase} {duration(seconds[phase])}", _colour(number), 100 * seconds[phase] / scale
            )
            for number, phase in enumerate(phases)
            if seconds.get(phase)
        ),
    )


def _colour(number: int) -> str:
    return f"phase{number % _PHASE_COLOURS}"
