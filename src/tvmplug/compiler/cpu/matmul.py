"""Matrix products in tiles, of weights that are packed here and of tensors that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu import reduction_matvec
from tvmplug.compiler.cpu.choices import Choice
from tvmplug.compiler.cpu.contraction import (
    OUT_FUSABLE,
    Extents,
    packed,
    product,
)
from tvmplug.compiler.cpu.isa import Tile
from tvmplug.compiler.cpu.operands import Operand, broadcast, is_size, narrow
from tvmplug.compiler.cpu.precision import in_dtype
from tvmplug.compiler.cpu.signature import Kernel, Sizes, product_of

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Expr = Any
# A factor that changes is put in order in every call, which costs as much as this many rows.
_ROWS_WORTH_PACKING = 4


def rewrite(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Replace a `relax.matmul`.

    Args:
        context: What is compiled for.
        call: The product.
        axes: The order of dimensions that the result shall have.

    Returns:
        A call of a kernel, or None when TVM's own product shall stay: another type than float32,
        unknown shapes, or too few rows.
    """
    left, right = (context.operand(argument) for argument in call.args)
    if left is None or right is None or str(call.ty.dtype) != "float32":
        return None
    if {str(argument.ty.dtype) for argument in call.args} != {"float32"}:
        return None
    weights = right.constant()
    if weights is not None and weights.ndim == 2 and len(left.shape) >= 1:
        return _dense(context, left, right, weights, axes)
    if len(left.shape) >= 2 and len(right.shape) >= 2:
        return _batched(context, left, right, axes)
    return None


def _dense(
    context: Context,
    left: Operand,
    right: Operand,
    weights: np.ndarray[Any, Any],
    axes: tuple[int, ...] | None,
) -> Expr:
    """Any number of rows by a constant matrix."""
    columns = int(weights.shape[1])
    rounded = in_dtype(weights, context.weight_dtype, axis=1)
    named = product_of(left, right, order=axes, weight_dtype=rounded.dtype)
    tile = _tile(context, named, _rows(left.shape[:-1])[1], columns)
    width = tile.vectors * context.isa.lanes

    def dense(tensor: Any, numbers: Any, scales: Any = None) -> Any:
        *leading, depth = left.sizes(tensor)
        row_axis, rows = _rows(leading)
        others = [axis for axis in range(len(leading)) if axis != row_axis]
        extents = Extents(tuple(leading[axis] for axis in others), rows, columns, depth)
        result = [*leading, columns]
        order = axes or tuple(range(len(result)))

        def left_at(batch: Sequence[Expr], row: Expr, step: Expr) -> Sequence[Expr]:
            return left.at((*_spread(others, row_axis, batch, row), step))

        def out_at(index: Sequence[Expr]) -> tuple[Sequence[Expr], Expr, Expr]:
            plain = _unpermuted(index, order)
            row = plain[row_axis] if leading else 0
            return [plain[axis] for axis in others], row, plain[-1]

        return product(
            tensor,
            extents,
            (tile.rows, width),
            left_at=left_at,
            right=lambda _, outer, step, inner: rounded.at(numbers, (outer, step, inner)),
            out_shape=[result[axis] for axis in order],
            out_at=out_at,
            scales=scales,
        )

    constants = rounded.constants(pack(rounded.numbers, width))
    return context.builder.call_te(dense, left.expr, *constants, primfunc_attrs=OUT_FUSABLE)


def _batched(
    context: Context, left: Operand, right: Operand, axes: tuple[int, ...] | None
) -> Expr | None:
    """Many products of tensors that change, as in attention."""
    rows, columns = left.shape[-2], right.shape[-1]
    if isinstance(rows, int) and rows < _ROWS_WORTH_PACKING:
        return reduction_matvec.rewrite(context, left, right) if axes is None else None
    tile = _tile(context, product_of(left, right, order=axes), rows, columns)
    width = tile.vectors * context.isa.lanes

    def matmul(left_tensor: Any, right_tensor: Any) -> Any:
        *lefts, rows, depth = left.sizes(left_tensor)
        *rights, _, columns = right.sizes(right_tensor)
        rank = max(len(lefts), len(rights))
        batch = tuple(broadcast(lefts, rights, axis) for axis in range(-rank, 0))
        extents = Extents(batch, rows, columns, depth)
        result = [*batch, rows, columns]
        order = axes or tuple(range(len(result)))

        def left_at(index: Sequence[Expr], row: Expr, step: Expr) -> Sequence[Expr]:
            return left.at((*narrow(index, lefts), row, step))

        def right_at(index: Sequence[Expr], column: Expr, step: Expr) -> Sequence[Expr]:
            return right.at((*narrow(index, rights), step, column))

        def out_at(index: Sequence[Expr]) -> tuple[Sequence[Expr], Expr, Expr]:
            plain = _unpermuted(index, order)
            return plain[:rank], plain[-2], plain[-1]

        ordered = packed(right_tensor, extents, width, right_at)

        def number(index: Sequence[Expr], outer: Expr, step: Expr, inner: Expr) -> Expr:
            at = (*index, outer, step, inner)
            return ordered[at]

        return product(
            left_tensor,
            extents,
            (tile.rows, width),
            left_at=left_at,
            right=number,
            out_shape=[result[axis] for axis in order],
            out_at=out_at,
        )

    return context.builder.call_te(matmul, left.expr, right.expr, primfunc_attrs=OUT_FUSABLE)


def pack(weights: np.ndarray[Any, Any], width: int) -> np.ndarray[Any, Any]:
    """Put a matrix in the order in which tiles read it.

    Args:
        weights: [depth, columns].
        width: Columns of a tile.

    Returns:
        [columns / width, depth, width], filled up with zeros.
    """
    depth, columns = weights.shape
    tiles = -(-columns // width)
    filled = np.zeros((depth, tiles * width), weights.dtype)
    filled[:, :columns] = weights
    return np.ascontiguousarray(filled.reshape(depth, tiles, width).transpose(1, 0, 2))


def _tile(context: Context, named: tuple[Kernel, Sizes], rows: Expr, columns: Expr) -> Tile:
    ranked = context.isa.ranked(_number(rows), _number(columns))
    return context.choices.pick(*named, [Choice(tile) for tile in ranked]).tile


def _rows(leading: Sequence[Expr]) -> tuple[int, Expr]:
    """The dimension that tiles take rows from, the last that holds more than one, and its size."""
    many = [axis for axis, each in enumerate(leading) if not is_size(each, 1)]
    axis = many[-1] if many else len(leading) - 1
    return axis, leading[axis] if leading else 1


def _spread(others: Sequence[int], row_axis: int, batch: Sequence[Expr], row: Expr) -> list[Expr]:
    """The index of all leading dimensions, from those of the batch and the row."""
    where = dict(zip(others, batch, strict=True))
    if row_axis >= 0:
        where[row_axis] = row
    return [where[axis] for axis in sorted(where)]


def _unpermuted(index: Sequence[Expr], order: Sequence[int]) -> list[Expr]:
    """From an index of the transposed result to one of the result."""
    plain: list[Expr] = [None] * len(order)
    for axis, value in zip(order, index, strict=True):
        plain[axis] = value
    return plain


def _number(size: Expr) -> int | None:
    return size if isinstance(size, int) else None
