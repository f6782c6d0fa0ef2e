"""What `check` and `doctor` found: one row a question, shown as a table or as JSON."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.markup import escape

from tvmplug import output
from tvmplug.errors import TvmplugError


class Status(enum.Enum):
    """How a question was answered."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


_MARKS = {Status.OK: "[green]ok[/]", Status.FAILED: "[red]FAIL[/]", Status.SKIPPED: "[dim]-[/]"}


@dataclass(frozen=True)
class Finding:
    """One answer.

    Attributes:
        name: What was looked at.
        status: Whether it is right.
        detail: What was found, or why it is wrong.
        mend: The command or edit that puts it right.
        exit_code: That of the error's family; 0 unless it failed.
    """

    name: str
    status: Status
    detail: str
    mend: str | None = None
    exit_code: int = 0


class Skipped(Exception):  # noqa: N818 - it is no error: it says that a question does not arise
    """Raised by a check that has nothing to look at.

    Args:
        why: Why not.
        mend: What would change that.
    """

    def __init__(self, why: str, *, mend: str | None = None) -> None:
        super().__init__(why)
        self.mend = mend


def ask(name: str, question: Callable[[], str]) -> Finding:
    """Ask one question: its text is the detail, its error is the failure.

    Args:
        name: What is looked at.
        question: Returns what it found; raises TvmplugError or Skipped.
    """
    try:
        return Finding(name, Status.OK, question())
    except Skipped as skipped:
        return Finding(name, Status.SKIPPED, str(skipped), skipped.mend)
    except TvmplugError as error:
        return Finding(name, Status.FAILED, error.message, error.mend, error.exit_code)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code of the first failure, or 0."""
    return next((f.exit_code for f in findings if f.status is Status.FAILED), 0)


def show(title: str, findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings to stdout."""
    if as_json:
        rows = [
            {"name": f.name, "status": f.status.value, "detail": f.detail, "mend": f.mend}
            for f in findings
        ]
        output.emit_json({"ok": exit_code(findings) == 0, "findings": rows})
        return
    table = [(escape(f.name), _MARKS[f.status], _told(f)) for f in findings]
    output.table(title, ("", "", ""), table)


def _told(finding: Finding) -> str:
    detail = escape(finding.detail)
    return f"{detail}\n[yellow]→ {escape(finding.mend)}[/]" if finding.mend else detail
