"""The page of every command and option, from the parsers that read them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from tools.reference.markdown import code, joined, table, top
from tvmplug import cli

_INTRODUCTION = """
Every command and option, as `tvmplug COMMAND --help` tells them. [Command
line](../command-line.md) has the overview, the exit codes and the variables.
"""


def page() -> str:
    """The page's text."""
    parser = cli.whole_parser()
    parts = [top("Commands and options", "the argument parsers of `src/tvmplug`"), _INTRODUCTION]
    parts += ["\n## tvmplug\n", _options(parser)]
    for name, command in _subcommands(parser):
        parts.append(_section(name, command, level=2))
        parts += [
            _section(f"{name} {action}", each, level=3) for action, each in _subcommands(command)
        ]
    return joined(parts)


def synopsis(name: str, parser: argparse.ArgumentParser) -> str:
    """One line that shows how a command is typed."""
    words = [f"tvmplug {name}"]
    if any(True for _ in _shown(parser)):
        words.append("[OPTION]...")
    words += [_argument(action) for action in _positionals(parser)]
    return " ".join(words)


def _section(name: str, parser: argparse.ArgumentParser, level: int) -> str:
    text = (parser.description or "").strip()
    parts = [f"\n{'#' * level} tvmplug {name}\n", f"`{synopsis(name, parser)}`\n", _escaped(text)]
    if any(True for _ in _subcommands(parser)):
        return "\n".join(parts) + "\n"
    return "\n".join(parts) + "\n\n" + _options(parser)


def _options(parser: argparse.ArgumentParser) -> str:
    rows = [(code(_argument(action)), _help(parser, action)) for action in _positionals(parser)]
    rows += [(_spelled(action), _help(parser, action)) for action in _shown(parser)]
    return table(("argument", "meaning"), rows) if rows else ""


def _subcommands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _positionals(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction):
            yield action


def _shown(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.option_strings and not isinstance(action, argparse._HelpAction):
            yield action


def _argument(action: argparse.Action) -> str:
    if action.metavar is not None:
        name = action.metavar if isinstance(action.metavar, str) else action.metavar[0]
    elif action.choices is not None:
        name = f"{{{','.join(map(str, action.choices))}}}"
    else:
        name = action.dest.upper()
    return {"?": f"[{name}]", "*": f"[{name}]...", "+": f"{name}..."}.get(str(action.nargs), name)


def _spelled(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {_argument(action)}"
    return ", ".join(code(option + value) for option in action.option_strings)


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return _escaped(parser._get_formatter()._expand_help(action) if action.help else "")


def _escaped(text: str) -> str:
    # Words such as <name> would be taken for HTML.
    return re.sub(r"<(\w+)>", r"&lt;\1&gt;", text)
