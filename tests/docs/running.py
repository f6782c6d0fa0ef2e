"""Runs the blocks of a page in order, as a reader would, and compares what they print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import Block

_WHERE = "\x1ewhere "


@dataclass
class Reader:
    """Someone who follows a page from its first line.

    Attributes:
        folder: Where the page begins; titled blocks are files below it.
        env: The whole environment of the commands.
        cwd: Where the reader is now; `cd` moves on, from block to block.
        printed: What each command block printed, by its place.
    """

    folder: Path
    env: Mapping[str, str]
    cwd: Path = field(init=False)
    printed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cwd = self.folder

    def follow(self, blocks: Sequence[Block], *, timeout_s: float = 900) -> None:
        """Write the files and run the commands.

        Args:
            blocks: Of one page; those with a reason not to run are passed over.
            timeout_s: Seconds that one block may take.

        Raises:
            AssertionError: A command failed, or printed something else than the page says.
        """
        last = ""
        for block in blocks:
            if block.reason is not None:
                continue
            if block.title is not None:
                path = self.folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.is_command:
                last = self._run(block, timeout_s)
                self.printed[block.place] = last
            elif block.language == "text" and block.answers:
                check_output(block, last)

    def shell(self, script: str, *, timeout_s: float = 900) -> str:
        """Run a script where the reader is; return what it printed.

        Raises:
            AssertionError: It failed.
        """
        code, printed = self._bash(script, timeout_s)
        assert code == 0, f"exit status {code}: {script}\nprinted:\n{printed}"
        return printed

    def _run(self, block: Block, timeout_s: float) -> str:
        code, printed = self._bash(block.text, timeout_s)
        assert (code != 0) == block.fails, (
            f"{block.place}: exit status {code}\n{block.text}\nprinted:\n{printed}"
        )
        return printed

    def _bash(self, script: str, timeout_s: float) -> tuple[int, str]:
        """Run a script, and go where it went unless it failed."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", f'{script}\nprintf "\\n{_WHERE}%s" "$PWD"'],
            cwd=self.cwd,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode != 0:
            return done.returncode, done.stdout
        printed, _, where = done.stdout.rpartition("\n" + _WHERE)
        self.cwd = Path(where)
        return 0, printed


def check_output(block: Block, printed: str) -> None:
    """Compare what was printed with what a page shows.

    `...` stands for anything within its line, and alone on a line for any lines.

    Raises:
        AssertionError: They differ.
    """
    shown = [line.rstrip() for line in block.text.strip().splitlines()]
    real = [line.rstrip() for line in printed.strip().splitlines()]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in shown
    )
    text = "".join(line + "\n" for line in real)
    assert re.fullmatch(pattern, text), (
        f"{block.place}: the page shows\n{block.text}\nand printed was\n{text}"
    )
