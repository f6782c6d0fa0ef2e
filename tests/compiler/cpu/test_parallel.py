"""Products of one input against NumPy: as many as there are, whatever is done with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import ir, relax

from tests.compiler.cpu.building import Array, Build, build, close, lowered, numbers, took
from tvmplug.compiler.cpu.dataflow import content
from tvmplug.compiler.cpu.parallel import MOST_ROWS


@dataclass(frozen=True)
class Parallel:
    """Products of one input by several matrices, whose results are put side by side.

    Each part has its number of columns, whether its weights are stored transposed, and what is
    done with it.
    """

    leading: list[int]
    rows: int
    depth: int
    parts: list[tuple[int, bool, str]]
    weight_dtype: str


PARALLEL = st.builds(
    Parallel,
    leading=st.lists(st.integers(1, 2), max_size=2),
    rows=st.one_of(st.integers(1, MOST_ROWS), st.integers(MOST_ROWS, 2 * MOST_ROWS)),
    depth=st.integers(1, 130),
    parts=st.lists(
        st.tuples(
            st.one_of(st.integers(1, 9), st.integers(1, 130)),
            st.booleans(),
            st.sampled_from(["none", "bias", "relu", "scalar", "twice"]),
        ),
        min_size=2,
        max_size=4,
    ),
    weight_dtype=st.sampled_from(["float32", "float32", "float16"]),
)


def check_parallel(case: Parallel, build: Build = build) -> None:
    stored = [
        numbers((case.depth, columns), seed).astype(case.weight_dtype).astype("float32")
        for seed, (columns, _, _) in enumerate(case.parts)
    ]
    biases = [numbers((columns,), 10 + seed) for seed, (columns, _, _) in enumerate(case.parts)]

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            emit = builder.emit
            results = []
            for (_, transposed, does), weights, bias in zip(
                case.parts, stored, biases, strict=True
            ):
                if transposed:
                    factor = emit(relax.op.permute_dims(relax.const(weights.T.copy())))
                else:
                    factor = relax.const(weights)
                y = emit(relax.op.matmul(x, factor))
                if does in ("bias", "relu"):
                    y = emit(relax.op.add(relax.const(bias), y))
                if does == "relu":
                    y = emit(relax.op.nn.relu(y))
                if does == "scalar":  # added to all columns alike: no bias
                    y = emit(relax.op.add(y, relax.const(bias[:1])))
                if does == "twice":  # the product is needed without its bias too
                    y = emit(relax.op.multiply(emit(relax.op.add(y, relax.const(bias))), y))
                results.append(y)
            return relax.op.concat(results, axis=-1)

        return function

    x = numbers((*case.leading, case.rows, case.depth), 3)
    built = build(make, [x.shape], weight_dtype=case.weight_dtype)
    took(built)
    found = built.call(x)
    begin = 0
    for (columns, _, does), weights, bias in zip(case.parts, stored, biases, strict=True):
        product = x.astype("float64") @ weights
        wanted = {
            "none": product,
            "bias": product + bias,
            "relu": np.maximum(product + bias, 0),
            "scalar": product + bias[:1],
            "twice": (product + bias) * product,
        }[does]
        part = found[..., begin : begin + columns]
        if does == "twice":
            scale = np.abs(wanted).max() + 1
            part, wanted = part / scale, wanted / scale
        close(part, wanted, case.depth)
        begin += columns


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(case=PARALLEL)
def test_products_of_one_input_are_numpys(case: Parallel) -> None:
    check_parallel(case)


def products(module: Any) -> list[str]:
    """The kernels of products that a compiled function calls."""
    calls = [
        binding.value.args[0].name_hint
        for block in module["main"].body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Call) and binding.value.op.name == "relax.call_tir"
    ]
    return [name for name in calls if "dense" in name]


def sides(x: Any, builder: Any, *weights: Array) -> list[Any]:
    return [builder.emit(relax.op.matmul(x, relax.const(each))) for each in weights]


@pytest.mark.parametrize(("rows", "wanted"), [(1, 1), (MOST_ROWS, 1), (MOST_ROWS + 1, 3)])
def test_few_rows_are_multiplied_once_and_many_by_each(rows: int, wanted: int) -> None:
    def make(builder: Any) -> Callable[..., Any]:
        parts = [numbers((24, columns), columns) for columns in (8, 16, 40)]
        return lambda x: relax.op.concat(sides(x, builder, *parts), axis=-1)

    made, _ = lowered(make, [(1, rows, 24)])
    assert len(products(made.module)) == wanted


def test_biases_are_added_in_the_kernel_of_the_product() -> None:
    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            parts = sides(x, builder, numbers((24, 8), 1), numbers((24, 16), 2))
            biased = [
                builder.emit(relax.op.add(part, relax.const(numbers((size,), size))))
                for part, size in zip(parts, (8, 16), strict=True)
            ]
            return relax.op.concat(biased, axis=-1)

        return function

    made, _ = lowered(make, [(2, 24)])
    (name,) = products(made.module)
    assert "add" in name


def test_the_steps_of_a_sequence_share_what_they_combine() -> None:
    one, two = numbers((24, 24), 1), numbers((24, 24), 2)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            for _ in range(3):
                left, right = sides(x, builder, one, two)
                x = builder.emit(relax.op.nn.relu(builder.emit(relax.op.subtract(left, right))))
            return relax.op.abs(x)

        return function

    made, _ = lowered(make, [(4, 24)])
    assert len(products(made.module)) == 3
    assert weights_in(made.module) == 2 * 24 * 24


def test_weights_that_another_product_needs_are_not_held_twice() -> None:
    one, two = numbers((24, 24), 1), numbers((24, 24), 2)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any, y: Any) -> Any:
            parts = [*sides(x, builder, one, two), *sides(y, builder, one)]
            return relax.op.concat(parts, axis=-1)

        return function

    made, _ = lowered(make, [(4, 24), (4, 24)])
    assert len(products(made.module)) == 3
    assert weights_in(made.module) == 2 * 24 * 24


def test_weights_that_come_twice_beside_others_are_held_once() -> None:
    one, two = numbers((24, 24), 1), numbers((24, 24), 2)

    def make(builder: Any) -> Callable[..., Any]:
        return lambda x: relax.op.concat(sides(x, builder, one, two, one), axis=-1)

    made, _ = lowered(make, [(4, 24)])
    assert len(products(made.module)) == 3
    assert weights_in(made.module) == 2 * 24 * 24


def weights_in(module: Any) -> int:
    """How many numbers a compiled function holds: TVM keeps equal constants once."""
    held: dict[Any, int] = {}

    def visit(expr: Any) -> None:
        if isinstance(expr, ir.GenericConst):
            array = expr.value.numpy()
            held[content(array)] = array.size

    relax.analysis.post_order_visit(module["main"], visit)
    return sum(held.values())
