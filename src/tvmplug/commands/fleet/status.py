"""Show how every repository stands: template version, TVM, prefix, what waits, what is wrong.

The exit code is 14 when anything is left to do: a repository is behind, an update waits on its
branch, a repository has a problem, or two repositories do not go together; else 0.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from tvmplug import output
from tvmplug.commands.fleet.options import add_fleet_options
from tvmplug.errors import FleetBehindError
from tvmplug.findings import Finding
from tvmplug.fleet.config import Fleet, choose, find_fleet, read_fleet
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.status import Row, State, across, ask, is_behind, row
from tvmplug.fleet.wording import printable

_STYLES = {
    State.UP_TO_DATE: "green",
    State.NEWER: "green",
    State.BEHIND: "yellow",
    State.WAITING: "cyan",
    State.UNKNOWN: "red",
    State.PROBLEM: "red",
}
# Below this a table of all columns would break words.
_WIDE = 110


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug.fleet.templates import TemplateStore  # noqa: PLC0415 - heavy: it needs Copier

    fleet = read_fleet(find_fleet(args.fleet))
    chosen = choose(fleet, args.only, args.group)[: args.limit]
    places = Places.beside(fleet.path)
    last = _last(places)
    seen = ask(fleet, chosen, TemplateStore(places.templates), args.jobs)
    picked = {each.name for each in chosen}
    rows = [
        row(each, last.get(each.facts.repository.name))
        for each in seen
        if each.facts.repository.name in picked
    ]
    findings = across(each.facts for each in seen)
    behind = is_behind(rows, findings)
    if args.json:
        _emit(fleet, rows, findings, behind=behind)
    else:
        _show(fleet.path, rows, findings)
    return FleetBehindError.exit_code if behind else 0


def _last(places: Places) -> dict[str, str]:
    """How the last attempt at each repository ended."""
    ledger = Ledger.reading(places.ledger)
    if ledger is None:
        return {}
    told = {}
    with ledger:
        for name, attempt in ledger.latest_of_all().items():
            outcome = attempt.outcome
            if outcome is None:
                told[name] = attempt.state.value
                continue
            reason = f": {outcome.reason.value}" if outcome.reason is not None else ""
            told[name] = outcome.result.value + reason
    return told


def _emit(fleet: Fleet, rows: Sequence[Row], findings: Sequence[Finding], *, behind: bool) -> None:
    output.emit_json(
        {
            "fleet": str(fleet.path),
            "behind": behind,
            "repositories": [{**asdict(each), "state": each.state.value} for each in rows],
            "findings": [
                {"name": each.name, "detail": each.detail, "mend": each.mend} for each in findings
            ],
        }
    )


def _show(path: Path, rows: Sequence[Row], findings: Sequence[Finding]) -> None:
    wide = output.stdout.width >= _WIDE
    has_last = any(each.last for each in rows)
    columns = ["repository", "template", "TVM", "prefix", "state"]
    columns += ["last update"] if has_last and wide else []
    output.table(str(path), columns, [_cells(each, last=has_last and wide) for each in rows])
    troubles = [(each.name, each.message, each.mend) for each in rows if each.message]
    troubles += [(each.name, each.detail, each.mend) for each in findings]
    for name, message, mend in troubles:
        output.stdout.print(f"[red]{escape(name)}[/]: {escape(printable(message or ''))}")
        if mend:
            output.stdout.print(f"  [yellow]→ {escape(printable(mend))}[/]")
    counts = Counter(each.state for each in rows)
    parts = [f"[{_STYLES[each]}]{counts[each]} {each.value}[/]" for each in State if counts[each]]
    output.stdout.print(", ".join(parts) or "No repository.")
    if counts[State.BEHIND]:
        output.stdout.print("Next: `tvmplug fleet update`", markup=False)
    elif counts[State.WAITING]:
        output.stdout.print("Next: `tvmplug fleet push`, or merge the branches", markup=False)


def _cells(each: Row, *, last: bool) -> tuple[str, ...]:
    version = each.version or "?"
    if each.newest is not None and each.state in (State.BEHIND, State.WAITING):
        version = f"{version} → {each.newest}"
    state = f"[{_STYLES[each.state]}]{each.state.value}[/]"
    if each.dirty:
        state += ", [yellow]dirty[/]"
    prefix = "(runtime)" if each.kind == "runtime" else each.prefix or "?"
    cells = (escape(each.name), escape(version), escape(each.tvm or "?"), escape(prefix), state)
    return (*cells, escape(each.last or "")) if last else cells
