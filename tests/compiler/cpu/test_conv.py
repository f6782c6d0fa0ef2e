"""Convolutions against NumPy: odd sizes, strides, dilations, padding, epilogues, any length."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tvm import relax, tirx

from tests.compiler.cpu.building import Array, Build, Built, build, close, numbers

CHANNELS = st.one_of(st.integers(1, 9), st.integers(1, 70), st.sampled_from([16, 24, 32, 48]))
EPILOGUES = st.sampled_from(["none", "bias", "bias relu6", "bias silu", "bias residual"])


@dataclass(frozen=True)
class Case:
    """A convolution; one number of each list for each axis of positions."""

    images: int
    channels: int
    wanted: int
    sizes: list[int]
    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    padding: list[int]
    epilogue: str

    @property
    def rank(self) -> int:
        return len(self.sizes)


@st.composite
def cases(draw: st.DrawFn, rank: int) -> Case:
    def each(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))

    case = Case(
        images=draw(st.sampled_from([1, 1, 2])),
        channels=draw(CHANNELS),
        wanted=draw(CHANNELS),
        sizes=each(1, 40 if rank == 1 else 17),
        kernel=each(1, 5),
        strides=each(1, 3),
        dilations=each(1, 3),
        padding=each(0, 3) + each(0, 3),
        epilogue=draw(EPILOGUES),
    )
    spans = [(k - 1) * d + 1 for k, d in zip(case.kernel, case.dilations, strict=True)]
    before, after = case.padding[:rank], case.padding[rank:]
    room = zip(case.sizes, before, after, spans, strict=True)
    assume(all(size + low + high >= span for size, low, high, span in room))
    return case


def convolution(x: Any, weights: Any, case: Case, groups: int = 1) -> Any:
    """A convolution as its definition says, one point of the window after the other."""
    rank = case.rank
    low, high = case.padding[:rank], case.padding[rank:]
    padded = np.pad(x.astype("float64"), [(0, 0), (0, 0), *zip(low, high, strict=True)])
    spans = [(k - 1) * d for k, d in zip(case.kernel, case.dilations, strict=True)]
    out = [
        (size - span - 1) // stride + 1
        for size, span, stride in zip(padded.shape[2:], spans, case.strides, strict=True)
    ]
    total = np.zeros((x.shape[0], weights.shape[0], *out))
    parts = x.shape[1] // groups, weights.shape[0] // groups
    for point in itertools.product(*map(range, case.kernel)):
        places = zip(point, case.dilations, case.strides, out, strict=True)
        where = tuple(slice(p * d, p * d + s * (n - 1) + 1, s) for p, d, s, n in places)
        for group in range(groups):
            read = slice(group * parts[0], (group + 1) * parts[0])
            write = slice(group * parts[1], (group + 1) * parts[1])
            seen, factors = (slice(None), read, *where), (write, slice(None), *point)
            total[:, write] += np.einsum("oc,nc...->no...", weights[factors], padded[seen])
    return total


def transposed_convolution(x: Any, weights: Any, case: Case, more: int, groups: int) -> Any:
    """A transposed convolution as its definition says: each position writes its window."""
    rank = case.rank
    low, high = case.padding[:rank], case.padding[rank:]
    parts = weights.shape[1]
    full = [
        (size - 1) * stride + k + more
        for size, stride, k in zip(case.sizes, case.strides, case.kernel, strict=True)
    ]
    total = np.zeros((x.shape[0], parts * groups, *full))
    for point in itertools.product(*map(range, case.kernel)):
        places = zip(point, case.strides, case.sizes, strict=True)
        where = tuple(slice(p, p + s * (n - 1) + 1, s) for p, s, n in places)
        for group in range(groups):
            share = x.shape[1] // groups
            read = slice(group * share, (group + 1) * share)
            write = slice(group * parts, (group + 1) * parts)
            factors, written = (read, slice(None), *point), (slice(None), write, *where)
            total[written] += np.einsum("co,nc...->no...", weights[factors], x[:, read])
    ends = zip(low, full, high, strict=True)
    kept = (slice(begin, end - after) for begin, end, after in ends)
    whole = (slice(None), slice(None), *kept)
    return total[whole]


def attributes(case: Case) -> dict[str, Any]:
    return {
        "strides": tuple(case.strides),
        "padding": tuple(case.padding),
        "dilation": tuple(case.dilations),
    }


def layer(case: Case, weights: Array, bias: Array, groups: int = 1) -> Callable[..., Any]:
    """The convolution and what follows it, as an importer writes them."""
    operator = relax.op.nn.conv1d if case.rank == 1 else relax.op.nn.conv2d

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any, *more: Any) -> Any:
            y = operator(x, relax.const(weights), groups=groups, **attributes(case))
            return epilogue(builder, builder.emit(y), case, bias, more)

        return function

    return make


def epilogue(builder: Any, y: Any, case: Case, bias: Array, more: Sequence[Any]) -> Any:
    if case.epilogue == "none":
        return y
    shape = (1, len(bias), *[1] * case.rank)
    y = builder.emit(relax.op.add(y, builder.emit(relax.op.reshape(relax.const(bias), shape))))
    if case.epilogue == "bias residual":
        return relax.op.add(y, more[0])
    if case.epilogue == "bias relu6":
        return relax.op.nn.relu6(y)
    return relax.op.nn.silu(y) if case.epilogue == "bias silu" else relax.op.nn.relu(y)


def after(y: Any, case: Case, bias: Array, more: Sequence[Array]) -> Any:
    if case.epilogue == "none":
        return y
    y = y + bias.reshape(-1, *[1] * case.rank)
    if case.epilogue == "bias residual":
        return y + more[0]
    if case.epilogue == "bias relu6":
        return np.clip(y, 0, 6)
    return y / (1 + np.exp(-y)) if case.epilogue == "bias silu" else np.maximum(y, 0)


def took(built: Built) -> None:
    assert built.failures == ()
    assert "convolution" in built.rules.values()


def check(case: Case, weights: Array, groups: int = 1, build: Build = build) -> None:
    bias = numbers((case.wanted,), 2)
    arrays = [numbers((case.images, case.channels, *case.sizes), 3)]
    wanted = convolution(arrays[0], weights, case, groups)
    if case.epilogue == "bias residual":
        arrays.append(numbers(wanted.shape, 4))
    built = build(layer(case, weights, bias, groups), [array.shape for array in arrays])
    took(built)
    depth = int(np.prod(weights.shape[1:]))
    close(built.call(*arrays), after(wanted, case, bias, arrays[1:]), depth)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(case=cases(2))
def test_a_convolution_of_images_is_numpys(case: Case) -> None:
    check(case, numbers((case.wanted, case.channels, *case.kernel), 1))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(case=cases(1))
def test_a_convolution_of_sequences_is_numpys(case: Case) -> None:
    check(case, numbers((case.wanted, case.channels, *case.kernel), 1))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(case=st.one_of(cases(2), cases(1)))
def test_a_convolution_of_each_channel_by_itself_is_numpys(case: Case) -> None:
    assume(case.wanted > 1)
    apart = dataclasses.replace(case, channels=case.wanted)
    check(apart, numbers((case.wanted, 1, *case.kernel), 1), case.wanted)


def check_transposed(case: Case, apart: bool, more: int, build: Build = build) -> None:
    groups = case.wanted if apart else 1
    case = dataclasses.replace(case, channels=groups if apart else case.channels)
    case = dataclasses.replace(case, dilations=[1] * case.rank)
    assume(all(stride > more for stride in case.strides))
    both = zip(case.padding[: case.rank], case.padding[case.rank :], strict=True)
    ends = zip(case.sizes, case.strides, case.kernel, both, strict=True)
    assume(all((n - 1) * s + k + more > sum(pads) for n, s, k, pads in ends))
    weights = numbers((case.channels, case.wanted // groups, *case.kernel), 1)
    bias, arrays = (
        numbers((case.wanted,), 2),
        [numbers((case.images, case.channels, *case.sizes), 3)],
    )
    wanted = transposed_convolution(arrays[0], weights, case, more, groups)
    if case.epilogue == "bias residual":
        arrays.append(numbers(wanted.shape, 4))

    def make(builder: Any) -> Callable[..., Any]:
        rank = case.rank
        operator = relax.op.nn.conv1d_transpose if rank == 1 else relax.op.nn.conv2d_transpose

        def function(x: Any, *rest: Any) -> Any:
            given = {**attributes(case), "output_padding": (more,) * rank, "groups": groups}
            y = builder.emit(operator(x, relax.const(weights), **given))
            return epilogue(builder, y, case, bias, rest)

        return function

    built = build(make, [array.shape for array in arrays])
    took(built)
    depth = int(np.prod(weights.shape)) // case.wanted
    close(built.call(*arrays), after(wanted, case, bias, arrays[1:]), depth)


TRANSPOSED = {
    "case": st.one_of(cases(1), cases(1), cases(2)),
    "apart": st.booleans(),
    "more": st.integers(0, 1),
}


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(**TRANSPOSED)
def test_a_transposed_convolution_is_numpys(case: Case, apart: bool, more: int) -> None:
    check_transposed(case, apart, more)


@pytest.mark.slow
@pytest.mark.parametrize("size", [80, 161])
def test_large_inputs_are_convolved_in_chunks(size: int) -> None:
    case = Case(1, 20, 40, [size, size], [3, 3], [1, 2], [1, 1], [1, 1, 1, 1], "bias relu6")
    check(case, numbers((40, 20, 3, 3), 1))


def test_lengths_that_are_dynamic_take_the_same_kernels() -> None:
    case = Case(1, 12, 40, [0], [3], [1], [2], [2, 2], "bias relu")
    weights, bias = numbers((40, 12, 3), 1), numbers((40,), 2)
    built = build(layer(case, weights, bias), [(1, 12, tirx.Var("t", "int64"))])
    took(built)
    for length in (1, 5, 8, 49, 300):
        x = numbers((1, 12, length), length)
        close(built.call(x), after(convolution(x, weights, case), case, bias, []), 36)


def test_no_transposition_is_left_between_convolutions() -> None:
    first, second, third = (numbers((8, 8, 3, 3), seed) for seed in range(3))
    bias = numbers((8, 1, 1), 4)

    def make(builder: Any) -> Callable[..., Any]:
        def function(x: Any) -> Any:
            def conv(y: Any, weights: Array) -> Any:
                return builder.emit(relax.op.nn.conv2d(y, relax.const(weights), padding=(1, 1)))

            y = builder.emit(relax.op.add(conv(x, first), relax.const(bias)))
            left, right = builder.emit(relax.op.nn.relu(y)), builder.emit(relax.op.sigmoid(y))
            joined = builder.emit(relax.op.multiply(conv(left, second), conv(right, third)))
            both = builder.emit(relax.op.concat([joined, y], axis=1))
            return relax.op.mean(both, [2, 3])

        return function

    x = numbers((1, 8, 9, 10), 5)
    built = build(make, [x.shape])
    took(built)
    # The first convolution's input arrives with its channels first.
    assert sum("transpose" in name for name in built.rules) == 1

    case = Case(1, 8, 8, [9, 10], [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], "none")
    y = convolution(x, first, case) + bias
    joined = convolution(np.maximum(y, 0), second, case)
    joined = joined * convolution(1 / (1 + np.exp(-y)), third, case)
    close(built.call(x), np.concatenate([joined, y], axis=1).mean((2, 3)), 72)
