"""Rows of numbers seen through what only renames them: slices of columns, splits, unit dimensions.

A tensor [.., N] is a matrix of so many rows, its leading dimensions, by N columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.dataflow import Array, Expr, Graph, known_shape, op_name

_MOVING = ("relax.reshape", "relax.squeeze", "relax.expand_dims")
_FOLDED = ("relax.permute_dims", "relax.strided_slice", "relax.add")


@dataclass(frozen=True)
class View:
    """Some columns of a tensor.

    Attributes:
        expr: The tensor, a variable or a constant.
        start: The first column.
    """

    expr: Expr
    start: int


@dataclass(frozen=True)
class Dense:
    """A product of rows by a constant matrix.

    Attributes:
        source: The rows.
        weights: [depth, columns].
    """

    source: Expr
    weights: Array


def rows(expr: Expr) -> int | None:
    """How many rows a tensor has; None when that is not known."""
    shape = known_shape(expr)
    return math.prod(shape[:-1]) if shape else None


def width(expr: Expr) -> int | None:
    """How many columns a tensor has; None when that is not known."""
    shape = known_shape(expr)
    return shape[-1] if shape else None


def behind(graph: Graph, view: View) -> View | None:
    """Where a view's numbers lie in the tensor that it is a part of, one step back.

    Args:
        graph: The block.
        view: Columns of a variable.

    Returns:
        None when the variable is more than a part of one tensor.
    """
    from tvm import relax  # noqa: PLC0415  takes a second

    value = graph.value(view.expr)
    if value is None:
        return None
    if isinstance(value, relax.Var):
        return View(value, view.start)
    if isinstance(value, relax.TupleGetItem):
        return _of_split(graph, value, view.start)
    name = op_name(value)
    if name in _MOVING and width(value.args[0]) == width(view.expr) is not None:
        return View(value.args[0], view.start)
    if name == "relax.strided_slice":
        begin = _columns_from(value)
        return None if begin is None else View(value.args[0], view.start + begin)
    return None


def source(graph: Graph, expr: Expr) -> View:
    """Where the numbers of a variable come from, as far back as can be seen."""
    view = View(expr, 0)
    while (found := behind(graph, view)) is not None:
        view = found
    return view


def constant(graph: Graph, expr: Expr) -> Array | None:
    """A tensor's numbers when they are known before any call."""
    from tvm import ir, relax  # noqa: PLC0415

    if isinstance(expr, ir.GenericConst):
        return np.asarray(expr.value.numpy())
    value = graph.value(expr)
    if isinstance(value, relax.Var | ir.GenericConst):
        return constant(graph, value)
    shape, name = (None, "") if value is None else (known_shape(expr), op_name(value))
    if shape is None or name not in (*_MOVING, *_FOLDED):
        return None
    count = 2 if name == "relax.add" else 1  # a slice takes its sizes as well
    numbers = [constant(graph, each) for each in graph.arguments(expr)[:count]]
    known = [each for each in numbers if each is not None]
    return _folded(name, value, known, shape) if len(known) == count else None


def _folded(name: str, value: Any, numbers: Sequence[Array], shape: Sequence[int]) -> Array | None:
    first = numbers[0]
    if name == "relax.add":
        return np.asarray(first + numbers[1])
    if name == "relax.permute_dims":
        axes = value.attrs.axes
        return np.transpose(first, None if axes is None else [int(axis) for axis in axes])
    if name == "relax.strided_slice":
        cuts = _cuts(value)
        return None if cuts is None else first[cuts]
    return first.reshape(shape)


def dense(graph: Graph, expr: Expr) -> Dense | None:
    """The product that a variable is bound to, if its right factor is known."""
    value = graph.value(expr)
    if value is None or op_name(value) != "relax.matmul":
        return None
    left, right = value.args
    weights = constant(graph, right)
    if weights is None or weights.ndim != 2 or str(weights.dtype) != "float32":
        return None
    if rows(left) is None or rows(left) != rows(expr):
        return None
    return Dense(left, weights)


def _of_split(graph: Graph, item: Any, start: int) -> View | None:
    value = graph.value(item.tuple_value)
    if value is None or op_name(value) != "relax.split":
        return None
    shape = known_shape(value.args[0])
    if shape is None or int(value.attrs.axis) % len(shape) != len(shape) - 1:
        return None
    begin = sum(int(field.shape.values[-1]) for field in list(value.ty.fields)[: int(item.index)])
    return View(value.args[0], start + begin)


def _columns_from(value: Any) -> int | None:
    """The first column of a slice that takes neighbouring columns of all rows."""
    shape, cuts = known_shape(value.args[0]), _cuts(value)
    if shape is None or cuts is None:
        return None
    *others, last = (cut.indices(size) for cut, size in zip(cuts, shape, strict=True))
    whole = all(each == (0, size, 1) for each, size in zip(others, shape, strict=False))
    return last[0] if whole and last[2] == 1 else None


def _cuts(value: Any) -> tuple[slice, ...] | None:
    """What a `relax.strided_slice` takes, None when that is not known."""
    shape = getattr(value.args[0].ty, "shape", None)
    lists = [_integers(argument) for argument in value.args[1:]]
    if shape is None or any(each is None for each in lists):
        return None
    axes, begins, ends, *more = (each or [] for each in lists)
    cuts = [slice(None)] * len(shape.values)
    steps: Sequence[int] = more[0] if more else [1] * len(axes)
    for axis, begin, end, step in zip(axes, begins, ends, steps, strict=True):
        if step < 1:
            return None
        cuts[axis] = slice(begin, end, step)
    return tuple(cuts)


def _integers(expr: Any) -> list[int] | None:
    from tvm import tirx  # noqa: PLC0415

    fields = getattr(expr, "fields", None)
    if fields is None:
        return None
    values = [getattr(field, "value", field) for field in fields]
    if not all(isinstance(each, tirx.IntImm | int) for each in values):
        return None
    return [int(each) for each in values]
