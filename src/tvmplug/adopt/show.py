"""Prints an adoption: what was found, what changes file by file, and what is left to do."""

from __future__ import annotations

import difflib
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.syntax import Syntax

from tvmplug import output
from tvmplug.adopt import byhand
from tvmplug.adopt.answers import Answer
from tvmplug.adopt.apply import BRANCH, Applied
from tvmplug.adopt.document import next_steps
from tvmplug.adopt.find import Finding, megabytes
from tvmplug.adopt.plan import Action, Change, Plan
from tvmplug.adopt.run import Found

_COLOURS = {
    "added": "green", "edited": "yellow", "replaced": "yellow", "removed": "red",
    byhand.BY_HAND: "magenta",
}  # fmt: skip
_TITLES = {
    "runtime": "A TVM runtime of its own", "copy": "The same runtime again",
    "packed": "A TVM runtime in a package", "model": "Compiled models",
    "unread": "Libraries that cannot be read",
    "force-load": "Forced loading", "link": "Linking TVM", "pick-first": "Picking a runtime",
    "crate": "TVM's crates", "variable": "TVM from variables", "home-path": "Home folders",
    "builder": "Building in the app", "gradle": "Gradle", "asset": "Assets", "pubspec": "pubspec",
    "loads-runtime": "Code that opens the runtime", "names-runtime": "Code that names the runtime",
    "tvm-api": "Code that calls TVM",
}  # fmt: skip
_WIDEST, _VALUE = 110, 36
_FOLDED, _FOLDED_FROM = ("cargokit", "rust_builder", "example"), 4


def show(plan: Plan, answers: Mapping[str, Answer], *, full: bool) -> None:
    """Print one plugin's adoption to stdout.

    Args:
        plan: What is found and done.
        answers: What the template is told.
        full: Print the lines of new and removed files as well.
    """
    count = len(plan.findings)
    things = "one thing keeps" if count == 1 else f"{count} things keep"
    _heading(f"{plan.manifest.name}: {things} it from living beside a second model")
    _findings(plan)
    _heading("What the template is told (another answer: --data KEY=VALUE)")
    width = max(len(_value(answer)) for answer in answers.values())
    for name, answer in answers.items():
        value = _value(answer).ljust(min(width, _VALUE))
        output.stdout.print(f"  {name:13} {escape(value)}  [dim]{escape(answer.source)}[/]")
    _heading("What changes, file by file")
    _changes(plan.changes, full=full)
    _heading("What is left to you (it stands in ADOPT.md too)")
    for task in byhand.tasks(plan):
        output.stdout.print(f"  [bold]{escape(task.place)}[/]")
        _paragraph(f"{task.what}. {task.do}.", 4)


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
        output.stdout.print("Nothing was written: the same command with --apply does that.")
    for each in applied:
        former = each.repository.branch or "what is checked out"
        output.stdout.print(
            f"[green]✓[/] One commit ({each.commit[:12]}) on the branch [bold]{BRANCH}[/]; "
            f"{escape(former)} is as it was.\n    git -C {escape(str(each.repository.top))} "
            f"switch {BRANCH}"
        )
    for adoption in found.adoptions if applied else ():
        folder = escape(str(adoption.plan.survey.root))
        output.stdout.print(f"When the list above is done, in {folder}:")
        for step in next_steps(adoption.plan):
            output.stdout.print(f"    {escape(step)}")


def _value(answer: Answer) -> str:
    return ", ".join(answer.value) if isinstance(answer.value, list) else str(answer.value)


def _findings(plan: Plan) -> None:
    counts = Counter(byhand.outcome(finding, plan) for finding in plan.findings)
    told = [f"{counts[outcome]} {outcome}" for outcome in _COLOURS if counts[outcome]]
    output.stdout.print(f"  [dim]{', '.join(told)}[/]")
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in plan.findings:
        groups[finding.kind].append(finding)
    for kind, title in _TITLES.items():
        if kind not in groups:
            continue
        output.stdout.print(f"\n  [bold]{title}[/]")
        for why in dict.fromkeys(finding.why for finding in groups[kind]):
            _paragraph(_sentence(why), 2, style="dim")
            for finding in (each for each in groups[kind] if each.why == why):
                outcome = byhand.outcome(finding, plan)
                output.stdout.print(
                    f"    [{_COLOURS[outcome]}]{outcome:8}[/]  {escape(finding.place)}"
                )
                _paragraph(finding.what, 14)


def _changes(changes: Iterable[Change], *, full: bool) -> None:
    quiet: dict[tuple[Action, str], list[Change]] = defaultdict(list)
    for change in changes:
        changed = change.action in (Action.EDITED, Action.REPLACED)
        if (changed or full) and (text := diff(change)):
            _line(change.action, change.path, change.why)
            _coloured(text)
        else:
            quiet[change.action, change.why].append(change)
    for (action, why), group in sorted(quiet.items(), key=lambda item: item[0][0].value):
        _paragraph(_sentence(why), 2, style="dim")
        for path, size, digest in _folded(group, full=full):
            _line(action, path, size)
            if digest:
                output.stdout.print(f"      [dim]sha256 {digest}[/]")


def _folded(group: Sequence[Change], *, full: bool) -> Iterator[tuple[str, str, str]]:
    """Paths, sizes and digests; many files of one folder that share their fate are one line."""
    folders: dict[str, list[Change]] = defaultdict(list)
    for change in group:
        folders[change.path.partition("/")[0]].append(change)
    for folder, inside in folders.items():
        if not full and len(inside) >= _FOLDED_FROM and folder in _FOLDED:
            yield f"{folder}/", f"{len(inside)} files (--full names them)", ""
        else:
            for change in inside:
                binary = change.before is not None and change.before.text is None
                digest = change.before.sha256 if change.before is not None and binary else ""
                yield change.path, _size(change), digest


def _size(change: Change) -> str:
    lines = change.text if change.before is None else change.before.text
    if lines is not None:
        count = len(lines.splitlines())
        return "1 line" if count == 1 else f"{count} lines"
    if change.before is None:
        return ""
    return megabytes(change.before.size)


def diff(change: Change) -> str:
    """Return a text file's change as a unified diff; empty where it has none."""
    before = "" if change.before is None else change.before.text
    after = "" if change.after is None else change.text
    if before is None or after is None:
        return ""
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    new = "/dev/null" if change.after is None else f"b/{change.path}"
    pair = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = []
    for line in difflib.unified_diff(*pair, old, new):
        end = "" if line.endswith("\n") else "\n\\ No newline at end of file\n"
        lines.append(line + end)
    return "".join(lines)


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


def _line(action: Action, path: str, detail: str) -> None:
    colour = _COLOURS[action.value]
    output.stdout.print(f"    [{colour}]{action.value:8}[/]  {escape(path)}  [dim]{detail}[/]")


def _coloured(text: str) -> None:
    text = text.replace("\r\n", "\n")
    if output.stdout.is_terminal:
        output.stdout.print(Syntax(text, "diff", theme="ansi_dark", background_color="default"))
    else:
        print(text, end="")


def _heading(text: str) -> None:
    output.stdout.print(f"\n[bold cyan]{escape(text)}[/]")


def _sentence(why: str) -> str:
    """A reason as a sentence, unless it begins with a file's name."""
    named = "/" in why.split(" ", 1)[0]
    return f"{why if named else why[0].upper() + why[1:]}."


def _paragraph(text: str, indent: int, style: str = "") -> None:
    """Print words that wrap below their own beginning, without spaces at the ends of lines."""
    width = min(output.stdout.width, _WIDEST)
    margin = " " * indent
    wrapped = textwrap.fill(
        text, width, initial_indent=margin, subsequent_indent=margin,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    output.stdout.print(wrapped, style=style or None, markup=False)
