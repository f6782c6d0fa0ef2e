"""Show which tools are installed, what is missing, and what to do about it."""

from __future__ import annotations

import argparse

from tvmplug import doctor, findings
from tvmplug.commands import add_json_option, add_project_option
from tvmplug.errors import ProjectError
from tvmplug.project import Project, find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command; it needs no plugin, but looks at the one it runs in."""
    project: Project | None = None
    try:
        project = find_project(args.project)
    except ProjectError:
        if args.project is not None:
            raise
    found = doctor.examine(project)
    findings.show("tvmplug doctor", found, as_json=args.json)
    return findings.exit_code(found)
