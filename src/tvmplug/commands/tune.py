"""Measure which tiles are the fastest, and keep them in the plugin.

Builds each product and convolution of the model with the tiles of tvmplug's table, runs them on
this machine or on a device behind TVM's RPC, and writes those that are clearly faster into
model/tuning.json. Keep that file in the repository: every build takes its tiles from there. A run
that is interrupted keeps what it found.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape

from tvmplug import environment, files, output
from tvmplug.commands import add_cpu_option, add_json_option, add_project_option, add_target_option
from tvmplug.errors import UsageError
from tvmplug.project import chosen_target, find_project
from tvmplug.targets import Target, with_choices
from tvmplug.toolchains.cxx import find_cxx

# Another tuner of this plugin would disturb the times, and the file.
_LOCK_TIMEOUT_S = 10
# Their systems run no code that was brought to them; the Mac has the same kind of core.
_CLOSED = frozenset({"ios", "ios-simulator"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_project_option(parser)
    add_target_option(parser)
    add_cpu_option(parser)
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="how many threads a kernel has (default: as in an app, a core each and four at most)",
    )
    parser.add_argument(
        "--rpc", metavar="HOST:PORT", help="measure on the machine whose TVM RPC server this is"
    )
    parser.add_argument(
        "--key", metavar="NAME", help="HOST:PORT is a tracker; take a device that it knows as NAME"
    )
    add_json_option(parser)


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    project = find_project(args.project)
    _ = project.model  # refuses the runtime plugin
    target = with_choices(chosen_target(args.target), cpu=args.cpu, plain=False)
    arguments = [] if args.threads is None else ["--threads", str(_threads(args.threads))]
    arguments += _remote(args.rpc, args.key, target)
    try:
        with files.locked(project.compiled_dir(target).parent / "tune", timeout_s=_LOCK_TIMEOUT_S):
            result = environment.run_tuner(project, target, arguments)
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt("what was measured is kept in model/tuning.json") from stopped
    if args.json:
        output.emit_json({"plugin": project.name, "target": target.name, **result})
    else:
        _show(result)
    return 0


def _threads(count: int) -> int:
    if count < 1:
        raise UsageError(f"--threads {count} is too few", mend="Give 1 or more")
    return count


def _remote(rpc: str | None, key: str | None, target: Target) -> list[str]:
    """The tuner's arguments that name a machine to measure on."""
    if rpc is None:
        if key is not None:
            raise UsageError(
                "--key names a device of a tracker", mend="Name the tracker with --rpc HOST:PORT"
            )
        return []
    if target.platform in _CLOSED:
        raise UsageError(
            f"{target.name} runs no kernels that are brought to it",
            mend="Use --target macos-arm64 on a Mac: its tiles are for all of Apple's processors",
        )
    found = re.fullmatch(r"\[?([^\[\]]+?)\]?:(\d{1,5})", rpc)
    if found is None:
        raise UsageError(f"--rpc {rpc} is no HOST:PORT", mend="Write it like 192.0.2.7:9090")
    toolchain = find_cxx(target)
    os.environ.update(toolchain.environment)  # for the tuner, which is a process of its own
    arguments = ["--host", found[1], "--port", found[2], "--linker", shlex.join(toolchain.driver)]
    return arguments if key is None else [*arguments, "--key", key]


def _show(result: Mapping[str, Any]) -> None:
    kernels: Sequence[Mapping[str, Any]] = result["kernels"]
    rows = [
        [
            escape(each["kernel"]),
            each["before"],
            each["after"],
            f"[green]{each['ratio']:.2f}[/]" if each["after"] != each["before"] else "",
        ]
        for each in kernels
    ]
    threads = "1 thread" if result["threads"] == 1 else f"{result['threads']} threads"
    title = f"{result['instruction_set']}, {result['processor']}, {threads}"
    output.table(title, ["kernel", "tile before", "tile after", "ratio"], rows)
    for kernel, why in result["skipped"].items():
        output.stdout.print(f"not measured: {kernel}: {why}", markup=False)
    for kernel in result["dropped"]:
        output.stdout.print(f"dropped, the model has it no longer: {kernel}", markup=False)
    changed = sum(each["after"] != each["before"] for each in kernels)
    told = f"{changed} of {len(kernels)} kernels have another tile"
    output.stdout.print(
        f"{told}: commit model/tuning.json, and build" if changed else told, markup=False
    )
