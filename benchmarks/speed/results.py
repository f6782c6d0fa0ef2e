"""What was measured, and what follows from it: ratios within one run, and their geometric means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from benchmarks.speed.ways import OURS

Array = npt.NDArray[np.float32]

# A way whose results differ by more than this share of the largest value is wrong, and a wrong
# result is no fast one: it counts in no mean.
TOLERANCE = 2e-3


@dataclass
class Run:
    """One process that ran one component in one way.

    Attributes:
        library_s: Seconds to load the runtime's libraries; for those from wheels, Python's modules
            are among them.
        open_s: Seconds to load the model.
        first_s: Seconds of the first call.
        latencies_s: Seconds of each later call.
        cores: How many cores were busy during these, on average.
        library_mb: What the runtime's libraries added to the process's memory.
        peak_mb: What model and calls added to that at most.
        held_mb: What of it was still there after the last call.
        libraries: Sizes of the runtime's native libraries by file name, in bytes.
        error: The largest difference from the reference, as a share of its largest value.
    """

    library_s: float
    open_s: float
    first_s: float
    latencies_s: list[float]
    cores: float
    library_mb: float
    peak_mb: float
    held_mb: float
    libraries: dict[str, int]
    error: float = 0.0

    @property
    def median_s(self) -> float:
        """The median of the later calls."""
        return statistics.median(self.latencies_s)


@dataclass
class Cell:
    """All rounds of one component in one way with one number of threads.

    Attributes:
        runs: One for each round, in order.
        problem: Why there are none, or no more.
    """

    runs: list[Run] = field(default_factory=list)
    problem: str = ""

    @property
    def wrong(self) -> bool:
        """Whether any result was not the reference's."""
        return any(not run.error <= TOLERANCE for run in self.runs)

    @property
    def counts(self) -> bool:
        """Whether it was measured, and computes what it should."""
        return bool(self.runs) and not self.wrong

    @property
    def median_s(self) -> float:
        """The median over rounds of the rounds' medians."""
        return statistics.median(run.median_s for run in self.runs)

    @property
    def p95_s(self) -> float:
        """What 95 of 100 calls of all rounds stay below."""
        return percentile([each for run in self.runs for each in run.latencies_s], 0.95)

    def middle(self, attribute: str) -> float:
        """The median over rounds of one of a run's numbers."""
        return statistics.median(float(getattr(run, attribute)) for run in self.runs)


# By task's name, number of threads and way's name.
Cells = dict[tuple[str, int, str], Cell]


def ratio(cells: Cells, task: str, threads: int, against: str) -> float | None:
    """A plugin's latency as a share of another way's: the median of the ratios in each round.

    Returns:
        None where one of the two cannot run the component or gives a wrong result.
    """
    ours, other = (cells.get((task, threads, way)) for way in (OURS, against))
    if ours is None or other is None or not (ours.counts and other.counts):
        return None
    pairs = zip(ours.runs, other.runs, strict=False)
    return statistics.median(mine.median_s / theirs.median_s for mine, theirs in pairs)


def ratios(cells: Cells, tasks: Sequence[str], threads: int, against: str) -> dict[str, float]:
    """The ratios of all components that both ways can run, by component."""
    found = {task: ratio(cells, task, threads, against) for task in tasks}
    return {task: value for task, value in found.items() if value is not None}


def geometric_mean(values: Iterable[float]) -> float | None:
    """The geometric mean of positive numbers; None of none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(statistics.fmean(logarithms)) if logarithms else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values does not exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def difference(results: Sequence[Array], references: Sequence[Array]) -> float:
    """The largest difference of any result, as a share of the largest value of its reference.

    Infinite where a result is missing, has another size, or holds what is no number.
    """
    if len(results) != len(references):
        return math.inf
    worst = 0.0
    for result, reference in zip(results, references, strict=True):
        if result.size != reference.size or not np.isfinite(result).all():
            return math.inf
        largest = float(np.abs(reference).max())
        apart = float(np.abs(result.reshape(reference.shape) - reference).max())
        worst = max(worst, apart / largest if largest > 0 else apart)
    return worst


@dataclass(frozen=True)
class Roof:
    """What the machine can do with so many threads: per second, operations and bytes read."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Work:
    """What one call of a component takes: operations, and bytes of weights."""

    flops: int
    weight_bytes: int


def achieved(cell: Cell, work: Work, roof: Roof) -> Mapping[str, float]:
    """What a way makes of the machine.

    Returns:
        `flops`: operations a second as a share of the machine's; `bytes`: weights read a second as
        a share of its bandwidth, which may pass 1 where they stay in the caches; `roof`: the least
        time that either of the two allows, as a share of the time taken.
    """
    seconds = cell.median_s
    flops, read = work.flops / roof.flops / seconds, work.weight_bytes / roof.bytes / seconds
    return {"flops": flops, "bytes": read, "roof": max(flops, read)}
