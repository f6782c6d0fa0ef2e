"""Weights in fewer bits than the arithmetic has: how they are stored, and what kernels read.

Products and sums stay float32. A kernel widens a weight in a register right where it multiplies,
and what a scale has to multiply it multiplies once, in the result: no wide copy of a weight
exists at any time. Scales are symmetric, one for each channel of a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Expr = Any

LARGEST: Mapping[str, int] = MappingProxyType({"int8": 127, "int4": 7})
"""The largest number of each integer type; the smallest is its negative."""
# Two int4 numbers share a byte, moved into 1..15.
_MIDDLE, _BITS = 8, 4
# Smaller matrices stay as they are: they hold next to nothing of a model.
_WORTH = 1 << 12


@dataclass(frozen=True)
class Weights:
    """The numbers of a tensor of weights in some type.

    Attributes:
        numbers: As float32, float16 or int8; int4 numbers are int8 ones from -7 to 7.
        scales: What the numbers of each channel are to be multiplied with, [channels] of float32;
            None where it is 1.
        dtype: float32, float16, int8 or int4.
    """

    numbers: Array
    scales: Array | None
    dtype: str

    def stored(self, packed: Array) -> Array:
        """The array that the object file holds.

        Args:
            packed: The numbers in the order in which a kernel reads them, [.., depth, width].

        Returns:
            The same, or for int4 [.., depth / 2, width] of uint8.
        """
        if self.dtype != "int4":
            return packed
        *_, depth, _ = packed.shape
        padding = [(0, 0)] * (packed.ndim - 2) + [(0, depth % 2), (0, 0)]
        moved = np.pad(packed, padding).astype(np.uint8) + np.uint8(_MIDDLE)
        low, high = moved[..., ::2, :], moved[..., 1::2, :]
        return np.ascontiguousarray(low | (high << _BITS))

    def constants(self, packed: Array) -> list[Expr]:
        """What a kernel takes: the stored numbers, and the scales where there are any."""
        from tvm import relax  # noqa: PLC0415  takes a second

        arrays = [self.stored(packed), *([] if self.scales is None else [self.scales])]
        return [relax.const(array) for array in arrays]

    def at(self, tensor: Any, index: Sequence[Expr]) -> Expr:
        """A number as a kernel reads it, as float32 and without its scale.

        Args:
            tensor: What `stored` made, as a tensor of the kernel.
            index: Where the number lies in the packed array.
        """
        if self.dtype == "float32":
            return tensor[tuple(index)]
        if self.dtype != "int4":
            return tensor[tuple(index)].astype("float32")
        *outer, step, inner = index
        where = (*outer, step // 2, inner)
        both = tensor[where].astype("int32")
        return (((both >> (step % 2 * _BITS)) & 15) - _MIDDLE).astype("float32")


def in_dtype(weights: Array, dtype: str, axis: int) -> Weights:
    """Round weights to a type.

    Args:
        weights: float32 numbers.
        dtype: float32, float16, int8 or int4.
        axis: The dimension of the result's channels, each of which has a scale of its own.

    Returns:
        The rounded numbers; small tensors, and those with numbers that the type has none for,
        stay float32.
    """
    if dtype == "float32" or weights.size < _WORTH or not np.isfinite(weights).all():
        return Weights(weights, None, "float32")
    if dtype == "float16":
        with np.errstate(over="ignore"):
            rounded = weights.astype(np.float16)
        if not np.isfinite(rounded).all():
            return Weights(weights, None, "float32")
        return Weights(rounded, None, dtype)
    others = tuple(each for each in range(weights.ndim) if each != axis % weights.ndim)
    # In float64: the quotient of a channel of the smallest numbers would be 0 in float32.
    scales = np.abs(weights).max(others, keepdims=True).astype(np.float64) / LARGEST[dtype]
    steps = np.rint(weights / np.where(scales > 0, scales, 1))
    limit = LARGEST[dtype]
    numbers = np.clip(steps, -limit, limit).astype(np.int8)
    return Weights(numbers, scales.reshape(-1).astype(np.float32), dtype)
