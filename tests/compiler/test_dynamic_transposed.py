"""A transposed convolution of a dynamic length gives a length that later operators can read."""

from __future__ import annotations

import numpy as np
import pytest

from tvmplug.compiler import lowering
from tvmplug.export import Component
from tvmplug.targets import TARGETS


@pytest.mark.slow
def test_a_transposed_convolution_of_a_dynamic_length_is_not_cut() -> None:
    from tvm import relax, tirx  # noqa: PLC0415 (takes a second)

    builder = relax.BlockBuilder()
    data = relax.Var("data", relax.TensorType((1, 16, tirx.Var("n", "int64")), "float32"))
    weights = relax.const(np.ones((16, 1, 3), "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            doubled = relax.op.nn.conv1d_transpose(
                data, weights, strides=2, padding=(1, 1), output_padding=1, groups=16
            )
            output = builder.emit_output(builder.emit(doubled))
        builder.emit_func_output(output)
    component = Component(name="double", module=builder.get())
    lowered = lowering.lower(builder.get(), component, "x_double_", TARGETS["linux-x64"])
    length = lowered.module["main"].ret_ty.shape.values[2]
    assert "if_then_else" not in str(length)
    assert not any("strided_slice" in var.name_hint for var in lowered.module.functions)
