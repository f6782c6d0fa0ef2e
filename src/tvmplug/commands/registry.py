"""List, add, remove or check the plugins that hold prefixes.

The registry is tvm_plugins.yaml in the runtime plugin's folder. It is found through the plugin that
the command runs in, by --registry, or by TVMPLUG_REGISTRY.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.markup import escape

from tvmplug import output, registry
from tvmplug.commands import add_json_option, add_project_option
from tvmplug.errors import ProjectError, RegistryError, UsageError
from tvmplug.project import Project, find_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("list", "show every plugin and its prefix"),
        ("add", "enter a plugin (default: the one of this folder)"),
        ("remove", "take a plugin out"),
        ("check", "see that the registry is whole and no two prefixes collide"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        if name == "add":
            action.add_argument("plugin", nargs="?", help="its name, such as g2p_flutter")
            action.add_argument("prefix", nargs="?", help="its prefix, such as g2p_")
        if name == "remove":
            action.add_argument("plugin", help="its name")
        action.add_argument(
            "--registry",
            type=Path,
            metavar="PATH",
            help="the tvm_plugins.yaml, or the runtime plugin's folder",
        )
        add_project_option(action)
        add_json_option(action)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = _project(args)
    path = registry.locate_registry(project.manifest if project else None, args.registry)
    if path is None:
        raise RegistryError(
            "the registry is not on this machine",
            mend="Name the runtime plugin's folder with --registry or TVMPLUG_REGISTRY",
        )
    return int(
        {"list": _list, "add": _add, "remove": _remove, "check": _check}[args.action](
            path, args, project
        )
    )


def _project(args: argparse.Namespace) -> Project | None:
    """The plugin that the command runs in; none is needed when everything is named."""
    try:
        return find_project(args.project)
    except ProjectError:
        if args.project is not None:
            raise
        return None


def _list(path: Path, args: argparse.Namespace, _project: Project | None) -> int:
    entries = registry.read_registry(path).values()
    if args.json:
        plugins = {entry.plugin: entry.prefix for entry in entries}
        output.emit_json({"registry": str(path), "plugins": plugins})
    elif entries:
        rows = [(escape(entry.plugin), escape(entry.prefix)) for entry in entries]
        output.table(str(path), ("plugin", "prefix"), rows)
    else:
        output.stdout.print(f"{path}: no plugin yet", markup=False)
    return 0


def _add(path: Path, args: argparse.Namespace, project: Project | None) -> int:
    plugin, prefix = args.plugin, args.prefix
    if plugin is None and project is not None:
        plugin = project.name
    if prefix is None and project is not None and plugin == project.name:
        prefix = project.model.prefix
    if plugin is None or prefix is None:
        raise UsageError(
            "which plugin, and which prefix?",
            mend="Write `tvmplug registry add NAME PREFIX`, or run it in a model plugin's folder",
        )
    changed = registry.register(path, plugin, prefix)
    state = "registered" if changed else "registered already"
    return _told(args, path, plugin, changed, f"{plugin}: {state} with {prefix} in {path}")


def _remove(path: Path, args: argparse.Namespace, _project: Project | None) -> int:
    registry.unregister(path, args.plugin)
    return _told(args, path, args.plugin, True, f"{args.plugin}: removed from {path}")


def _check(path: Path, args: argparse.Namespace, _project: Project | None) -> int:
    count = len(registry.read_registry(path))
    if args.json:
        output.emit_json({"registry": str(path), "ok": True, "plugins": count})
    else:
        noun = "plugin" if count == 1 else "plugins"
        output.stdout.print(f"{path}: {count} {noun}, no collision", markup=False)
    return 0


def _told(args: argparse.Namespace, path: Path, plugin: str, changed: bool, line: str) -> int:
    if args.json:
        output.emit_json({"registry": str(path), "plugin": plugin, "changed": changed})
    else:
        output.stdout.print(line, markup=False)
    return 0
