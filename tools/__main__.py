"""`python -m tools ...`: the toolchain and the runners by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools import toolchain
from tvmplug.errors import TvmplugError
from tvmplug.output import say, stderr, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, 1 where something that was checked is wrong, or the exit code of an error's family.
    """
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("toolchain", help="install Dart and Flutter; show the versions")
    command.set_defaults(run=_toolchain)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except TvmplugError as error:
        stderr.print(f"[red]error:[/] {error}")
        return error.exit_code


def _toolchain(_: argparse.Namespace) -> int:
    found = toolchain.find_or_install()
    table("", ("package", "version"), list(found.versions.items()))
    say(f"in {found.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
