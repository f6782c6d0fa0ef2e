"""Go on with an update of the fleet that was killed, from its ledger.

Repositories that were done stay done; the others are updated to the template version that the run
began with, with the options that it was given.
"""

from __future__ import annotations

import argparse

from tvmplug import output
from tvmplug.commands.fleet import results
from tvmplug.commands.fleet.options import add_fleet_options, at_least_one
from tvmplug.commands.fleet.update import resumable
from tvmplug.fleet.config import find_fleet, read_fleet
from tvmplug.fleet.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser, choose=False)
    parser.add_argument(
        "--jobs", type=at_least_one, metavar="N", help="how many at once (default: as it began)"
    )


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug.fleet.run import resume_fleet  # noqa: PLC0415 - heavy, and the help needs none

    fleet = read_fleet(find_fleet(args.fleet))
    with resumable(), Progress("Resuming") as progress:
        finished = resume_fleet(fleet, progress, jobs=args.jobs)
    if finished is None:
        if args.json:
            output.emit_json({"run": None, "repositories": []})
        else:
            output.stdout.print("Nothing to resume: the last run ended.")
        return 0
    return results.show(finished, as_json=args.json)
