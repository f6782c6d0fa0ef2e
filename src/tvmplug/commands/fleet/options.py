"""The options that the fleet's commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from tvmplug.commands import add_json_option


def add_fleet_options(parser: argparse.ArgumentParser, *, choose: bool = True) -> None:
    """Add `--fleet` and `--json`; with `choose` also what picks repositories.

    `args.fleet` is a Path or None, `args.only` and `args.group` are lists of str, `args.limit` and
    `args.jobs` are int or None.
    """
    parser.add_argument(
        "--fleet",
        type=Path,
        metavar="PATH",
        help="the fleet file or its folder (default: the nearest fleet.yaml upwards)",
    )
    if choose:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="these repositories alone; may hold * and ?, may be given again",
        )
        parser.add_argument(
            "--group", action="append", default=[], metavar="NAME", help="those of a group alone"
        )
        parser.add_argument(
            "--limit", type=at_least_one, metavar="N", help="no more than N repositories"
        )
        parser.add_argument(
            "--jobs",
            type=at_least_one,
            metavar="N",
            help="how many at once (default: the processors)",
        )
    add_json_option(parser)


def at_least_one(text: str) -> int:
    """Return a whole number of at least 1, for argparse."""
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return number
