"""Build TVM's runtime for other targets, or bring in your own.

A runtime is built from the pinned wheels' C++ sources once, and kept in the cache for all plugins.
One that you import for a target is used instead, until you remove it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from tvmplug import output
from tvmplug.commands import add_json_option
from tvmplug.errors import ToolError
from tvmplug.runtime.build import build_runtime
from tvmplug.runtime.importing import import_runtime
from tvmplug.runtime.store import PARTS, Runtime, all_runtimes, options_named, remove_runtimes
from tvmplug.targets import TARGETS, Target, host_target, targets_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build", help="build the runtimes of some targets", description=_BUILD
    )
    build.add_argument(
        "--with",
        dest="parts",
        metavar="PARTS",
        default="",
        help=f"optional parts, with commas between them: {', '.join(PARTS)}",
    )
    imported = actions.add_parser("import", help="bring in static archives", description=_IMPORT)
    imported.add_argument("folder", type=Path, metavar="DIR", help="where the archives are")
    listed = actions.add_parser("list", help="show what the cache holds", description=_LIST)
    remove = actions.add_parser("remove", help="take runtimes out", description=_REMOVE)
    remove.add_argument("--built", action="store_true", help="those that were built, too")
    for action in (build, listed, remove):
        action.add_argument(
            "--target", metavar="LIST", help="targets with commas between them: ios,linux-arm64"
        )
    for action in (build, imported, listed, remove):
        add_json_option(action)


_BUILD = "Build the runtimes of some targets (default: all that this machine has a compiler for)."
_IMPORT = (
    "Check static archives of TVM's runtime and tvm-ffi, and use them from now on. DIR holds those "
    "of one target, or one folder a target, and TVM's include folders."
)
_LIST = "Show every runtime in the cache (default: of all targets)."
_REMOVE = "Take imported runtimes out of the cache (default: of all targets)."


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    return int(
        {"build": _build, "import": _import, "list": _list, "remove": _remove}[args.action](args)
    )


def _targets(args: argparse.Namespace) -> tuple[Target, ...]:
    return targets_named(args.target) if args.target else tuple(TARGETS.values())


def _build(args: argparse.Namespace) -> int:
    options = options_named(args.parts)
    if args.target:
        return _show(args, [build_runtime(target, options) for target in _targets(args)])
    built: list[Runtime] = []
    missing: dict[str, str] = {}
    # The machine's own target has its runtime in the wheels.
    others = [row for row in TARGETS.values() if row.supported and row != host_target()]
    for target in others:
        try:
            built.append(build_runtime(target, options))
        except ToolError as error:
            missing[target.name] = str(error)
    return _show(args, built, missing)


def _import(args: argparse.Namespace) -> int:
    return _show(args, import_runtime(args.folder))


def _list(args: argparse.Namespace) -> int:
    return _show(args, list(all_runtimes(_targets(args))))


def _remove(args: argparse.Namespace) -> int:
    removed = remove_runtimes(_targets(args), built=args.built)
    if args.json:
        output.emit_json({"removed": [str(folder) for folder in removed]})
    else:
        for folder in removed:
            output.stdout.print(f"removed {folder}", markup=False)
        if not removed:
            output.stdout.print("there is none", markup=False)
    return 0


def _show(
    args: argparse.Namespace, runtimes: Sequence[Runtime], missing: dict[str, str] | None = None
) -> int:
    """Print runtimes, and why others could not be built."""
    if args.json:
        rows = [_document(runtime) for runtime in runtimes]
        output.emit_json({"runtimes": rows, "missing": missing or {}})
        return 0
    if runtimes:
        output.table("", ("target", "origin", "made with", "parts", "size"), _rows(runtimes))
    else:
        output.stdout.print("no runtime yet: run `tvmplug runtime build`", markup=False)
    for name, reason in (missing or {}).items():
        output.stdout.print(f"{name}: {reason}", markup=False)
    return 0


def _rows(runtimes: Sequence[Runtime]) -> list[tuple[str, ...]]:
    return [
        (
            runtime.target.name,
            runtime.origin + (", for proof" if runtime.proof_only else ""),
            escape(runtime.toolchain),
            ", ".join(runtime.parts) or "-",
            _size(runtime),
        )
        for runtime in runtimes
    ]


def _size(runtime: Runtime) -> str:
    if runtime.shared is not None:
        return f"{runtime.sizes[runtime.shared.name] / 1e6:.2f} MB"
    total = sum(runtime.sizes[archive.name] for archive in runtime.archives)
    return f"{total / 1e6:.2f} MB as archives"


def _document(runtime: Runtime) -> dict[str, Any]:
    return {
        "target": runtime.target.name,
        "origin": runtime.origin,
        "toolchain": runtime.toolchain,
        "proof_only": runtime.proof_only,
        "parts": list(runtime.parts),
        "folder": str(runtime.folder),
        "archives": [str(archive) for archive in runtime.archives],
        "shared": None if runtime.shared is None else str(runtime.shared),
        "sizes": dict(runtime.sizes),
    }
