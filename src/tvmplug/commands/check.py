"""Check a plugin: manifest, requirements, prefix, pins, symbols, staged library.

Prints a table; the exit code is that of the first check that failed. What is not built yet is
skipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tvmplug import checks, findings
from tvmplug.commands import add_json_option, add_project_option, add_target_option
from tvmplug.project import chosen_target, find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_target_option(parser)
    add_json_option(parser)
    parser.add_argument(
        "--registry", type=Path, metavar="PATH", help="the registry, when it is not found by itself"
    )


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    target = chosen_target(args.target)
    found = checks.check_project(project, target, args.registry)
    findings.show(f"{project.name}, {target.name}", found, as_json=args.json)
    return findings.exit_code(found)
