"""Signatures of real Relax modules; nothing is compiled, but TVM is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tvmplug.compiler.frontends import Imported
from tvmplug.compiler.interface import describe
from tvmplug.export import Case, Component, Dim
from tvmplug.metadata import Bounds, TensorSpec

pytestmark = pytest.mark.slow


def module() -> Any:
    """`pairs` has twice the rows of `ids`; the result has one more than `pairs`."""
    from tvm import relax, tirx  # noqa: PLC0415

    builder = relax.BlockBuilder()
    n = tirx.Var("n", "int64")
    ids = relax.Var("ids", relax.TensorType((n,), "float32"))
    pairs = relax.Var("pairs", relax.TensorType((n * 2,), "float32"))
    with builder.function("main", [ids, pairs]):
        with builder.dataflow():
            joined = relax.op.concat([pairs, relax.op.zeros((1,), "float32")], axis=0)
            result = builder.emit_output(joined)
        builder.emit_func_output(result)
    return builder.get()


def test_a_derived_dimension_of_an_input_gets_the_authors_name() -> None:
    component = Component(
        name="join",
        module=None,
        cases=[
            Case(
                {"ids": np.zeros(2, "float32"), "pairs": np.zeros(4, "float32")},
                {"joined": np.zeros(5, "float32")},
            )
        ],
        shapes={"ids": ("rows",), "pairs": ("doubled",)},
        dims={"rows": Dim(1, 8), "doubled": Dim(2, 16)},
    )

    spec = describe(component, Imported(module(), "main"), "g2p_")

    assert spec.inputs == (
        TensorSpec("ids", "float32", ("rows",)),
        TensorSpec("pairs", "float32", ("doubled",)),
    )
    assert spec.outputs == (TensorSpec("joined", "float32", ("rows * 2 + 1",)),)
    assert spec.dims == {
        "rows": Bounds(1, 8),
        "doubled": Bounds(2, 16),
        "rows * 2 + 1": Bounds(3, 17),
    }
