"""The one place that rewriters ask for a tile: what was measured, else the best of a cost model.

A rewriter ranks the tiles that fit an operator by what they should cost. `Choices` takes the one
that `tvmplug tune` found to be the fastest (see `tuning.winners`), if it is among them, and the
first of the ranking where nothing was measured.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tvmplug.compiler.cpu.isa import Tile
from tvmplug.compiler.cpu.signature import Kernel, Sizes

_TEXT = re.compile(r"([1-9]\d?)x([1-9]\d?)(?: axis ([0-9]))?")


@dataclass(frozen=True)
class Choice:
    """How an operator is cut into tiles.

    Attributes:
        tile: The registers.
        axis: Of a convolution, the axis of positions that a tile's rows lie along.
    """

    tile: Tile
    axis: int = 0

    def __str__(self) -> str:
        """As people read it and files hold it: `6x2`, or `6x2 axis 1`."""
        text = f"{self.tile.rows}x{self.tile.vectors}"
        return f"{text} axis {self.axis}" if self.axis else text


def choice_of(text: str) -> Choice | None:
    """Read what `str` of a choice wrote; None when it is none."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    return Choice(Tile(int(found[1]), int(found[2])), int(found[3] or 0))


Winners = Mapping[str, Choice]
"""From the text of a `Kernel` to what was measured to be the fastest for it."""
NO_WINNERS: Winners = MappingProxyType({})


@dataclass(frozen=True)
class Asked:
    """A question that a rewriter asked, and the answer.

    Attributes:
        kernel: What it was about.
        sizes: The dynamic sizes of the kernel as the model has them.
        ranked: The choices that fit, those first that should cost least.
        chosen: One of them.
        winner: What was measured to be the fastest; it is ignored when it does not fit.
    """

    kernel: Kernel
    sizes: Sizes
    ranked: tuple[Choice, ...]
    chosen: Choice
    winner: Choice | None


@dataclass(frozen=True)
class Choices:
    """Answers rewriters, and remembers what they asked.

    Attributes:
        winners: What was measured on the instruction set that is compiled for.
        asked: The questions so far, each kernel once, by its text.
        times: How often a kernel was asked for.
    """

    winners: Winners = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)

    def pick(self, kernel: Kernel, sizes: Sizes, ranked: Sequence[Choice]) -> Choice:
        """Choose the tile of one operator.

        Args:
            kernel: The operator.
            sizes: Its dynamic sizes.
            ranked: The choices that fit, those first that should cost least.
        """
        winner = self.winners.get(kernel.text)
        chosen = ranked[0] if winner is None or winner not in ranked else winner
        self.asked[kernel.text] = Asked(kernel, sizes, tuple(ranked), chosen, winner)
        self.times[kernel.text] += 1
        if kernel.order is not None:
            self._forget(replace(kernel, order=None))
        return chosen

    def _forget(self, kernel: Kernel) -> None:
        """Take a question back: a product met its transposition, and is not itself in the model."""
        self.times[kernel.text] -= 1
        if self.times[kernel.text] <= 0:
            self.asked.pop(kernel.text, None)


def told_choices(asked: Sequence[Asked], file: str) -> list[str]:
    """What became of measured tiles, in lines for the person who builds.

    Args:
        asked: What the rewriters of a component asked.
        file: What the file with the tiles is called.
    """
    known = [each for each in asked if each.winner is not None]
    if not known:
        return []
    used = [each for each in known if each.winner == each.chosen]
    lines = [f"tiles: {len(used)} of {len(asked)} kernels as {file} has them"]
    lines += [
        f"ignored: {file} has {each.winner} for {each.kernel.text}, which does not fit"
        for each in known
        if each.winner != each.chosen
    ]
    return lines
