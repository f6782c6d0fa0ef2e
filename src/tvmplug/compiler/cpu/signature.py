"""What a kernel is called in the file of measured tiles: its operator, its sizes, its weights.

Two calls with the same signature are the same kernel, whatever model they are in. A dynamic size
is a letter, the first one `a`, so that names in a model's script do not matter.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.conv_geometry import geometry
from tvmplug.compiler.cpu.operands import Operand, size

Expr = Any
Sizes = Mapping[str, Expr]
"""From the letter of a dynamic size to the expression that the model has for it."""
Attributes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Factor:
    """One of the two tensors that an operator multiplies.

    Attributes:
        shape: Its sizes as the operator sees them; a letter stands for a dynamic one.
        order: Where its dimensions lie in memory: dimension i of the operator's is `order[i]`.
        weights: Whether its numbers are known when the model is compiled.
    """

    shape: tuple[int | str, ...]
    order: tuple[int, ...]
    weights: bool = False

    @property
    def stored(self) -> tuple[int | str, ...]:
        """Its sizes as they lie in memory."""
        places = sorted(range(len(self.order)), key=lambda axis: self.order[axis])
        return tuple(self.shape[axis] for axis in places)

    def __str__(self) -> str:
        """As a part of a kernel's text: `(1, a, 384)`, `weights (384, 1536)`."""
        text = f"({', '.join(map(str, self.shape))})"
        if self.order != tuple(range(len(self.order))):
            text += f" as {_joined(self.order)}"
        return f"weights {text}" if self.weights else text


@dataclass(frozen=True)
class Kernel:
    """An operator that has tiles.

    Attributes:
        operator: Its name in Relax, without `relax.` and `nn.`: `matmul`, `conv2d`.
        left: The factor that changes from call to call.
        right: The other one.
        attributes: Of a convolution, strides, padding and whatever is not as usual.
        order: The order of dimensions that a product's result has; None for its own.
        weight_dtype: The type that the weights are stored in.
    """

    operator: str
    left: Factor
    right: Factor
    attributes: Attributes = ()
    order: tuple[int, ...] | None = None
    weight_dtype: str = "float32"

    @property
    def text(self) -> str:
        """The name: `conv2d (1, 64, 56, 56) x weights (64, 64, 3, 3), padding 1 1 1 1`."""
        parts = [f"{self.operator} {self.left} x {self.right}"]
        parts += [f"{name} {_joined(values)}" for name, values in self.attributes]
        parts += [] if self.order is None else [f"to {_joined(self.order)}"]
        parts += [] if self.weight_dtype == "float32" else [self.weight_dtype]
        return ", ".join(parts)


def product_of(
    left: Operand, right: Operand, *, order: tuple[int, ...] | None, weight_dtype: str = "float32"
) -> tuple[Kernel, Sizes]:
    """Name a product.

    Args:
        left: The left factor.
        right: The right factor.
        order: The order of dimensions that the result shall have.
        weight_dtype: What the right factor's numbers are stored in, where they are known.

    Returns:
        The kernel, and the dynamic sizes that it has letters for.
    """
    letters = _Letters()
    weights = right.constant() is not None
    factors = (
        Factor(letters.shape(left.shape), left.axes),
        # Weights are packed, so that it does not matter in which order they came.
        Factor(letters.shape(right.shape), _usual(right.shape) if weights else right.axes, weights),
    )
    usual = order is None or order == _usual(order)
    kernel = Kernel("matmul", *factors, order=None if usual else order, weight_dtype=weight_dtype)
    return kernel, letters.sizes


def convolution_of(
    call: Any, source: Operand, kernel_shape: Sequence[int], *, weight_dtype: str = "float32"
) -> tuple[Kernel, Sizes]:
    """Name a convolution; its result always has the channels last.

    Args:
        call: The operator.
        source: Its input, in the order in which the kernel reads it.
        kernel_shape: The weights' sizes, as the operator has them.
        weight_dtype: What they are stored in.

    Returns:
        The kernel, and the dynamic sizes that it has letters for.
    """
    letters = _Letters()
    shape = tuple(int(each) for each in kernel_shape)
    kernel = Kernel(
        str(call.op.name).removeprefix("relax.nn."),
        Factor(letters.shape(source.shape), source.axes),
        Factor(shape, _usual(shape), weights=True),
        attributes=_attributes(call, shape[2:]),
        weight_dtype=weight_dtype,
    )
    return kernel, letters.sizes


def _attributes(call: Any, window: tuple[int, ...]) -> Attributes:
    """What of a convolution is not as usual."""
    plain = geometry(call, window)
    more = getattr(call.attrs, "output_padding", None) or ()
    padding = ([int(each) for each in more] * plain.rank)[: plain.rank]
    found = {
        "strides": (plain.strides, 1),
        "padding": (plain.before + plain.after, 0),
        "dilation": (plain.dilations, 1),
        "output_padding": (tuple(padding), 0),
        "groups": ((int(call.attrs.groups),), 1),
    }
    return tuple(
        (name, values)
        for name, (values, usual) in found.items()
        if any(value != usual for value in values)
    )


class _Letters:
    """Gives each dynamic size a letter, in the order in which they are met."""

    def __init__(self) -> None:
        self.sizes: dict[str, Expr] = {}
        self._known: dict[str, str] = {}

    def shape(self, sizes: Sequence[Expr]) -> tuple[int | str, ...]:
        return tuple(each if isinstance(each, int) else self._letter(each) for each in sizes)

    def _letter(self, expression: Expr) -> str:
        expression = size(expression)
        spelled = str(expression)
        if spelled not in self._known:
            self._known[spelled] = string.ascii_lowercase[len(self._known)]
            self.sizes[self._known[spelled]] = expression
        return self._known[spelled]


def _usual(of: Sequence[Any]) -> tuple[int, ...]:
    return tuple(range(len(of)))


def _joined(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))
