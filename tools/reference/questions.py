"""The page of the questions that Copier asks, of the pins and of the rules for names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copier._template import load_template_config

from tools.reference.markdown import code, joined, table, top
from tvmplug.pins import read_defaults

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = ROOT / "src" / "tvmplug"

_INTRODUCTION = """
What `copier copy` asks, in this order. Answer on the command line with `-d NAME=VALUE`, from a
file with `--data-file FILE`, or take all defaults with `--defaults`. The answers are kept in
`.copier-answers.yml`; `copier update` asks only what is new.
"""
_KINDS = {
    "{{ kind == 'model' }}": "model plugins",
    "{{ kind == 'runtime' }}": "the runtime plugin",
    "{{ kind == 'model' and runtime_from == 'path' }}": "model plugins, `runtime_from` = `path`",
    "{{ kind == 'model' and runtime_from == 'git' }}": "model plugins, `runtime_from` = `git`",
    "{{ 'ios' in platforms or 'macos' in platforms }}": "plugins for iOS or macOS",
    None: "all",
}
# Defaults that a template works out, in words.
_WORKED_OUT = {
    "plugin_name": "the folder's name; `tvm_runtime_flutter` for the runtime plugin",
    "description": "a sentence for each kind",
    "author": "The `plugin_name` authors",
    "runtime_git_url": "`tvm_runtime_flutter` of the organisation on GitHub",
    "runtime_git_ref": "`v` and the runtime plugin's version",
    "prefix": "the name without `_flutter`, `_plugin` or `_model`, and `_`",
}
_PINS = """
## Pins

What the templates write that is never asked. It stands in `src/tvmplug/pins.yml`, moves with the
template's version, and is the same for every plugin of it:
[why](../prefixes-and-pins.md#the-pin).
"""
_NAMES = """
## Names that are refused

From `src/tvmplug/naming.yml`, which Copier and the toolkit both read.
"""


def page() -> str:
    """The page's text.

    Raises:
        KeyError: A question has a condition or a default that this module has no words for.
    """
    asked = {name: each for name, each in questions().items() if each.get("when") is not False}
    head = ("question", "what it says", "asked of", "default")
    parts = [
        top("Questions", "`copier.yml` and `src/tvmplug/pins.yml`"),
        _INTRODUCTION,
        table(head, [_row(name, each) for name, each in asked.items()]),
        "\n## Choices\n",
        table(
            ("question", "answer", "meaning"),
            [row for name, each in asked.items() for row in _choices(name, each)],
        ),
        _PINS,
        table(("pin", "value"), _pins()),
        _NAMES,
        table(("rule", "what it says"), _names()),
    ]
    return joined(parts)


def questions() -> dict[str, Mapping[str, Any]]:
    """Every question of copier.yml by name, with the values that are never asked."""
    found = load_template_config(ROOT / "copier.yml")
    return {name: each for name, each in found.items() if not name.startswith("_")}


def _row(name: str, question: Mapping[str, Any]) -> tuple[str, ...]:
    default = question.get("default")
    if name in _WORKED_OUT or "{" in str(default):
        told = _WORKED_OUT[name]
    elif isinstance(default, list):
        told = code(f"[{', '.join(map(str, default))}]")
    else:
        told = code(str(default)) if default else "empty"
    return code(name), str(question["help"]), _KINDS[question.get("when")], told


def _choices(name: str, question: Mapping[str, Any]) -> list[tuple[str, ...]]:
    choices = question.get("choices") or {}
    if isinstance(choices, list):
        return [(code(name), code(str(choice)), "") for choice in choices]
    rows: list[tuple[str, ...]] = []
    for label, value in choices.items():
        details = value if isinstance(value, Mapping) else {"value": value}
        plain = str(details["value"])
        meaning = str(label).removeprefix(f"{plain}: ")
        if "validator" in details:
            meaning += f" ({details['validator']})"
        rows.append((code(name), code(plain), meaning))
    return rows


def _pins() -> list[tuple[str, str]]:
    rows = []
    for name, value in read_defaults(_PACKAGE / "pins.yml").items():
        if name.endswith("_hashes"):
            told = f"of {len(value)} wheels"
        elif isinstance(value, Mapping):
            told = ", ".join(f"{key} {code(str(each))}" for key, each in value.items())
        else:
            told = code(str(value))
        rows.append((code(name), told))
    return rows


def _names() -> list[tuple[str, str]]:
    rows = []
    for name, value in read_defaults(_PACKAGE / "naming.yml").items():
        told = code(value) if isinstance(value, str) else " ".join(code(each) for each in value)
        rows.append((name.replace("_", " "), told))
    return rows
