"""Products as tensor expressions whose loops are already tiles.

A product has two blocks. `acc` sums up one tile after the other; its last row is repeated where
the rows do not fill the last tile, so that the loop over the reduction has no condition.
`out` takes from the tiles what the product is, in the order of dimensions that is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

TILE = "tvmplug.tile"
"""Marks the block that sums up tiles; its value is the number of dimensions before the tiles'."""
PACK = "tvmplug.pack"
"""Marks the block that puts the right factor in the order in which the tiles read it."""
OUT_FUSABLE = {"op_pattern": 4}  # kOutEWiseFusable: element-wise steps after it join its kernel

Expr = Any
Index = Callable[[Sequence[Expr], Expr, Expr], Sequence[Expr]]
"""Where a number lies: from indices of the batch, the row or column, and the reduction."""


@dataclass(frozen=True)
class Extents:
    """The sizes of a product; each is a number or, when dynamic, an expression.

    Attributes:
        batch: Sizes that both factors and the result share.
        rows: Rows of the left factor.
        columns: Columns of the right factor.
        depth: What is summed up.
    """

    batch: tuple[Expr, ...]
    rows: Expr
    columns: Expr
    depth: Expr


def ceil_div(size: Expr, by: int) -> Expr:
    """Return how many parts of a size cover an extent, as a number where it is one."""
    # In this form TVM's arithmetic can prove that the last part is within the extent.
    return -(-size // by) if isinstance(size, int) else (size - 1) // by + 1


def at_most(index: Expr, size: Expr, step: int) -> Expr:
    """An index that stays within a size which is covered in steps."""
    from tvm import te  # noqa: PLC0415  takes a second

    if isinstance(size, int) and size % step == 0:
        return index
    return te.min(index, size - 1)


def packed(right: Any, extents: Extents, width: int, at: Index) -> Any:
    """Put a right factor that changes from call to call in the order in which tiles read it.

    Args:
        right: The tensor.
        extents: The product's sizes.
        width: Columns of a tile.
        at: Where a number of the factor lies.

    Returns:
        A tensor [batch.., columns / width, depth, width]; columns beyond the last repeat it.
    """
    from tvm import te  # noqa: PLC0415

    count = len(extents.batch)

    def value(*index: Expr) -> Expr:
        batch, (outer, depth, inner) = index[:count], index[count:]
        column = at_most(outer * width + inner, extents.columns, width)
        return right[tuple(at(batch, column, depth))]

    shape = (*extents.batch, ceil_div(extents.columns, width), extents.depth, width)
    return te.compute(shape, value, name="pack", attrs={PACK: 1})


def product(
    left: Any,
    extents: Extents,
    tile: tuple[int, int],
    *,
    left_at: Index,
    right: Callable[[Sequence[Expr], Expr, Expr, Expr], Expr],
    out_shape: Sequence[Expr],
    out_at: Callable[[Sequence[Expr]], tuple[Sequence[Expr], Expr, Expr]],
    scales: Any = None,
) -> Any:
    """Describe a product in tiles.

    Args:
        left: The left factor, a tensor.
        extents: The product's sizes.
        tile: Rows and columns of a tile.
        left_at: Where a number of the left factor lies.
        right: The right factor's number, from batch, tile of columns, reduction and column within
            the tile.
        out_shape: The result's shape.
        out_at: From indices of the result to batch, row and column.
        scales: What to multiply each column of the result with, a tensor [columns]; None for 1.

    Returns:
        The result, a tensor.
    """
    from tvm import te  # noqa: PLC0415

    height, width = tile
    count = len(extents.batch)
    step = te.reduce_axis((0, extents.depth), "k")

    def total(*index: Expr) -> Expr:
        batch, (row_tile, column_tile, row, column) = index[:count], index[count:]
        down = at_most(row_tile * height + row, extents.rows, height)
        factor = left[tuple(left_at(batch, down, step))]
        return te.sum(factor * right(batch, column_tile, step, column), axis=step)

    shape = (ceil_div(extents.rows, height), ceil_div(extents.columns, width), height, width)
    acc = te.compute((*extents.batch, *shape), total, name="acc", attrs={TILE: count})

    def value(*index: Expr) -> Expr:
        batch, row, column = out_at(index)
        where = (row // height, column // width, row % height, column % width)
        at = (*batch, *where)
        return acc[at] if scales is None else acc[at] * scales[column]

    return te.compute(tuple(out_shape), value, name="out")
