"""Set the runtime plugin's requirement in pubspec.yaml and rust/Cargo.toml.

Both files are yours; only the one line in each that names the runtime plugin follows the manifest
and the pins. Comments and everything else stay. Run by the hook after an update.
"""

from __future__ import annotations

import argparse

from tvmplug import output, sync
from tvmplug.commands import add_json_option, add_project_option
from tvmplug.project import find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    changed = sync.sync_project(project)
    if args.json:
        output.emit_json({"plugin": project.name, "changed": changed})
    elif changed:
        output.stdout.print(f"{project.name}: changed {' and '.join(changed)}", markup=False)
    else:
        output.stdout.print(f"{project.name}: in step", markup=False)
    return 0
