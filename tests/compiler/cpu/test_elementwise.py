"""Arithmetic on each number and moving numbers against NumPy: shapes, broadcasts, tails, types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import relax, tirx

from tests.compiler.cpu import kernels
from tests.compiler.cpu.building import (
    Array,
    Build,
    Built,
    build,
    close,
    kernels_of,
    lowered,
    numbers,
)

SIZES = st.one_of(st.integers(1, 9), st.integers(1, 40), st.sampled_from([16, 32, 64]))


@dataclass(frozen=True)
class Broadcast:
    """Arithmetic of a tensor with one whose dimensions are the same, one, or missing."""

    shape: list[int]
    ones: list[bool]
    missing: int
    step: str

    @property
    def other(self) -> tuple[int, ...]:
        """The second tensor's sizes."""
        sizes = [1 if one else size for size, one in zip(self.shape, self.ones, strict=False)]
        return tuple(sizes[min(self.missing, len(sizes)) :])


BROADCASTS = st.builds(
    Broadcast,
    shape=st.lists(SIZES, min_size=1, max_size=4),
    ones=st.lists(st.booleans(), min_size=4, max_size=4),
    missing=st.integers(0, 3),
    step=st.sampled_from(["add", "where", "cast", "gelu", "compare"]),
)


def _erf(x: Array) -> Array:
    from math import erf  # noqa: PLC0415

    return np.array([erf(each) for each in x.flat]).reshape(x.shape)


def _emitted(builder: Any, step: str, x: Any, y: Any) -> Any:
    """A chain of steps that becomes one kernel."""
    op = relax.op
    total = builder.emit(op.add(x, y))
    if step == "where":
        above = builder.emit(op.greater(total, relax.const(np.float32(0))))
        return op.where(above, x, builder.emit(op.multiply(x, y)))
    if step == "cast":
        whole = builder.emit(op.astype(builder.emit(op.floor(total)), "int32"))
        return op.astype(whole, "float32")
    if step == "gelu":
        return op.nn.gelu(total)
    if step == "compare":
        return op.astype(builder.emit(op.less_equal(x, y)), "float32")
    return op.subtract(total, relax.const(np.float32(1)))


def _wanted(step: str, x: Array, y: Array) -> Array:
    total = x + y
    if step == "where":
        return np.asarray(np.where(total > 0, x, x * y))
    if step == "cast":
        return np.asarray(np.floor(total))
    if step == "gelu":
        return np.asarray(total * (0.5 + 0.5 * _erf(total * np.sqrt(0.5))))
    if step == "compare":
        return np.asarray(x <= y, "float32")
    return np.asarray(total - 1)


def _took(built: Built) -> None:
    assert built.failures == ()
    assert set(built.rules.values()) <= {"element-wise", "view"}


def check(case: Broadcast, build: Build = build) -> None:
    def make(builder: Any) -> Callable[..., Any]:
        return lambda x, y: _emitted(builder, case.step, x, y)

    x, y = numbers(case.shape, 1), numbers(case.other, 2)
    built = build(make, [x.shape, y.shape])
    _took(built)
    assert len(built.rules) == 1
    close(built.call(x, y), _wanted(case.step, x, y), 1)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(case=BROADCASTS)
def test_a_chain_is_numpys_whatever_is_broadcast(case: Broadcast) -> None:
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["add", "where", "cast", "gelu", "compare"])
@pytest.mark.parametrize("other", [("n", 24), (24,), ("n", 1)])
def test_dynamic_sizes_are_scheduled_too(step: str, other: tuple[int | str, ...]) -> None:
    rows = tirx.Var("n", "int64")

    def make(builder: Any) -> Callable[..., Any]:
        return lambda x, y: _emitted(builder, step, x, y)

    shape = tuple(rows if isinstance(size, str) else size for size in other)
    built = build(make, [(2, rows, 24), shape])
    _took(built)
    for n in (1, 3, 16, 37):
        x = numbers((2, n, 24), n)
        y = numbers(tuple(n if isinstance(size, str) else size for size in other), n + 1)
        close(built.call(x, y), _wanted(step, x, y), 1)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    shape=st.lists(SIZES, min_size=2, max_size=4),
    order=st.permutations(range(4)),
    dynamic=st.booleans(),
)
def test_any_order_of_dimensions(shape: list[int], order: Sequence[int], dynamic: bool) -> None:
    axes = [axis for axis in order if axis < len(shape)]
    sizes: list[Any] = list(shape)
    if dynamic:
        sizes[0] = tirx.Var("n", "int64")
    built = build(lambda _: lambda x: relax.op.permute_dims(x, axes), [sizes])
    _took(built)
    x = numbers(shape, 1)
    np.testing.assert_array_equal(built.call(x), x.transpose(axes))


@pytest.mark.parametrize("shape", [(520, 515), (3, 300, 320), (1024, 256)])
def test_large_transpositions_go_in_blocks(shape: tuple[int, ...]) -> None:
    axes = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    built = build(lambda _: lambda x: relax.op.permute_dims(x, axes), [shape])
    _took(built)
    x = numbers(shape, 1)
    np.testing.assert_array_equal(built.call(x), x.transpose(axes))


Moved = tuple[Callable[[Any], Any], Callable[[Array], Array]]
MOVES: Mapping[str, Moved] = MappingProxyType(
    {
        "first rows": (
            lambda x: relax.op.strided_slice(x, [0, 1], [1, 0], [3, 7]),
            lambda x: x[1:3, :7],
        ),
        "every other": (
            lambda x: relax.op.strided_slice(x, [1], [1], [17], [2]),
            lambda x: x[:, 1:17:2],
        ),
        "backwards": (
            lambda x: relax.op.strided_slice(x, [1], [16], [-18], [-1]),
            lambda x: x[:, ::-1],
        ),
        "padded": (
            lambda x: relax.op.nn.pad(x, [1, 2, 3, 4]),
            lambda x: np.pad(x, [(1, 2), (3, 4)]),
        ),
        "repeated": (
            lambda x: relax.op.broadcast_to(relax.op.expand_dims(x, 0), (5, 4, 17)),
            lambda x: np.broadcast_to(x, (5, 4, 17)),
        ),
        "beside itself": (
            lambda x: relax.op.concat([x, x, relax.op.negative(x)], 1),
            lambda x: np.concatenate([x, x, -x], 1),
        ),
        "below itself": (
            lambda x: relax.op.concat([x, relax.op.negative(x)], 0),
            lambda x: np.concatenate([x, -x], 0),
        ),
        "rows by number": (
            lambda x: relax.op.take(x, relax.const(np.array([3, 0, 3, 1, 2], "int64")), 0),
            lambda x: x[[3, 0, 3, 1, 2]],
        ),
        "columns by number": (
            lambda x: relax.op.take(x, relax.const(np.array([16, 0, 5], "int64")), 1),
            lambda x: x[:, [16, 0, 5]],
        ),
        "another shape": (
            lambda x: relax.op.nn.relu(relax.op.reshape(x, (2, 34))),
            lambda x: np.maximum(x.reshape(2, 34), 0),
        ),
        "as large again": (
            lambda x: relax.op.image.resize2d(
                relax.op.reshape(x, (1, 4, 1, 17)),
                (2, 34),
                method="nearest_neighbor",
                layout="NCHW",
                coordinate_transformation_mode="asymmetric",
                rounding_method="floor",
            ),
            lambda x: x.reshape(1, 4, 1, 17).repeat(2, 2).repeat(2, 3),
        ),
    }
)


@pytest.mark.parametrize("name", MOVES)
def test_numbers_that_move_stay_the_same(name: str) -> None:
    move, wanted = MOVES[name]
    x = numbers((4, 17), 1)
    built = build(lambda builder: lambda y: move(builder.normalize(y)), [(4, 17)])
    _took(built)
    np.testing.assert_array_equal(built.call(x), wanted(x))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_large_tensors_side_by_side(axis: int) -> None:
    shapes = [[40, 41, 48], [40, 41, 48]]
    shapes[1][axis] = 7
    x, y = numbers(shapes[0], 1), numbers(shapes[1], 2)
    built = build(lambda _: lambda one, other: relax.op.concat([one, other], axis), shapes)
    _took(built)
    np.testing.assert_array_equal(built.call(x, y), np.concatenate([x, y], axis))


@pytest.mark.parametrize("shape", [(70001,), (64, 1536), (3, 257, 129), (1, 66000)])
def test_large_tensors_are_shared_among_threads(shape: tuple[int, ...]) -> None:
    x = numbers(shape, 1)
    built = build(lambda _: relax.op.nn.relu, [shape])
    _took(built)
    np.testing.assert_array_equal(built.call(x), np.maximum(x, 0))


def test_nan_and_infinities_pass_through() -> None:
    x = numbers((3, 37), 1)
    x[0, 3], x[1, 4], x[2, 5] = np.nan, np.inf, -np.inf

    def make(builder: Any) -> Callable[..., Any]:
        return lambda y: relax.op.multiply(
            builder.emit(relax.op.add(y, relax.const(np.float32(1)))), y
        )

    np.testing.assert_array_equal(build(make, [x.shape]).call(x), (x + 1) * x)


@pytest.mark.parametrize(
    ("cpu", "register"), [("x86-64-v4", "[yz]mm"), ("x86-64-v3", "ymm")], ids=["avx512", "avx2"]
)
@pytest.mark.parametrize("length", [384, 387])
def test_the_loops_are_vector_code(cpu: str, register: str, length: int) -> None:
    made, target = lowered(lambda _: relax.op.nn.gelu, [(4, length)], cpu)
    assembly = kernels.disassemble(kernels_of(made), target.tvm_target)
    assert "call" not in assembly
    assert any(
        len(re.findall(rf"^\s+vf?n?m(?:ul|add|sub)\w*ps\s.*{register}", loop, re.M)) >= 5
        for loop in kernels.innermost_loops(assembly)
    )
