"""What programs cost: wall time, processor time, and the memory of all their processes at once."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_EVERY_S = 0.1


@dataclass
class Usage:
    """What the programs of a block cost.

    Attributes:
        wall_s: Wall time.
        cpu_s: Processor time, of the programs and of all that they started and waited for.
        peak_mb: The most memory that all of them held at one time, shared pages counted once;
            0 when it was not watched.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0


@contextlib.contextmanager
def usage(*, memory: bool = False) -> Iterator[Usage]:
    """Measure what is started, and has ended, within the block.

    Args:
        memory: Watch the memory too. That takes processor time of its own, so times of such a
            block are not to be shown.

    Yields:
        The result, filled in when the block ends.
    """
    found = Usage()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(found, over), daemon=True)
    before, started = _children_cpu(), time.perf_counter()
    if memory:
        watcher.start()
    try:
        yield found
    finally:
        found.wall_s = time.perf_counter() - started
        found.cpu_s = _children_cpu() - before
        over.set()
        if memory:
            watcher.join()


def _children_cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _watch(found: Usage, over: threading.Event) -> None:
    while not over.wait(_EVERY_S):
        kilobytes = sum(_proportional_set(pid) for pid in _descendants(os.getpid()))
        found.peak_mb = max(found.peak_mb, kilobytes / 1000)


def _descendants(root: int) -> list[int]:
    """All processes below one, without itself."""
    parents: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; the parent is second behind it.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found: list[int] = []
    pending = [root]
    while pending:
        below = parents.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _proportional_set(pid: int) -> int:
    """A process's memory in kB: a page that n processes share counts as 1/n in each."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
