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
from tvmplug.errors import FleetBehindError
from tvmplug.fleet.config import choose, find_fleet, read_fleet
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.places import Places
from tvmplug.fleet.push import Options, Pushed, Report, push_all, updates_of
from tvmplug.fleet.push_request import Requested
from tvmplug.fleet.wording import printable

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
    if told:
        columns = ("repository", "branch", "result", "request")
        output.table("", columns, [_cells(each, dry=dry) for each in told])
    _explain(told)
    counts = Counter(each.result for each in reports)
    parts = [
        f"[{_STYLES[result]}]{counts[result]} {_word(result, dry=dry)}[/]"
        for result in Pushed
        if counts[result]
    ]
    output.stdout.print(", ".join(parts) or "No repository.")


def _cells(report: Report, *, dry: bool) -> tuple[str, ...]:
    request = ""
    if report.request is not None:
        would = dry and report.request is not Requested.UNCHANGED
        request = f"would be {report.request.value}" if would else report.request.value
        request += f" {escape(report.url)}" if report.url else ""
    style = _STYLES[report.result]
    result = f"[{style}]{_word(report.result, dry=dry)}[/]"
    return escape(report.name), escape(report.branch), result, request


def _word(result: Pushed, *, dry: bool) -> str:
    return _DRY.get(result, result.value) if dry else result.value


def _explain(reports: Sequence[Report]) -> None:
    """Say once what many share, such as a program that is not logged in."""
    shared: dict[tuple[str, str | None, bool], list[str]] = {}
    for each in reports:
        if each.message:
            key = (each.message, each.mend, each.result is Pushed.FAILED)
            shared.setdefault(key, []).append(each.name)
    if shared:
        output.stdout.print()
    for (message, mend, failed), names in shared.items():
        who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        style = "red" if failed else "yellow"
        output.stdout.print(f" [{style}]{escape(who)}[/]: {escape(printable(message))}")
        if mend:
            output.stdout.print(f"   [yellow]→ {escape(printable(mend))}[/]")
    if shared:
        output.stdout.print()
