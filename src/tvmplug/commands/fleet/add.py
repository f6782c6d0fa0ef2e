"""Add a plugin's repository to fleet.yaml; the file's comments and its order stay."""

from __future__ import annotations

import argparse

from tvmplug import output
from tvmplug.commands.fleet.options import add_fleet_options
from tvmplug.fleet.config import find_fleet
from tvmplug.fleet.config_write import add_repository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("repository", metavar="FOLDER", help="a plugin's folder, or an address")
    parser.add_argument("--name", help="its name in the fleet (default: the folder's)")
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="NAME",
        help="put it into a group; may be given again",
    )
    parser.add_argument(
        "--base",
        metavar="BRANCH",
        help="the branch that its updates start from (default: what is checked out)",
    )
    add_fleet_options(parser, choose=False)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    path = find_fleet(args.fleet)
    added = add_repository(path, args.repository, name=args.name, groups=args.group, base=args.base)
    if args.json:
        output.emit_json(
            {
                "fleet": str(path),
                "name": added.name,
                "runtime": added.is_runtime,
                "unknown_template": added.unknown_template,
            }
        )
        return 0
    role = " as the runtime plugin" if added.is_runtime else ""
    output.stdout.print(f"{added.name} is in {path}{role}", markup=False)
    if added.unknown_template is not None:
        output.stdout.print(
            f"No update can run before its template is named: add {added.unknown_template} under "
            "`templates:` if you trust it",
            markup=False,
        )
    return 0
