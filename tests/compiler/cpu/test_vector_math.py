"""exp, erf and the others against float64, over all exponents of float32."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import tvm
from tvm import ir, s_tir, te, tirx

from tests.compiler.cpu import kernels
from tests.compiler.cpu.kernels import ARM64, X86_64_V2, X86_64_V3, X86_64_V4, Array, Call, Target
from tvmplug.compiler.cpu import vector_math
from tvmplug.compiler.cpu.vector_math import ACCURACY, Accuracy

NAMES = tuple(sorted(name.removeprefix("tirx.") for name in ACCURACY))
TARGETS: Mapping[str, Target] = {
    "v2": X86_64_V2,  # has no fused multiply-add
    "v3": X86_64_V3,
    "v4": X86_64_V4,
    "arm64": ARM64,
}
# Numbers in each vector of a loop that TVM vectorises; 0: LLVM is left to do it.
WIDTHS = {"v2": 0, "v3": 8, "v4": 16, "arm64": 4}
each_target = pytest.mark.parametrize("name", TARGETS)


def kernel(name: str, count: int, lanes: int = 0, dtype: str = "float32") -> Any:
    """A loop that calls an operator for each number of an array."""
    x = te.placeholder((count,), dtype, name="x")
    y = te.compute((count,), lambda i: getattr(tirx, name)(x[i]), name="y")
    schedule = s_tir.Schedule(te.create_prim_func([x, y]))
    if lanes:
        (loop,) = schedule.get_loops(schedule.get_sblock("y"))
        schedule.vectorize(schedule.split(loop, [None, lanes])[1])
    return schedule.mod["main"].with_attr("global_symbol", name)


def erf_tanh(x: Any, name: str) -> Any:
    """tanh(erf(x)) of each number."""
    return te.compute(x.shape, lambda i: tirx.tanh(tirx.erf(x[i])), name=name)


def evaluate(names: tuple[str, ...], target: Target, x: Array, lanes: int = 0) -> dict[str, Array]:
    module = tvm.IRModule({name: kernel(name, x.size, lanes, str(x.dtype)) for name in names})
    calls = [Call(name, [x], [(x.shape, str(x.dtype))]) for name in names]
    results = kernels.compiled(module, target)(calls)
    return {name: result for name, (result,) in zip(names, results, strict=True)}


def exact(name: str, x: Array) -> Array:
    """The function in float64."""
    functions: Mapping[str, Callable[[Array], Array]] = {
        "erf": np.vectorize(math.erf, otypes=[np.float64]),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    }
    with np.errstate(all="ignore"):
        return functions.get(name, getattr(np, name, np.exp))(x.astype(np.float64))


def samples() -> Array:
    """Numbers of all signs and exponents, denormal ones too, and many of ordinary size."""
    rng = np.random.default_rng(6)
    exponents = np.arange(510, dtype=np.uint32).repeat(400)
    sign_exponent = (exponents // 255 << 31) | (exponents % 255 << 23)
    patterns = sign_exponent | rng.integers(0, 1 << 23, exponents.size, np.uint32)
    corners = np.array([
        0, 2.0**-149, 2.0**-126, 2.0**-125, 1, 2, 0.5, math.sqrt(0.5), math.sqrt(2), 8192,
        3.4028234e38, 87.3365, 86.99, 88.0296, 88.3762, 88.72283, 88.72284, 89.4, 103.97, 4.25, 9.3,
        *(math.pi / 2 * np.arange(1, 6000)), *(2.0 ** np.arange(-30, 128)),
    ])  # fmt: skip
    near = corners.astype(np.float32).view(np.uint32)[:, None] + np.arange(-3, 4).astype(np.uint32)
    near = near[(near & 0x7FFFFFFF) < 0x7F800000]
    ordinary = np.concatenate([
        rng.uniform(-110, 110, 120_000), rng.uniform(-9, 9, 60_000), rng.uniform(0, 3, 30_000),
        rng.uniform(-9000, 9000, 60_000),
    ])  # fmt: skip
    return np.concatenate([
        patterns.view(np.float32), near.view(np.float32), -near.view(np.float32),
        ordinary.astype(np.float32),
    ])  # fmt: skip


SAMPLES = samples()
EXACT = {name: exact(name, SAMPLES) for name in NAMES}


def ulp(reference: Array) -> Array:
    """The distance of float32 numbers at a number."""
    exponent = np.frexp(np.abs(reference))[1] - 24
    return np.ldexp(1.0, np.clip(exponent, -149, 104))


def excess(found: Array, reference: Array, x: Array, accuracy: Accuracy) -> Array:
    """By how many times results miss what is allowed; at most 1 is right."""
    # Where float32 has infinity it stands for the next number that it would have had.
    top = 2.0**128
    wide = np.clip(found.astype(np.float64), -top, top)
    error = np.abs(wide - np.clip(reference, -top, top))
    near = accuracy.ulp * ulp(reference) + accuracy.absolute
    allowed = np.where(np.abs(x) <= accuracy.limit, near, accuracy.absolute_beyond)
    finite = np.isfinite(reference)
    with np.errstate(invalid="ignore"):
        same = (found == reference) | (np.isnan(found) & np.isnan(reference))
        return np.where(
            finite, np.where(np.isnan(found), np.inf, error / allowed), np.where(same, 0, np.inf)
        )


def check(name: str, found: Array, x: Array, reference: Array) -> None:
    accuracy = ACCURACY[f"tirx.{name}"]
    misses = excess(found, reference, x, accuracy)
    worst = int(np.argmax(misses))
    assert misses[worst] <= 1, (
        f"{name}({x[worst]!r}) is {reference[worst]!r}, found {found[worst]!r}: "
        f"{misses[worst]:.2f} times what is allowed"
    )


def evaluate_on(name: str, names: tuple[str, ...], x: Array) -> dict[str, Array]:
    """Evaluate on a target in a loop as it is, or as vectors where `WIDTHS` has a width."""
    kernels.need(TARGETS[name])
    return evaluate(names, TARGETS[name], x, WIDTHS[name])


@pytest.mark.slow
@each_target
def test_errors_stay_within_what_is_stated(name: str) -> None:
    for function, found in evaluate_on(name, NAMES, SAMPLES).items():
        check(function, found, SAMPLES, EXACT[function])


@pytest.mark.slow
@each_target
def test_limits_are_exact(name: str) -> None:
    infinity, nan = np.inf, np.nan
    x = np.array([0, -0.0, infinity, -infinity, nan, -nan] + [200] * 5 + [-200] * 5, np.float32)
    wanted = {
        "erf": (0, -0.0, 1, -1, nan, nan, 1, -1),
        "exp": (1, 1, infinity, 0, nan, nan, infinity, 0),
        "log": (-infinity, -infinity, infinity, nan, nan, nan, None, nan),
        "sigmoid": (0.5, 0.5, 1, 0, nan, nan, 1, 0),
        "sin": (0, -0.0, nan, nan, nan, nan, None, None),
        "tanh": (0, -0.0, 1, -1, nan, nan, 1, -1),
    }
    found = evaluate_on(name, tuple(wanted), x)
    for function, values in wanted.items():
        for place, value in zip((0, 1, 2, 3, 4, 5, 6, 11), values, strict=True):
            result = found[function][place]
            if value is None:
                continue
            same = np.isnan(result) if np.isnan(value) else result == value
            assert same, f"{function}({x[place]}) is {value}, found {result}"
            if function in ("erf", "sin", "tanh") and value == 0:
                assert np.signbit(result) == np.signbit(value), f"{function}({x[place]})"


@pytest.mark.slow
@each_target
def test_numbers_between_minus_one_and_one_stay_there(name: str) -> None:
    found = evaluate_on(name, ("erf", "sigmoid", "tanh"), SAMPLES)
    for function, values in found.items():
        assert (np.abs(values) <= 1).all(), function


@pytest.mark.slow
@each_target
def test_half_precision_is_rounded_once(name: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    names = tuple(function for function in NAMES if function != "log")
    for function, found in evaluate_on(name, names, x).items():
        with np.errstate(over="ignore"):
            wanted = exact(function, x).astype(np.float16)
        # The float32 result may lie on the other side of the middle between two float16 numbers.
        steps = found.view(np.int16).astype(int) - wanted.view(np.int16).astype(int)
        worst = int(np.argmax(np.abs(steps)))
        assert abs(steps[worst]) <= 1, (function, x[worst], found[worst], wanted[worst])
        assert np.count_nonzero(steps) < len(x) / 100, function


@pytest.mark.parametrize("name", ["v3", "v4", "arm64"])
@pytest.mark.parametrize("function", [f for f in NAMES if f not in ("cos", "sin")])
def test_loops_compute_in_vectors_and_call_nothing(name: str, function: str) -> None:
    module = tvm.IRModule({function: kernel(function, 4096, WIDTHS[name])})
    assembly = kernels.disassemble(module, TARGETS[name])
    # The entry calls the kernel; kernels call no function of the C library.
    assert not re.findall(rf"\b(?:call|bl)\w*\s+{function}f?\b", assembly)
    (loop,) = kernels.innermost_loops(assembly)
    assert not re.search(r"\b(?:call|bl|callq)\b", loop), loop
    multiply_adds = r"\bvfn?m(?:add|sub)\d+(ps|ss)|\b(fml[as])\b.*\.4s|\b(fn?m(?:add|sub))\b"
    kinds = {next(filter(None, match)) for match in re.findall(multiply_adds, loop)}
    assert kinds <= {"ps", "fmla", "fmls"}, loop
    assert kinds, loop


def test_lowerings_leave_the_table_as_it_was() -> None:
    def entries() -> list[object]:
        operator = ir.Op.get("tirx.erf")
        return [operator.get_attr(table) for table in ("llvm.FLowerIntrinsic", "TVectorizable")]

    before = entries()
    with vector_math.lowerings(), vector_math.lowerings():
        inside = entries()
    assert [entry is None for entry in entries()] == [entry is None for entry in before]
    assert inside[0] is not None
    assert inside != before


def test_compiling_takes_no_longer_for_many_names() -> None:
    """A chain of functions: what TVM spends on names must not multiply."""
    x = te.placeholder((64,), "float32", name="x")
    stages = [x]
    for step in range(4):
        stages.append(erf_tanh(stages[-1], f"y{step}"))
    schedule = s_tir.Schedule(te.create_prim_func([x, stages[-1]]))
    for step in range(3):
        schedule.compute_inline(schedule.get_sblock(f"y{step}"))
    module = tvm.IRModule({"main": schedule.mod["main"].with_attr("global_symbol", "main")})
    inputs = np.linspace(-2, 2, 64, dtype=np.float32)
    (found,) = kernels.run(module, X86_64_V3, [inputs], [((64,), "float32")])
    wanted = inputs
    for _ in range(4):
        wanted = np.tanh(exact("erf", wanted))
    assert np.abs(found - wanted).max() < 1e-6
