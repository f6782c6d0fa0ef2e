"""Ranks a convolution's tiles: which positions and how many channels stay in registers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from tvmplug.compiler.cpu.choices import Choice
from tvmplug.compiler.cpu.conv_geometry import Geometry
from tvmplug.compiler.cpu.conv_kernels import Plan
from tvmplug.compiler.cpu.isa import InstructionSet, Tile
from tvmplug.compiler.cpu.operands import size

# Registers that a depthwise tile takes for results: the window's weights want registers as well.
_DEPTHWISE_SHARE = 4
_MOST_VECTORS = 6
# Where no tile fills its rows, a wider choice than the table's is worth the work.
_MOST_ROWS = 16
_LONG = 1000
# Bytes that a core's second cache gives in a cycle, where the weights of large layers come from.
_SECOND_CACHE = 24


def dense_choices(
    isa: InstructionSet, sizes: tuple[Any, ...], geometry: Geometry, channels: int
) -> list[Choice]:
    """Rank the tiles of a convolution whose channels all meet.

    Args:
        isa: What is compiled for.
        sizes: The input's extents along the axes of positions.
        geometry: The window.
        channels: Channels of the result.

    Returns:
        Those first that should cost least.
    """
    return _ranked(isa, _tiles(isa), sizes, geometry, channels)


def depthwise_choices(
    isa: InstructionSet, sizes: tuple[Any, ...], geometry: Geometry, channels: int
) -> list[Choice]:
    """Rank the tiles of a convolution whose channels are apart.

    Args:
        isa: What is compiled for.
        sizes: The input's extents along the axes of positions.
        geometry: The window.
        channels: Channels of the result.

    Returns:
        Those first that should cost least.
    """
    room = max(2, registers(isa) // _DEPTHWISE_SHARE)
    tiles = tuple(Tile(rows, 1) for rows in range(room, 1, -1))
    return _ranked(dataclasses.replace(isa, latency=0), tiles, sizes, geometry, channels)


def plan_of(isa: InstructionSet, choice: Choice) -> Plan:
    """A convolution's cut, as its kernel takes it."""
    return Plan(row_axis=choice.axis, rows=choice.tile.rows, width=_width(isa, choice.tile))


def registers(isa: InstructionSet) -> int:
    """How many vector registers there are: the largest tile of the table leaves a few."""
    largest = max(tile.rows * tile.vectors for tile in isa.tiles)
    return 32 if largest >= 16 else 16


@functools.cache
def _tiles(isa: InstructionSet) -> tuple[Tile, ...]:
    """The table's tiles, then all others that fit: one register holds the broadcast number."""
    room = registers(isa) - 1
    more = (
        Tile(rows, vectors)
        for vectors in range(_MOST_VECTORS, 0, -1)
        for rows in range(_MOST_ROWS, 0, -1)
        if rows * vectors + vectors <= room
    )
    return (*isa.tiles, *(tile for tile in more if tile not in isa.tiles))


def _ranked(
    isa: InstructionSet,
    tiles: Sequence[Tile],
    sizes: tuple[Any, ...],
    geometry: Geometry,
    channels: int,
) -> list[Choice]:
    """The axes and the tiles, those first that cost least; the last axis where that is equal."""
    found: list[tuple[float, Choice]] = []
    result = [size(geometry.result(axis, extent)) for axis, extent in enumerate(sizes)]
    for axis in reversed(range(geometry.rank)):
        rows = result[axis] if isinstance(result[axis], int) else None
        for tile in tiles:
            # As long a row as this stands for one whose length is not known.
            count = _LONG if rows is None else rows
            share = -(-count // tile.rows) / count
            cost = _cycles(isa, tile) * share * -(-channels // _width(isa, tile))
            found.append((cost, Choice(tile, axis)))
    return [choice for _, choice in sorted(found, key=lambda each: each[0])]


def _cycles(isa: InstructionSet, tile: Tile) -> float:
    """Cycles of one step of a tile's reduction."""
    products = tile.rows * tile.vectors
    loads = (tile.rows + tile.vectors) / 2  # both x86-64 and AArch64 load twice in a cycle
    weights = _width(isa, tile) * 4 / _SECOND_CACHE
    return max(products / isa.multiply_adds, loads, isa.latency, weights)


def _width(isa: InstructionSet, tile: Tile) -> int:
    return tile.vectors * isa.lanes
