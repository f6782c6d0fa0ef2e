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
from tvmplug.commands.fleet.tables import explain, table_width
from tvmplug.errors import FleetBehindError
from tvmplug.findings import Finding
from tvmplug.fleet.config import Fleet, choose, find_fleet, read_fleet
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.status import Row, State, across, ask, is_behind, row

_STYLES = {
    State.UP_TO_DATE: "green",
    State.NEWER: "green",
    State.BEHIND: "yellow",
    State.WAITING: "cyan",
    State.UNKNOWN: "red",
    State.PROBLEM: "red",
}
_COUNTED = {State.UNKNOWN: "unknown", State.PROBLEM: "with a problem"}


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
    title, columns = _table(str(path), rows, output.stdout.width)
    if rows:
        output.table(title, list(columns), list(zip(*columns.values(), strict=True)))
    troubles = [(each.name, each.message, each.mend) for each in rows if each.message]
    troubles += [(each.name, each.detail, each.mend) for each in findings]
    explain(troubles)
    counts = Counter(each.state for each in rows)
    parts = [
        f"[{_STYLES[state]}]{counts[state]} {_COUNTED.get(state, state.value)}[/]"
        for state in State
        if counts[state]
    ]
    output.stdout.print("\n" + (", ".join(parts) or "No repository."))
    if counts[State.BEHIND]:
        output.stdout.print("Next: `tvmplug fleet update`", markup=False)
    elif counts[State.WAITING]:
        output.stdout.print("Next: `tvmplug fleet push`, or merge the branches", markup=False)


def _table(title: str, rows: Sequence[Row], width: int) -> tuple[str, dict[str, list[str]]]:
    """The columns that fit: a TVM that all share moves to the title, then the last result goes."""
    columns = {
        "repository": [escape(each.name) for each in rows],
        "template": [escape(_version(each)) for each in rows],
        "TVM": [escape(each.tvm or "?") for each in rows],
        "prefix": ["(runtime)" if e.kind == "runtime" else escape(e.prefix or "?") for e in rows],
        "state": [_state(each) for each in rows],
        "last update": [escape(each.last or "") for each in rows],
    }
    if not any(each.last for each in rows):
        del columns["last update"]
    shared = {each.tvm for each in rows} - {None}
    if table_width(columns) > width and len(shared) == 1:
        del columns["TVM"]
        title += f", all with TVM {shared.pop()}"
    if table_width(columns) > width:
        columns.pop("last update", None)
    return title, columns


def _version(each: Row) -> str:
    version = each.version or "?"
    if each.newest is not None and each.state in (State.BEHIND, State.WAITING):
        return f"{version} → {each.newest}"
    return version


def _state(each: Row) -> str:
    state = f"[{_STYLES[each.state]}]{each.state.value}[/]"
    return f"{state}, [yellow]dirty[/]" if each.dirty else state
