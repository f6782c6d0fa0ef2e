"""Sums, maxima, softmax and norms against NumPy: any axis and length, masks, NaN, machine code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax, tirx

from tests.compiler.cpu import kernels
from tests.compiler.cpu.building import Array, Build, build, close, kernels_of, lowered, numbers

LENGTHS = st.one_of(st.integers(1, 9), st.integers(1, 70), st.sampled_from([16, 32, 64, 128, 384]))
Numeric = Callable[[Array, int], Array]


@dataclass(frozen=True)
class Case:
    """A reduction of a tensor along one of its dimensions."""

    operator: str
    outer: list[int]
    length: int
    axis: int
    epilogue: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the tensor."""
        shape = list(self.outer)
        shape.insert(self.axis % (len(self.outer) + 1), self.length)
        return tuple(shape)

    @property
    def place(self) -> int:
        """The dimension that is reduced."""
        return self.axis % len(self.shape)


def _softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def _log_softmax(x: Array, axis: int) -> Array:
    shifted = x - x.max(axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)))


def _layer_norm(x: Array, axis: int) -> Array:
    spread = np.sqrt(x.var(axis, keepdims=True) + 1e-5)
    return np.asarray((x - x.mean(axis, keepdims=True)) / spread)


def _rms_norm(x: Array, axis: int) -> Array:
    return np.asarray(x / np.sqrt((x**2).mean(axis, keepdims=True) + 1e-5))


def _ones(x: Any, axis: int) -> Any:
    return relax.const(np.ones(int(x.ty.shape.values[axis]), "float32"))


OPERATORS: Mapping[str, tuple[Callable[[Any, int], Any], Numeric]] = MappingProxyType(
    {
        "softmax": (relax.op.nn.softmax, _softmax),
        "log_softmax": (relax.op.nn.log_softmax, _log_softmax),
        "layer_norm": (
            lambda x, axis: relax.op.nn.layer_norm(
                x, _ones(x, axis), relax.op.zeros_like(_ones(x, axis)), axis
            ),
            _layer_norm,
        ),
        "rms_norm": (lambda x, axis: relax.op.nn.rms_norm(x, _ones(x, axis), axis), _rms_norm),
        "sum": (relax.op.sum, lambda x, axis: np.asarray(x.sum(axis))),
        "mean": (
            lambda x, axis: relax.op.mean(x, axis, keepdims=True),
            lambda x, axis: np.asarray(x.mean(axis, keepdims=True)),
        ),
        "max": (relax.op.max, lambda x, axis: np.asarray(x.max(axis))),
        "min": (relax.op.min, lambda x, axis: np.asarray(x.min(axis))),
        "variance": (relax.op.variance, lambda x, axis: np.asarray(x.var(axis))),
    }
)


def _is_lowered(case: Case) -> bool:
    """TVM 0.27 lowers an RMS norm along the last dimension only."""
    return case.operator != "rms_norm" or 0 < case.place == len(case.shape) - 1


CASES = st.builds(
    Case,
    operator=st.sampled_from(sorted(OPERATORS)),
    outer=st.lists(st.one_of(st.integers(1, 7), st.sampled_from([16, 33, 64])), max_size=3),
    length=LENGTHS,
    axis=st.sampled_from([-1, -1, -1, 0, 1, -2]),
    epilogue=st.booleans(),
).filter(_is_lowered)


def check(case: Case, build: Build = build) -> None:
    operator, numeric = OPERATORS[case.operator]

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            y = builder.emit(operator(x, case.place))
            return relax.op.multiply(y, relax.const(np.float32(2))) if case.epilogue else y

        return function

    x = numbers(case.shape, 1)
    built = build(make, [case.shape])
    assert built.failures == ()
    assert None not in built.rules.values()
    wanted = numeric(x.astype("float64"), case.place) * (2 if case.epilogue else 1)
    close(built.call(x), wanted, case.length)


@pytest.mark.slow
@settings(max_examples=90, deadline=None)
@given(case=CASES)
def test_a_reduction_is_numpys_along_any_dimension(case: Case) -> None:
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "layer_norm", "sum", "max"])
@pytest.mark.parametrize("dynamic", [(False, True), (True, False), (True, True)])
def test_dynamic_rows_and_lengths_are_scheduled_too(name: str, dynamic: tuple[bool, bool]) -> None:
    if name == "layer_norm" and dynamic[1]:
        pytest.skip("its weights have the length")
    operator, numeric = OPERATORS[name]
    rows = tirx.Var("r", "int64") if dynamic[0] else 6
    length = tirx.Var("n", "int64") if dynamic[1] else 48
    built = build(lambda _: lambda x: operator(x, 2), [(2, rows, length)])
    assert built.failures == ()
    assert None not in built.rules.values()
    for r, n in [(1, 1), (3, 15), (6, 16), (7, 17), (2, 131)]:
        x = numbers((2, r if dynamic[0] else 6, n if dynamic[1] else 48), n)
        close(built.call(x), numeric(x.astype("float64"), 2), n)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("length", [16, 64, 30, 7, "n"])
def test_infinities_mask_and_nan_stays_in_its_row(name: str, length: int | str) -> None:
    operator, numeric = OPERATORS[name]
    size = tirx.Var("n", "int64") if isinstance(length, str) else length
    built = build(lambda _: lambda x: operator(x, 1), [(6, size)])
    x = numbers((6, length if isinstance(length, int) else 37), 1)
    x[0, 1:] = -np.inf
    x[1, : x.shape[1] // 2] = -np.inf
    x[2, 3] = np.nan
    x[3] = -np.inf
    x[4, 0] = np.inf
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = numeric(x, 1)
    found = built.call(x)
    for row in (0, 1, 5):
        np.testing.assert_allclose(found[row], wanted[row], rtol=2e-5, atol=2e-6)
    assert np.isnan(found[2]).all()
    assert np.isnan(found[4]).all()
    if name == "softmax":
        assert np.isnan(found[3]).all()


@pytest.mark.parametrize("name", ["sum", "mean", "layer_norm", "rms_norm"])
@pytest.mark.parametrize("length", [64, 30])
def test_nan_and_infinities_are_summed_as_numpy_does(name: str, length: int) -> None:
    operator, numeric = OPERATORS[name]
    built = build(lambda _: lambda x: operator(x, 1), [(4, length)])
    x = numbers((4, length), 1)
    x[0, 5], x[1, 7], x[2, 8] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        wanted = numeric(x, 1)
    np.testing.assert_allclose(built.call(x), wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("length", [64, 30])
def test_infinities_are_maxima(length: int) -> None:
    built = build(lambda _: lambda x: relax.op.max(x, 1), [(3, length)])
    x = numbers((3, length), 1)
    x[0, 5], x[1, 7] = np.inf, -np.inf
    np.testing.assert_array_equal(built.call(x), x.max(1))


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "height", "width"), [(8, 5, 6), (16, 8, 8), (4, 7, 7)])
def test_groups_of_channels_are_normalised(channels: int, height: int, width: int) -> None:
    scale, shift = numbers((channels,), 1), numbers((channels,), 2)
    shape = (2, channels, height, width)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            weights = relax.const(scale), relax.const(shift)
            y = builder.emit(relax.op.nn.group_norm(x, *weights, 2, 1, [2, 3]))
            y = builder.emit(relax.op.nn.relu(y))
            return relax.op.nn.instance_norm(y, *weights, 1, [2, 3])

        return function

    def norm(x: Array, parts: int) -> Array:
        grouped = x.reshape(2, parts, -1)
        spread = np.sqrt(grouped.var(2, keepdims=True) + 1e-5)
        normal = ((grouped - grouped.mean(2, keepdims=True)) / spread).reshape(shape)
        return np.asarray(normal * scale[:, None, None] + shift[:, None, None])

    x = numbers(shape, 3)
    built = build(make, [shape])
    assert built.failures == ()
    assert set(built.rules.values()) == {"reduction"}
    wanted = norm(np.maximum(norm(x.astype("float64"), 2), 0), channels)
    np.testing.assert_allclose(built.call(x), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("axes", [[0], [2, 3], [1, 2], [0, 2, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("shape", [(2, 3, 7, 7), (3, 16, 4, 16)])
def test_several_dimensions_are_reduced_at_once(axes: list[int], shape: tuple[int, ...]) -> None:
    built = build(lambda _: lambda x: relax.op.mean(x, axes), [shape])
    x = numbers(shape, 1)
    assert built.failures == ()
    assert None not in built.rules.values()
    close(built.call(x), np.asarray(x.astype("float64").mean(tuple(axes))), 100)


@pytest.mark.parametrize("length", [5, 48, 1000])
def test_the_first_of_the_largest_is_found(length: int) -> None:
    x = numbers((3, length), 1)
    x[0, length // 2 :] = 9
    built = build(lambda _: lambda y: relax.op.argmax(y, 1), [(3, length)])
    np.testing.assert_array_equal(built.call(x), x.argmax(1))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 3),
    length=st.one_of(st.integers(1, 40), st.sampled_from([32, 64])),
    depth=st.one_of(st.integers(1, 40), st.sampled_from([32, 64])),
    heads=st.sampled_from([1, 3]),
    dynamic=st.booleans(),
)
def test_attention_of_one_step_reads_the_cache_where_it_lies(
    rows: int, length: int, depth: int, heads: int, dynamic: bool
) -> None:
    size = tirx.Var("s", "int64") if dynamic else length

    def make(builder: Any) -> Callable[..., Any]:
        def function(q: Any, keys: Any, values: Any) -> Any:
            flipped = builder.emit(relax.op.permute_dims(keys, [0, 1, 3, 2]))
            scores = builder.emit(relax.op.matmul(q, flipped))
            scores = builder.emit(relax.op.multiply(scores, relax.const(np.float32(0.2))))
            weights = builder.emit(relax.op.nn.softmax(scores, -1))
            return relax.op.matmul(weights, values)

        return function

    cache = (1, heads, size, depth)
    built = build(make, [(1, 3, rows, depth), cache, cache])
    assert built.failures == ()
    assert None not in built.rules.values()
    assert not any("transpose" in name for name in built.rules)
    q = numbers((1, 3, rows, depth), 1)
    keys, values = (numbers((1, heads, length, depth), seed) for seed in (2, 3))
    scores = q.astype("float64") @ keys.transpose(0, 1, 3, 2) * 0.2
    close(built.call(q, keys, values), _softmax(scores, 3) @ values, depth)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["softmax", "layer_norm", "rms_norm", "sum", "max"])
@pytest.mark.parametrize(
    ("cpu", "register"), [("x86-64-v4", "[yz]mm"), ("x86-64-v3", "ymm")], ids=["avx512", "avx2"]
)
def test_the_loops_are_vector_code(name: str, cpu: str, register: str) -> None:
    made, target = lowered(lambda _: lambda x: OPERATORS[name][0](x, 1), [(24, 384)], cpu)
    assembly = kernels.disassemble(kernels_of(made), target.tvm_target)
    arithmetic = re.findall(
        r"^\s+v(?:add|sub|mul|div|max|min|f(?:n?m)(?:add|sub)\d+)(p|s)s\s(.*)$", assembly, re.M
    )
    packed = [operands for kind, operands in arithmetic if kind == "p"]
    scalar = [operands for kind, operands in arithmetic if kind == "s"]
    assert sum(bool(re.search(register, operands)) for operands in packed) >= 6
    # What is left over: joining the last lanes, and what is computed once for a row.
    assert len(scalar) <= 14
    for loop in kernels.innermost_loops(assembly):
        assert re.search(r"^\s+v\w+ps\s", loop, re.M), loop
        assert "call" not in loop
