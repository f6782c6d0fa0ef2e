"""What an author's `model/export.py` returns: components, their cases, the bounds of their shapes.

Imported by the author's script (`from tvmplug.export import Case, Component, Dim`) and by the
compiler, which loads the script with `tvmplug.compiler.loading.load_export`.

A minimal script:

    from tvmplug.export import Case, Component, Dim

    def export() -> list[Component]:
        ids = np.array([[3, 7, 1]], dtype="int64")
        return [
            Component(
                name="encoder",
                module=relax_module,
                params={"weight": weight},
                shapes={"ids": (1, "n")},
                dims={"n": Dim(1, 64)},
                ranges={"ids": (0, 29)},
                cases=[Case(inputs={"ids": ids}, outputs={"hidden": original_model(ids)})],
            )
        ]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DTYPES = (
    "bool",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
)
"""The element types of inputs and outputs, by NumPy's names, which are TVM's as well."""

WEIGHT_DTYPES = ("float32", "float16", "int8", "int4")
"""The types that the weights of products and convolutions can be stored in."""

Shape = tuple["int | str", ...]
"""A shape: a number is a fixed size, a name is a dynamic dimension (`(1, "n", 256)`)."""


@dataclass(frozen=True)
class Dim:
    """The bounds of a dynamic dimension, both included.

    Attributes:
        min: the smallest size a caller may pass, in elements, at least 1.
        max: the largest size a caller may pass, in elements. The runtime refuses anything larger
            before the call, so that a caller's mistake cannot become an allocation of gigabytes.
    """

    min: int
    max: int


@dataclass(frozen=True)
class Case:
    """One example call of a component, with the answer of the original model.

    Attributes:
        inputs: every input by name. Element types and shapes are taken from here, so they are the
            ones the compiled component will accept (apart from dynamic dimensions).
        outputs: every output by name, in the order in which the module returns them, computed by
            the *original* model (PyTorch, onnxruntime, ...), never by the compiled one: the golden
            test compares the two.
        name: the golden file's name, `model/golden/COMPONENT/NAME.safetensors`. Empty: the case's
            position, `00`, `01`, ...
    """

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    name: str = ""


@dataclass(frozen=True)
class Component:
    """One compiled function of a model, and how it is checked.

    Attributes:
        name: the component's name as listed in `tvm_plugin.yaml`; its symbols start with the
            plugin's prefix + this name + `_`.
        module: a TVM Relax `IRModule`, a `torch.export.ExportedProgram`, an `onnx.ModelProto`, or
            the path of an `.onnx` file.
        function: the function of a Relax module to call. Modules converted from PyTorch and ONNX
            have one, `main`.
        params: weights of a Relax module by parameter name. They are bound and folded into the
            compiled component; only the remaining parameters are inputs.
        cases: example calls, at least one. Two or more with different sizes when a dimension is
            dynamic.
        dims: the bounds of every dynamic dimension by name.
        shapes: the shape of an input by name, where it is dynamic: `{"ids": (1, "n")}`. An input
            that is not listed has the fixed shape of the first case, unless the module itself
            declares it dynamic.
        ranges: `[low, high)` of inputs that are used as indices (token ids). The runtime checks
            them before the call, because an index out of range crashes the process in compiled
            code.
        rtol: relative tolerance of the golden test, as in `numpy.allclose`.
        atol: absolute tolerance of the golden test, in the unit of the output.
        weight_dtype: the type that the weights of products and convolutions are stored in, one of
            WEIGHT_DTYPES; arithmetic is float32 all the same. `int8` and `int4` have a scale for
            each channel. The compiler measures what it does to the outputs of the cases.
        max_error: the largest difference that another `weight_dtype` than float32 may make in any
            output, as a share of its largest absolute value; beyond it, the build fails. The
            golden test allows as much.
        notes: what an author, or the plugin's own code, should know of how the component was made,
            by topic: `{"weights": "random, seed 0"}`. The build says it, the metadata keep it, and
            the plugin's Rust code reads it (`Component::notes`).
    """

    name: str
    module: Any
    function: str = "main"
    params: Mapping[str, Array] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    dims: Mapping[str, Dim] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rtol: float = 1e-4
    atol: float = 1e-5
    weight_dtype: str = "float32"
    max_error: float = 0.02
    notes: Mapping[str, str] = field(default_factory=dict)


def case_name(case: Case, index: int) -> str:
    """The name of a case's golden file without its suffix: its own name, or its position."""
    return case.name or f"{index:02d}"


def dtype_of(array: Array) -> str:
    """The element type's name as TVM and the metadata spell it (`float32`)."""
    return str(np.asarray(array).dtype)
