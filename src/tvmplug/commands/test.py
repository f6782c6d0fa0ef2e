"""Build the plugin and run its crate's tests.

Of a model plugin that includes the golden test: the compiled model against the recorded outputs of
the original one.
"""

from __future__ import annotations

import argparse

from tvmplug import output
from tvmplug.build import steps
from tvmplug.commands import add_json_option, add_project_option, add_target_option
from tvmplug.project import chosen_target, find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_target_option(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    target = chosen_target(args.target)
    passed = steps.run_tests(project, target)
    if args.json:
        output.emit_json({"plugin": project.name, "target": target.name, "passed": passed})
    else:
        output.stdout.print(f"{project.name}: {passed} passed", markup=False)
    return 0
