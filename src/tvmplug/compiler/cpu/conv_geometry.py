"""Where a convolution reads and what it writes: sizes, strides and padding of any rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.spelling import simplified

Expr = Any


@dataclass(frozen=True)
class Geometry:
    """How positions of the result map to positions of the input; one number for each axis.

    Attributes:
        kernel: Sizes of the window.
        strides: Steps of the window.
        dilations: Distances between the window's points.
        before: Zeros before the input.
        after: Zeros after it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def rank(self) -> int:
        """How many axes positions have."""
        return len(self.kernel)

    @property
    def padded(self) -> bool:
        """Whether there are zeros around the input."""
        return any(self.before) or any(self.after)

    def result(self, axis: int, size: Expr) -> Expr:
        """How many positions the result has along an axis of an input.

        In its shortest spelling, since each convolution would lengthen it.
        """
        span = (self.kernel[axis] - 1) * self.dilations[axis] + 1
        free = size + self.before[axis] + self.after[axis] - span
        return simplified(free // self.strides[axis] + 1)

    def source(self, axis: int, position: Expr, point: Expr) -> Expr:
        """Where in the padded input a point of the window lies."""
        return position * self.strides[axis] + point * self.dilations[axis]


def geometry(call: Any, kernel: tuple[int, ...]) -> Geometry:
    """Read a convolution's or a pooling's attributes.

    Args:
        call: The operator.
        kernel: Sizes of its window.
    """
    rank = len(kernel)
    padding = _numbers(call.attrs.padding)
    if len(padding) < 2 * rank:
        padding = (padding * rank)[:rank] * 2
    return Geometry(
        kernel=kernel,
        strides=(_numbers(call.attrs.strides) * rank)[:rank],
        dilations=(_numbers(call.attrs.dilation) * rank)[:rank],
        before=padding[:rank],
        after=padding[rank:],
    )


def _numbers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
