"""Weights in fewer bits: rounding, kernels that read them, and what they take in an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax

from tests.compiler.cpu.building import (
    Array,
    Build,
    Built,
    build,
    build_arm64,
    close,
    lowered,
    numbers,
)
from tests.compiler.cpu.test_conv import Case, after, cases, convolution, layer
from tvmplug.compiler.cpu.precision import LARGEST, Weights, in_dtype
from tvmplug.export import WEIGHT_DTYPES

NARROW = WEIGHT_DTYPES[1:]
BITS = {"float32": 32, "float16": 16, "int8": 8, "int4": 4}
SIZES = st.one_of(st.integers(1, 9), st.integers(60, 140))


def widened(weights: Weights, axis: int) -> Array:
    """The numbers that a kernel computes with."""
    wide = weights.numbers.astype("float64")
    if weights.scales is None:
        return wide
    shape = [1] * wide.ndim
    shape[axis] = -1
    return np.asarray(wide * weights.scales.reshape(shape))


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(sorted(LARGEST)),
    shape=st.tuples(st.integers(64, 90), st.integers(64, 90)),
    axis=st.sampled_from([0, 1]),
    exponent=st.integers(-60, 60),
    seed=st.integers(0, 1000),
)
def test_integers_are_half_a_step_away_at_most(
    dtype: str, shape: tuple[int, int], axis: int, exponent: int, seed: int
) -> None:
    weights = np.ldexp(numbers(shape, seed), exponent)
    weights[0, :5] = 0
    rounded = in_dtype(weights, dtype, axis)
    assert rounded.dtype == dtype
    assert np.abs(rounded.numbers).max() == LARGEST[dtype]
    steps = np.abs(weights).max(1 - axis, keepdims=True) / LARGEST[dtype]
    assert (np.abs(widened(rounded, axis) - weights) <= steps * 0.5001).all()


@pytest.mark.parametrize("dtype", NARROW)
def test_channels_of_zeros_and_tensors_that_do_not_fit(dtype: str) -> None:
    weights = numbers((100, 100), 1)
    weights[:, 7] = 0
    assert (widened(in_dtype(weights, dtype, 1), 1)[:, 7] == 0).all()
    assert in_dtype(weights[:3], dtype, 1).dtype == "float32"
    for value in (np.nan, np.inf):
        weights[3, 3] = value
        assert in_dtype(weights, dtype, 1).dtype == "float32"
    weights[3, 3] = 1e6
    assert in_dtype(weights, dtype, 1).dtype == ("float32" if dtype == "float16" else dtype)


@settings(max_examples=20, deadline=None)
@given(depth=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_two_int4_numbers_share_a_byte(depth: int, width: int, seed: int) -> None:
    packed = np.random.default_rng(seed).integers(-7, 8, (3, depth, width)).astype(np.int8)
    stored = Weights(packed, None, "int4").stored(packed)
    assert (stored.dtype, stored.shape) == (np.uint8, (3, (depth + 1) // 2, width))
    apart = np.stack([stored & 15, stored >> 4], axis=2).astype(int) - 8
    assert (apart.reshape(3, -1, width)[:, :depth] == packed).all()


def check_product(dtype: str, rows: int, depth: int, columns: int, build: Build) -> None:
    weights = numbers((depth, columns), 1)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            return relax.op.nn.relu(builder.emit(relax.op.matmul(x, relax.const(weights))))

        return function

    x = numbers((rows, depth), 2)
    built = build(make, [x.shape])
    assert built.failures == ()
    assert "product" in built.rules.values()
    wanted = x.astype("float64") @ widened(in_dtype(weights, dtype, 1), 1)
    close(built.call(x), np.maximum(wanted, 0), depth)


def with_dtype(dtype: str, on: Callable[..., Built] = build) -> Build:
    return lambda make, shapes: on(make, shapes, weight_dtype=dtype)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(dtype=st.sampled_from(NARROW), rows=SIZES, depth=SIZES, columns=SIZES)
def test_a_product_is_that_of_the_rounded_weights(
    dtype: str, rows: int, depth: int, columns: int
) -> None:
    check_product(dtype, rows, depth, columns, with_dtype(dtype))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(dtype=st.sampled_from(NARROW), rows=SIZES, depth=SIZES, columns=SIZES)
def test_a_product_on_aarch64(dtype: str, rows: int, depth: int, columns: int) -> None:
    check_product(dtype, rows, depth, columns, with_dtype(dtype, build_arm64))


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(dtype=st.sampled_from(NARROW), case=st.one_of(cases(1), cases(2)))
def test_a_convolution_is_that_of_the_rounded_weights(dtype: str, case: Case) -> None:
    weights = numbers((case.wanted, case.channels, *case.kernel), 1)
    bias, arrays = (
        numbers((case.wanted,), 2),
        [numbers((case.images, case.channels, *case.sizes), 3)],
    )
    wanted = convolution(arrays[0], widened(in_dtype(weights, dtype, 0), 0), case)
    if case.epilogue == "bias residual":
        arrays.append(numbers(wanted.shape, 4))
    shapes = [array.shape for array in arrays]
    built = with_dtype(dtype)(layer(case, weights, bias), shapes)
    assert built.failures == ()
    assert "convolution" in built.rules.values()
    depth = int(np.prod(weights.shape[1:]))
    close(built.call(*arrays), after(wanted, case, bias, arrays[1:]), depth)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    dtype=st.sampled_from(NARROW),
    rows=st.integers(65, 100),
    columns=st.integers(65, 80),
    count=st.integers(1, 20),
)
def test_rows_of_a_table_are_the_rounded_ones(
    dtype: str, rows: int, columns: int, count: int
) -> None:
    table = numbers((rows, columns), 1)
    places = np.random.default_rng(2).integers(0, rows, (2, count))

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            ids = builder.emit(relax.op.astype(x, "int64"))
            return relax.op.take(relax.const(table), ids, axis=0)

        return function

    built = with_dtype(dtype)(make, [places.shape])
    wanted = widened(in_dtype(table, dtype, 0), 0)[places]
    assert built.failures == ()
    close(built.call(places.astype("float32")), wanted, 1)


@pytest.mark.parametrize("dtype", WEIGHT_DTYPES)
def test_an_object_holds_no_more_than_the_narrow_weights(dtype: str) -> None:
    weights, table = numbers((384, 768), 1), numbers((500, 384), 2)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            ids = builder.emit(relax.op.astype(x, "int64"))
            rows = builder.emit(relax.op.take(relax.const(table), ids, axis=0))
            return relax.op.matmul(rows, relax.const(weights))

        return function

    made, _ = lowered(make, [(3,)], weight_dtype=dtype)
    constants = relax_constants(made.module["main"])
    share = sum(array.nbytes for array in constants) / (weights.nbytes + table.nbytes)
    # Scales and the filling of tiles come on top.
    assert BITS[dtype] / 32 <= share < BITS[dtype] / 32 + 0.01


def relax_constants(function: Any) -> list[Array]:
    found: list[Array] = []

    def collect(node: Any) -> None:
        if hasattr(node, "value") and hasattr(node.value, "numpy"):
            found.append(node.value.numpy())

    relax.analysis.post_order_visit(function, collect)
    return found
