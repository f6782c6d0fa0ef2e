"""Rows of tables, such as embeddings, whose numbers are stored in a narrow type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu.contraction import OUT_FUSABLE
from tvmplug.compiler.cpu.precision import in_dtype

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Expr = Any


def rewrite(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Replace a `relax.take` of rows of a constant table.

    Args:
        context: What is compiled for.
        call: The operator.
        axes: The order of dimensions that the result shall have.

    Returns:
        A call of a kernel that widens the rows it takes, or None where TVM's own shall stay: a
        table that changes or stays float32, another dimension than the first, indices that are to
        be checked or that have no known rank.
    """
    from tvm import relax, te  # noqa: PLC0415  takes a second

    table, indices = context.operand(call.args[0]), call.args[1]
    numbers = None if table is None else table.constant()
    if axes is not None or numbers is None or not _is_plain(call, numbers):
        return None
    if not isinstance(indices.ty, relax.TensorType) or indices.ty.shape is None:
        return None
    rounded = in_dtype(np.ascontiguousarray(numbers), context.weight_dtype, axis=0)
    if rounded.dtype == "float32":
        return None

    def embedding(places: Any, stored: Any, scales: Any = None) -> Any:
        def number(*index: Expr) -> Expr:
            *outer, column = index
            row = places[tuple(outer)]
            value = rounded.at(stored, (row, column))
            return value if scales is None else value * scales[row]

        return te.compute((*places.shape, numbers.shape[1]), number, name="embedding")

    constants = rounded.constants(rounded.numbers)
    return context.builder.call_te(embedding, indices, *constants, primfunc_attrs=OUT_FUSABLE)


def _is_plain(call: Any, table: np.ndarray[Any, Any]) -> bool:
    attrs = call.attrs
    return (
        table.ndim == 2
        and table.dtype == np.float32
        and attrs.axis is not None
        and int(attrs.axis) == 0
        and str(attrs.mode) == "fast"
    )
