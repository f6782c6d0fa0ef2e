# Owned by you: written once, an update never touches it.
"""What is compiled: a tiny, a middle and a large component, for measuring what a call costs.

The weights are random, the same ones on every machine.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from tvm import relax

from tvmplug.export import Case, Component

Array = npt.NDArray[np.float32]

TINY = (16,)
MIDDLE = (64, 256)
SCORES = 64
LARGE = (1, 3, 1024, 1024)
CHANNELS, KERNEL, STRIDE = 8, 3, 2


def export() -> list[Component]:
    """Return every component; the toolkit compiles them in this order."""
    return [tiny(), middle(), large()]


def tiny() -> Component:
    """64 bytes in and out, next to no arithmetic: what is left is the cost of the call."""
    x = tensor("x", TINY)
    example = random_array(1, TINY)

    def emit(builder: relax.BlockBuilder) -> relax.Expr:
        return relax.op.add(builder.emit(relax.op.nn.relu(x)), relax.const(1, "float32"))

    answer = np.maximum(example, 0) + 1
    return component("tiny", [x], emit, params={}, case=(example, answer))


def middle() -> Component:
    """64 kB in, 16 kB out: one dense layer, about a millisecond of TVM's default loops."""
    x, weight = tensor("x", MIDDLE), tensor("weight", (MIDDLE[1], SCORES))
    example, values = random_array(2, MIDDLE), random_array(3, (MIDDLE[1], SCORES))

    def emit(_: relax.BlockBuilder) -> relax.Expr:
        return relax.op.matmul(x, weight)

    params, answer = {"weight": values}, example @ values
    return component("middle", [x, weight], emit, params=params, case=(example, answer))


def large() -> Component:
    """12.6 MB in, 8.4 MB out: the first convolution of an image model."""
    shape = (CHANNELS, LARGE[1], KERNEL, KERNEL)
    x, weight = tensor("x", LARGE), tensor("weight", shape)
    example, values = random_array(4, LARGE), random_array(5, shape)

    def emit(_: relax.BlockBuilder) -> relax.Expr:
        return relax.op.nn.conv2d(x, weight, strides=STRIDE, padding=1)

    params, answer = {"weight": values}, convolved(example, values)
    return component("large", [x, weight], emit, params=params, case=(example, answer))


def component(
    name: str,
    parameters: list[relax.Var],
    emit: Callable[[relax.BlockBuilder], relax.Expr],
    *,
    params: dict[str, Array],
    case: tuple[Array, Array],
) -> Component:
    """One component with one example; `emit` makes its output from `x`."""
    example, answer = case
    builder = relax.BlockBuilder()
    with builder.function("main", parameters):
        with builder.dataflow():
            y = builder.emit_output(emit(builder))
        builder.emit_func_output(y)
    return Component(
        name=name,
        module=builder.get(),
        params=params,
        shapes={"x": example.shape},
        dims={},
        cases=[Case(inputs={"x": example}, outputs={"y": answer.astype("float32")})],
    )


def convolved(image: Array, weight: Array) -> Array:
    """The same convolution in NumPy."""
    padded = np.pad(image[0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL), axis=(1, 2))
    strided = windows[:, ::STRIDE, ::STRIDE]
    return np.einsum("ihwkl,oikl->ohw", strided, weight, optimize=True)[None]


def random_array(seed: int, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers that depend on nothing but the seed."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def tensor(name: str, shape: tuple[int, ...]) -> relax.Var:
    """A parameter of 32-bit floats."""
    return relax.Var(name, relax.TensorType(shape, "float32"))
