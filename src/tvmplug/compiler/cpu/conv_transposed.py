"""Transposed convolutions as convolutions that multiply no zeros.

A transposed convolution with a stride of s writes s positions for each of its input. Each of these
phases is a convolution of its own with a share of the window: position q of phase r of the result
is the sum over j of input[q + (r + p) // s - j] times weights[(r + p) % s + j * s], where p is
the padding.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu.contraction import OUT_FUSABLE, at_most
from tvmplug.compiler.cpu.conv_geometry import Geometry, geometry
from tvmplug.compiler.cpu.conv_kernels import (
    CONVOLUTION,
    DEPTHWISE,
    Layer,
    Place,
    padded_input,
    tiles,
    window_axes,
)
from tvmplug.compiler.cpu.conv_layout import channels_first, known, moved, transposed
from tvmplug.compiler.cpu.conv_tiles import dense_choices, depthwise_choices, plan_of
from tvmplug.compiler.cpu.signature import convolution_of
from tvmplug.compiler.cpu.spelling import simplified

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Array = np.ndarray[Any, Any]
Expr = Any
_LAYOUTS = {("NCW", "IOW"), ("NCHW", "IOHW")}


@dataclass(frozen=True)
class Spread:
    """How an input's positions are spread; one number for each axis.

    Attributes:
        strides: Phases of the result.
        padding: Positions that the result lacks at its beginning.
        window: What each phase sees of the input.
    """

    strides: tuple[int, ...]
    padding: tuple[int, ...]
    window: Geometry

    @property
    def around(self) -> Geometry:
        """The zeros around the input that some phase or other sees."""
        window = self.window
        pairs = zip(self.strides, self.padding, strict=True)
        shifts = [(stride - 1 + before) // stride for stride, before in pairs]
        after = tuple(max(0, a + b) for a, b in zip(window.after, shifts, strict=True))
        return Geometry(window.kernel, window.strides, window.dilations, window.before, after)


def rewrite(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Replace a `relax.nn.conv1d_transpose` or `conv2d_transpose`.

    Args:
        context: What is compiled for.
        call: The convolution.
        axes: The order of dimensions that the result shall have.

    Returns:
        The result, or None when TVM's own shall stay: another type than float32, weights that are
        no constants, a dilation, or groups of several channels.
    """
    from tvm import relax, sym  # noqa: PLC0415  takes a second

    source, kernel = context.operand(call.args[0]), known(context, call.args[1])
    if source is None or kernel is None or not _is_plain(call):
        return None
    groups = int(call.attrs.groups)
    if groups != 1 and not groups == source.shape[1] == kernel.shape[0] * kernel.shape[1]:
        return None
    spread = _spread(call, kernel.shape[2:])
    source = moved(context, source)
    channels = int(kernel.shape[1]) * groups
    rank_tiles = dense_choices if groups == 1 else depthwise_choices
    ranked = rank_tiles(context.isa, source.shape[2:], spread.window, channels)
    named = convolution_of(call, source, kernel.shape)
    plan = plan_of(context.isa, context.choices.pick(*named, ranked))
    layer = Layer(source, spread.window, plan, channels, spread.strides)
    packed = _pack(kernel, spread, plan.width, apart=groups != 1)

    def conv_transpose(data: Any, weights: Any) -> Any:
        return _kernel(data, weights, layer, spread, apart=groups != 1)

    spread_out = context.builder.call_te(
        conv_transpose, source.expr, relax.const(packed), primfunc_attrs=OUT_FUSABLE
    )
    whole = context.builder.emit(spread_out)
    image, *places, last = whole.ty.shape.values
    merged = [simplified(a * b) for a, b in zip(places[::2], places[1::2], strict=True)]
    tensor = context.builder.emit(relax.op.reshape(whole, (image, *merged, last)))
    rank = len(source.axes)
    wanted = list(call.ty.shape.values[2:])
    # Dynamic sizes may be spelled in two ways, and to cut to one leaves a shape nobody can read.
    equal = sym.Analyzer().can_prove_equal
    if not all(equal(*sizes) for sizes in zip(wanted, merged, strict=True)):
        cut = relax.op.strided_slice(tensor, list(range(1, rank - 1)), [0] * (rank - 2), wanted)
        tensor = context.builder.emit(cut)
    return transposed(tensor, channels_first(rank), axes)


def _is_plain(call: Any) -> bool:
    layouts = (str(call.attrs.data_layout), str(call.attrs.kernel_layout))
    types = {str(argument.ty.dtype) for argument in call.args} | {str(call.ty.dtype)}
    out = str(call.attrs.out_layout) or layouts[0]
    dilated = any(int(each) != 1 for each in call.attrs.dilation)
    return layouts in _LAYOUTS and out == layouts[0] and types == {"float32"} and not dilated


def _spread(call: Any, kernel: tuple[int, ...]) -> Spread:
    plain = geometry(call, tuple(int(each) for each in kernel))
    more = ([int(each) for each in call.attrs.output_padding] * plain.rank)[: plain.rank]
    window, surplus = [], []
    for axis, extent in enumerate(plain.kernel):
        stride = plain.strides[axis]
        window.append(-(-extent // stride))
        # Beyond `stride` for each position of the input, the result has so many positions.
        rest = extent + more[axis] - stride - plain.before[axis] - plain.after[axis]
        surplus.append(-(-rest // stride))
    ones = (1,) * plain.rank
    before = tuple(points - 1 for points in window)
    seen = Geometry(tuple(window), ones, ones, before, tuple(surplus))
    return Spread(plain.strides, plain.before, seen)


def _kernel(data: Any, weights: Any, layer: Layer, spread: Spread, *, apart: bool) -> Any:
    """The tensor expression; see `conv_kernels.tiles`."""
    from tvm import te  # noqa: PLC0415

    window = window_axes(layer.geometry)
    padded = padded_input(data, layer.source, spread.around)
    step = None if apart else te.reduce_axis((0, layer.source.sizes(data)[1]), "ci")

    def term(place: Place) -> Expr:
        where = [
            position + (phase + before) // stride + point
            for position, phase, before, stride, point in zip(
                place.positions, place.phases, spread.padding, spread.strides, window, strict=True
            )
        ]
        if step is None:
            channel = place.column_tile * layer.plan.width + place.column
            number = (*place.phases, *window, channel)
            channel = at_most(channel, layer.channels, layer.plan.width)
        else:
            channel = step
            number = (*place.phases, place.column_tile, *window, step, place.column)
        return padded[layer.source.at((place.image, channel, *where))] * weights[number]

    if step is None:
        return tiles(data, layer, term, window, DEPTHWISE)
    return tiles(data, layer, term, [*window, step], CONVOLUTION)


def _pack(kernel: Array, spread: Spread, width: int, *, apart: bool) -> Array:
    """Put weights in the order in which the phases read them.

    Args:
        kernel: [input channels, channels, *window].
        spread: Which phase reads what.
        width: Channels of a tile.
        apart: Whether channels are apart from each other.

    Returns:
        [*phases, channels / width, *window of a phase, input channels, width], or
        [*phases, *window of a phase, channels] when they are apart; filled up with zeros.
    """
    depth, channels, *extents = kernel.shape
    points = spread.window.kernel
    shares = np.zeros((*spread.strides, depth, channels, *points), kernel.dtype)
    ranges = [range(extent) for extent in spread.strides + points]
    for index in itertools.product(*ranges):
        phases, places = index[: len(points)], index[len(points) :]
        where: tuple[int, ...] = tuple(
            (phase + before) % stride + (count - 1 - place) * stride
            for phase, before, stride, count, place in zip(
                phases, spread.padding, spread.strides, points, places, strict=True
            )
        )
        if all(point < extent for point, extent in zip(where, extents, strict=True)):
            shares[_of_all(phases, places)] = kernel[_of_all((), where)]
    rank = len(points)
    if apart:
        flat = shares.reshape(*spread.strides, depth * channels, *points)
        flat = np.moveaxis(flat, rank, -1)
        missing = -flat.shape[-1] % width
        return np.ascontiguousarray(np.pad(flat, [(0, 0)] * (2 * rank) + [(0, missing)]))
    filled = np.pad(shares, [(0, 0)] * (rank + 1) + [(0, -channels % width)] + [(0, 0)] * rank)
    split = filled.reshape(*spread.strides, depth, -1, width, *points)
    # To phases, tiles, window, depth, width.
    split = np.moveaxis(split, (rank, rank + 2), (-2, -1))
    return np.ascontiguousarray(split)


def _of_all(phases: tuple[int, ...], places: tuple[int, ...]) -> tuple[int | slice, ...]:
    """The index of one place of the window, for all pairs of channels."""
    return (*phases, slice(None), slice(None), *places)
