"""Which sizes a kernel with dynamic ones is measured at: those of the author's cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.signature import Sizes
from tvmplug.export import Case

# The smallest, the middle and the largest say enough.
_MOST = 3

Samples = Sequence[Mapping[str, int]]
"""What the letters of a kernel stand for, in each call that is timed."""


def samples_of(function: Any, cases: Iterable[Case], sizes: Sizes) -> Samples:
    """Read from a component's cases what the dynamic sizes of a kernel are.

    Args:
        function: The component's Relax function.
        cases: Its cases.
        sizes: The kernel's dynamic sizes, in the function's variables.

    Returns:
        Three samples at most, different ones; one without letters for a kernel of fixed sizes, and
        none where sizes depend on the model's data.
    """
    if not sizes:
        return [{}]
    found: list[dict[str, int]] = []
    for case in cases:
        sample = _sample(function, case, sizes)
        if sample is not None and sample not in found:
            found.append(sample)
    found.sort(key=lambda sample: sorted(sample.values(), reverse=True))
    return found if len(found) <= _MOST else [found[0], found[len(found) // 2], found[-1]]


def _sample(function: Any, case: Case, sizes: Sizes) -> dict[str, int] | None:
    import tvm  # noqa: PLC0415  takes a second
    from tvm import relax, sym  # noqa: PLC0415

    analyzer = sym.Analyzer()
    for parameter in function.params:
        array = case.inputs.get(parameter.name)
        if array is None or not isinstance(parameter.ty.shape, relax.ShapeExpr):
            continue
        for extent, known in zip(parameter.ty.shape.values, np.shape(array), strict=True):
            if isinstance(extent, tvm.ir.Var):
                analyzer.bind(extent, tvm.ir.Range(known, known + 1), allow_override=True)
    values = {letter: analyzer.simplify(expression) for letter, expression in sizes.items()}
    if not all(isinstance(value, tvm.tirx.IntImm) for value in values.values()):
        return None
    return {letter: int(value) for letter, value in values.items()}
