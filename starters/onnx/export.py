# Owned by you: written once, an update never touches it.
"""What is compiled: the components of {{ plugin_name }}, as ONNX models.

A start to replace with your model: each component is a network of two layers with
random weights, the same ones on every machine. To use a file, put it in this folder
and pass its name: Component(module="encoder.onnx", ...).
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from tvmplug.export import Case, Component

COMPONENTS = [
{%- for component in components %}
    "{{ component }}",
{%- endfor %}
]
FEATURES, HIDDEN, SCORES = 16, 32, 4

Array = npt.NDArray[np.float32]


def export() -> list[Component]:
    """Return every component; the toolkit compiles them in this order."""
    return [component(name, seed) for seed, name in enumerate(COMPONENTS)]


def component(name: str, seed: int) -> Component:
    """Build one component, with example inputs and the original model's outputs."""
    model = onnx_model(seed)
    features = random_array(seed, (1, FEATURES))
    return Component(
        name=name,
        module=model,
        cases=[
            Case(
                inputs={"features": features},
                outputs={"scores": original_outputs(model, features)},
            )
        ],
    )


def original_outputs(model: onnx.ModelProto, features: Array) -> Array:
    """What ONNX's own evaluator says; onnxruntime is a faster one for a big model."""
    (scores,) = ReferenceEvaluator(model).run(None, {"features": features})
    return np.asarray(scores)


def onnx_model(seed: int) -> onnx.ModelProto:
    """A model to replace with your own: onnx.load("encoder.onnx")."""
    weights = {
        "weight_1": random_array(seed + 1, (FEATURES, HIDDEN)),
        "bias_1": random_array(seed + 2, (HIDDEN,)),
        "weight_2": random_array(seed + 3, (HIDDEN, SCORES)),
        "bias_2": random_array(seed + 4, (SCORES,)),
    }
    nodes = [
        helper.make_node("Gemm", ["features", "weight_1", "bias_1"], ["product"]),
        helper.make_node("Relu", ["product"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "weight_2", "bias_2"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        inputs=[tensor("features", (1, FEATURES))],
        outputs=[tensor("scores", (1, SCORES))],
        initializer=[numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def random_array(seed: int, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers that depend on nothing but the seed."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def tensor(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    """An input or output of 32-bit floats."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
