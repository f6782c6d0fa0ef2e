"""How a block's numbers lie in memory, seen along its innermost dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Expr = Any


@dataclass(frozen=True)
class Access:
    """One tensor that a block reads or writes.

    Attributes:
        buffer: The tensor.
        offset: Where the number lies in it, counted in numbers; None when the block takes more
            than one at a time.
    """

    buffer: Any
    offset: Expr | None

    def steps(self, variables: Sequence[Any]) -> list[Expr] | None:
        """How far apart numbers lie when each of the variables grows by one.

        Returns:
            None when that is not the same everywhere.
        """
        from tvm.sym import detect_linear_equation  # noqa: PLC0415  takes a second

        if self.offset is None:
            return None
        found = detect_linear_equation(self.offset, list(variables))
        return list(found)[: len(variables)] if len(found) else None


def accesses(block: Any) -> list[Access]:
    """Return what a block reads and writes, the written tensors first."""
    from tvm.sym import Analyzer  # noqa: PLC0415

    analyzer = Analyzer()
    for each in block.iter_vars:
        analyzer.bind(each.var, each.dom)
    return [_access(region, analyzer) for region in (*block.writes, *block.reads)]


def contiguous(block: Any, lengths: Sequence[Expr]) -> int:
    """Count the innermost dimensions that are one run of memory in all tensors of a block.

    A tensor that stays where it is along all of them does not disturb.

    Args:
        block: A block whose variables are the dimensions of its result.
        lengths: The dimensions' sizes.

    Returns:
        How many, 0 when the last dimension's neighbours lie apart in one of the tensors.
    """
    variables = [each.var for each in block.iter_vars]
    found = accesses(block)
    for count in range(len(variables), 0, -1):
        steps = [access.steps(variables[-count:]) for access in found]
        if all(_is_run(each, lengths[-count:]) for each in steps):
            return count
    return 0


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and all within it: TVM 0.27 has no visitor for Python."""
    yield expr
    for name in ("a", "b", "value", "condition", "true_value", "false_value"):
        part = getattr(expr, name, None)
        if part is not None and not isinstance(part, bool | int | float | str):
            yield from parts(part)
    for name in ("args", "indices"):
        for part in getattr(expr, name, None) or ():
            yield from parts(part)


def operator(expr: Expr) -> str:
    """The name of what an expression calls, empty when it is no call."""
    return str(getattr(getattr(expr, "op", None), "name", ""))


def unconditional(block: Any) -> int:
    """Count the innermost dimensions that no condition on a block's value depends on."""
    variables = [each.var for each in block.iter_vars]
    used = [
        variable
        for expr in parts(block.body.value)
        if operator(expr) == "prim.if_then_else"
        for variable in parts(expr.args[0])
    ]
    free = [not any(each.same_as(one) for one in used) for each in variables]
    return next((count for count, each in enumerate(reversed(free)) if not each), len(free))


def _access(region: Any, analyzer: Any) -> Access:
    from tvm import tirx  # noqa: PLC0415

    buffer = region.source if hasattr(region, "source") else region.buffer
    offset: Expr = 0
    for size, span in zip(buffer.shape, region.region, strict=True):
        if not analyzer.can_prove_equal(span.extent, 1):
            return Access(buffer, None)
        offset = offset * size + span.min
    if isinstance(offset, int):
        offset = tirx.IntImm("int64", offset)
    return Access(buffer, analyzer.simplify(offset))


def _is_run(steps: list[Expr] | None, lengths: Sequence[Expr]) -> bool:
    from tvm.sym import Analyzer  # noqa: PLC0415

    if steps is None:
        return False
    analyzer = Analyzer()
    if all(analyzer.can_prove_equal(step, 0) for step in steps):
        return True
    wanted: Expr = 1
    for step, length in zip(reversed(steps), reversed(lengths), strict=True):
        # Nobody moves along a dimension of one.
        if not analyzer.can_prove_equal(length, 1) and not analyzer.can_prove_equal(step, wanted):
            return False
        wanted = wanted * length
    return True
