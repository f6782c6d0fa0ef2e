"""Recurrent cells against NumPy: odd sizes, gate orders, ways to write them, narrow weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax

from tests.compiler.cpu.building import Array, Build, Built, build, close, lowered, numbers
from tests.compiler.cpu.test_precision import NARROW, widened, with_dtype
from tvmplug.compiler.cpu.precision import in_dtype

UNITS = st.one_of(st.integers(1, 9), st.integers(10, 70), st.sampled_from([16, 32, 64]))
ORDERS = {"lstm": ("ifgo", "iofg"), "before": ("rzn", "zrn"), "after": ("rzn", "zrn")}
op = relax.op


@dataclass(frozen=True)
class Case:
    """A cell, and how it is written down.

    Attributes:
        kind: An LSTM, or a GRU whose reset gate comes before or after the product.
        order: Which columns of the weights each gate has.
        batch: Rows.
        units: Hidden units.
        inputs: Numbers of an input.
        biases: How many there are, 0 to 2.
        apart: Whether each gate has weights of its own.
        outside: Whether the input's product is given.
        cut: Gates by `split`, or by `strided_slice`.
        rank: 2, or 3 with one direction or step before the rows.
        update: How a GRU's new state is written.
    """

    kind: str
    order: int
    batch: int
    units: int
    inputs: int
    biases: int
    apart: bool
    outside: bool
    cut: str
    rank: int
    update: str

    @property
    def gates(self) -> str:
        return ORDERS[self.kind][self.order]


CASES = st.builds(
    Case,
    kind=st.sampled_from(sorted(ORDERS)),
    order=st.integers(0, 1),
    batch=st.integers(1, 5),
    units=UNITS,
    inputs=UNITS,
    biases=st.integers(0, 2),
    apart=st.booleans(),
    outside=st.booleans(),
    cut=st.sampled_from(["split", "slice"]),
    rank=st.sampled_from([2, 3]),
    update=st.sampled_from(["mix", "step"]),
)


@dataclass(frozen=True)
class Weights:
    """[inputs, gates * units], [units, gates * units], and a bias for each."""

    given: Array
    state: Array
    given_bias: Array
    state_bias: Array


def weights_of(case: Case) -> Weights:
    columns = len(case.gates) * case.units
    scale = np.float32(case.units**-0.5)
    return Weights(
        numbers((case.inputs, columns), 1) * scale,
        numbers((case.units, columns), 2) * scale,
        numbers((columns,), 3) * np.float32(case.biases > 0),
        numbers((columns,), 4) * np.float32(case.biases > 1),
    )


def written(case: Case, weights: Weights) -> Callable[[Any], Callable[..., Any]]:
    """The cell as Relax operators, each of which is an import's way to write it."""

    def make(builder: Any) -> Callable[..., Any]:
        emit = builder.emit

        def product(x: Any, matrix: Array, bias: Array, count: int) -> Any:
            stored = emit(op.permute_dims(relax.const(matrix.T.copy())))
            y = emit(op.matmul(x, stored))
            return emit(op.add(y, relax.const(bias))) if case.biases >= count else y

        def gates_of(x: Any, matrix: Array, bias: Array, count: int) -> dict[str, Any]:
            if case.apart:
                return {
                    gate: product(x, *(part[..., place] for part in (matrix, bias)), count)
                    for gate, place in columns_of(case).items()
                }
            return cut(product(x, matrix, bias, count))

        def cut(whole: Any) -> dict[str, Any]:
            last = case.rank - 1
            if case.cut == "split":
                parts = emit(op.split(whole, len(case.gates), axis=last))
                return {gate: emit(parts[i]) for i, gate in enumerate(case.gates)}
            return {
                gate: emit(op.strided_slice(whole, [last], [place.start], [place.stop]))
                for gate, place in columns_of(case).items()
            }

        def state_part(h: Any, gate: str) -> Any:
            place = columns_of(case)[gate]
            return product(h, weights.state[:, place], weights.state_bias[place], 2)

        def function(x: Any, h: Any, c: Any) -> Any:
            own = (x, weights.given, weights.given_bias, 1)
            given = cut(x) if case.outside else gates_of(*own)
            add, times = (lambda *two: emit(op.add(*two))), (lambda *two: emit(op.multiply(*two)))
            sigmoid, tanh = (lambda y: emit(op.sigmoid(y))), (lambda y: emit(op.tanh(y)))
            if case.kind == "lstm":
                if case.apart or case.outside or case.biases == 1:
                    state = gates_of(h, weights.state, weights.state_bias, 2)
                    sums = {gate: add(given[gate], state[gate]) for gate in case.gates}
                else:  # one sum, cut afterwards
                    one = product(x, weights.given, weights.given_bias, 1)
                    sums = cut(add(one, product(h, weights.state, weights.state_bias, 2)))
                kept = times(sigmoid(sums["f"]), c)
                cell = add(kept, times(sigmoid(sums["i"]), tanh(sums["g"])))
                hidden = times(sigmoid(sums["o"]), tanh(cell))
                return op.concat([hidden, cell], axis=case.rank - 1)
            if case.kind == "after":
                state = gates_of(h, weights.state, weights.state_bias, 2)
            else:
                state = {gate: state_part(h, gate) for gate in "rz"}
            reset = sigmoid(add(given["r"], state["r"]))
            update = sigmoid(add(given["z"], state["z"]))
            if case.kind == "after":
                new = tanh(add(given["n"], times(reset, state["n"])))
            else:
                new = tanh(add(given["n"], state_part(times(reset, h), "n")))
            if case.update == "mix":
                left = times(emit(op.subtract(relax.const(np.float32(1)), update)), new)
                hidden = add(left, times(update, h))
            else:
                hidden = add(times(emit(op.subtract(h, new)), update), new)
            return op.concat([hidden, h], axis=case.rank - 1)

        return function

    return make


def columns_of(case: Case) -> dict[str, slice]:
    return {
        gate: slice(place * case.units, (place + 1) * case.units)
        for place, gate in enumerate(case.gates)
    }


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def reference(case: Case, weights: Weights, x: Array, h: Array, c: Array) -> Array:
    at = columns_of(case)
    given = x if case.outside else x @ weights.given + weights.given_bias
    state = h @ weights.state + weights.state_bias
    if case.kind == "lstm":
        i, f, g, o = ((given + state)[..., at[gate]] for gate in "ifgo")
        cell = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return np.concatenate([sigmoid(o) * np.tanh(cell), cell], axis=-1)
    reset, update = (sigmoid((given + state)[..., at[gate]]) for gate in "rz")
    if case.kind == "after":
        new = np.tanh(given[..., at["n"]] + reset * state[..., at["n"]])
    else:
        more = (reset * h) @ weights.state[:, at["n"]] + weights.state_bias[at["n"]]
        new = np.tanh(given[..., at["n"]] + more)
    return np.concatenate([(1 - update) * new + update * h, h], axis=-1)


def arrays_of(case: Case) -> list[Array]:
    leading = (case.batch,) if case.rank == 2 else (1, case.batch)
    given = len(case.gates) * case.units if case.outside else case.inputs
    return [numbers((*leading, n), 5 + i) for i, n in enumerate((given, case.units, case.units))]


def is_one_kernel(built: Built) -> None:
    assert built.failures == ()
    assert [rule for rule in built.rules.values() if rule != "element-wise"] == ["cell"]
    assert len(built.rules) == 2, built.rules  # the test's own concatenation is the other one


def check(case: Case, build: Build = build, rounded: Weights | None = None) -> None:
    weights = weights_of(case)
    arrays = arrays_of(case)
    built = build(written(case, weights), [array.shape for array in arrays])
    is_one_kernel(built)
    wanted = reference(case, rounded or weights, *(array.astype("float64") for array in arrays))
    close(built.call(*arrays), wanted, case.units + case.inputs)


@pytest.mark.slow
@settings(max_examples=35, deadline=None)
@given(case=CASES)
def test_a_cell_is_numpys_in_one_kernel(case: Case) -> None:
    check(case)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    dtype=st.sampled_from(NARROW),
    kind=st.sampled_from(sorted(ORDERS)),
    units=st.integers(60, 80),
    inputs=st.integers(60, 80),
    batch=st.integers(1, 3),
)
def test_a_cell_multiplies_rounded_weights(
    dtype: str, kind: str, units: int, inputs: int, batch: int
) -> None:
    # With weights of all gates in one: small ones of their own would stay float32.
    case = Case(kind, 0, batch, units, inputs, 2, False, False, "split", 2, "mix")
    weights = weights_of(case)
    given, state = (
        widened(in_dtype(matrix, dtype, 1), 1).astype("float32")
        for matrix in (weights.given, weights.state)
    )
    if kind == "before":  # each gate's part is a constant of its own
        state = np.concatenate(
            [
                widened(in_dtype(np.ascontiguousarray(part), dtype, 1), 1)
                for part in np.split(weights.state, 3, axis=1)
            ],
            axis=1,
        )
    rounded = Weights(given, state, weights.given_bias, weights.state_bias)
    check(case, with_dtype(dtype), rounded)


def sequence(steps: int, units: int, weights: Weights) -> Callable[[Any], Callable[..., Any]]:
    """An LSTM over all steps, unrolled, as `torch.export` gives it."""

    def make(builder: Any) -> Callable[..., Any]:
        emit = builder.emit

        def function(xs: Any, h: Any, c: Any) -> Any:
            found = []
            for step in range(steps):
                x = emit(op.take(xs, relax.const(step, "int64"), axis=0, mode="clip"))
                given = emit(op.matmul(x, relax.const(weights.given)))
                state = emit(op.matmul(h, relax.const(weights.state)))
                whole = emit(op.add(emit(op.add(given, state)), relax.const(weights.state_bias)))
                i, f, g, o = (
                    emit(op.strided_slice(whole, [1], [k * units], [(k + 1) * units]))
                    for k in range(4)
                )
                kept = emit(op.multiply(emit(op.sigmoid(f)), c))
                c = emit(op.add(kept, op.multiply(op.sigmoid(i), op.tanh(g))))
                h = emit(op.multiply(emit(op.sigmoid(o)), emit(op.tanh(c))))
                found.append(h)
            return op.stack([*found, c], axis=0)

        return function

    return make


def test_the_steps_of_a_sequence_share_one_kernel_and_its_weights() -> None:
    steps, case = 7, Case("lstm", 0, 2, 20, 12, 1, False, False, "slice", 2, "mix")
    weights = weights_of(case)
    xs = numbers((steps, case.batch, case.inputs), 5)
    h = c = numbers((case.batch, case.units), 6)
    make, shapes = sequence(steps, case.units, weights), [xs.shape, h.shape, c.shape]
    built = build(make, shapes)
    assert list(built.rules.values()).count("cell") == 1
    assert "product" not in built.rules.values()
    found = built.call(xs, h, c)
    both = Weights(weights.given, weights.state, weights.state_bias, 0 * weights.state_bias)
    for step in range(steps):
        new = reference(case, both, xs[step].astype("float64"), h, c)
        h, c = np.split(new, 2, axis=-1)
        close(found[step], h, 40)
    close(found[steps], c, 40)
    made, _ = lowered(make, shapes)
    calls = [
        binding.value.args
        for block in made.module["main"].body.blocks
        for binding in block.bindings
        if "cell" in str(getattr(binding.value, "args", [""])[0])
    ]
    assert len(calls) == steps
    first, *others = (list(arguments[1].fields)[3:] for arguments in calls)
    assert first
    assert all(one.same_as(two) for other in others for one, two in zip(first, other, strict=True))


def near_misses() -> dict[str, Callable[[Any], Callable[..., Any]]]:
    """What looks like a cell of an input and two states, [2, 24] each, and is none or in part."""
    w, r = relax.const(numbers((24, 48), 1)), relax.const(numbers((24, 24), 2))

    def mixed_units(builder: Any) -> Callable[..., Any]:
        # Each unit needs the sum of all others of the same sum.
        def function(x: Any, h: Any, c: Any) -> Any:
            y = builder.emit(op.sigmoid(builder.emit(op.add(op.matmul(x, r), op.matmul(h, r)))))
            total = builder.emit(op.sum(y, axis=[1], keepdims=True))
            return op.multiply(builder.emit(op.tanh(op.add(y, c))), total)

        return function

    def odd_halves(builder: Any) -> Callable[..., Any]:
        def function(x: Any, h: Any, c: Any) -> Any:
            y = builder.emit(op.sigmoid(builder.emit(op.matmul(x, w))))
            even = builder.emit(op.strided_slice(y, [1], [0], [48], [2]))
            odd = builder.emit(op.strided_slice(y, [1], [1], [48], [2]))
            return op.add(op.multiply(even, h), op.multiply(odd, c))

        return function

    def used_twice(builder: Any) -> Callable[..., Any]:
        def function(x: Any, h: Any, c: Any) -> Any:
            y = builder.emit(op.matmul(x, w))
            one, two = (builder.emit(op.strided_slice(y, [1], [k], [k + 24])) for k in (0, 24))
            z = builder.emit(op.multiply(builder.emit(op.sigmoid(one)), builder.emit(op.tanh(two))))
            more = builder.emit(op.matmul(builder.emit(op.nn.relu(y)), relax.const(w_back)))
            return op.add(builder.emit(op.add(z, more)), op.add(h, c))

        w_back = numbers((48, 24), 4)
        return function

    def overlapping(builder: Any) -> Callable[..., Any]:
        def function(x: Any, h: Any, c: Any) -> Any:
            y = builder.emit(op.add(builder.emit(op.matmul(x, w)), relax.const(numbers((48,), 3))))
            one, two = (builder.emit(op.strided_slice(y, [1], [k], [k + 24])) for k in (3, 11))
            gate = builder.emit(op.nn.silu(one))
            return op.add(op.multiply(gate, builder.emit(op.add(two, gate))), op.maximum(h, c))

        return function

    return {
        function.__name__: function
        for function in (mixed_units, odd_halves, used_twice, overlapping)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", near_misses())
def test_what_only_looks_like_a_cell_stays_right(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = near_misses()[name]
    arrays = [numbers((2, 24), seed) for seed in (5, 6, 7)]
    found = build(make, [array.shape for array in arrays])
    assert found.failures == ()
    monkeypatch.setattr("tvmplug.compiler.cpu.cell.cells", lambda _: [])
    plain = build(make, [array.shape for array in arrays])
    assert "cell" not in plain.rules.values()
    close(found.call(*arrays), plain.call(*arrays), 24)
