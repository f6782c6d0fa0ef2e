"""Write a fleet.yaml that names this team's plugins and templates.

Without FOLDER it takes the plugins in this folder and beside it. The templates are those that the
plugins record; only these may run in an update, so look at them before the first one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.markup import escape

from tvmplug import output
from tvmplug.commands import add_json_option
from tvmplug.fleet.config import FLEET_NAME
from tvmplug.fleet.config_write import init_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "repositories", nargs="*", metavar="FOLDER", help="plugins' folders, or addresses for git"
    )
    parser.add_argument(
        "--fleet",
        type=Path,
        default=Path(),
        metavar="PATH",
        help=f"the folder to write {FLEET_NAME} into (default: this one)",
    )
    parser.add_argument(
        "--template",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a template that may run (default: those that the plugins record); may be given again",
    )
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    folder = args.fleet.expanduser()
    folder = folder.parent if folder.name == FLEET_NAME else folder
    fleet = init_fleet(folder, args.template, args.repositories)
    if args.json:
        output.emit_json(
            {
                "fleet": str(fleet.path),
                "templates": list(fleet.templates),
                "runtime": fleet.runtime,
                "repositories": [
                    {"name": each.name, "source": each.source} for each in fleet.repositories
                ],
            }
        )
        return 0
    rows = [
        (escape(each.name), "runtime" if each.is_runtime else "", escape(each.source))
        for each in fleet.repositories
    ]
    output.table(str(fleet.path), ("repository", "", "where"), rows)
    for template in fleet.templates:
        output.stdout.print(f"Updates may run {template}", markup=False)
    if fleet.runtime is None:
        output.stdout.print(
            "No runtime plugin was found: add it with `tvmplug fleet add`.", markup=False
        )
    output.stdout.print("Next: `tvmplug fleet status`", markup=False)
    return 0
