"""An app that runs on a display: what it printed, and what is in its memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ToolError


@dataclass(frozen=True)
class App:
    """A running app.

    Attributes:
        pid: Its process id, as this process sees it.
        printed: The file that holds what it printed.
    """

    pid: int
    printed: Path

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        return state.rpartition(")")[2].split()[0] != "Z"

    def lines(self) -> list[str]:
        """The lines that it printed so far."""
        return self.printed.read_text(encoding="utf-8", errors="replace").splitlines()

    def wait_for_line(self, text: str, *, after: int = 0, timeout_s: float = 30) -> str:
        """Wait until it has printed a line with this text; return the line.

        Args:
            text: A part of the line.
            after: How many lines are not looked at.
            timeout_s: Seconds until it must have printed it.

        Raises:
            ToolError: It ended or took too long; the message holds what it printed.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            running = self.running
            for line in self.lines()[after:]:
                if text in line:
                    return line
            if not running or time.monotonic() > deadline:
                why = f"printed no '{text}' in {timeout_s:g} s" if running else "has ended"
                raise ToolError(f"the app {why}:\n" + "\n".join(self.lines()[-20:]))
            time.sleep(0.05)

    def mapped_libraries(self) -> list[Path]:
        """The shared libraries in its memory."""
        maps = Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8").splitlines()
        paths = {line.split(maxsplit=5)[5] for line in maps if line.count("/")}
        return sorted(Path(path) for path in paths if ".so" in Path(path).name)


def descendants(pid: int) -> list[int]:
    """A process's children, their children, and so on."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="utf-8").split():
            found += [int(child), *descendants(int(child))]
    return found
