"""One module per command: its docstring is the help, `add_arguments` and `main` are the interface.

What a command imports at its top must be light: the help of all commands imports every module.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_project_option(parser: argparse.ArgumentParser) -> None:
    """Add `--project DIR`; `args.project` is a Path or None (`project.find` takes either)."""
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        help="the plugin's folder (default: the nearest folder upwards with a tvm_plugin.yaml)",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json`; `args.json` is a bool, and errors are then printed as JSON as well."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")


def add_target_option(parser: argparse.ArgumentParser) -> None:
    """Add `--target NAME`; `args.target` is a str or None for this machine's own."""
    parser.add_argument(
        "--target", metavar="NAME", help="what to build for (default: this machine, linux-x64)"
    )


def add_cpu_option(parser: argparse.ArgumentParser) -> None:
    """Add `--cpu NAME`; `targets.with_choices` takes it."""
    parser.add_argument(
        "--cpu",
        metavar="NAME",
        help="the oldest processor that the model runs on, as LLVM calls it (x86-64-v4); it must "
        "be given to every build anew",
    )


def add_compile_options(parser: argparse.ArgumentParser) -> None:
    """Add `--cpu NAME` and `--plain`; `targets.with_choices` takes both."""
    add_cpu_option(parser)
    parser.add_argument(
        "--plain",
        action="store_true",
        help="leave out tvmplug's schedules: TVM's own code, to compare with",
    )


def add_template_options(parser: argparse.ArgumentParser) -> None:
    """Add `--template SOURCE` and `--vcs-ref REF`; `new.template_of` takes the first."""
    parser.add_argument(
        "--template",
        metavar="SOURCE",
        help="folder or address of the template (default: TVMPLUG_TEMPLATE, else this checkout)",
    )
    parser.add_argument("--vcs-ref", metavar="REF", help="its tag or commit (default: newest tag)")
