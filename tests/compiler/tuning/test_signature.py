"""Names of kernels, and kernels by themselves: what a measured tile is found by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tvm import relax, tirx

from tests.compiler.cpu.building import lowered, numbers
from tests.compiler.tuning.kernels import KERNELS, batched
from tvmplug.compiler.cpu.choices import Choice
from tvmplug.compiler.cpu.isa import Tile
from tvmplug.compiler.cpu.signature import Kernel
from tvmplug.compiler.lowering import lower
from tvmplug.compiler.tuning.probe import component_of, inputs_of
from tvmplug.compiler.tuning.sizes import samples_of
from tvmplug.export import Case
from tvmplug.targets import host_target


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(kernel=KERNELS)
def test_a_kernel_by_itself_asks_for_its_own_tile(kernel: Kernel) -> None:
    component = component_of(kernel)
    (asked,) = lower(component.module, component, "test_", host_target()).tiles
    assert asked.kernel == kernel
    assert asked.kernel.text == kernel.text
    assert asked.chosen == asked.ranked[0]
    arrays = inputs_of(kernel, {"a": 5, "b": 6})
    changing = [each for each in (kernel.left, kernel.right) if not each.weights]
    assert [array.ndim for array in arrays] == [len(factor.shape) for factor in changing]


@settings(max_examples=200, deadline=None)
@given(one=KERNELS, other=KERNELS)
def test_kernels_have_the_same_name_only_if_they_are_the_same(one: Kernel, other: Kernel) -> None:
    assert (one.text == other.text) == (one == other)


def test_names_of_dynamic_sizes_do_not_matter() -> None:
    found = []
    for name in ("n", "sequence"):
        size = tirx.Var(name, "int64")
        made, _ = lowered(
            lambda builder: (
                lambda x: relax.op.matmul(x, builder.emit(relax.op.permute_dims(x, [0, 2, 1])))
            ),
            [(2, size, 8)],
        )
        found.append([asked.kernel.text for asked in made.tiles])
    assert found[0] == found[1] == [["matmul (2, a, 8) x (2, 8, a) as 0 2 1"]][0]


def test_a_product_that_meets_its_transposition_is_named_with_it_alone() -> None:
    weights = relax.const(numbers((8, 16), 1))

    def asked(*plain: bool) -> list[str]:
        def make(builder: Any) -> Any:
            def function(x: Any) -> Any:
                found = [
                    product if each else builder.emit(relax.op.permute_dims(product, [1, 0]))
                    for each in plain
                    for product in [builder.emit(relax.op.matmul(x, weights))]
                ]
                return relax.Tuple(found)

            return function

        made, _ = lowered(make, [(9, 8)])
        return sorted(each.kernel.text for each in made.tiles)

    name = "matmul (9, 8) x weights (8, 16)"
    assert asked(True) == [name]
    assert asked(False) == asked(False, False) == [f"{name}, to 1 0"]
    assert asked(True, False) == asked(False, True) == [name, f"{name}, to 1 0"]


def test_the_order_in_which_weights_were_written_does_not_matter() -> None:
    def asked(flipped: bool) -> list[str]:
        weights = numbers((8, 16), 1)

        def make(builder: Any) -> Any:
            stored = relax.const(weights.T.copy() if flipped else weights)
            factor = builder.emit(relax.op.permute_dims(stored)) if flipped else stored
            return lambda x: relax.op.matmul(x, factor)

        made, _ = lowered(make, [(9, 8)])
        return [each.kernel.text for each in made.tiles]

    assert asked(True) == asked(False) == ["matmul (9, 8) x weights (8, 16)"]


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(kernel=batched())
def test_a_tile_that_fits_is_taken_and_another_one_is_not(kernel: Kernel) -> None:
    component = component_of(kernel)

    def asked(choice: Choice) -> Any:
        tuned = {name: {kernel.text: choice} for name in ("AVX2", "AVX-512", "Apple NEON", "NEON")}
        (found,) = lower(component.module, component, "test_", host_target(), tuned).tiles
        return found

    plain = asked(Choice(Tile(99, 99)))
    assert plain.chosen == plain.ranked[0]
    assert plain.winner == Choice(Tile(99, 99))
    for choice in plain.ranked:
        assert asked(choice).chosen == choice


def test_dynamic_sizes_are_those_of_the_cases() -> None:
    rows, ids = tirx.Var("n", "int64"), tirx.Var("m", "int64")
    builder = relax.BlockBuilder()
    inputs = [
        relax.Var("x", relax.TensorType((1, rows), "float32")),
        relax.Var("ids", relax.TensorType((ids,), "int64")),
    ]
    with builder.function("main", inputs):
        builder.emit_func_output(inputs[0])
    function = builder.get()["main"]

    def case(n: int, m: int) -> Case:
        return Case({"x": np.zeros((1, n), "float32"), "ids": np.zeros(m, "int64")}, {})

    cases = [case(n, m) for n, m in ((5, 1), (9, 2), (9, 2), (7, 3), (30, 3))]
    wanted = [{"a": 11, "b": 1}, {"a": 19, "b": 2}, {"a": 61, "b": 3}]
    assert samples_of(function, cases, {"a": rows * 2 + 1, "b": ids}) == wanted
    assert samples_of(function, cases, {}) == [{}]
    assert samples_of(function, cases, {"a": tirx.Var("found", "int64")}) == []
