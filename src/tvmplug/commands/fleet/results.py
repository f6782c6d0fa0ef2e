"""What `update`, `resume` and `diff` say at their end: a table, the reasons, and an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape

from tvmplug import output
from tvmplug.errors import FleetBehindError
from tvmplug.fleet.lead import Finished
from tvmplug.fleet.records import Outcome, Result
from tvmplug.fleet.records_json import outcome_to_json
from tvmplug.fleet.wording import GOOD, printable

_STYLES = {
    Result.UPDATED: "green",
    Result.UNCHANGED: "dim",
    Result.FAILED: "red",
    Result.SKIPPED: "yellow",
    Result.INTERRUPTED: "red",
}


def show(finished: Finished, *, as_json: bool, dry: bool = False) -> int:
    """Print what a run did.

    Args:
        finished: The run.
        as_json: As one JSON document.
        dry: Nothing was changed: say "would".

    Returns:
        0 when every repository is at the version that was asked for, else that of FleetBehindError.
    """
    if as_json:
        output.emit_json(
            {
                "run": finished.run or None,
                "targets": {name: each.described for name, each in finished.targets.items()},
                "repositories": [outcome_to_json(outcome) for outcome in finished.outcomes],
            }
        )
    else:
        _print(finished, dry=dry)
    behind = any(outcome.result not in GOOD for outcome in finished.outcomes)
    return FleetBehindError.exit_code if behind else 0


def _print(finished: Finished, *, dry: bool) -> None:
    if not finished.outcomes:
        output.stdout.print("No repository needs anything.")
        return
    updated = [each for each in finished.outcomes if each.result is Result.UPDATED]
    if updated:
        output.table("", ("repository", "from", "to", "files"), [*map(_row, updated)])
    _notices(updated)
    _problems([each for each in finished.outcomes if each.result not in GOOD])
    counts = Counter(outcome.result for outcome in finished.outcomes)
    parts = [
        f"[{_STYLES[result]}]{counts[result]} {_word(result, dry=dry)}[/]"
        for result in Result
        if counts[result]
    ]
    output.stdout.print(", ".join(parts))
    if finished.run:
        _next(finished.outcomes, counts)


def _row(outcome: Outcome) -> tuple[str, ...]:
    versions = (outcome.from_version or "", outcome.to_version or "")
    return (escape(outcome.name), *map(escape, versions), str(len(outcome.changes)))


def _notices(outcomes: Sequence[Outcome]) -> None:
    """What to know though it went well; said once where many repositories have the same."""
    groups: dict[str, list[str]] = {}
    for outcome in outcomes:
        for notice in outcome.notices:
            groups.setdefault(notice, []).append(outcome.name)
    for notice, names in groups.items():
        who = names[0] if len(names) == 1 else f"{len(names)} repositories"
        output.stdout.print(f"[dim]{escape(printable(f'{who}: {notice}'))}[/]")


def _problems(outcomes: Sequence[Outcome]) -> None:
    """What was not updated, grouped by reason: many repositories often have the same one."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        reason = outcome.reason.value if outcome.reason is not None else outcome.result.value
        groups.setdefault(reason, []).append(outcome)
    for reason, group in groups.items():
        output.stdout.print(f"[bold red]{escape(reason)}[/] [dim]({len(group)})[/]")
        for outcome in group:
            message = escape(printable(outcome.message))
            output.stdout.print(f"  [bold]{escape(outcome.name)}[/]: {message}")
        # Said once for those that are mended in the same way.
        for mend in dict.fromkeys(each.mend for each in group if each.mend):
            output.stdout.print(f"  [yellow]→ {escape(printable(mend))}[/]")


def _word(result: Result, *, dry: bool) -> str:
    if result is Result.UPDATED and dry:
        return "would be updated"
    return "up to date" if result is Result.UNCHANGED else result.value


def _next(outcomes: Sequence[Outcome], counts: Counter[Result]) -> None:
    """The one or two commands that come next."""
    if counts[Result.UPDATED]:
        branches = {outcome.branch for outcome in outcomes if outcome.branch}
        branch = branches.pop() if len(branches) == 1 else "BRANCH"
        output.stdout.print(
            f"Updates are on branch {branch}: `git merge --ff-only {branch}` in a repository takes "
            "one, `tvmplug fleet push` publishes all.",
            markup=False,
        )
    if counts[Result.FAILED]:
        output.stdout.print(
            "`tvmplug fleet report` groups what failed by reason, with logs.", markup=False
        )
