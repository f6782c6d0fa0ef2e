"""The schedule of products whose loops are tiles already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvmplug.compiler.cpu.blocks import annotation, extent, only_later, times
from tvmplug.compiler.cpu.contraction import PACK, TILE
from tvmplug.compiler.cpu.isa import InstructionSet

# A kernel with fewer multiplications than this is done before a sleeping thread is awake, which
# takes about 25 microseconds.
PARALLEL_WORK = 1 << 20
_LAST_LOOPS = 5  # tiles of rows, tiles of columns, row, column, reduction


def schedule_tiles(sch: Any, isa: InstructionSet) -> bool:
    """Lay out a kernel that holds one product; what follows is done on each tile.

    Args:
        sch: TVM's schedule of the kernel.
        isa: What is compiled for.

    Returns:
        False when it is no such kernel.
    """
    blocks = sch.get_child_blocks(sch.get_sblock("root"))
    products = [block for block in blocks if annotation(sch, block, TILE) is not None]
    if len(products) != 1:
        return False
    acc = products[0]
    packs = [block for block in blocks if annotation(sch, block, PACK) is not None]
    earlier = _added(sch, blocks, acc)
    last = only_later(sch, blocks, acc)
    if last is None:
        return False
    for block in earlier:
        sch.compute_inline(block)
    loops = sch.get_loops(acc)
    batch = loops[: int(annotation(sch, acc, TILE))]
    row_tile, column_tile, row, column, *steps = loops[len(batch) :]
    work = times(sch, loops)
    columns_outside = bool(packs) or _left_is_smaller(sch, loops)
    outer, inner = (column_tile, row_tile) if columns_outside else (row_tile, column_tile)
    sch.reorder(*batch, outer, inner, *steps, row, column)
    sch.reverse_compute_at(last, inner, preserve_unit_loops=True)
    for pack in packs:
        sch.compute_at(pack, outer, preserve_unit_loops=True)
        sch.vectorize(_lanes(sch, sch.get_loops(pack)[-1], isa))
    _unroll(sch, last, isa)
    sch.set_scope(acc, 0, "local")
    parts, lanes = sch.split(column, [None, isa.lanes])
    first = steps[0]
    if isa.unroll > 1 and _divides(sch, steps[-1], isa.unroll):
        rounds, within = sch.split(steps[-1], [None, isa.unroll])
        sch.unroll(within)
        first = rounds if len(steps) == 1 else first
    sch.vectorize(lanes)
    sch.unroll(parts)
    sch.unroll(row)
    if work is None or work >= PARALLEL_WORK:
        # A tile of columns that was put in order serves all its rows, in one thread.
        sch.parallel(sch.fuse(*batch, outer) if packs else sch.fuse(*batch, outer, inner))
        first = sch.get_loops(acc)[1 + (1 if packs else 0)]
    sch.decompose_reduction(acc, first)
    return True


def _added(sch: Any, blocks: Sequence[Any], acc: Any) -> list[Any]:
    """The blocks before a product that do not pack: they compute what its last step adds."""
    # Block handles do not compare equal in TVM 0.27.
    place = [sch.get(block).name_hint for block in blocks].index(sch.get(acc).name_hint)
    return [block for block in blocks[:place] if annotation(sch, block, PACK) is None]


def _lanes(sch: Any, loop: Any, isa: InstructionSet) -> Any:
    return sch.split(loop, [None, isa.lanes])[1]


def _unroll(sch: Any, last: Any, isa: InstructionSet) -> None:
    """What follows on a tile: in vectors where its columns lie side by side."""
    rank = len(sch.get(last).iter_vars)
    *others, column = sch.get_loops(last)[-rank:]
    if _divides(sch, column, isa.lanes):
        parts, lanes = sch.split(column, [None, isa.lanes])
        sch.vectorize(lanes)
        sch.unroll(parts)
    for loop in others:
        if extent(sch, loop) is not None:
            sch.unroll(loop)


def _divides(sch: Any, loop: Any, by: int) -> bool:
    length = extent(sch, loop)
    return length is not None and length % by == 0


def _left_is_smaller(sch: Any, loops: list[Any]) -> bool:
    """Whether the rows fit a cache better than the columns: then columns are walked once."""
    *_, row_tile, column_tile, row, column, _ = loops
    rows, columns = times(sch, [row_tile, row]), times(sch, [column_tile, column])
    if rows is None or columns is None:
        return rows is not None
    return rows <= columns
