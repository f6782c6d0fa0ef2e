"""Dart's own formatter and analyzer over generated code. The tests call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import toolchain as toolchains
from tools.packages import write_config
from tools.toolchain import Toolchain
from tvmplug.process import run


@dataclass(frozen=True)
class Findings:
    """What a tool found.

    Attributes:
        ok: Nothing is wrong.
        output: What it printed.
    """

    ok: bool
    output: str


def format_check(toolchain: Toolchain, paths: Sequence[Path]) -> Findings:
    """See that Dart files are formatted as `dart format` would.

    The formatter reads the language version from the package configuration above a file, or
    takes its newest: call `packages.write_config` first where that matters.

    Args:
        toolchain: Dart and Flutter.
        paths: Files and folders.
    """
    command = ["format", "--output=none", "--set-exit-if-changed", *map(str, paths)]
    done = run([toolchain.dart, *command], env=toolchains.environment(), echo=False, check=False)
    return Findings(done.returncode == 0, done.stdout + done.stderr)


def analyze(toolchain: Toolchain, projects: Sequence[Path], *, resolve: bool = True) -> Findings:
    """Run `dart analyze` on projects; everything it says counts.

    Args:
        toolchain: Dart and Flutter.
        projects: Folders with a pubspec.yaml each; one run for all is much faster.
        resolve: Resolve their dependencies first; otherwise that has been done.
    """
    if resolve:
        for project in projects:
            write_config(project, toolchain)
    done = run(
        [toolchain.dart, "analyze", "--fatal-infos", "--fatal-warnings", *projects],
        env=toolchains.environment(),
        echo=False,
        check=False,
    )
    return Findings(done.returncode == 0, done.stdout + done.stderr)
