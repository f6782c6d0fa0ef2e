"""Kernels as AArch64 code: right in an emulator, with vector multiply-adds where time is spent.

The cases are those of the tests for this machine's own processor.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tvm import relax

from tests.compiler.cpu import kernels
from tests.compiler.cpu import test_cell as cell
from tests.compiler.cpu import test_conv as conv
from tests.compiler.cpu import test_elementwise as elementwise
from tests.compiler.cpu import test_matmul as matmul
from tests.compiler.cpu import test_parallel as parallel
from tests.compiler.cpu import test_reduction as reduction
from tests.compiler.cpu.building import Array, build_arm64, kernels_of, lowered, numbers
from tvmplug.targets import target_named

pytestmark = pytest.mark.slow


@settings(max_examples=12, deadline=None)
@given(case=matmul.DENSE)
def test_products_with_weights(case: matmul.Dense) -> None:
    matmul.check_dense(case, build_arm64)


@settings(max_examples=10, deadline=None)
@given(case=matmul.BATCHED)
def test_products_of_two_tensors(case: matmul.Batched) -> None:
    matmul.check_batched(case, build_arm64)


@settings(max_examples=8, deadline=None)
@given(case=parallel.PARALLEL)
def test_products_of_one_input(case: parallel.Parallel) -> None:
    parallel.check_parallel(case, build_arm64)


@settings(max_examples=8, deadline=None)
@given(case=cell.CASES)
def test_recurrent_cells(case: cell.Case) -> None:
    cell.check(case, build_arm64)


@settings(max_examples=12, deadline=None)
@given(case=st.one_of(conv.cases(1), conv.cases(2)), apart=st.booleans())
def test_convolutions(case: conv.Case, apart: bool) -> None:
    assume(case.wanted > 1)
    channels = case.wanted if apart else case.channels
    case = dataclasses.replace(case, channels=channels)
    weights = numbers((case.wanted, 1 if apart else channels, *case.kernel), 1)
    conv.check(case, weights, case.wanted if apart else 1, build_arm64)


@settings(max_examples=10, deadline=None)
@given(**conv.TRANSPOSED)
def test_transposed_convolutions(case: conv.Case, apart: bool, more: int) -> None:
    conv.check_transposed(case, apart, more, build_arm64)


@settings(max_examples=15, deadline=None)
@given(case=reduction.CASES)
def test_reductions(case: reduction.Case) -> None:
    reduction.check(case, build_arm64)


@settings(max_examples=12, deadline=None)
@given(case=elementwise.BROADCASTS)
def test_elementwise_chains(case: elementwise.Broadcast) -> None:
    elementwise.check(case, build_arm64)


def _dense(builder: Any) -> Callable[[Any], Any]:
    weights = relax.const(numbers((256, 384), 1))
    return lambda x: relax.op.nn.gelu(builder.emit(relax.op.matmul(x, weights)))


def _convolution(weights: Array, **given: Any) -> Callable[[Any], Callable[[Any], Any]]:
    def make(builder: Any) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            y = builder.emit(relax.op.nn.conv2d(x, relax.const(weights), padding=(1, 1), **given))
            return relax.op.nn.relu(y)

        return function

    return make


HOT = MappingProxyType(
    {
        "dense": (_dense, (32, 256)),
        "thin dense": (_dense, (1, 256)),
        "convolution": (_convolution(numbers((64, 64, 3, 3), 1)), (1, 64, 28, 28)),
        "depthwise convolution": (
            _convolution(numbers((64, 1, 3, 3), 1), groups=64),
            (1, 64, 28, 28),
        ),
        "attention": (
            lambda _: lambda x: relax.op.matmul(x, x),
            (4, 48, 48),
        ),
    }
)


@pytest.mark.parametrize("name", HOT)
def test_hot_loops_hold_vector_multiply_adds_and_no_scalar_ones(name: str) -> None:
    make, shape = HOT[name]
    made, target = lowered(make, [shape], target=target_named("linux-arm64"))
    assembly = kernels.disassemble(kernels_of(made), target.tvm_target)
    vector = r"^\s+fml[as]\s+v\d+\.4s"
    scalar = r"^\s+fn?m(?:add|sub)\s+s"
    assert not re.search(scalar, assembly, re.M)
    loops = kernels.innermost_loops(assembly)
    most = max(len(re.findall(vector, loop, re.M)) for loop in loops)
    # At least as many as the smallest tile of NEON's row in the table has registers.
    assert most >= 8, f"{most} in the hottest loop"
    assert np.all([not re.search(r"^\s+bl\s+\w+f$", loop, re.M) for loop in loops])
