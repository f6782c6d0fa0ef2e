"""A kernel by itself: a component of one operator, and numbers to run it on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.conv_layout import channels_last
from tvmplug.compiler.cpu.signature import Factor, Kernel
from tvmplug.export import Array, Component

Expr = Any
# A convolution's padding is that of both ends of each axis, in this order.
_CONVOLUTION_ATTRIBUTES = ("strides", "padding", "dilation", "output_padding")


def component_of(kernel: Kernel) -> Component:
    """A model that is this operator alone; compiled, it asks for the tile of this very kernel.

    Args:
        kernel: The operator; its weights are random numbers.
    """
    from tvm import relax, tirx  # noqa: PLC0415  takes a second

    letters: dict[str, Expr] = {}

    def size(each: int | str) -> Expr:
        return each if isinstance(each, int) else letters.setdefault(each, tirx.Var(each, "int64"))

    builder = relax.BlockBuilder()
    parameters = [
        relax.Var(name, relax.TensorType(tuple(map(size, factor.stored)), "float32"))
        for name, factor in _changing(kernel)
    ]
    with builder.function("main", parameters):
        with builder.dataflow():
            given = iter(parameters)
            factors = [
                relax.const(_weights(kernel, factor))
                if factor.weights
                else _ordered(builder, next(given), factor)
                for factor in (kernel.left, kernel.right)
            ]
            result = builder.emit_output(_result(builder, kernel, factors))
        builder.emit_func_output(result)
    return Component(name="probe", module=builder.get(), weight_dtype=kernel.weight_dtype)


def inputs_of(kernel: Kernel, sizes: Mapping[str, int]) -> list[Array]:
    """Random numbers for a call.

    Args:
        kernel: The operator.
        sizes: What its dynamic sizes are.
    """
    rng = np.random.default_rng(_seed(kernel))
    return [
        rng.standard_normal([
            each if isinstance(each, int) else sizes[each] for each in factor.stored
        ]).astype("float32")
        for _, factor in _changing(kernel)
    ]  # fmt: skip


def _changing(kernel: Kernel) -> list[tuple[str, Factor]]:
    factors = {"left": kernel.left, "right": kernel.right}
    return [(name, factor) for name, factor in factors.items() if not factor.weights]


def _ordered(builder: Any, tensor: Expr, factor: Factor) -> Expr:
    """A tensor as the operator sees it; its kernel looks through the transposition."""
    return _permuted(builder, tensor, factor.order)


def _result(builder: Any, kernel: Kernel, factors: Sequence[Expr]) -> Expr:
    """The operator, in the order of dimensions in which its kernel writes."""
    from tvm import relax  # noqa: PLC0415

    if kernel.operator == "matmul":
        product = builder.emit(relax.op.matmul(*factors))
        return product if kernel.order is None else _permuted(builder, product, kernel.order)
    given = dict(kernel.attributes)
    attributes: dict[str, Any] = {
        name: list(given[name]) for name in _CONVOLUTION_ATTRIBUTES if name in given
    }
    operator = getattr(relax.op.nn, kernel.operator)
    groups = given.get("groups", (1,))[0]
    convolved = builder.emit(operator(*factors, groups=groups, **attributes))
    return _permuted(builder, convolved, channels_last(len(kernel.left.shape)))


def _permuted(builder: Any, tensor: Expr, order: Sequence[int]) -> Expr:
    from tvm import relax  # noqa: PLC0415

    if list(order) == list(range(len(order))):
        return tensor
    return builder.emit(relax.op.permute_dims(tensor, list(order)))


def _weights(kernel: Kernel, factor: Factor) -> Array:
    rng = np.random.default_rng(_seed(kernel) + 1)
    return rng.standard_normal([int(each) for each in factor.shape]).astype("float32")


def _seed(kernel: Kernel) -> int:
    return zlib.crc32(kernel.text.encode())
