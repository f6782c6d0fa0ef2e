"""Reads the fenced blocks of a page, and says what each of them asks a test to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A block of these languages is a command, or a program, that a reader would run.
COMMANDS = frozenset({"sh", "bash", "shell", "console"})
PROGRAMS = frozenset({"python", "rust"})

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
_TITLE = re.compile(r'\btitle="([^"]*)"')
_FAILS = "<!-- fails -->"
_MARKER = re.compile(r"^<!-- not run: (?P<reason>.+) -->$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: The page that it stands on.
        line: The line of its fence, from 1.
        language: The first word behind the fence: `sh`, `python`, `text`, ...
        title: The file that it is the content of, relative to the page's first folder, if any.
        text: What is between the fences.
        reason: Why it is not run, where a comment before it says so.
        fails: A comment before it says that the command fails.
        answers: For `text`: it stands right behind a command, and is what that prints.
    """

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    reason: str | None
    fails: bool
    answers: bool

    @property
    def place(self) -> str:
        """Where it is, as an editor opens it."""
        inside = self.page.is_relative_to(ROOT)
        page = self.page.relative_to(ROOT) if inside else self.page
        return f"{page.as_posix()}:{self.line}"

    @property
    def is_command(self) -> bool:
        """Whether a reader types it."""
        return self.language in COMMANDS

    @property
    def is_to_run(self) -> bool:
        """Whether a test has to run it, or it has to say why not."""
        return self.language in COMMANDS | PROGRAMS


def blocks_of(page: Path) -> list[Block]:
    """Return all fenced blocks of a page, in order.

    Raises:
        ValueError: A fence is indented, names no language, or is never closed.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    number = 0
    reason: str | None = None
    fails = command_before = False
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            text = lines[number].strip()
            marker = _MARKER.match(text)
            if text:
                reason = marker["reason"] if marker else None
                fails = text == _FAILS
                command_before = False
            number += 1
            continue
        if fence["indent"]:
            raise ValueError(f"{page}:{number + 1}: the fence is indented")
        if not fence["info"].strip():
            raise ValueError(f"{page}:{number + 1}: the fence names no language")
        end = next(
            (at for at in range(number + 1, len(lines)) if lines[at] == fence["ticks"]), None
        )
        if end is None:
            raise ValueError(f"{page}:{number + 1}: the fence is never closed")
        title = _TITLE.search(fence["info"])
        block = Block(
            page=page,
            line=number + 1,
            language=fence["info"].split()[0],
            title=title[1] if title else None,
            text="".join(line + "\n" for line in lines[number + 1 : end]),
            reason=reason,
            fails=fails,
            answers=command_before,
        )
        found.append(block)
        command_before = block.is_command and block.title is None
        reason, fails = None, False
        number = end + 1
    return found
