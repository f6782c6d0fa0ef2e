"""The documentation keeps up with the code it describes."""

from __future__ import annotations

import re
from pathlib import Path

from tvmplug import cli
from tvmplug.targets import TARGETS

_DOCS = Path(__file__).parents[2] / "docs"


def test_every_command_is_documented_and_no_other() -> None:
    text = (_DOCS / "command-line.md").read_text()
    documented = set(re.findall(r"^\| `tvmplug (\w+)", text, re.M))
    assert documented == set(cli.COMMANDS) - cli.HIDDEN


def test_every_target_is_documented() -> None:
    text = (_DOCS / "targets.md").read_text()
    assert {name for name in TARGETS if f"`{name}`" in text} == set(TARGETS)


def test_every_variable_the_toolkit_reads_is_documented() -> None:
    text = (_DOCS / "command-line.md").read_text() + (_DOCS / "rust-api.md").read_text()
    sources = (_DOCS.parent / "src").rglob("*.py")
    read = {
        name for path in sources for name in re.findall(r'"(TVMPLUG_[A-Z_]+)"', path.read_text())
    }
    assert read
    assert {name for name in read if f"`{name}" not in text} == set()
