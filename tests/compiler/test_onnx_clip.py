"""`Clip`, which TVM's importer gives to the compiler as loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tvm
from onnx import TensorProto, helper, numpy_helper

from tvmplug.compiler import codegen, frontends, lowering
from tvmplug.export import Component
from tvmplug.targets import host_target

SHAPE = (1, 5, 6, 7)
WEIGHTS = np.random.default_rng(1).standard_normal((8, 5, 1, 1)).astype("float32")
X = np.random.default_rng(2).standard_normal(SHAPE).astype("float32") * 4


def model(low: float | None, high: float | None, *, given: bool = False) -> onnx.ModelProto:
    """A convolution and a Clip, whose upper bound may be an input."""
    bounds = {"low": low, "high": None if given else high}
    known = [
        numpy_helper.from_array(np.float32(value), name)
        for name, value in bounds.items()
        if value is not None
    ]
    names = ["low" if low is not None else "", "high" if high is not None or given else ""]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weights"], ["y"]),
            helper.make_node("Clip", ["y", *names], ["z"]),
        ],
        "graph",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE),
            *([helper.make_tensor_value_info("high", TensorProto.FLOAT, [])] if given else []),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 8, 6, 7])],
        [numpy_helper.from_array(WEIGHTS, "weights"), *known],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def compiled(made: onnx.ModelProto) -> tuple[Any, list[str]]:
    """What runs it, and the kernels that it has."""
    component = Component(name="one", module=made)
    imported = frontends.to_relax(component, Path())
    lowered = lowering.lower(imported.module, component, "test_", host_target())
    kernels = [
        name.name_hint
        for name, function in lowered.module.functions.items()
        if isinstance(function, tvm.tirx.PrimFunc) and "unused" not in name.name_hint
    ]
    return codegen.runnable(lowered, component, host_target()), kernels


def wanted(low: float | None, high: float | None) -> np.ndarray[Any, Any]:
    y = np.einsum("oi,nihw->nohw", WEIGHTS[:, :, 0, 0], X)
    least = -np.inf if low is None or np.isnan(low) else low
    return np.minimum(np.maximum(y, least), np.inf if high is None else high)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 6.0), (None, 1.5), (-0.5, None), (float("nan"), 6.0)]
)
def test_a_clip_joins_the_kernel_of_the_convolution_before_it(
    low: float | None, high: float | None
) -> None:
    run, kernels = compiled(model(low, high))
    (found,) = run([X])
    np.testing.assert_allclose(found, wanted(low, high), rtol=1e-5, atol=1e-5)
    # Besides it there are the input's transposition and the result's.
    assert [name for name in kernels if "imum" in name] == [
        name for name in kernels if "conv" in name
    ]


def test_a_bound_that_is_an_input_is_no_constant() -> None:
    run, kernels = compiled(model(0.0, None, given=True))
    for bound in (0.5, float("nan")):
        (found,) = run([X, np.float32(bound)])
        np.testing.assert_allclose(
            found, wanted(0.0, None if np.isnan(bound) else bound), rtol=1e-5, atol=1e-5
        )
    assert any("minimum" in name for name in kernels)
