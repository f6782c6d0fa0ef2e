"""TVM 0.27 keeps texts of up to seven bytes in another way than longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from tvm import relax

from tvmplug.compiler import codegen, lowering
from tvmplug.compiler.kernels import workers
from tvmplug.export import Component
from tvmplug.targets import host_target


@pytest.mark.parametrize("prefix", ["a1_x_", "charsiug2p_encoder_"])
def test_a_component_compiles_whatever_the_length_of_its_prefix(
    prefix: str, tmp_path: Path
) -> None:
    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType((2, 3), "float32"))
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(relax.op.nn.relu(x))
        builder.emit_func_output(result)
    component = Component(name="x", module=builder.get())
    lowered = lowering.lower(component.module, component, prefix, host_target())
    with workers(jobs=1, cache=None) as makers:
        pending = codegen.start(lowered, "x", host_target(), makers, tmp_path)
        files = dict(pending.result(lambda _: None).files)
    assert f"{prefix}devc.o" in files
    assert any(f"__tvm_ffi_{prefix}relu".encode() in content for content in files.values())
