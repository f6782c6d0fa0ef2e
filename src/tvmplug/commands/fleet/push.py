"""Push the branches that hold updates, and open a pull request for each.

Requests are opened by `gh` on GitHub and by `glab` on GitLab, where these are installed and logged
in; which one, the remote's address tells, or `host:` in fleet.yaml. Pushing again brings an open
request up to date. Nothing is ever pushed with force. The exit code is 14 when a branch was not
pushed or its request failed.
"""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.markup import escape

from tvmplug import output
from tvmplug.commands.fleet.options import add_fleet_options
from tvmplug.commands.fleet.tables import explain, table_width
from tvmplug.errors import FleetBehindError
from tvmplug.fleet.config import choose, find_fleet, read_fleet
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.push import Options, Pushed, Report, push_all, updates_of
from tvmplug.fleet.push_request import Requested

_STYLES = {
    Pushed.PUSHED: "green",
    Pushed.UP_TO_DATE: "dim",
    Pushed.NOTHING: "dim",
    Pushed.FAILED: "red",
}
_DRY = {Pushed.PUSHED: "would be pushed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser)
    parser.add_argument(
        "--remote", default="origin", metavar="NAME", help="where to push to (default: origin)"
    )
    parser.add_argument("--draft", action="store_true", help="open new requests as drafts")
    parser.add_argument(
        "--dry-run", action="store_true", help="ask remotes and servers, and change nothing"
    )


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    fleet = read_fleet(find_fleet(args.fleet))
    chosen = choose(fleet, args.only, args.group)[: args.limit]
    options = Options(
        remote=args.remote, is_draft=args.draft, dry=args.dry_run, jobs=args.jobs
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        ledger = Ledger.reading(Places.beside(fleet.path).ledger)
        outcomes = updates_of(stack.enter_context(ledger) if ledger is not None else None)
    verb = "Asking" if options.dry else "Pushing"
    with output.progress(f"{verb} {len(chosen)} repositories", every_line=False) as told:
        reports = push_all(fleet, chosen, options, outcomes, told)
    if args.json:
        output.emit_json(
            {
                "fleet": str(fleet.path),
                "remote": options.remote,
                "dry_run": options.dry,
                "repositories": [_json(each) for each in reports],
            }
        )
    else:
        _show(reports, dry=options.dry)
    failed = any(each.result is Pushed.FAILED for each in reports)
    return FleetBehindError.exit_code if failed else 0


def _json(report: Report) -> dict[str, object]:
    request = report.request.value if report.request is not None else None
    return {**asdict(report), "result": report.result.value, "request": request}


def _show(reports: Sequence[Report], *, dry: bool) -> None:
    told = [each for each in reports if each.result is not Pushed.NOTHING]
    columns = _columns(told, dry=dry)
    # An address that is broken into lines can be neither clicked nor copied.
    below = table_width(columns) > output.stdout.width and columns.pop("", None) is not None
    if told:
        output.table("", list(columns), list(zip(*columns.values(), strict=True)))
    if below:
        output.stdout.print()
        for each in told:
            if each.url:
                output.stdout.print(f" {each.name}: {each.url}", markup=False)
    explain((each.name, each.message, each.mend) for each in told if each.message)
    counts = Counter(each.result for each in reports)
    parts = [
        f"[{_STYLES[result]}]{counts[result]} {_word(result, dry=dry)}[/]"
        for result in Pushed
        if counts[result]
    ]
    output.stdout.print(("\n" if told else "") + (", ".join(parts) or "No repository."))


def _columns(reports: Sequence[Report], *, dry: bool) -> dict[str, list[str]]:
    """The table's columns, without those that say nothing."""
    columns = {
        "repository": [escape(each.name) for each in reports],
        "branch": [escape(each.branch) for each in reports],
        "result": [f"[{_STYLES[each.result]}]{_word(each.result, dry=dry)}[/]" for each in reports],
        "request": [_request(each, dry=dry) for each in reports],
        "": [escape(each.url or "") for each in reports],
    }
    if len({each.branch for each in reports}) == 1:
        del columns["branch"]
    return {name: cells for name, cells in columns.items() if any(cells)}


def _request(report: Report, *, dry: bool) -> str:
    if report.request is None:
        return ""
    would = dry and report.request is not Requested.UNCHANGED
    return f"would be {report.request.value}" if would else report.request.value


def _word(result: Pushed, *, dry: bool) -> str:
    return _DRY.get(result, result.value) if dry else result.value
