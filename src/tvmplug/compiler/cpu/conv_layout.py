"""Keeps tensors in the order of dimensions that convolutions write: channels last.

A convolution's result is a transposition of what its kernel wrote. The steps here are done before
the transposition instead of after it, so that it meets the next convolution, which looks through
it, and nothing is left of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu.operands import Operand, size
from tvmplug.compiler.cpu.spelling import legalised

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Array = np.ndarray[Any, Any]
Expr = Any

ELEMENTWISE = tuple(
    f"relax.{name}"
    for name in (
        "add",
        "subtract",
        "multiply",
        "divide",
        "maximum",
        "minimum",
        "power",
        "abs",
        "negative",
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "square",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "erf",
        "clip",
        "nn.relu",
        "nn.relu6",
        "nn.leakyrelu",
        "nn.silu",
        "nn.gelu",
        "nn.gelu_tanh",
        "nn.softplus",
    )
)
"""Operators that treat each number by itself, whatever its place."""
REDUCTIONS = ("relax.mean", "relax.sum", "relax.max", "relax.min")


def elementwise(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Do an element-wise step on tensors with their channels last.

    Args:
        context: For its builder.
        call: The step.
        axes: The order of dimensions that the result shall have.

    Returns:
        The result, or None when no tensor has its channels last or one has to be transposed for it.
    """
    from tvm import relax  # noqa: PLC0415  takes a second

    if not isinstance(call.ty, relax.TensorType) or not isinstance(call.ty.shape, relax.ShapeExpr):
        return None
    rank = len(call.ty.shape.values)
    inner = _inner(context, call, rank)
    if inner is None:
        return None
    arguments = [_argument(context, each, rank) for each in call.args]
    if any(each is None for each in arguments):
        return None
    view = _unviewed(context, arguments, inner)
    if view is None:
        done = context.builder.emit(relax.Call(call.op, arguments, call.attrs))
    else:
        whole = context.builder.emit(relax.Call(call.op, view, call.attrs))
        done = context.builder.emit(relax.op.reshape(whole, inner.ty.shape))
    return transposed(done, channels_first(rank), axes)


def concat(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Join tensors with their channels last.

    Args:
        context: For its builder.
        call: A `relax.concat`.
        axes: The order of dimensions that the result shall have.
    """
    from tvm import relax  # noqa: PLC0415

    if not isinstance(call.args[0], relax.Tuple) or call.attrs.axis is None:
        return None
    found = [last_of(context, each) for each in call.args[0].fields]
    fields = [each for each in found if each is not None]
    if len(fields) < len(found) or not fields:
        return None
    rank = len(fields[0].ty.shape.values)
    where = channels_last(rank).index(int(call.attrs.axis) % rank)
    joined = legalised(context.builder, relax.op.concat(fields, axis=where))
    done = context.builder.emit(joined)
    return transposed(done, channels_first(rank), axes)


def mean(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Reduce positions of a tensor with its channels last.

    Args:
        context: For its builder.
        call: A `relax.mean`, `sum`, `max` or `min`.
        axes: The order of dimensions that the result shall have.
    """
    from tvm import relax  # noqa: PLC0415

    inner = last_of(context, call.args[0])
    if inner is None or call.attrs.axis is None:
        return None
    rank = len(inner.ty.shape.values)
    order = channels_last(rank)
    gone = sorted(int(axis) % rank for axis in call.attrs.axis)
    where = sorted(order.index(axis) for axis in gone)
    reduce = getattr(relax.op, str(call.op.name).removeprefix("relax."))
    done = context.builder.emit(reduce(inner, axis=where, keepdims=bool(call.attrs.keepdims)))
    if call.attrs.keepdims:
        return transposed(done, channels_first(rank), axes)
    left = [axis for axis in order if axis not in gone]
    return transposed(done, [left.index(axis) for axis in sorted(left)], axes)


def adaptive_pool(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """The mean over all positions, which is what a pooling to one position is.

    Args:
        context: For its builder.
        call: A `relax.nn.adaptive_avg_pool1d` or `2d`.
        axes: The order of dimensions that the result shall have.
    """
    from tvm import relax  # noqa: PLC0415

    inner = last_of(context, call.args[0])
    wanted = call.attrs.output_size
    if inner is None or wanted is None or any(int(each) != 1 for each in wanted):
        return None
    rank = len(inner.ty.shape.values)
    done = context.builder.emit(relax.op.mean(inner, list(range(1, rank - 1)), keepdims=True))
    return transposed(done, channels_first(rank), axes)


def channels_first(rank: int) -> tuple[int, ...]:
    """The transposition from channels last to channels first."""
    return (0, rank - 1, *range(1, rank - 1))


def channels_last(rank: int) -> tuple[int, ...]:
    """The transposition from channels first to channels last."""
    return (0, *range(2, rank), 1)


def last_of(context: Context, expr: Expr) -> Expr | None:
    """A tensor with its channels last, if that is what it is a transposition of."""
    source = context.operand(expr)
    if source is None or source.constant() is not None or len(source.axes) < 3:
        return None
    return source.expr if source.axes == channels_first(len(source.axes)) else None


def moved(context: Context, source: Operand) -> Operand:
    """An input with its channels last, by a transposition unless it is one already.

    Args:
        context: For its builder.
        source: Batch, channels, positions.
    """
    from tvm import relax  # noqa: PLC0415

    wanted = channels_first(len(source.axes))
    if source.axes == wanted:
        return source
    image, channel, *positions = source.axes
    tensor = relax.op.permute_dims(source.expr, [image, *positions, channel])
    return Operand(context.builder.emit(tensor), wanted, source.shape)


def transposed(tensor: Expr, order: Sequence[int], axes: tuple[int, ...] | None) -> Expr:
    """A tensor's dimensions in an order, and those then in another; the tensor if that is its own.

    Args:
        tensor: A variable.
        order: The first order.
        axes: The second one; None for none.
    """
    from tvm import relax  # noqa: PLC0415

    both = [order[axis] for axis in axes] if axes else list(order)
    return tensor if both == list(range(len(both))) else relax.op.permute_dims(tensor, both)


def known(context: Context, expr: Expr) -> Array | None:
    """The numbers of a constant, looked at through reshaping and transposing."""
    from tvm import ir, relax  # noqa: PLC0415
    from tvm.ir import Op  # noqa: PLC0415

    while isinstance(expr, relax.Var):
        expr = context.lookup(expr)
    if isinstance(expr, ir.GenericConst):
        return np.asarray(expr.value.numpy())
    if not isinstance(expr, relax.Call) or not isinstance(expr.op, Op):
        return None
    if expr.op.name not in {"relax.reshape", "relax.expand_dims", "relax.squeeze"}:
        return None
    inner = known(context, expr.args[0])
    shape = [size(each) for each in expr.ty.shape.values] if expr.ty.shape is not None else []
    if inner is None or not all(isinstance(each, int) for each in shape):
        return None
    return inner.reshape(shape)


def _inner(context: Context, call: Any, rank: int) -> Expr | None:
    """The largest argument's tensor with its channels last."""
    for argument in call.args:
        found = last_of(context, argument) if _has_rank(argument, rank) else None
        if found is not None and _same_shape(argument, call):
            return found
    return None


def _argument(context: Context, expr: Expr, rank: int) -> Expr | None:
    """An argument as the step on channels-last tensors takes it."""
    from tvm import relax  # noqa: PLC0415

    if not isinstance(expr.ty, relax.TensorType) or _has_rank(expr, 0):
        return expr
    found = last_of(context, expr) if _has_rank(expr, rank) else None
    if found is not None:
        return found
    numbers = known(context, expr)
    if numbers is not None:
        grown = numbers.reshape((1,) * (rank - numbers.ndim) + numbers.shape)
        return relax.const(np.ascontiguousarray(grown.transpose(channels_last(rank))))
    if _has_rank(expr, rank):
        # One transposition for the one that is saved, and what follows is spared its own.
        return context.builder.emit(relax.op.permute_dims(expr, list(channels_last(rank))))
    return None


def _unviewed(context: Context, arguments: Sequence[Expr], inner: Expr) -> list[Expr] | None:
    """The arguments before a transposed convolution's result was put in one row, if they allow.

    What steps through that view can be part of the convolution's kernel.
    """
    from tvm import relax  # noqa: PLC0415

    view = context.lookup(inner) if isinstance(inner, relax.Var) else None
    if not isinstance(view, relax.Call) or getattr(view.op, "name", "") != "relax.reshape":
        return None
    whole = view.args[0]
    rank = len(whole.ty.shape.values)
    if size(whole.ty.shape.values[-1]) != size(inner.ty.shape.values[-1]) or rank <= len(
        inner.ty.shape.values
    ):
        return None
    found = []
    for each in arguments:
        if isinstance(each, relax.Var) and each.same_as(inner):
            found.append(whole)
            continue
        numbers = known(context, each) if isinstance(each.ty, relax.TensorType) else None
        if isinstance(each.ty, relax.TensorType) and (
            numbers is None or numbers.size not in (1, numbers.shape[-1])
        ):
            return None
        found.append(relax.const(numbers.reshape(-1)) if numbers is not None else each)
    return found


def _has_rank(expr: Expr, rank: int) -> bool:
    from tvm import relax  # noqa: PLC0415

    if not isinstance(expr.ty, relax.TensorType) or not isinstance(expr.ty.shape, relax.ShapeExpr):
        return False
    return len(expr.ty.shape.values) == rank


def _same_shape(one: Expr, other: Expr) -> bool:
    from tvm_ffi import structural_equal  # noqa: PLC0415

    return bool(structural_equal(one.ty.shape, other.ty.shape))
