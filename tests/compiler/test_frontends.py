"""ONNX and PyTorch sources, compiled for real."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tvmplug.compiler.run import compile_plugin
from tvmplug.errors import ExportError
from tvmplug.metadata import Bounds, TensorSpec
from tvmplug.targets import TARGETS

pytestmark = pytest.mark.slow

LINUX = TARGETS["linux-x64"]

ONNX_SCRIPT = """
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from tvmplug.export import Case, Component, Dim


def model():
    weight = np.arange(12, dtype="float32").reshape(4, 3) / 10
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["input.1", "weight"], ["product"]),
            helper.make_node("Tanh", ["product"], ["hidden"]),
            helper.make_node("ReduceSum", ["hidden"], ["total"], keepdims=0),
        ],
        "graph",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["batch", 4])],
        [
            helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["batch", 3]),
            helper.make_tensor_value_info("total", TensorProto.FLOAT, []),
        ],
        [numpy_helper.from_array(weight, "weight")],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def export():
    made = model()
    session = onnxruntime.InferenceSession(made.SerializeToString())

    def case(n):
        x = np.linspace(-1, 1, 4 * n, dtype="float32").reshape(n, 4)
        hidden, total = session.run(None, {"input.1": x})
        # In another order than the graph's: its names decide.
        return Case({"input.1": x}, {"total": total, "hidden": hidden})

    return [
        Component(name="encoder", module=MODULE, cases=[case(2), case(3)], dims=DIMS, shapes=SHAPES)
    ]
"""


def onnx_plugin(
    plugin: Callable[..., Any], module: str = "made", name: str = "batch", shapes: str = "{}"
) -> Any:
    script = ONNX_SCRIPT.replace("MODULE", module).replace("SHAPES", shapes)
    script = script.replace("DIMS", f'{{"{name}": Dim(1, 8)}}')
    return plugin(components=("encoder",), script=script)


@pytest.mark.parametrize(
    ("name", "shapes"), [("batch", "{}"), ("n", '{"input.1": ("n", 4)}')], ids=["its", "ours"]
)
def test_an_onnx_model_compiles_under_its_own_names(
    plugin: Callable[..., Any], name: str, shapes: str
) -> None:
    made = onnx_plugin(plugin, name=name, shapes=shapes)
    result = compile_plugin(made.root, LINUX, made.out(), update_golden=False)

    (encoder,) = result.metadata.components
    assert encoder.inputs == (TensorSpec("input.1", "float32", (name, 4)),)
    assert encoder.outputs == (
        TensorSpec("hidden", "float32", (name, 3)),
        TensorSpec("total", "float32", ()),
    )
    assert encoder.dims == {name: Bounds(1, 8)}


def test_an_onnx_file_is_found_beside_the_script(plugin: Callable[..., Any]) -> None:
    made = onnx_plugin(plugin, module='"net.onnx"')
    namespace: dict[str, Any] = {}
    exec(ONNX_SCRIPT, namespace)  # noqa: S102  the script's own model
    content: bytes = namespace["model"]().SerializeToString()
    (made.root / "model" / "net.onnx").write_bytes(content)
    result = compile_plugin(made.root, LINUX, made.out(), update_golden=False)
    assert result.metadata.components[0].inputs[0].name == "input.1"

    (made.root / "model" / "net.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(ExportError, match=r"net\.onnx is no readable ONNX model"):
        compile_plugin(made.root, LINUX, made.out(), update_golden=False)


def test_an_onnx_operator_that_tvm_does_not_know_is_named(plugin: Callable[..., Any]) -> None:
    made = onnx_plugin(plugin)
    made.script.write_text(
        made.script.read_text()
        .replace(
            "session.run(None", "(np.zeros((n, 3), 'float32'), np.zeros((), 'float32')) or (None"
        )
        .replace("session = onnx", "session = 0 #")
        .replace('helper.make_node("Tanh"', 'helper.make_node("StringNormalizer"')
    )
    with pytest.raises(ExportError, match=r"ONNX importer failed: .*StringNormalizer"):
        compile_plugin(made.root, LINUX, made.out(), update_golden=False)


def test_a_scalar_output_keeps_its_rank_in_the_golden_case(
    plugin: Callable[..., Any],
) -> None:
    made = onnx_plugin(plugin)
    compile_plugin(made.root, LINUX, made.out(), update_golden=False)
    golden: Path = made.root / "model" / "golden" / "encoder" / "00.safetensors"
    assert load_file(golden)["out.total"].shape == ()
    assert load_file(golden)["in.input.1"].dtype == np.float32


TORCH_SCRIPT = """
import torch

from tvmplug.export import Case, Component, Dim


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x):
        return torch.tanh(self.layer(x))


def export():
    net, x = Net().eval(), torch.linspace(-1, 1, 20).reshape(5, 4)
    batch = torch.export.Dim("batch", min=1, max=8)
    program = torch.export.export(net, (x,), dynamic_shapes={"x": {0: batch}})
    case = Case({"x": x.numpy()}, {"hidden": net(x).detach().numpy()})
    return [
        Component(
            name="encoder",
            module=program,
            cases=[case],
            shapes={"x": ("batch", 4)},
            dims={"batch": Dim(1, 8)},
        )
    ]
"""


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (it is too large)"
)
def test_a_torch_program_compiles(plugin: Callable[..., Any]) -> None:
    made = plugin(components=("encoder",), script=TORCH_SCRIPT)
    result = compile_plugin(made.root, LINUX, made.out(), update_golden=False)

    (encoder,) = result.metadata.components
    assert encoder.inputs == (TensorSpec("x", "float32", ("batch", 4)),)
    assert encoder.outputs == (TensorSpec("hidden", "float32", ("batch", 3)),)
