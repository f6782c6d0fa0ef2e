"""Gives `Clip` back its operators, which TVM's ONNX importer imports as loops.

TVM 0.27 makes kernels of `topi.maximum` and `topi.minimum` for it (`onnx_frontend.py`, class Clip),
which nothing can look into: they stay apart from the convolution before them, and so would the
transpositions around them. It can go when
`test_a_clip_joins_the_kernel_of_the_convolution_before_it` passes without it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.dataflow import op_name

Expr = Any
IRModule = Any


def raise_clips(module: IRModule) -> IRModule:
    """Replace the importer's kernels for bounds that are constant by Relax operators.

    Args:
        module: What `from_onnx` returned.

    Returns:
        The module; kernels that nobody calls any more are left in it.
    """
    from tvm import relax  # noqa: PLC0415  takes a second

    mutator = _mutator()(module)
    for name, function in module.functions.items():
        if isinstance(function, relax.Function):
            mutator.builder_.update_func(name, mutator.visit_expr(function))
    return mutator.builder_.finalize()


@functools.cache
def _mutator() -> Any:
    """The class, made when TVM is there."""
    from tvm import relax  # noqa: PLC0415
    from tvm.relax.expr_functor import PyExprMutator, mutator  # noqa: PLC0415

    @mutator
    class Mutator(PyExprMutator):  # type: ignore[misc]  # TVM ships no types
        def __init__(self, module: IRModule) -> None:
            super().__init__(module)
            self.module = module

        def visit_call_(self, call: Any) -> Expr:
            call = self.visit_expr_post_order(call)
            if op_name(call) != "relax.call_tir" or len(call.args[1].fields) != 2:
                return call
            tensor, bound = call.args[1].fields
            number = _number(bound, self.lookup_binding)
            operator = _operator(self.module[call.args[0]]) if number is not None else None
            if operator is None:
                return call
            return operator(tensor, relax.const(number))

    return Mutator


def _operator(kernel: Any) -> Any:
    """`relax.op.maximum` or `minimum`, if a kernel does just that with a tensor and a number."""
    from tvm import relax, te, topi  # noqa: PLC0415
    from tvm_ffi import structural_equal  # noqa: PLC0415

    if len(kernel.params) != 3 or len(kernel.params[1].shape) > 0:
        return None
    tensor, bound = (te.placeholder(each.shape, each.dtype) for each in kernel.params[:2])
    for operator, compute in (
        (relax.op.maximum, topi.maximum),
        (relax.op.minimum, topi.minimum),
    ):
        own = te.create_prim_func([tensor, bound, compute(tensor, bound)])
        if structural_equal(own.body, kernel.body, map_free_vars=True):
            return operator
    return None


def _number(bound: Expr, lookup: Any) -> np.ndarray[Any, Any] | None:
    """A bound that is known: a constant, or what the importer makes of one.

    It writes `where(isnan(bound), infinity, bound)`, because NaN stands for no bound.
    """
    from tvm import ir, relax  # noqa: PLC0415

    while isinstance(bound, relax.Var):
        bound = lookup(bound)
    if isinstance(bound, ir.GenericConst):
        return np.asarray(bound.value.numpy())
    if op_name(bound) != "relax.where":
        return None
    infinity, number = (_number(each, lookup) for each in bound.args[1:])
    if infinity is None or number is None or number.ndim:
        return None
    return infinity if np.isnan(number) else number
