"""What the templates run after a copy or an update; not for people.

After a copy: register the prefix, build, test. After an update: the same, after the runtime
plugin's requirement was brought in step. Only a prefix that cannot be had makes it fail.
"""

from __future__ import annotations

import argparse
import os

from tvmplug import hook
from tvmplug.commands import add_project_option
from tvmplug.project import find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("event", choices=["copy", "update"], help="what Copier has just done")
    add_project_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the hook; TVMPLUG_SKIP_HOOKS=1 skips all of it."""
    if os.environ.get("TVMPLUG_SKIP_HOOKS") == "1":
        return 0
    hook.run_hook(find_project(args.project), updated=args.event == "update")
    return 0
