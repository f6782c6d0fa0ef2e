"""Dynamic sizes reach kernels in one spelling: TVM's fusion compares them as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tvmplug.compiler import lowering
from tvmplug.compiler.lowering import Lowered
from tvmplug.export import Component
from tvmplug.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = TARGETS["linux-x64"]


def _lowered(body: Callable[[Any, Any], Any]) -> Lowered:
    """A function of (1, 16, n) numbers, lowered."""
    from tvm import relax, tirx  # noqa: PLC0415 (takes a second)

    builder = relax.BlockBuilder()
    data = relax.Var("data", relax.TensorType((1, 16, tirx.Var("n", "int64")), "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            output = builder.emit_output(body(builder, data))
        builder.emit_func_output(output)
    component = Component(name="sizes", module=builder.get())
    return lowering.lower(builder.get(), component, "x_sizes_", TARGET)


def _convolution(builder: Any, data: Any, window: int, **attributes: Any) -> Any:
    from tvm import relax  # noqa: PLC0415

    channels = data.ty.shape.values[1]
    weights = np.random.default_rng(window).standard_normal((16, int(channels), window), "float32")
    return builder.emit(relax.op.nn.conv1d(data, relax.const(weights), **attributes))


def _result(lowered: Lowered, data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What the kernels compute."""
    import tvm  # noqa: PLC0415
    from tvm import relax  # noqa: PLC0415

    module = lowering.scheduled(lowered, TARGET).module.without_attr("system_lib_prefix")
    executable = relax.build(module, tvm.target.Target(dict(TARGET.tvm_target)))
    machine = relax.VirtualMachine(executable, tvm.cpu())
    found: np.ndarray[Any, Any] = machine["main"](tvm.runtime.tensor(data)).numpy()
    return found


@pytest.mark.slow
def test_a_convolution_reads_what_was_padded_or_joined() -> None:
    from tvm import relax  # noqa: PLC0415

    edge = np.ones((1, 16, 1), "float32")

    def body(builder: Any, data: Any) -> Any:
        # n + 3 + 2 by its operator, n + 5 by its kernel.
        padded = builder.emit(relax.op.nn.pad(data, [0, 0, 0, 0, 3, 2]))
        convolved = builder.emit(relax.op.nn.relu(_convolution(builder, padded, 3)))
        # 1 + (n + 3) by its operator, n + 4 by its kernel.
        joined = builder.emit(relax.op.concat([relax.const(edge), convolved], axis=2))
        return builder.emit(relax.op.nn.relu(_convolution(builder, joined, 2)))

    lowered = _lowered(body)
    data = np.random.default_rng(0).standard_normal((1, 16, 7), "float32")
    wanted = _convolved(np.pad(data, ((0, 0), (0, 0), (3, 2))), 3)
    wanted = _convolved(np.concatenate([edge, wanted], 2), 2)
    np.testing.assert_allclose(_result(lowered, data), wanted, rtol=0, atol=1e-3)


@pytest.mark.slow
def test_convolutions_do_not_lengthen_the_spelling() -> None:
    def body(builder: Any, data: Any) -> Any:
        for _ in range(4):
            data = _convolution(builder, data, 3, padding=1)
        return data

    assert str(_lowered(body).module["main"].ret_ty.shape.values[2]) == "n"


def _convolved(data: np.ndarray[Any, Any], window: int) -> np.ndarray[Any, Any]:
    """NumPy's convolution and rectifier."""
    weights = np.random.default_rng(window).standard_normal((16, 16, window), "float32")
    windows = np.lib.stride_tricks.sliding_window_view(data, window, axis=2)
    found: np.ndarray[Any, Any] = np.einsum("bcnk,ock->bon", windows, weights)
    return np.maximum(found, 0)
