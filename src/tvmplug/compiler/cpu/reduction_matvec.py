"""Products of few rows by a tensor that changes, as in a decoder's attention over its cache.

Nothing is put in order first: each number of the large factor is used once or a few times. The
schedule is that of other reductions: dot products where the factor's columns lie side by side
along the reduction, and otherwise neighbouring columns in the lanes of vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tvmplug.compiler.cpu.contraction import OUT_FUSABLE
from tvmplug.compiler.cpu.operands import Operand, broadcast, narrow

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Expr = Any


def rewrite(context: Context, left: Operand, right: Operand) -> Expr:
    """Make a kernel that reads both factors where they lie, through transpositions.

    Args:
        context: What is compiled for.
        left: [batch.., rows, depth].
        right: [batch.., depth, columns].

    Returns:
        A call of the kernel.
    """

    def matvec(left_tensor: Any, right_tensor: Any) -> Any:
        from tvm import te  # noqa: PLC0415  takes a second

        *lefts, rows, depth = left.sizes(left_tensor)
        *rights, _, columns = right.sizes(right_tensor)
        rank = max(len(lefts), len(rights))
        batch = [broadcast(lefts, rights, axis) for axis in range(-rank, 0)]
        step = te.reduce_axis((0, depth), "k")

        def total(*index: Expr) -> Expr:
            *outer, row, column = index
            one = left_tensor[left.at((*narrow(outer, lefts), row, step))]
            other = right_tensor[right.at((*narrow(outer, rights), step, column))]
            return te.sum(one * other, axis=step)

        return te.compute((*batch, rows, columns), total, name="matvec")

    return context.builder.call_te(matvec, left.expr, right.expr, primfunc_attrs=OUT_FUSABLE)
