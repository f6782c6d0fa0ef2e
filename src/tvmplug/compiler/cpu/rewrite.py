"""Replaces operators by kernels of our own, before TVM's legalisation sees them.

A factor that is constant is packed here, once, in the order in which the kernel reads it; a
transposition before or after a product becomes part of how the kernel counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu import (
    cell,
    conv,
    conv_layout,
    conv_transposed,
    embedding,
    matmul,
    parallel,
    reduction_softmax,
)
from tvmplug.compiler.cpu.choices import Choices
from tvmplug.compiler.cpu.dataflow import op_name
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.operands import Operand, operand
from tvmplug.compiler.cpu.spelling import legalised

Expr = Any
IRModule = Any


@dataclass(frozen=True)
class Context:
    """What a rewriting of one operator may look at.

    Attributes:
        isa: What is compiled for.
        weight_dtype: The type that weights of products and convolutions are stored in.
        builder: The Relax block builder that takes new functions.
        lookup: From a variable to what it is bound to, None for a parameter.
        choices: Where tiles are asked for.
    """

    isa: InstructionSet
    weight_dtype: str
    builder: Any
    lookup: Callable[[Any], Expr | None]
    choices: Choices

    def operand(self, expr: Expr) -> Operand | None:
        """Look through transpositions: see `operands.operand`."""
        return operand(expr, self.lookup)


# An operator's rewriting: the call, and the order of dimensions that the result shall have.
# None leaves the operator to TVM.
Rewriting = Callable[[Context, Any, tuple[int, ...] | None], Expr | None]
REWRITINGS: Mapping[str, Rewriting] = {
    "relax.matmul": matmul.rewrite,
    "relax.nn.conv1d": conv.rewrite,
    "relax.nn.conv2d": conv.rewrite,
    "relax.nn.conv1d_transpose": conv_transposed.rewrite,
    "relax.nn.conv2d_transpose": conv_transposed.rewrite,
    **dict.fromkeys(conv_layout.ELEMENTWISE, conv_layout.elementwise),
    "relax.concat": conv_layout.concat,
    "relax.take": embedding.rewrite,
    **dict.fromkeys(conv_layout.REDUCTIONS, conv_layout.mean),
    "relax.nn.adaptive_avg_pool1d": conv_layout.adaptive_pool,
    "relax.nn.adaptive_avg_pool2d": conv_layout.adaptive_pool,
    "relax.nn.softmax": reduction_softmax.rewrite,
    "relax.nn.log_softmax": reduction_softmax.rewrite,
}


def rewrite(
    module: IRModule,
    isa: InstructionSet,
    weight_dtype: str = "float32",
    choices: Choices | None = None,
) -> IRModule:
    """Replace what there are kernels for; the rest stays as it is.

    Args:
        module: An IRModule of operators, its weights constants.
        isa: What is compiled for.
        weight_dtype: One of `export.WEIGHT_DTYPES`; see `precision`.
        choices: Where tiles are asked for; None where nothing was measured.
    """
    from tvm import relax  # noqa: PLC0415  takes a second

    module = parallel.rewrite(cell.rewrite(module, isa, weight_dtype))
    mutator = _mutator()(module, isa, weight_dtype, choices or Choices())
    for name, function in module.functions.items():
        if isinstance(function, relax.Function) and "Primitive" not in (function.attrs or {}):
            mutator.begin(function)
            mutator.builder_.update_func(name, mutator.visit_expr(function))
    return mutator.builder_.finalize()


@functools.cache
def _mutator() -> Any:
    """The class, made when TVM is there."""
    from tvm import relax  # noqa: PLC0415
    from tvm.relax.expr_functor import PyExprMutator, mutator  # noqa: PLC0415

    @mutator
    class Mutator(PyExprMutator):  # type: ignore[misc]  # TVM ships no types
        def __init__(
            self, module: IRModule, isa: InstructionSet, weight_dtype: str, choices: Choices
        ) -> None:
            super().__init__(module)
            lookup = self.lookup_binding
            self.context = Context(isa, weight_dtype, self.builder_, lookup, choices)
            self.values: Mapping[Any, Expr] = {}
            self.uses: Mapping[Any, int] = {}

        def begin(self, function: Any) -> None:
            self.values = relax.analysis.get_var2val(function)
            self.uses = _uses(function, self.values)

        def visit_call_(self, call: Any) -> Expr:
            inner, axes = self._permuted_product(call)
            new = self.visit_expr_post_order(inner)
            rewriting = REWRITINGS.get(op_name(new))
            found = rewriting(self.context, new, axes) if rewriting else None
            if found is not None:
                return found
            if inner is not call:
                new = self.visit_expr_post_order(call)
            return legalised(self.builder_, new)

        def _permuted_product(self, call: Any) -> tuple[Any, tuple[int, ...] | None]:
            """A transposed product that nothing else uses, or the call itself."""
            if op_name(call) == "relax.permute_dims" and isinstance(call.args[0], relax.Var):
                inner = self.values.get(call.args[0])
                if (
                    inner is not None
                    and op_name(inner) in REWRITINGS
                    and self.uses.get(call.args[0]) == 1
                ):
                    rank = len(inner.ty.shape.values) if inner.ty.shape is not None else 0
                    axes = call.attrs.axes or range(rank - 1, -1, -1)
                    return inner, tuple(int(axis) for axis in axes)
            return call, None

    return Mutator


def _uses(function: Any, values: Mapping[Any, Expr]) -> Mapping[Any, int]:
    """How often each variable is used."""
    from tvm import relax  # noqa: PLC0415

    found: dict[Any, int] = {}

    def count(expr: Expr) -> None:
        if isinstance(expr, relax.Var):
            found[expr] = found.get(expr, 0) + 1
        elif isinstance(expr, relax.Call):
            for argument in expr.args:
                count(argument)
        elif isinstance(expr, relax.Tuple):
            for field in expr.fields:
                count(field)
        elif isinstance(expr, relax.TupleGetItem):
            count(expr.tuple_value)

    for value in values.values():
        count(value)
    count(function.body.body if isinstance(function.body, relax.SeqExpr) else function.body)
    return found
