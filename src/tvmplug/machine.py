"""How much this machine can do at once."""

from __future__ import annotations

import os
from pathlib import Path

from tvmplug.errors import UsageError

JOBS_VARIABLE = "TVMPLUG_JOBS"
# What LLVM takes for one kernel, with room to spare (measured: below 200 MB).
_BYTES_PER_JOB = 512 << 20


def jobs() -> int:
    """How many kernels to compile at the same time.

    TVMPLUG_JOBS says so, or the processors that this process may use, as far as memory goes.

    Raises:
        UsageError: TVMPLUG_JOBS is no number above 0.
    """
    if named := os.environ.get(JOBS_VARIABLE):
        if not named.isdecimal() or int(named) < 1:
            raise UsageError(f"{JOBS_VARIABLE} is '{named}', not a number above 0")
        return int(named)
    count = processors()
    if (free := available_memory()) is not None:
        count = min(count, free // _BYTES_PER_JOB)
    return max(1, count)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes that programs can still get without swapping; None where the system does not say.

    Args:
        meminfo: Linux's table.
    """
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return int(amount.split()[0]) << 10
    return None
