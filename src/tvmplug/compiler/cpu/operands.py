"""A product's factors, seen through the transpositions before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Expr = Any


@dataclass(frozen=True)
class Operand:
    """A factor.

    Attributes:
        expr: The tensor before transpositions.
        axes: Its dimensions in the order of the factor: dimension i of the factor is `axes[i]`.
        shape: The factor's sizes; a dynamic one is an expression.
    """

    expr: Expr
    axes: tuple[int, ...]
    shape: tuple[Any, ...]

    def constant(self) -> np.ndarray[Any, Any] | None:
        """The factor's numbers when they are known."""
        from tvm import ir  # noqa: PLC0415  takes a second

        if not isinstance(self.expr, ir.GenericConst):
            return None
        return np.transpose(self.expr.value.numpy(), self.axes)

    def sizes(self, tensor: Any) -> list[Any]:
        """The factor's sizes as the tensor of a kernel has them; dynamic ones have new names."""
        return [size(tensor.shape[axis]) for axis in self.axes]

    def at(self, index: Sequence[Expr]) -> tuple[Expr, ...]:
        """From an index of the factor to one of the tensor."""
        where: list[Expr] = [None] * len(self.axes)
        for axis, value in zip(self.axes, index, strict=True):
            where[axis] = value
        return tuple(where)


def operand(expr: Expr, lookup: Callable[[Any], Expr | None]) -> Operand | None:
    """Look through the transpositions before a tensor.

    Args:
        expr: The factor, a variable or a constant.
        lookup: From a variable to what it is bound to, None for a parameter.

    Returns:
        The factor, None when its shape is not known.
    """
    from tvm import relax  # noqa: PLC0415
    from tvm.ir import Op  # noqa: PLC0415

    if not isinstance(expr.ty, relax.TensorType) or not isinstance(expr.ty.shape, relax.ShapeExpr):
        return None
    shape = tuple(size(value) for value in expr.ty.shape.values)
    axes = tuple(range(len(shape)))
    while isinstance(expr, relax.Var):
        value = lookup(expr)
        if isinstance(value, relax.Var) or _is_constant(value):
            expr = value
        elif (
            isinstance(value, relax.Call)
            and isinstance(value.op, Op)
            and value.op.name == "relax.permute_dims"
        ):
            order = value.attrs.axes or range(len(shape) - 1, -1, -1)
            axes = tuple(int(order[axis]) for axis in axes)
            expr = value.args[0]
        else:
            break
    return Operand(expr, axes, shape)


def _is_constant(expr: Expr) -> bool:
    from tvm import ir  # noqa: PLC0415

    return isinstance(expr, ir.GenericConst)


def size(value: Expr) -> Any:
    """A dimension as a number where it is one."""
    from tvm import tirx  # noqa: PLC0415

    return int(value) if isinstance(value, tirx.IntImm) else value


def is_size(value: Expr, number: int) -> bool:
    """Whether a dimension is known to be of that size."""
    return isinstance(value, int) and value == number


def broadcast(one: Sequence[Expr], other: Sequence[Expr], axis: int) -> Expr:
    """The size of a dimension, counted from the last, that two factors share."""
    sizes = [each[axis] for each in (one, other) if -axis <= len(each)]
    return next((each for each in sizes if not is_size(each, 1)), sizes[0])


def narrow(index: Sequence[Expr], sizes: Sequence[Expr]) -> list[Expr]:
    """The index into a factor whose dimensions of size one serve the whole batch."""
    last = list(index)[len(index) - len(sizes) :]
    return [0 if is_size(each, 1) else value for each, value in zip(sizes, last, strict=True)]
