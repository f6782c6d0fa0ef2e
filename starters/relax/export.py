# Owned by you: written once, an update never touches it.
"""What is compiled: the components of {{ plugin_name }}, written in TVM Relax.

A start to replace with your model: each component is a network of two layers with
random weights, the same ones on every machine. A component may use weights from
anywhere; list the packages that reading them takes in requirements.txt.
"""

import numpy as np
import numpy.typing as npt
from tvm import relax, tirx
from tvmplug.export import Case, Component, Dim

COMPONENTS = [
{%- for component in components %}
    "{{ component }}",
{%- endfor %}
]
FEATURES, HIDDEN, SCORES = 16, 32, 4
LONGEST = 64

Array = npt.NDArray[np.float32]


def export() -> list[Component]:
    """Return every component; the toolkit compiles them in this order."""
    return [component(name, seed) for seed, name in enumerate(COMPONENTS)]


def component(name: str, seed: int) -> Component:
    """Build one component, with example inputs and the original model's outputs."""
    weights = random_weights(seed)
    examples = [random_array(seed, (rows, FEATURES)) for rows in (1, 3)]
    return Component(
        name=name,
        module=relax_module(),
        params=weights,
        shapes={"features": ("rows", FEATURES)},
        dims={"rows": Dim(1, LONGEST)},
        cases=[
            Case(inputs={"features": x}, outputs={"scores": original_model(x, weights)})
            for x in examples
        ],
    )


def relax_module() -> object:
    """The network as Relax: parameters that are no input are weights, by name."""
    features = tensor("features", (tirx.Var("rows", "int64"), FEATURES))
    weight_1 = tensor("weight_1", (FEATURES, HIDDEN))
    bias_1 = tensor("bias_1", (HIDDEN,))
    weight_2 = tensor("weight_2", (HIDDEN, SCORES))
    bias_2 = tensor("bias_2", (SCORES,))
    builder = relax.BlockBuilder()
    with builder.function("main", [features, weight_1, bias_1, weight_2, bias_2]):
        with builder.dataflow():
            product = builder.emit(relax.op.matmul(features, weight_1))
            hidden = builder.emit(relax.op.nn.relu(relax.op.add(product, bias_1)))
            product = builder.emit(relax.op.matmul(hidden, weight_2))
            scores = builder.emit_output(relax.op.add(product, bias_2))
        builder.emit_func_output(scores)
    return builder.get()


def original_model(features: Array, weights: dict[str, Array]) -> Array:
    """The same network in NumPy. The golden test holds the compiled one against it."""
    hidden = np.maximum(features @ weights["weight_1"] + weights["bias_1"], 0)
    return hidden @ weights["weight_2"] + weights["bias_2"]


def random_weights(seed: int) -> dict[str, Array]:
    """Weights to replace with your own."""
    return {
        "weight_1": random_array(seed + 1, (FEATURES, HIDDEN)),
        "bias_1": random_array(seed + 2, (HIDDEN,)),
        "weight_2": random_array(seed + 3, (HIDDEN, SCORES)),
        "bias_2": random_array(seed + 4, (SCORES,)),
    }


def random_array(seed: int, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers that depend on nothing but the seed."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def tensor(name: str, shape: tuple[object, ...]) -> relax.Var:
    """A parameter of 32-bit floats."""
    return relax.Var(name, relax.TensorType(shape, "float32"))
