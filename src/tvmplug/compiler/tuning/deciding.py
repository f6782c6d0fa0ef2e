"""Decides which tile wins, from times alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tvmplug.compiler.cpu.choices import Choice

# What is not faster by this is noise, or not worth a line in the file.
WORTH = 0.97
_FINALISTS = 3

Times = Mapping[Choice, Sequence[float]]
"""Seconds of each choice, one for each round; all choices were measured in every round."""


@dataclass(frozen=True)
class Verdict:
    """The tile that a kernel shall have.

    Attributes:
        choice: The tile.
        ratio: Its time as a share of that of the tile which the kernel has now.
    """

    choice: Choice
    ratio: float


def finalists(times: Times, always: Iterable[Choice]) -> list[Choice]:
    """Who takes part in the final: the fastest of a first heat, and some in any case.

    The winner of a heat was lucky as well as fast. So the final takes new times, and only those
    count.

    Args:
        times: Of the heat.
        always: The tile that the kernel has now, and the table's.
    """
    fastest = sorted(times, key=lambda choice: median(times[choice]))[:_FINALISTS]
    return list(dict.fromkeys([*always, *fastest]))


def ratio_of(times: Times, choice: Choice, to: Choice) -> float:
    """The time of a choice as a share of another's: the median over rounds.

    Within a round, the machine was in the same mood for both.
    """
    return median(_ratios(times, choice, to))


def verdict(times: Times, now: Choice) -> Verdict:
    """Choose: the fastest if it is worth a change, else what there is.

    Args:
        times: Of the final.
        now: The tile that the kernel has.
    """
    best = min(times, key=lambda choice: ratio_of(times, choice, now))
    ratios = _ratios(times, best, now)
    # Three rounds of four must agree: else it is the noise of a few.
    agreed = len(ratios) < 2 or quantiles(ratios, n=4)[2] < 1
    if best != now and median(ratios) < WORTH and agreed:
        return Verdict(best, median(ratios))
    return Verdict(now, 1.0)


def _ratios(times: Times, choice: Choice, to: Choice) -> list[float]:
    return [one / other for one, other in zip(times[choice], times[to], strict=True)]
