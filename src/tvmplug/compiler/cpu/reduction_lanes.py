"""Sums and maxima in vector registers: each lane reduces its own share, then the lanes are joined.

LLVM does not do that by itself: it may not change the order of a sum, nor a maximum's answer to
NaN. Flags that allow it (`reassoc`, `nnan`) would hold for all arithmetic of a model, also where
rounding on purpose or a mask of infinities counts on the order and on NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.blocks import extent
from tvmplug.compiler.cpu.isa import InstructionSet

PARTITION = "pragma_loop_partition_hint"
"""TVM cuts such a loop in two: the part without a condition, and the rest."""
# A row costs several passes over its numbers: fewer numbers than this are done before a sleeping
# thread is awake, which takes about 25 microseconds.
PARALLEL_NUMBERS = 1 << 16
# Sums that go on at the same time, so that none waits for the one before it.
_ACCUMULATORS = 4


@dataclass(frozen=True)
class Lanes:
    """A reduction in several steps, each a block.

    Attributes:
        wide: The block that reduces to `width` numbers, None where there is too little for it.
        joins: The blocks that halve them, in order.
        last: The block that writes the result.
    """

    wide: Any | None
    joins: tuple[Any, ...]
    last: Any

    @property
    def blocks(self) -> tuple[Any, ...]:
        """All blocks, in order."""
        return (*((self.wide,) if self.wide is not None else ()), *self.joins, self.last)


def split_into_lanes(sch: Any, block: Any, isa: InstructionSet) -> Lanes:
    """Let a reduction's lanes reduce side by side.

    Args:
        sch: TVM's schedule of the kernel.
        block: A block outside all others' loops, whose last loop is what it reduces.
        isa: What is compiled for.
    """
    loop = sch.get_loops(block)[-1]
    length = extent(sch, loop)
    width = _width(length, isa) if length is not None else 1
    steps = []
    while width > 1:
        if extent(sch, loop) != width:
            _, lanes = sch.split(loop, [None, width])
            steps.append(sch.rfactor(lanes, 0))
            loop = sch.get_loops(block)[-1]
        width //= 2
    if not steps:
        return Lanes(None, (), block)
    return Lanes(steps[0], tuple(steps[1:]), block)


def vectorize_lanes(sch: Any, lanes: Lanes, isa: InstructionSet) -> list[tuple[Any, Any]]:
    """Lay out the loops of a reduction once it is where it is computed.

    Returns:
        Blocks, and the loop before which each starts at zero: what `decompose_reduction` takes,
        after which TVM lays out no more loops.
    """
    started = []
    for block in lanes.blocks[:-1]:
        places, reduced = loops_of(sch, block)
        lane = next(loop for loop in places if (extent(sch, loop) or 1) > 1)
        sch.reorder(*(loop for loop in places if loop is not lane), *reduced, lane)
        width = extent(sch, lane) or 1
        if block is lanes.wide:
            sch.annotate(reduced[-1], PARTITION, 1)
            if width > isa.lanes:
                registers, lane = sch.split(lane, [None, isa.lanes])
                sch.unroll(registers)
        else:
            sch.unroll(reduced[-1])
        sch.vectorize(lane)
        started.append((block, reduced[0]))
    if lanes.wide is not None:
        sch.unroll(sch.get_loops(lanes.last)[1])
    return started


def vectorize_row(sch: Any, loop: Any, isa: InstructionSet) -> None:
    """Run along a row in vectors, of a size that leaves little for the end."""
    length = extent(sch, loop)
    if length is None:
        return  # LLVM takes it
    width = _fitting(length, (isa.lanes, isa.lanes // 2, isa.lanes // 4))
    if width > 1:
        vectors, lanes = sch.split(loop, [None, width])
        sch.vectorize(lanes)
        if length % width:
            sch.annotate(vectors, PARTITION, 1)


def loops_of(sch: Any, block: Any) -> tuple[list[Any], list[Any]]:
    """Loops of places and loops that are reduced, of a block that has one for each variable."""
    from tvm import tirx  # noqa: PLC0415  takes a second

    variables = sch.get(block).iter_vars
    loops = sch.get_loops(block)
    if not loops:
        return [], []
    own = loops[len(loops) - len(variables) :]
    reduces = [each.iter_type == tirx.IterVar.CommReduce for each in variables]
    return (
        [loop for loop, is_reduced in zip(own, reduces, strict=True) if not is_reduced],
        [loop for loop, is_reduced in zip(own, reduces, strict=True) if is_reduced],
    )


def is_large(sch: Any, blocks: Sequence[Any]) -> bool:
    """Whether there is enough for several threads; a dynamic size may be one."""
    return any(
        math.prod(extent(sch, loop) or 1 for loop in sch.get_loops(block)) >= PARALLEL_NUMBERS
        for block in blocks
    )


def _width(length: int, isa: InstructionSet) -> int:
    """How many numbers are reduced side by side, 1 where no vectors fit.

    They have to fit exactly: TVM 0.27 forgets the condition for the rest when a block that
    `rfactor` made is moved by `compute_at`.
    """
    widths = [isa.lanes * _ACCUMULATORS, isa.lanes * 2, isa.lanes, isa.lanes // 2, 4]
    for width in widths:
        if length % width == 0 and (width <= isa.lanes or length >= 4 * width):
            return width
    return 1


def _fitting(length: int, widths: Sequence[int]) -> int:
    """The width that takes the fewest steps, those of the rest counted one by one."""
    possible = [width for width in widths if 1 < width <= length]
    return min(possible, key=lambda width: length // width + length % width, default=1)
