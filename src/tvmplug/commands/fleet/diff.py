"""Show the change that an update would make to each plugin.

It is made by a real update in a throw-away worktree; no branch and no working tree is touched.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from rich.syntax import Syntax

from tvmplug import output
from tvmplug.commands.fleet import results
from tvmplug.commands.fleet.options import add_fleet_options
from tvmplug.commands.fleet.update import add_version_options, options_of
from tvmplug.fleet.config import find_fleet, read_fleet
from tvmplug.fleet.progress import Progress
from tvmplug.fleet.records import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser)
    add_version_options(parser)
    parser.add_argument("--stat", action="store_true", help="list the files instead of the lines")


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug.fleet.run import update_fleet  # noqa: PLC0415 - heavy, and the help needs none

    # What is not committed is not part of an update, so a dirty tree is no hindrance to look.
    options = replace(options_of(args), publish=False, want_patch=not args.stat, dirty=True)
    fleet = read_fleet(find_fleet(args.fleet))
    with Progress("Comparing") as progress:
        finished = update_fleet(fleet, options, progress)
    if not args.json:
        for outcome in finished.outcomes:
            _show(outcome)
    return results.show(finished, as_json=args.json, dry=True)


def _show(outcome: Outcome) -> None:
    if not outcome.changes:
        return
    where = f"{outcome.name}: {outcome.from_version} -> {outcome.to_version}"
    output.stdout.print(where, style="bold", markup=False)
    if outcome.patch is None:
        for change in outcome.changes:
            counts = "binary" if change.added is None else f"+{change.added} -{change.removed}"
            output.stdout.print(f"  {change.status} {change.path} ({counts})", markup=False)
    elif output.stdout.is_terminal:
        output.stdout.print(Syntax(outcome.patch, "diff", theme="ansi_dark"))
    else:
        print(outcome.patch)
