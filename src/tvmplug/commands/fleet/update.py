"""Bring the fleet's plugins to a template version, each on a branch of its own.

The runtime plugin goes first. An update is committed only when it passes the gates: no conflict, no
lost edit, prefixes unique, one TVM, files formatted, and what --verify asks for. What fails one is
left as it was. `fleet resume` goes on after a kill, `fleet push` publishes the branches.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from dataclasses import replace

from tvmplug.commands.fleet import results
from tvmplug.commands.fleet.options import add_fleet_options
from tvmplug.errors import UsageError
from tvmplug.fleet.config import find_fleet, read_fleet
from tvmplug.fleet.plan import Options
from tvmplug.fleet.progress import Progress
from tvmplug.fleet.records import Verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser)
    add_version_options(parser)
    parser.add_argument(
        "--verify",
        choices=[step.value for step in Verify],
        help="how far each update is tried before it is committed (default: fleet.yaml's, render)",
    )
    parser.add_argument(
        "--dirty",
        action="store_true",
        help="where there are uncommitted changes, update from the last commit and leave them",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="do everything but move the branches"
    )
    parser.add_argument(
        "--executor",
        metavar="ADDRESS",
        help="work on a Dask cluster: dask://HOST:PORT (default: processes on this machine)",
    )


def add_version_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where the update goes to, and how: `diff` takes these too."""
    parser.add_argument(
        "--to", metavar="REF", help="the template's tag or commit (default: its newest release)"
    )
    parser.add_argument(
        "--tvm",
        metavar="VERSION",
        help="go to the newest template release that pins this TVM, in all plugins",
    )
    parser.add_argument(
        "--keep-edits",
        action="store_true",
        default=None,
        help="put back edits that Copier would lose in silence, instead of failing",
    )
    parser.add_argument(
        "--trust", action="store_true", help="run the template's hooks, as `copier --trust` does"
    )


def options_of(args: argparse.Namespace) -> Options:
    """Return what the options of `update` and `diff` share.

    Raises:
        UsageError: Two of them exclude each other.
    """
    if args.to is not None and args.tvm is not None:
        raise UsageError("--to and --tvm both choose the template's version", mend="Give one")
    return Options(
        only=tuple(args.only),
        groups=tuple(args.group),
        limit=args.limit,
        jobs=args.jobs,
        ref=args.to,
        tvm=args.tvm,
        keep_edits=args.keep_edits,
        trust=args.trust,
    )


@contextlib.contextmanager
def resumable() -> Iterator[None]:
    """Have Ctrl-C say how to go on with what the ledger knows of."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("`tvmplug fleet resume` goes on") from None


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from tvmplug.fleet.run import update_fleet  # noqa: PLC0415 - heavy, and the help needs none

    options = replace(
        options_of(args),
        verify=None if args.verify is None else Verify(args.verify),
        dirty=args.dirty,
        publish=not args.dry_run,
        executor=args.executor,
    )
    fleet = read_fleet(find_fleet(args.fleet))
    hint = contextlib.nullcontext() if args.dry_run else resumable()
    with hint, Progress("Trying updates" if args.dry_run else "Updating") as progress:
        finished = update_fleet(fleet, options, progress)
    return results.show(finished, as_json=args.json, dry=args.dry_run)
