"""Convolutions with weights that are packed here; their results have the channels last."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu.contraction import OUT_FUSABLE
from tvmplug.compiler.cpu.conv_geometry import geometry
from tvmplug.compiler.cpu.conv_kernels import Layer, dense, depthwise
from tvmplug.compiler.cpu.conv_layout import channels_first, known, moved, transposed
from tvmplug.compiler.cpu.conv_tiles import dense_choices, depthwise_choices, plan_of
from tvmplug.compiler.cpu.operands import Operand
from tvmplug.compiler.cpu.precision import in_dtype
from tvmplug.compiler.cpu.signature import convolution_of

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Array = np.ndarray[Any, Any]
Expr = Any
# Data and weights in the layouts that importers write: channels first.
_LAYOUTS = {("NCW", "OIW"), ("NCHW", "OIHW"), ("NCDHW", "OIDHW")}
# So few channels are read where they lie: a pass that puts them last would cost more.
_FEW_CHANNELS = 4


def rewrite(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Replace a `relax.nn.conv1d`, `conv2d` or `conv3d`.

    Args:
        context: What is compiled for.
        call: The convolution.
        axes: The order of dimensions that the result shall have.

    Returns:
        The result, or None when TVM's own convolution shall stay: another type than float32,
        weights that are no constants, layouts that no importer writes, or groups of several
        channels.
    """
    source = context.operand(call.args[0])
    kernel = known(context, call.args[1])
    if source is None or kernel is None or not _is_plain(call):
        return None
    groups = int(call.attrs.groups)
    if groups == 1:
        return _result(context, _dense(context, call, source, kernel), axes)
    if groups == source.shape[1] == kernel.shape[0]:
        return _result(context, _depthwise(context, call, source, kernel), axes)
    return None


def _result(context: Context, result: Expr, axes: tuple[int, ...] | None) -> Expr:
    """Put batch, positions, channels in the order that is wanted."""
    tensor = context.builder.emit(result)
    return transposed(tensor, channels_first(len(tensor.ty.shape.values)), axes)


def _is_plain(call: Any) -> bool:
    layouts = (str(call.attrs.data_layout), str(call.attrs.kernel_layout))
    types = {str(argument.ty.dtype) for argument in call.args} | {str(call.ty.dtype)}
    out = str(call.attrs.out_layout) or layouts[0]
    return layouts in _LAYOUTS and out == layouts[0] and types == {"float32"}


def _dense(context: Context, call: Any, source: Operand, kernel: Array) -> Expr:
    channels = int(kernel.shape[0])
    if source.shape[1] > _FEW_CHANNELS:
        source = moved(context, source)
    window = geometry(call, kernel.shape[2:])
    weights = in_dtype(kernel, context.weight_dtype, axis=0)
    ranked = dense_choices(context.isa, source.shape[2:], window, channels)
    named = convolution_of(call, source, kernel.shape, weight_dtype=weights.dtype)
    plan = plan_of(context.isa, context.choices.pick(*named, ranked))
    layer = Layer(source, window, plan, channels)

    def conv(data: Any, numbers: Any, scales: Any = None) -> Any:
        return dense(data, functools.partial(weights.at, numbers), layer, scales)

    constants = weights.constants(_pack(weights.numbers, plan.width))
    return context.builder.call_te(conv, source.expr, *constants, primfunc_attrs=OUT_FUSABLE)


def _depthwise(context: Context, call: Any, source: Operand, kernel: Array) -> Expr:
    from tvm import relax  # noqa: PLC0415

    channels = int(kernel.shape[0])
    source = moved(context, source)
    window = geometry(call, kernel.shape[2:])
    ranked = depthwise_choices(context.isa, source.shape[2:], window, channels)
    named = convolution_of(call, source, kernel.shape)
    plan = plan_of(context.isa, context.choices.pick(*named, ranked))
    layer = Layer(source, window, plan, channels)
    filled = np.zeros((*window.kernel, -(-channels // plan.width) * plan.width), kernel.dtype)
    filled[..., :channels] = np.moveaxis(kernel[:, 0], 0, -1)

    def depthwise_conv(data: Any, weights: Any) -> Any:
        return depthwise(data, weights, layer)

    return context.builder.call_te(
        depthwise_conv, source.expr, relax.const(filled), primfunc_attrs=OUT_FUSABLE
    )


def _pack(kernel: Array, width: int) -> Array:
    """Put weights in the order in which tiles read them.

    Args:
        kernel: [channels, input channels, *window].
        width: Channels of a tile.

    Returns:
        [channels / width, *window, input channels, width], filled up with zeros.
    """
    channels, depth, *window = kernel.shape
    tiles = -(-channels // width)
    filled = np.zeros((tiles * width, depth, *window), kernel.dtype)
    filled[:channels] = kernel
    apart = filled.reshape(tiles, width, depth, *window)
    return np.ascontiguousarray(np.moveaxis(apart, (2, 1), (-2, -1)))
