"""Keep all plugins of a team in step: one command updates every repository, safely.

A fleet.yaml names the repositories and the templates that may run. Updates are put on a branch of
each repository, after gates; what fails one is left as it was.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

# In the order in which a team meets them.
ACTIONS = ("init", "add", "status", "diff", "update", "resume", "report", "push")


class ActionModule(Protocol):
    """What each module here offers; its docstring is the help."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the action's options."""

    def main(self, args: argparse.Namespace) -> int:
        """Run the action and return its exit code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = _load(name)
        text = (module.__doc__ or "").strip()
        summary = text.partition("\n")[0].rstrip(".")
        action = actions.add_parser(
            name,
            help=summary[:1].lower() + summary[1:],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(action)


def main(args: argparse.Namespace) -> int:
    """Run the action."""
    return _load(args.action).main(args)


def _load(name: str) -> ActionModule:
    return cast(ActionModule, importlib.import_module(f"tvmplug.commands.fleet.{name}"))
