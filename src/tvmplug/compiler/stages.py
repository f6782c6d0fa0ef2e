"""What the compiler says on stderr while it works: one line for each stage, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds between two lines of one stage: for a person who waits, and for a log that is kept.
_EVERY_S = 1.0


class Step:
    """A stage that runs.

    Attributes:
        note: What its last line says beside the time.
    """

    def __init__(self, title: str) -> None:
        self.note = ""
        self._title = title
        self._last = time.monotonic()

    def at(self, how_far: str) -> None:
        """Say how far it is, once a second at most."""
        if time.monotonic() - self._last >= _EVERY_S:
            self._last = time.monotonic()
            say(f"{self._title}: {how_far} ...")


@contextmanager
def stage(title: str) -> Iterator[Step]:
    """Say what runs, and how long it took."""
    started = time.monotonic()
    say(f"{title} ...")
    step = Step(title)
    yield step
    note = f"{step.note}, " if step.note else ""
    say(f"{title}: {note}{time.monotonic() - started:.1f} s")


def say(line: str) -> None:
    """Print a line on stderr."""
    print(line, file=sys.stderr, flush=True)
