"""A run's report as Markdown: for a terminal, a pull request, a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tvmplug.fleet.report import RunReport
from tvmplug.fleet.report_parts import (
    Case,
    ChangedFile,
    changed_files,
    flat,
    groups,
    notices,
    phase_times,
    versions,
)
from tvmplug.fleet.wording import duration, printable, visible

_MOST_FILES = 20
_MOST_NAMES = 8
_LEADING = re.compile(r"^(\d*)([-+=.)])")  # begins a list, or makes a heading of what is above
# What Markdown, GitHub's and GitLab's too, gives a meaning in the middle of a line; @ calls people.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&@$])")


def to_markdown(report: RunReport) -> str:
    """Return the report as Markdown."""
    parts = [
        _heading(report),
        *_failures(report),
        *_notices(report),
        *_updates(report),
        *_times(report),
    ]
    return "\n\n".join(parts) + "\n"


def summary(report: RunReport) -> str:
    """Say in a few words how the run ended: `198 updated, 2 failed`."""
    told = ", ".join(f"{count} {state}" for state, count in report.counts.items())
    return told or "no repository"


def text(said: str) -> str:
    """Return text as Markdown that shows it as it is."""
    return _LEADING.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", printable(said)))


def code(said: str) -> str:
    """Return text as a code span, whatever it holds, also inside a table."""
    shown = printable(said).replace("|", "\\|")
    if not shown:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"


def block(lines: Sequence[str]) -> str:
    """Return lines as a code block that none of them can end."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _heading(report: RunReport) -> str:
    lines = [f"# Fleet run {report.run}: {summary(report)}", ""]
    lines.append(f"Started {report.started:%Y-%m-%d %H:%M} UTC.")
    if not report.is_done:
        lines.append("It is not finished: `tvmplug fleet resume` goes on with it.")
    told = [*flat(report.targets), *flat(report.asked)]
    if told:
        lines += ["", *(f"- {text(name)}: {code(value)}" for name, value in told)]
    return "\n".join(lines)


def _failures(report: RunReport) -> Iterator[str]:
    found = groups(report)
    if found:
        yield "## Not updated, and why"
    for group in found:
        yield f"### {text(group.title)} ({len(group.names)})"
        if group.mend:
            yield f"→ {text(group.mend)}"
        for case in group.cases:
            yield from _case(case)


def _case(case: Case) -> Iterator[str]:
    names = _names([entry.name for entry in case.entries], all_of_them=True)
    said = f"**{names}**: {text(case.message)}"
    yield f"{said}. {text(case.mend)}" if case.mend else said
    if case.details:
        yield block([visible(detail) for detail in case.details])
    logs = [entry.log for entry in case.entries if entry.log is not None]
    if logs:
        yield "\n".join(f"- {code(str(log))}" for log in logs)


def _notices(report: RunReport) -> Iterator[str]:
    told = notices(report)
    if told:
        yield "## To know"
        yield "\n".join(f"- {text(notice)} ({_names(names)})" for notice, names in told)


def _updates(report: RunReport) -> Iterator[str]:
    moved = versions(report)
    if moved:
        yield "## Updated"
        rows = [(code(before), code(after), str(count)) for before, after, count in moved]
        yield _table(("from", "to", "repositories"), rows)
    files = changed_files(report)
    if files:
        yield "## What changed"
        yield _table(
            ("file", "repositories", "lines"),
            [
                (code(file.path), str(file.repositories), _lines(file))
                for file in files[:_MOST_FILES]
            ],
        )
        if len(files) > _MOST_FILES:
            yield f"And {len(files) - _MOST_FILES} further files."


def _times(report: RunReport) -> Iterator[str]:
    phases = phase_times(report)
    if phases:
        yield "## Times"
        yield _table(
            ("phase", "median", "longest", "in all"),
            [
                (
                    text(phase.name),
                    duration(phase.median),
                    duration(phase.longest),
                    duration(phase.total),
                )
                for phase in phases
            ],
        )


def _lines(file: ChangedFile) -> str:
    return "binary" if file.added is None else f"+{file.added} -{file.removed}"


def _names(names: Sequence[str], *, all_of_them: bool = False) -> str:
    most = len(names) if all_of_them else _MOST_NAMES
    shown = ", ".join(text(name) for name in names[:most])
    hidden = len(names) - most
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
