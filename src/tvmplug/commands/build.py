"""Compile the model, build the crate and stage the libraries.

Of a model plugin: compiles the model, audits its symbols, builds the Rust crate, strips and audits
the library, and puts it where the package expects it (linux/lib/x64). Of the runtime plugin: stages
the pinned TVM libraries and builds the crate. Does nothing when nothing changed.
"""

from __future__ import annotations

import argparse

from tvmplug import output
from tvmplug.build import steps
from tvmplug.build.staging import human_size
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
    built = steps.build_plugin(project, target)
    if args.json:
        output.emit_json(
            {
                "plugin": project.name,
                "target": target.name,
                "changed": built.changed,
                "staged": [
                    {"path": file.path, "bytes": file.size, "sha256": file.sha256}
                    for file in built.staged
                ],
            }
        )
        return 0
    state = "built" if built.changed else "up to date"
    for file in built.staged:
        line = f"{project.name}: {state}: {file.path} ({human_size(file.size)})"
        output.stdout.print(line, markup=False)
    return 0
