"""Tell what a run changed, what failed and why, and how long it took.

On a terminal to read at once; as JSON for programs, as Markdown for a pull request or a chat, and
as one HTML page that needs nothing else. It reads the ledger, also while a run goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.markdown import Markdown

from tvmplug import files, output
from tvmplug.commands.fleet.options import add_fleet_options, at_least_one
from tvmplug.errors import FleetError, UsageError
from tvmplug.fleet.config import find_fleet
from tvmplug.fleet.ledger import Ledger
from tvmplug.fleet.ledger_rows import Attempt, Run
from tvmplug.fleet.places import Places
from tvmplug.fleet.records import Result
from tvmplug.fleet.report import RunReport, build_report, read_tail
from tvmplug.fleet.report_html import to_html
from tvmplug.fleet.report_json import to_json
from tvmplug.fleet.report_markdown import to_markdown

_FORMATS: dict[str, Callable[[RunReport], str]] = {
    "json": lambda report: json.dumps(to_json(report), indent=2) + "\n",
    "markdown": to_markdown,
    "html": to_html,
}
_SUFFIXES = {".json": "json", ".md": "markdown", ".html": "html", ".htm": "html"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_fleet_options(parser, choose=False)
    parser.add_argument(
        "--run", type=at_least_one, metavar="N", help="an earlier run (default: the last one)"
    )
    parser.add_argument(
        "--format",
        choices=[*_FORMATS],
        help="default: what --output's name ends in, else Markdown",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there")


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    form = _form(args)
    places = Places(find_fleet(args.fleet).parent / ".fleet")
    run, attempts = _read(places, args.run)
    logs = {
        attempt.name: log
        for attempt in attempts
        if (log := places.log(run.id, attempt.name)).is_file()
    }
    wanted = {attempt.name for attempt in attempts if _needs_its_log(attempt)}
    tails = {name: read_tail(log) for name, log in logs.items() if name in wanted}
    report = build_report(run, attempts, logs=logs, tails=tails)
    if args.output is None and form is None and output.stdout.is_terminal:
        output.stdout.print(Markdown(to_markdown(report)), soft_wrap=False)
        return 0
    text = _FORMATS[form or "markdown"](report)
    if args.output is None:
        print(text, end="")
    else:
        files.write_text(args.output, text)
        output.say(f"wrote {args.output}")
    return 0


def _form(args: argparse.Namespace) -> str | None:
    """The format that is asked for; None when nothing says which."""
    if args.format is not None:
        if args.json and args.format != "json":
            raise UsageError(f"--json and --format {args.format} exclude each other")
        return str(args.format)
    if args.json:
        return "json"
    if args.output is None:
        return None
    try:
        return _SUFFIXES[args.output.suffix.lower()]
    except KeyError as error:
        raise UsageError(
            f"{args.output} does not say what it is to be",
            mend=f"Let it end in {', '.join(_SUFFIXES)}, or give --format",
        ) from error


def _read(places: Places, number: int | None) -> tuple[Run, Sequence[Attempt]]:
    """The run that is asked for, and its attempts."""
    ledger = Ledger.reading(places.ledger)
    if ledger is not None:
        with ledger:
            runs = {run.id: run for run in ledger.runs()}
            if runs:
                last = max(runs)
                run = runs.get(last if number is None else number)
                if run is None:
                    raise UsageError(f"there is no run {number}", mend=f"The last one is {last}")
                return run, ledger.attempts(run.id)
    raise FleetError(
        f"{places.root.parent} has no run yet", mend="Begin one with `tvmplug fleet update`"
    )


def _needs_its_log(attempt: Attempt) -> bool:
    return attempt.outcome is not None and attempt.outcome.result in {
        Result.FAILED,
        Result.INTERRUPTED,
    }
