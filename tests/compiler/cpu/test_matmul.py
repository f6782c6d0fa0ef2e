"""Products against NumPy: shapes that fill no tile, transpositions, epilogues, dynamic sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax, tirx

from tests.compiler.cpu.building import Build, build, close, numbers, took

SIZES = st.one_of(st.integers(1, 9), st.integers(1, 130), st.sampled_from([16, 32, 48, 64, 96]))


@dataclass(frozen=True)
class Dense:
    """A product with weights."""

    leading: list[int]
    rows: int
    depth: int
    columns: int
    transposed: bool
    epilogue: str


@dataclass(frozen=True)
class Batched:
    """A product of two tensors; each of the batch's sizes is of both, the left or the right."""

    batch: list[tuple[int, str]]
    rows: int
    depth: int
    columns: int
    left_flipped: bool
    right_flipped: bool
    out_flipped: bool


DENSE = st.builds(
    Dense,
    leading=st.lists(st.integers(1, 3), max_size=2),
    rows=SIZES,
    depth=SIZES,
    columns=SIZES,
    transposed=st.booleans(),
    epilogue=st.sampled_from(["none", "bias", "relu", "residual"]),
)
BATCHED = st.builds(
    Batched,
    batch=st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["both", "left", "right"])), max_size=2
    ),
    rows=st.integers(4, 70),
    depth=SIZES,
    columns=SIZES,
    left_flipped=st.booleans(),
    right_flipped=st.booleans(),
    out_flipped=st.booleans(),
)


def check_dense(case: Dense, build: Build = build) -> None:
    weights, bias = numbers((case.depth, case.columns), 1), numbers((case.columns,), 2)
    shape = (*case.leading, case.rows, case.depth)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any, *more: Any) -> Any:
            stored = relax.const(weights.T.copy() if case.transposed else weights)
            factor = builder.emit(relax.op.permute_dims(stored)) if case.transposed else stored
            y = builder.emit(relax.op.matmul(x, factor))
            if case.epilogue in ("bias", "relu"):
                y = builder.emit(relax.op.add(y, relax.const(bias)))
            if case.epilogue == "relu":
                y = builder.emit(relax.op.nn.relu(y))
            return relax.op.add(y, more[0]) if case.epilogue == "residual" else relax.op.abs(y)

        return function

    arrays = [numbers(shape, 3)]
    wanted = arrays[0].astype("float64") @ weights
    if case.epilogue in ("bias", "relu"):
        wanted = wanted + bias
    if case.epilogue == "relu":
        wanted = np.maximum(wanted, 0)
    if case.epilogue == "residual":
        arrays.append(numbers(wanted.shape, 4))
        wanted = wanted + arrays[1]
    else:
        wanted = np.abs(wanted)
    built = build(make, [array.shape for array in arrays])
    took(built)
    close(built.call(*arrays), wanted, case.depth)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(case=DENSE)
def test_a_product_with_weights_is_numpys(case: Dense) -> None:
    check_dense(case)


def check_batched(case: Batched, build: Build = build) -> None:
    lefts = [size if where != "right" else 1 for size, where in case.batch]
    rights = [size if where != "left" else 1 for size, where in case.batch]
    left = numbers((*lefts, case.rows, case.depth), 1)
    right = numbers((*rights, case.depth, case.columns), 2)
    flipped = [*range(len(case.batch)), len(case.batch) + 1, len(case.batch)]

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any, y: Any) -> Any:
            one = builder.emit(relax.op.permute_dims(x, flipped)) if case.left_flipped else x
            two = builder.emit(relax.op.permute_dims(y, flipped)) if case.right_flipped else y
            z = builder.emit(relax.op.matmul(one, two))
            z = builder.emit(relax.op.permute_dims(z, flipped)) if case.out_flipped else z
            return relax.op.multiply(z, relax.const(np.float32(0.5)))

        return function

    arrays = [
        np.ascontiguousarray(left.transpose(flipped)) if case.left_flipped else left,
        np.ascontiguousarray(right.transpose(flipped)) if case.right_flipped else right,
    ]
    wanted = left.astype("float64") @ right * 0.5
    built = build(make, [array.shape for array in arrays])
    took(built)
    assert not any("transpose" in name for name in built.rules)
    close(
        built.call(*arrays), wanted.transpose(flipped) if case.out_flipped else wanted, case.depth
    )


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(case=BATCHED)
def test_a_product_of_two_tensors_is_numpys_whatever_is_transposed(case: Batched) -> None:
    check_batched(case)


@pytest.mark.parametrize("transposed", [False, True])
def test_sizes_that_are_dynamic_take_the_same_kernels(transposed: bool) -> None:
    rows, depth, columns = tirx.Var("s", "int64"), 24, tirx.Var("t", "int64")
    weights = numbers((40, depth), 1)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any, y: Any) -> Any:
            q = builder.emit(relax.op.matmul(x, relax.const(weights)))
            k = builder.emit(relax.op.permute_dims(y, [0, 2, 1])) if transposed else y
            return relax.op.nn.relu(builder.emit(relax.op.matmul(q, k)))

        return function

    right = (2, columns, depth) if transposed else (2, depth, columns)
    built = build(make, [(2, rows, 40), right])
    took(built)
    assert set(built.rules.values()) == {"product"}
    for s, t in [(1, 1), (5, 3), (8, 48), (17, 49), (64, 130)]:
        x = numbers((2, s, 40), s)
        y = numbers((2, t, depth) if transposed else (2, depth, t), t)
        wanted = x.astype("float64") @ weights @ (y.transpose(0, 2, 1) if transposed else y)
        close(built.call(x, y), np.maximum(wanted, 0), 40 * depth)


def test_a_vector_by_a_matrix_and_other_types_are_left_right() -> None:
    weights = numbers((6, 50), 1)

    def make(builder: Any) -> Callable[..., Any]:
        return lambda x: relax.op.matmul(x, relax.const(weights))

    x = numbers((6,), 2)
    built = build(make, [(6,)])
    close(built.call(x), x.astype("float64") @ weights, 6)
