"""Dynamic sizes in one spelling, since TVM 0.27 compares them as they are written.

`FuseTIR` refuses a kernel that reads `n + 6` numbers where it was made for `n + 1 + 5`.
"""

from __future__ import annotations

from typing import Any

Expr = Any


def simplified(size: Expr) -> Expr:
    """A size in its shortest spelling; a number stays as it is."""
    from tvm import sym, tirx  # noqa: PLC0415  takes a second

    if isinstance(size, int | tirx.IntImm):
        return size
    return sym.Analyzer().simplify(size)


def legalised(builder: Any, call: Any) -> Expr:
    """An operator's kernel, where the operator spells its result's sizes at length.

    The kernels that LegalizeOps makes spell them shortly. A kernel of ours that reads the result is
    made before that, and would know the longer spelling.

    Args:
        builder: The Relax block builder that takes new functions.
        call: A call of an operator.

    Returns:
        A call of its kernel, or the call where nothing is gained.
    """
    from tvm import relax  # noqa: PLC0415  takes a second
    from tvm.ir import Op  # noqa: PLC0415

    if not isinstance(call, relax.Call) or not isinstance(call.op, Op):
        return call
    call = builder.normalize(call)
    legalise = call.op.get_attr("FLegalize")
    return call if legalise is None or _is_short(call.ty) else legalise(builder, call)


def _is_short(type_: Any) -> bool:
    from tvm import relax  # noqa: PLC0415
    from tvm_ffi import structural_equal  # noqa: PLC0415

    if not isinstance(type_, relax.TensorType) or not isinstance(type_.shape, relax.ShapeExpr):
        return True
    return all(structural_equal(simplified(size), size) for size in type_.shape.values)
