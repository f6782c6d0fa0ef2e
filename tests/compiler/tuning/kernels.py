"""Kernels of all kinds, as strategies for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tvmplug.compiler.cpu.signature import Factor, Kernel

SIZES = st.integers(1, 40)
_WORTH = 1 << 12  # smaller weights stay float32, see `precision`


def usual(shape: Any) -> tuple[int, ...]:
    return tuple(range(len(shape)))


@st.composite
def dense(draw: Any) -> Kernel:
    leading = draw(st.lists(st.one_of(SIZES, st.sampled_from("a")), max_size=2))
    depth, columns = draw(SIZES), draw(st.integers(1, 160))
    shape = (*leading, draw(st.one_of(SIZES, st.just("b" if "a" in leading else "a"))), depth)
    order = tuple(draw(st.permutations(usual(shape))))
    dtype = draw(st.sampled_from(["float32", "float16", "int8", "int4"]))
    result = tuple(draw(st.permutations(usual(shape))))
    return Kernel(
        "matmul",
        Factor(shape, order),
        Factor((depth, columns), (0, 1), weights=True),
        order=None if result == usual(result) else result,
        weight_dtype=dtype if depth * columns >= _WORTH else "float32",
    )


@st.composite
def batched(draw: Any) -> Kernel:
    batch = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    rows = draw(st.one_of(st.just("a"), st.integers(4, 40)))
    columns = draw(st.one_of(st.just("a" if rows == "a" else 9), SIZES))
    depth = draw(SIZES)
    left, right = (*batch, rows, depth), (*batch, depth, columns)
    result = tuple(draw(st.permutations(usual(left))))
    return Kernel(
        "matmul",
        Factor(left, tuple(draw(st.permutations(usual(left))))),
        Factor(right, tuple(draw(st.permutations(usual(right))))),
        order=None if result == usual(result) else result,
    )


@st.composite
def convolution(draw: Any) -> Kernel:
    rank = draw(st.integers(1, 2))
    transposed, apart = draw(st.booleans()), draw(st.booleans())
    channels = draw(st.integers(2, 20))
    wanted = channels if apart else draw(st.integers(2, 40))
    window = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    positions = tuple(draw(st.integers(6, 12)) for _ in range(rank))
    found: dict[str, tuple[int, ...]] = {
        "strides": tuple(draw(st.integers(1, 2)) for _ in range(rank)),
        "padding": tuple(draw(st.integers(0, 1)) for _ in range(2 * rank)),
        "dilation": (1,) * rank if transposed else tuple(draw(st.integers(1, 2)) for _ in window),
        "output_padding": (0,) * rank,
        "groups": (channels if apart else 1,),
    }
    if transposed:
        found["output_padding"] = tuple(stride - 1 for stride in found["strides"])
    plain = {"strides": 1, "padding": 0, "dilation": 1, "output_padding": 0, "groups": 1}
    inputs, outputs = (channels, wanted // found["groups"][0])
    shape = (inputs, outputs) if transposed else (wanted, inputs // found["groups"][0])
    whole = (draw(st.integers(1, 2)), channels, *positions)
    last = (0, rank + 1, *range(1, rank + 1))
    # Few channels are read where they lie.
    moved = channels > 4 or transposed or apart
    weights = (*shape, *window)
    return Kernel(
        f"conv{rank}d_transpose" if transposed else f"conv{rank}d",
        Factor(whole, last if moved else usual(whole)),
        Factor(weights, usual(weights), weights=True),
        attributes=tuple(
            (name, values)
            for name, values in found.items()
            if any(value != plain[name] for value in values)
        ),
    )


KERNELS = st.one_of(dense(), batched(), convolution())
