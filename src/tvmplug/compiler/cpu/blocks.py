"""What rules ask about a kernel's blocks and loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def annotation(sch: Any, block: Any, key: str) -> Any:
    """A block's annotation, None when it has none of that name."""
    return sch.get(block).annotations.get(key)


def extent(sch: Any, loop: Any) -> int | None:
    """How often a loop runs, None when that is dynamic."""
    from tvm import tirx  # noqa: PLC0415  takes a second

    length = sch.get(loop).extent
    return int(length) if isinstance(length, tirx.IntImm) else None


def times(sch: Any, loops: Sequence[Any]) -> int | None:
    """How often the body of nested loops runs, None when that is dynamic."""
    total = 1
    for loop in loops:
        length = extent(sch, loop)
        if length is None:
            return None
        total *= length
    return total


def is_spatial(sch: Any, block: Any) -> bool:
    """Whether a block computes each number by itself: nothing is reduced."""
    from tvm import tirx  # noqa: PLC0415

    return all(each.iter_type == tirx.IterVar.DataPar for each in sch.get(block).iter_vars)


def only_later(sch: Any, blocks: Sequence[Any], block: Any) -> Any | None:
    """Make all that follows a block one block, by computing it where the last one needs it.

    Returns:
        The last block; None when what follows is no chain of element-wise steps to one result.
    """
    names = [sch.get(each).name_hint for each in blocks]
    later = list(blocks[names.index(sch.get(block).name_hint) + 1 :])
    if not later or not all(is_spatial(sch, each) for each in later):
        return None
    if len(sch.get_output_blocks(sch.get_sblock("root"))) != 1:
        return None
    *inner, last = later
    for each in inner:
        sch.compute_inline(each)
    return last
