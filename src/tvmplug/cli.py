"""The command line: picks the command's module, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from tvmplug import __version__
from tvmplug.errors import TvmplugError, UsageError

INTERRUPTED = 130

# Command to module, in the order of the help. A command in HIDDEN is for the hooks, not for people.
COMMANDS = {
    "new": "tvmplug.commands.new",
    "adopt": "tvmplug.commands.adopt",
    "compile": "tvmplug.commands.compile",
    "build": "tvmplug.commands.build",
    "test": "tvmplug.commands.test",
    "tune": "tvmplug.commands.tune",
    "check": "tvmplug.commands.check",
    "sync": "tvmplug.commands.sync",
    "registry": "tvmplug.commands.registry",
    "runtime": "tvmplug.commands.runtime",
    "fleet": "tvmplug.commands.fleet",
    "doctor": "tvmplug.commands.doctor",
    "publish": "tvmplug.commands.publish",
    "hook": "tvmplug.commands.hook",
}
HIDDEN = frozenset({"hook"})


class CommandModule(Protocol):
    """What each module in `tvmplug.commands` offers; its docstring's first line is the help."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def main(self, args: argparse.Namespace) -> int:
        """Run the command and return its exit code."""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line the way every other error is reported."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, mend=f"See `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tvmplug ARGV`.

    Args:
        argv: The arguments after the program's name; None takes those of the process.

    Returns:
        0, the error family's exit code (see `errors.py`), or 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    if debug:
        os.environ["TVMPLUG_DEBUG"] = "1"  # for the compiler, which is a process of its own
    try:
        args = _parser(arguments).parse_args(arguments)
        if args.command is None:
            _parser(["--help"]).print_help()
            return 0
        return _load(args.command).main(args)
    except TvmplugError as error:
        return report(error, as_json="--json" in arguments, debug=debug)
    except KeyboardInterrupt as stopped:  # a command may say how to go on
        print(f"interrupted; {stopped}" if stopped.args else "interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def whole_parser() -> argparse.ArgumentParser:
    """The parser with every command that is for people, as the reference of the docs shows it."""
    return _parser(["--help"])


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; imports the chosen command's module, or all of them for the help."""
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    overview = chosen is None and not {"-h", "--help"}.isdisjoint(arguments)
    parser = _Parser(
        prog="tvmplug",
        description="Many TVM model plugins in one Flutter app, over one TVM runtime.",
        epilog="`tvmplug COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"tvmplug {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name in COMMANDS:
        if name == chosen or (overview and name not in HIDDEN):
            _add_command(commands, name)
        elif not overview:
            commands.add_parser(name)
    return parser


def _add_command(commands: argparse._SubParsersAction[_Parser], name: str) -> None:
    module = _load(name)
    text = (module.__doc__ or "").strip()
    summary = text.partition("\n")[0].rstrip(".")
    command = commands.add_parser(
        name,
        help=summary[:1].lower() + summary[1:],
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # SUPPRESS: `tvmplug --debug build` and `tvmplug build --debug` both hold.
    command.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show an error's traceback"
    )
    module.add_arguments(command)


def _load(name: str) -> CommandModule:
    return cast(CommandModule, importlib.import_module(COMMANDS[name]))


def report(error: TvmplugError, *, as_json: bool = False, debug: bool = False) -> int:
    """Tell a person, and with `as_json` a program, what went wrong.

    Args:
        error: What went wrong.
        as_json: Print it as JSON to stdout too.
        debug: Print the traceback first.

    Returns:
        The exit code of its family.
    """
    if debug:
        traceback.print_exception(error)
    if as_json:
        told = {
            "kind": type(error).__name__,
            "message": error.message,
            "mend": error.mend,
            "exit_code": error.exit_code,
        }
        print(json.dumps({"error": told}, indent=2, ensure_ascii=False))
    print(f"error: {error}", file=sys.stderr)
    return error.exit_code
