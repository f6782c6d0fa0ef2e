"""Prints an adoption: what was found, what changes file by file, and what is left to do."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from tvmplug import output
from tvmplug.adopt import byhand
from tvmplug.adopt.answers import Answer
from tvmplug.adopt.apply import BRANCH, Applied
from tvmplug.adopt.find import Finding, megabytes
from tvmplug.adopt.plan import Action, Change, Plan
from tvmplug.adopt.run import Found

_STYLES = {
    Action.ADDED: "green", Action.EDITED: "yellow", Action.REPLACED: "yellow",
    Action.REMOVED: "red",
}  # fmt: skip
_MANY = 3


def diff(change: Change) -> str:
    """Return a text file's change as a unified diff; empty where it has none."""
    before = "" if change.before is None else change.before.text
    after = "" if change.after is None else change.text
    if before is None or after is None:
        return ""
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    new = "/dev/null" if change.after is None else f"b/{change.path}"
    lines = []
    for line in difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), old, new
    ):
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        lines.append(line.replace("\r\n", "\n") + end)
    return "".join(lines)


def show(plan: Plan, answers: Mapping[str, Answer], *, full: bool) -> None:
    """Print one plugin's adoption to stdout.

    Args:
        plan: What is found and done.
        answers: What the template is told.
        full: Print the lines of new and removed files as well.
    """
    _heading(f"{plan.manifest.name}: what is in the way of a second model")
    _findings(plan)
    _heading("What the template is told")
    for name, answer in answers.items():
        value = ", ".join(answer.value) if isinstance(answer.value, list) else str(answer.value)
        output.stdout.print(f"  {name:13} {escape(value)}  [dim]{escape(answer.source)}[/]")
    _heading("What changes, file by file")
    _changes(plan.changes, full=full)
    _heading("What is left to you")
    for task in byhand.tasks(plan):
        output.stdout.print(f"  [bold]{escape(task.place)}[/]", markup=True)
        _paragraph(f"{task.what}. {task.do}.", 4)


def _findings(plan: Plan) -> None:
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in plan.findings:
        by_kind[finding.kind].append(finding)
    for kind, found in by_kind.items():
        output.stdout.print(f"  [bold]{kind}[/]")
        for why in dict.fromkeys(finding.why for finding in found):
            for finding in found:
                if finding.why == why:
                    _finding(finding, byhand.outcome(finding, plan))
            _paragraph(f"{why}.", 4, style="dim")


def _finding(finding: Finding, outcome: str) -> None:
    colour = "magenta" if outcome == "by hand" else "green"
    output.stdout.print(f"    {escape(finding.place)} [{colour}]→ {escape(outcome)}[/]")
    _paragraph(finding.what, 6)


def _changes(changes: Iterable[Change], *, full: bool) -> None:
    quiet: dict[tuple[Action, str], list[Change]] = defaultdict(list)
    for change in changes:
        shown = change.action in (Action.EDITED, Action.REPLACED) or full
        if shown and (text := diff(change)):
            _line(change)
            _coloured(text)
        else:
            quiet[change.action, change.why].append(change)
    for (action, why), group in quiet.items():
        for change in _folded(group):
            _line(change)
        _paragraph(f"{action.value}: {why}.", 6, style="dim")


def _folded(group: list[Change]) -> Iterator[Change]:
    yield from group


def _line(change: Change) -> None:
    style = _STYLES[change.action]
    output.stdout.print(
        f"  [{style}]{change.action.value}[/] {escape(change.path)} [dim]{escape(_size(change))}[/]"
    )


def _size(change: Change) -> str:
    file = change.before
    if file is None:
        return f"{len((change.text or '').splitlines())} lines"
    if change.after is not None:
        return change.why
    if file.text is not None:
        return f"{len(file.lines)} lines"
    return f"{megabytes(file.size)}, sha256 {file.sha256[:16]}"


def _coloured(text: str) -> None:
    if output.stdout.is_terminal:
        output.stdout.print(Syntax(text, "diff", theme="ansi_dark", background_color="default"))
    else:
        print(text, end="")


def _heading(text: str) -> None:
    output.stdout.print()
    output.stdout.print(Text(text, style="bold cyan"))


def _paragraph(text: str, indent: int, style: str = "") -> None:
    """Print words that wrap below their own beginning."""
    output.stdout.print(Padding(Text(text, style=style), (0, 0, 0, indent)), soft_wrap=False)


def as_json(plan: Plan, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return one plugin's adoption for `--json`."""
    return {
        "name": plan.manifest.name,
        "root": str(plan.survey.root),
        "findings": [
            {
                "kind": finding.kind, "file": finding.path, "line": finding.line,
                "text": finding.text, "what": finding.what, "why": finding.why,
                "outcome": byhand.outcome(finding, plan),
            }
            for finding in plan.findings
        ],
        "answers": {
            name: {"value": answer.value, "source": answer.source}
            for name, answer in answers.items()
        },
        "changes": [
            {
                "file": change.path, "action": change.action.value, "why": change.why,
                "size": change.before.size if change.before else None,
                "sha256": change.before.sha256 if change.before else None,
                "diff": diff(change),
            }
            for change in plan.changes
        ],
        "by_hand": [
            {"place": task.place, "what": task.what, "do": task.do} for task in byhand.tasks(plan)
        ],
    }  # fmt: skip


def show_end(found: Found, applied: Sequence[Applied]) -> None:
    """Print how to go on, after everything else.

    Args:
        found: What was found.
        applied: What was written; empty without `--apply`.
    """
    if not found.adoptions:
        return
    output.stdout.print()
    if not applied:
        output.stdout.print("Nothing was written. To write it: the same command with --apply.")
    for each in applied:
        top = escape(str(each.repository.top))
        output.stdout.print(
            f"[green]✓[/] {top}: commit {each.commit[:12]} on the branch [bold]{BRANCH}[/]; "
            f"{escape(each.repository.branch or 'your commit')} is as it was."
        )
        output.stdout.print(f"    git -C {top} switch {BRANCH}")
    for adoption in found.adoptions if applied else ():
        output.stdout.print(f"Then, in {escape(adoption.plan.manifest.name)}:")
        for step in byhand.next_steps(adoption.plan):
            output.stdout.print(f"    {escape(step)}")
