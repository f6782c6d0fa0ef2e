"""How a cell's weights lie, and how many rows and units its kernel has in registers at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.cell_parts import (
    Inner,
    Part,
    Piece,
    Stage,
    Step,
    Tensor,
)
from tvmplug.compiler.cpu.dataflow import Array
from tvmplug.compiler.cpu.isa import InstructionSet, Tile
from tvmplug.compiler.cpu.precision import Weights, in_dtype

_MOST_BLOCKS = 4
# Scales of two products in one sum may differ by this factor: nothing can overflow on the way.
_FARTHEST = 1e-12


@dataclass(frozen=True)
class Held:
    """What registers sum up for a part, and what is added to that in the end.

    Attributes:
        slot: The number of the sum in its stage.
        others: What is added.
    """

    slot: int
    others: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Sums:
    """The products of a stage, as sums that registers hold.

    Attributes:
        held: From a part's `id` to what holds it.
        pieces: The pieces of each sum, by its number.
    """

    held: Mapping[int, Held]
    pieces: tuple[tuple[Piece, ...], ...]

    @property
    def most(self) -> int:
        """The most sums that one tensor is added to, at least 1."""
        added = [{_identity(each.source) for each in pieces} for pieces in self.pieces]
        counts = [sum(one in each for each in added) for one in set().union(*added)]
        return max(counts, default=1)


@dataclass(frozen=True)
class Pass:
    """All that a stage multiplies one tensor with.

    Attributes:
        source: The tensor.
        slots: The sums that it adds to.
        weights: Numbers [blocks, depth, slots * width of a block].
        changes: What the sums are multiplied with before, [slots, blocks * width], so that what is
            in them has the scale of these weights; None for 1.
    """

    source: Tensor | Inner
    slots: tuple[int, ...]
    weights: Weights
    changes: Array | None

    @property
    def depth(self) -> int:
        """How many numbers of a row are multiplied."""
        return int(self.weights.numbers.shape[1])


def sums(stage: Stage) -> Sums:
    """Collect the products of a stage.

    Those that are only ever seen as a sum, as of the input's and the state's part of a gate, are
    one sum.
    """
    parts, used = stage.parts(), stage.readers()
    held: dict[int, Held] = {}
    pieces: list[tuple[Piece, ...]] = []
    inner: set[int] = set()
    for part in reversed(parts):  # what reads a part comes before it
        if id(part) in inner:
            continue
        terms = list(_terms(part, used, inner))
        own = [each for each in terms if isinstance(each, Piece) and used[id(each)] == 1]
        if own or isinstance(part, Piece):
            own = own or [part]  # type: ignore[list-item]
            inner.update(id(each) for each in own)
            others = tuple(each for each in terms if not any(each is one for one in own))
            held[id(part)] = Held(len(pieces), others)
            pieces.append(tuple(own))
    return Sums(held, tuple(pieces))


def _terms(part: Part, used: Mapping[int, int], inner: set[int]) -> Iterator[Part]:
    """What a sum adds; sums that nothing else reads are put into `inner`."""
    if not isinstance(part, Step) or part.operator != "relax.add":
        yield part
        return
    for each in part.arguments:
        if isinstance(each, Step) and each.operator == "relax.add" and used[id(each)] == 1:
            inner.add(id(each))
            yield from _terms(each, used, inner)
        else:
            yield each


def tile_for(isa: InstructionSet, rows: int, slots: int, units: int) -> Tile | None:
    """Choose how many rows and how many vectors of units are in registers at a time.

    Args:
        isa: What is compiled for.
        rows: Rows of the cell.
        slots: The most sums that one pass adds to; each needs registers of its own.
        units: Units of the cell.

    Returns:
        Rows and, for each of the sums, vectors; None when the sums are too many for the registers.
    """
    registers = max(tile.rows * tile.vectors for tile in isa.tiles)
    fitting = tuple(
        Tile(down, slots * blocks)
        for blocks in range(1, _MOST_BLOCKS + 1)
        for down in range(1, rows + 1)
        if down * slots * blocks <= registers
    )
    if not fitting:
        return None
    found = dataclasses.replace(isa, tiles=fitting).ranked(rows, slots * units)[0]
    return Tile(found.rows, found.vectors // slots)


@dataclass(frozen=True)
class Packed:
    """A stage's weights.

    Attributes:
        passes: In order.
        scales: What the sums are multiplied with after all passes, [slots, blocks * width]; None
            for 1.
    """

    passes: tuple[Pass, ...]
    scales: Array | None


def packed(found: Sums, units: int, width: int, weight_dtype: str) -> Packed | None:
    """Put a stage's weights in the order in which its kernel reads them.

    Args:
        found: The stage's products.
        units: Units of the cell.
        width: Units that are in registers at a time.
        weight_dtype: One of `export.WEIGHT_DTYPES`.

    Returns:
        None when weights that are added to one sum have scales too far apart for that.
    """
    grouped: dict[tuple[Any, str], list[tuple[int, Piece, Weights]]] = {}
    for slot, pieces in enumerate(found.pieces):
        for piece in pieces:
            rounded = in_dtype(piece.weights, weight_dtype, axis=1)
            key = (_identity(piece.source), rounded.dtype)
            # A sum that adds two products of one tensor takes two passes.
            while any(slot == each for each, _, _ in grouped.get(key, ())):
                key = (key, rounded.dtype)
            grouped.setdefault(key, []).append((slot, piece, rounded))
    scales = np.ones((len(found.pieces), units + -units % width))
    begun: set[int] = set()
    made = []
    for group in grouped.values():
        before = scales[[slot for slot, _, _ in group]]
        after = np.stack([_scales(piece, rounded, units, width) for _, piece, rounded in group])
        # Where all numbers of a column are 0 any scale is right.
        after = np.where(after > 0, after, before)
        fresh = np.array([[slot not in begun] for slot, _, _ in group])
        changes = np.where(fresh, 1, before / after)
        if not ((changes > _FARTHEST) & (changes < 1 / _FARTHEST)).all():
            return None
        for (slot, _, _), each in zip(group, after, strict=True):
            scales[slot] = each
            begun.add(slot)
        weights = Weights(_pack(group, units, width), None, group[0][2].dtype)
        slots = tuple(slot for slot, _, _ in group)
        made.append(Pass(group[0][1].source, slots, weights, _unless_one(changes)))
    return Packed(tuple(made), _unless_one(scales))


def _identity(source: Tensor | Inner) -> Any:
    return source.var if isinstance(source, Inner) else (source.expr, source.start)


def _pack(group: list[tuple[int, Piece, Weights]], units: int, width: int) -> Array:
    """[blocks, depth, slots * width] of the group's weights; units beyond the last are 0."""
    matrices = [_columns(rounded.numbers, piece, units, width) for _, piece, rounded in group]
    # From [slots, depth, blocks, width].
    stacked = np.stack(matrices).transpose(2, 1, 0, 3)
    return np.ascontiguousarray(stacked.reshape(*stacked.shape[:2], -1))


def _scales(piece: Piece, rounded: Weights, units: int, width: int) -> Array:
    """The scales of a piece's columns, in float64."""
    scales = np.ones(rounded.numbers.shape[1]) if rounded.scales is None else rounded.scales
    return _columns(scales.astype("float64"), piece, units, width).reshape(-1)


def _columns(numbers: Array, piece: Piece, units: int, width: int) -> Array:
    """[.., blocks, width] of a piece."""
    cut = numbers[..., piece.start : piece.start + units]
    padded = np.pad(cut, [(0, 0)] * (cut.ndim - 1) + [(0, -units % width)])
    return padded.reshape(*cut.shape[:-1], -1, width)


def _unless_one(numbers: Array) -> Array | None:
    return None if (numbers == 1).all() else numbers.astype("float32")
