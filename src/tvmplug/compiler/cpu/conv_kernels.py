"""Convolutions as tensor expressions whose loops are already tiles of positions by channels.

Results have their channels last, so that a vector holds channels of one position. Inputs are
read in whatever order they are in. See `contraction` for what `acc` and `out` are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.contraction import at_most, ceil_div
from tvmplug.compiler.cpu.conv_geometry import Geometry
from tvmplug.compiler.cpu.operands import Operand, size

CONVOLUTION = "tvmplug.convolution"
"""Marks the block that sums up tiles; its value is the number of dimensions before the tiles'."""
DEPTHWISE = "tvmplug.depthwise"
"""Marks the same block where channels are apart from each other."""
PAD = "tvmplug.pad"
"""Marks the block that surrounds an input with zeros."""
PHASES = "tvmplug.phases"
"""How many of the dimensions before the tiles' are phases; they follow the first."""

Expr = Any
Weight = Callable[[Sequence[Expr]], Expr]
"""From the index of a weight, in the order in which tiles read them, to the weight."""


@dataclass(frozen=True)
class Layer:
    """A convolution, but for its numbers.

    Attributes:
        source: How the input's dimensions are ordered: it is batch, channels, positions.
        geometry: Its window.
        plan: Its tiles.
        channels: Channels of the result.
        phases: How many positions of the result lie at each place of the window, along each axis;
            empty where that is one.
    """

    source: Operand
    geometry: Geometry
    plan: Plan
    channels: int
    phases: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How a convolution is cut into tiles.

    Attributes:
        row_axis: The axis of positions that a tile's rows lie along.
        rows: Positions of a tile.
        width: Channels of a tile.
    """

    row_axis: int
    rows: int
    width: int


def dense(data: Any, weights: Weight, layer: Layer, scales: Any = None) -> Any:
    """Describe a convolution in which every channel of the result sees all of the input's.

    Args:
        data: The input.
        weights: From an index of [channels / width, *window, input channels, width] to a weight.
        layer: What is convolved how.
        scales: What to multiply each channel with, a tensor [channels]; None for 1.

    Returns:
        A tensor: batch, positions, channels.
    """
    from tvm import te  # noqa: PLC0415  takes a second

    _, depth, *_ = layer.source.sizes(data)
    window = window_axes(layer.geometry)
    step = te.reduce_axis((0, depth), "ci")
    read = _reader(data, layer.source, layer.geometry)

    def term(index: Place) -> Expr:
        where = (index.column_tile, *window, step, index.column)
        return read(index.image, step, index.positions, window) * weights(where)

    return tiles(data, layer, term, [*window, step], CONVOLUTION, scales=scales)


def depthwise(data: Any, weights: Any, layer: Layer) -> Any:
    """Describe a convolution in which every channel of the result sees one of the input's.

    Args:
        data: The input.
        weights: [*window, channels of the result, filled up to whole tiles].
        layer: What is convolved how; it has as many channels as its input.

    Returns:
        A tensor: batch, positions, channels.
    """
    window = window_axes(layer.geometry)
    read = _reader(data, layer.source, layer.geometry)

    def term(index: Place) -> Expr:
        channel = index.column_tile * layer.plan.width + index.column
        where = (*window, channel)
        inside = at_most(channel, layer.channels, layer.plan.width)
        return read(index.image, inside, index.positions, window) * weights[where]

    return tiles(data, layer, term, window, DEPTHWISE)


@dataclass(frozen=True)
class Place:
    """One number of a tile: its image, its phases, its position, and its channel."""

    image: Expr
    phases: Sequence[Expr]
    positions: Sequence[Expr]
    column_tile: Expr
    column: Expr


def window_axes(geometry: Geometry) -> list[Any]:
    """The axes of a reduction over a window."""
    from tvm import te  # noqa: PLC0415

    return [te.reduce_axis((0, extent), f"k{axis}") for axis, extent in enumerate(geometry.kernel)]


def _reader(data: Any, source: Operand, geometry: Geometry) -> Any:
    """From image, channel, position and point of the window to the input's number."""
    padded = padded_input(data, source, geometry)

    def read(image: Expr, channel: Expr, positions: Sequence[Expr], window: Sequence[Expr]) -> Expr:
        where = [
            geometry.source(axis, position, point)
            for axis, (position, point) in enumerate(zip(positions, window, strict=True))
        ]
        return padded[source.at((image, channel, *where))]

    return read


def padded_input(data: Any, source: Operand, geometry: Geometry) -> Any:
    """The input with zeros around it, in the order of dimensions that it has."""
    from tvm import te, tirx  # noqa: PLC0415

    if not geometry.padded:
        return data
    sizes = source.sizes(data)
    grown = [
        extent + before + after
        for extent, before, after in zip(sizes[2:], geometry.before, geometry.after, strict=True)
    ]

    def value(*index: Expr) -> Expr:
        logical = [index[axis] for axis in source.axes]
        inside, where = [], []
        for axis, position in enumerate(logical[2:]):
            before, after = geometry.before[axis], geometry.after[axis]
            moved = position - before if before else position
            where.append(moved)
            if before:
                inside.append(moved >= 0)
            if after:
                inside.append(moved < sizes[2 + axis])
        number = data[source.at((*logical[:2], *where))]
        zero = tirx.const(0, data.dtype)
        return tirx.if_then_else(tirx.all(*inside), number, zero)

    shape = source.at((sizes[0], sizes[1], *grown))
    return te.compute(shape, value, name="padded", attrs={PAD: 1})


def tiles(
    data: Any, layer: Layer, term: Any, steps: Sequence[Any], mark: str, *, scales: Any = None
) -> Any:
    """Sum up a term over the reduction, for all numbers of the result.

    Args:
        data: The input.
        layer: What is convolved how.
        term: From a `Place` to what is summed up there.
        steps: The axes of the reduction.
        mark: CONVOLUTION or DEPTHWISE.
        scales: What to multiply each channel with, a tensor [channels]; None for 1.

    Returns:
        A tensor: batch, for each axis its positions and its phases, channels.
    """
    from tvm import te  # noqa: PLC0415

    geometry, plan, channels = layer.geometry, layer.plan, layer.channels
    images, _, *sizes = layer.source.sizes(data)
    out = [size(geometry.result(axis, extent)) for axis, extent in enumerate(sizes)]
    others = [axis for axis in range(geometry.rank) if axis != plan.row_axis]
    rows = out[plan.row_axis]

    count = len(layer.phases)

    def total(*index: Expr) -> Expr:
        image, *outer, row_tile, column_tile, row, column = index
        phases, outer = outer[:count], outer[count:]
        where = dict(zip(others, outer, strict=True))
        where[plan.row_axis] = at_most(row_tile * plan.rows + row, rows, plan.rows)
        positions = [where[axis] for axis in range(geometry.rank)]
        return te.sum(term(Place(image, phases, positions, column_tile, column)), axis=list(steps))

    shape = (
        images,
        *layer.phases,
        *(out[axis] for axis in others),
        ceil_div(rows, plan.rows),
        ceil_div(channels, plan.width),
        plan.rows,
        plan.width,
    )
    marks = {mark: 1 + count + len(others), PHASES: count}
    acc = te.compute(shape, total, name="acc", attrs=marks)

    def value(image: Expr, *index: Expr) -> Expr:
        *positions, channel = index
        phases = positions[1::2] if count else []
        positions = positions[::2] if count else positions
        row = positions[plan.row_axis]
        outer = [positions[axis] for axis in others]
        tile = (row // plan.rows, channel // plan.width, row % plan.rows, channel % plan.width)
        where = (image, *phases, *outer, *tile)
        return acc[where] if scales is None else acc[where] * scales[channel]

    places = [each for pair in zip(out, layer.phases, strict=False) for each in pair] or out
    return te.compute((images, *places, channels), value, name="out")
