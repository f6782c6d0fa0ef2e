"""Makes one product of those that multiply one input, such as a step's queries, keys and values.

With few rows a product is short beside what it takes to begin one and to wake threads for it. With
many nothing is gained, and each part would be copied out of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.compiler.cpu import columns, dataflow
from tvmplug.compiler.cpu.dataflow import Array, Graph, content, op_name

IRModule = Any
Expr = Any
Var = Any

# Measured with three products, side by side: 0.76 to 0.87 of the time for 4 to 16 rows of 512
# columns, 0.97 to 1.05 for one to eight rows of other widths, nothing gained from 32 rows on, where
# the copies of the parts come on top (AVX2, one thread).
MOST_ROWS = 16


@dataclass(frozen=True)
class Part:
    """A product by weights.

    Attributes:
        product: Its variable.
        rows: How many rows its input has, None where a size is dynamic.
        weights: [depth, columns].
        result: The variable of the sum with a bias that this product alone gets, else `product`.
        bias: [columns], None without one.
    """

    product: Var
    rows: int | None
    weights: Array
    result: Var
    bias: Array | None


def rewrite(module: IRModule) -> IRModule:
    """Combine products of one input by constant weights where that pays.

    Args:
        module: An IRModule of operators, its weights constants.

    Returns:
        The module; what was a product is a part of a wider one.
    """

    def change(_: Any, graph: Graph) -> Sequence[Any] | None:
        made: dict[Var, list[Any]] = {}
        for group in _groups(graph):
            made.update(_combined(graph, group))
        if not made:
            return None
        return [each for var, own in graph.bindings.items() for each in made.get(var, [own])]

    return dataflow.with_blocks(module, change)


def _groups(graph: Graph) -> list[list[Part]]:
    """What to combine, two products at least."""
    parts = [part for var in graph.bindings if (part := _part(graph, var)) is not None]
    by_input: dict[Var, list[Part]] = {}
    for part in parts:
        if part.rows is not None and part.rows <= MOST_ROWS:
            by_input.setdefault(graph.arguments(part.product)[0], []).append(part)
    groups = [group for group in by_input.values() if len(group) > 1]
    if not groups:
        return []
    # The steps of a sequence multiply by the same weights. Unless all products by them take the
    # same place in the same group, they would be held twice.
    names = {part.product: content(part.weights) for part in parts}
    places = {
        part.product: (tuple(names[each.product] for each in group), place)
        for group in groups
        for place, part in enumerate(group)
    }
    ways: dict[Any, set[Any]] = {}
    for part in parts:
        ways.setdefault(names[part.product], set()).add(places.get(part.product))
    return [group for group in groups if all(len(ways[names[each.product]]) == 1 for each in group)]


def _part(graph: Graph, var: Var) -> Part | None:
    """A product of float32 by constant weights, None for anything else."""
    from tvm import relax  # noqa: PLC0415  takes a second

    if op_name(graph.value(var)) != "relax.matmul":
        return None
    left, right = graph.arguments(var)
    weights = columns.constant(graph, right)
    if not isinstance(left, relax.Var) or weights is None or weights.ndim != 2:
        return None
    if str(weights.dtype) != "float32" or str(left.ty.dtype) != "float32":
        return None
    result, bias = _bias(graph, var, weights.shape[1])
    return Part(var, columns.rows(left), weights, result, bias)


def _bias(graph: Graph, product: Var, width: int) -> tuple[Var, Array | None]:
    """The sum with a bias that is all that a product is for."""
    users = graph.users[product]
    if len(users) != 1 or product in graph.kept or op_name(graph.value(users[0])) != "relax.add":
        return product, None
    for each in graph.arguments(users[0]):
        bias = columns.constant(graph, each)
        if bias is not None and bias.shape == (width,):
            return users[0], bias
    return product, None


def _combined(graph: Graph, group: Sequence[Part]) -> dict[Var, list[Any]]:
    """The new bindings of a group: the wide product where its first was, slices for the results."""
    from tvm import relax  # noqa: PLC0415

    biased = all(part.bias is not None for part in group)
    builder = relax.BlockBuilder()
    first = group[0].product
    made: dict[Var, list[Any]] = {part.product: [] for part in group}

    def bind(name: str, value: Expr) -> Var:
        value = builder.normalize(value)
        var = relax.DataflowVar(name, value.ty)
        made[first].append(relax.VarBinding(var, value))
        return var

    weights = relax.const(np.concatenate([part.weights for part in group], axis=1))
    wide = bind(f"{first.name}_wide", relax.op.matmul(graph.arguments(first)[0], weights))
    if biased:
        biases = np.concatenate([part.bias for part in group if part.bias is not None])
        wide = bind(f"{first.name}_biased", relax.op.add(wide, relax.const(biases)))
    begin = 0
    for part in group:
        end = begin + part.weights.shape[1]
        var = part.result if biased else part.product
        value = builder.normalize(
            relax.op.strided_slice(wide, [len(wide.ty.shape.values) - 1], [begin], [end])
        )
        made.setdefault(var, []).append(relax.VarBinding(var, value))
        begin = end
    return made
