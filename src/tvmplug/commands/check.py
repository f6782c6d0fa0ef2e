"""Check a plugin, how plugins link into one app, or a whole app.

A plugin: manifest, requirements, prefix, pins, symbols, staged library. What is not built yet is
skipped.

With --link: the runtime plugin and its models as one app, for every target that they are built for.
A real linker links that app, and link maps prove that it holds each object of the runtime and of
the models exactly once.

With --app DIR: the TVM plugins of a Flutter app, after `flutter pub get`: one runtime, compatible
pins, no prefix in another's way, and the same proof.

Prints a table; the exit code is that of the first check that failed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tvmplug import checks, findings
from tvmplug.commands import add_json_option, add_project_option
from tvmplug.errors import ProjectError, UsageError
from tvmplug.findings import Finding
from tvmplug.project import chosen_target, chosen_targets, find_project
from tvmplug.proof.apps import check_app
from tvmplug.proof.check import check_link
from tvmplug.proof.family import family_of, linked_targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    parser.add_argument(
        "--target",
        metavar="LIST",
        help="what to check (default: this machine; with --link and --app whatever is built)",
    )
    add_json_option(parser)
    parser.add_argument(
        "--registry", type=Path, metavar="PATH", help="the registry, when it is not found by itself"
    )
    parser.add_argument(
        "--link", action="store_true", help="prove that an app of these plugins holds all once"
    )
    parser.add_argument(
        "--with",
        dest="others",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="with --link: another model plugin (default: those beside the runtime plugin)",
    )
    parser.add_argument("--app", type=Path, metavar="DIR", help="check a Flutter app's plugins")


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    title, found = _answers(args)
    findings.show(title, found, as_json=args.json)
    return findings.exit_code(found)


def _answers(args: argparse.Namespace) -> tuple[str, list[Finding]]:
    if args.others and not args.link:
        raise UsageError("--with goes with --link only", mend="Add --link")
    named = None if args.target is None else chosen_targets(args.target)
    if args.app is not None:
        return f"the app in {args.app}", check_app(args.app, named)
    project = find_project(args.project)
    if not args.link:
        target = chosen_target(args.target)
        title = f"{project.name}, {target.name}"
        return title, checks.check_project(project, target, args.registry)
    plugins = family_of(project, args.others)
    targets = linked_targets(plugins) if named is None else named
    if not targets:
        raise ProjectError(
            f"none of {', '.join(plugin.name for plugin in plugins)} is built",
            mend="Run `tvmplug build` in each of them",
        )
    title = f"an app with {', '.join(plugin.name for plugin in plugins)}"
    return title, check_link(plugins, targets)
