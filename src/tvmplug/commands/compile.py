"""Compile the model into its system library.

Runs model/export.py in the pinned compile environment, compiles each component, records the golden
cases the first time, and packs lib<name>_system_lib.a and system_lib.json. Does nothing when no
source changed.
"""

from __future__ import annotations

import argparse

from tvmplug import output
from tvmplug.build import steps
from tvmplug.build.staging import human_size
from tvmplug.commands import (
    add_compile_options,
    add_json_option,
    add_project_option,
    add_target_option,
)
from tvmplug.metadata import METADATA_NAME, read_metadata
from tvmplug.project import chosen_target, find_project
from tvmplug.targets import with_choices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_target_option(parser)
    add_compile_options(parser)
    add_json_option(parser)
    parser.add_argument(
        "--update-golden",
        action="store_true",
        help="record the golden inputs and outputs anew, from the original model",
    )


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    target = with_choices(
        chosen_target(args.target, to_compile=True), cpu=args.cpu, plain=args.plain
    )
    changed = steps.compile_model(project, target, update_golden=args.update_golden)
    folder = project.compiled_dir(target)
    metadata = read_metadata(folder / METADATA_NAME)
    archive = folder / metadata.archive
    size = archive.stat().st_size
    if args.json:
        output.emit_json(
            {
                "plugin": project.name,
                "target": target.name,
                "changed": changed,
                "archive": str(archive),
                "bytes": size,
                "components": [component.name for component in metadata.components],
            }
        )
    else:
        shown = archive.relative_to(project.root)
        state = "compiled" if changed else "up to date"
        output.stdout.print(f"{project.name}: {state}: {shown} ({human_size(size)})", markup=False)
    return 0
