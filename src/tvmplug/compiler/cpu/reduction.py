"""The schedule of kernels with sums, means and maxima: softmax, the norms, pooling over an axis.

Such a kernel has several blocks, each over the whole tensor. Here they become one loop over rows,
a row being what is reduced together, so that a row stays in the cache until it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvmplug.compiler.cpu.blocks import extent, is_spatial
from tvmplug.compiler.cpu.elementwise import parallel
from tvmplug.compiler.cpu.elementwise_access import accesses, contiguous, operator, parts
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.reduction_lanes import (
    Lanes,
    is_large,
    loops_of,
    split_into_lanes,
    vectorize_lanes,
    vectorize_row,
)

# What takes so long for each number that it is done once and kept, instead of done for each use.
_EXPENSIVE = frozenset(f"tirx.{name}" for name in ("exp", "erf", "tanh", "sigmoid", "log", "pow"))
# A result's loops over rows, and those along a row or over what is reduced.
Loops = tuple[list[Any], list[Any]]
# Columns that are reduced side by side.
_REGISTERS = 4


def schedule_reduction(sch: Any, isa: InstructionSet) -> bool:
    """Lay out a kernel row by row.

    Args:
        sch: TVM's schedule of the kernel.
        isa: What is compiled for.

    Returns:
        False when nothing is reduced, or when its results are several.
    """
    root = sch.get_sblock("root")
    blocks = sch.get_child_blocks(root)
    results = sch.get_output_blocks(root)
    reductions = [block for block in blocks if not is_spatial(sch, block)]
    if not reductions or len(results) != 1:
        return False
    if any(not _has_plain_loops(sch, block) for block in blocks):
        return False
    result = blocks[-1]
    if sch.get(result).name_hint != sch.get(results[0]).name_hint:
        return False
    kept = [block for block in blocks[:-1] if not _inlined(sch, block)]
    if not sch.get_loops(result):
        sch.add_unit_loop(result)
    loops = _outer_loops(sch, kept, result)
    if _along_memory(sch, reductions[0]) or not loops[0]:
        _rows(sch, kept, result, loops, isa)
    else:
        _columns(sch, kept, result, loops, isa)
    return True


def _has_plain_loops(sch: Any, block: Any) -> bool:
    """Whether nobody has laid out a block's loops; a single number has none."""
    loops = sch.get_loops(block)
    return not loops or len(loops) == len(sch.get(block).iter_vars)


def _inlined(sch: Any, block: Any) -> bool:
    """Compute a block where it is used, if that costs no more than to keep it."""
    if not is_spatial(sch, block):
        return False
    value = sch.get(block).body.value
    if any(operator(part) in _EXPENSIVE for part in parts(value)):
        return False
    sch.compute_inline(block)
    return True


def _along_memory(sch: Any, block: Any) -> bool:
    """Whether numbers that are reduced together lie side by side."""
    from tvm.sym import Analyzer  # noqa: PLC0415  takes a second

    analyzer = Analyzer()
    content = sch.get(block)
    many = [each for each in content.iter_vars if not _is_one(each.dom.extent)]
    reduced = [each.var for each in many if _is_reduced(each)][-1:]
    column = [each.var for each in many if not _is_reduced(each)][-1:]
    if not reduced:
        return True
    found = [access.steps([*column, *reduced]) for access in accesses(content)]
    steps = [each for each in found[len(content.writes) :] if each is not None]
    # The largest factor of a product is the one that neither of them leaves where it is.
    moved = [each for each in steps if not any(analyzer.can_prove_equal(step, 0) for step in each)]
    return any(analyzer.can_prove_equal(each[-1], 1) for each in moved or steps)


def _rows(sch: Any, kept: Sequence[Any], result: Any, loops: Loops, isa: InstructionSet) -> None:
    """What is reduced together is one run of memory, or several."""
    outer, inner = loops
    large = is_large(sch, [*kept, result])
    lanes: list[Lanes] = []
    order: list[Any] = []
    for block in [*kept, result]:
        if is_spatial(sch, block):
            order.append(block)
            continue
        _fuse_reduced(sch, block)
        lanes.append(split_into_lanes(sch, block, isa))
        order.extend(lanes[-1].blocks)
    if not is_spatial(sch, result):
        outer, inner = sch.get_loops(result)[: len(outer)], []
    row = sch.fuse(*outer) if outer else sch.add_unit_loop(sch.get_loops(result)[0])
    for block in reversed(order):
        if block is not result:
            sch.compute_at(block, row, preserve_unit_loops=True)
    started = [first for each in lanes for first in vectorize_lanes(sch, each, isa)]
    for block in order:
        if is_spatial(sch, block) and block is not result:
            _vectorize_last(sch, block, sch.get_loops(block)[1:], isa)
    if inner:
        _vectorize_last(sch, result, inner, isa)
    if large and outer:
        parallel(sch, [row])
    for block, loop in started:
        sch.decompose_reduction(block, loop)


def _columns(sch: Any, kept: Sequence[Any], result: Any, loops: Loops, isa: InstructionSet) -> None:
    """What is reduced together lies apart: neighbouring columns are reduced side by side."""
    outer, inner = loops
    large = is_large(sch, [*kept, result])
    column = outer.pop()
    width = _column_width(extent(sch, column), isa)
    if width is not None:
        columns, column = sch.split(column, [None, width])
        outer.append(columns)
    sch.reorder(*outer, *inner, column)
    place = sch.fuse(*outer) if outer else sch.add_unit_loop((*inner, column)[0])
    for block in reversed(kept):
        sch.compute_at(block, place, preserve_unit_loops=True)
    started = []
    for block in [*kept, result]:
        lane, reduced = column, ([] if is_spatial(sch, result) else inner)
        if block is not result:
            places, reduced = loops_of(sch, block)
            lane = places[-1]
            sch.reorder(*reduced, lane)
        if reduced:
            started.append((block, reduced[0]))
        if width is not None:
            registers, lane = sch.split(lane, [None, isa.lanes])
            sch.vectorize(lane)
            sch.unroll(registers)
    if large:
        parallel(sch, [place])
    for block, loop in started:
        sch.decompose_reduction(block, loop)


def _outer_loops(sch: Any, kept: Sequence[Any], result: Any) -> Loops:
    """The result's loops over rows, and those along a row or over what is reduced."""
    places, reduced = loops_of(sch, result)
    if reduced:
        return places, reduced
    along = _row_dimensions(sch, kept, result)
    if along is None:
        first = next(block for block in kept if not is_spatial(sch, block))
        return _leading_loops(sch, places, [extent(sch, loop) for loop in loops_of(sch, first)[0]])
    inner = [places[place] for place in along]
    outer = [loop for place, loop in enumerate(places) if place not in along]
    if inner:
        sch.reorder(*outer, *inner)
    return outer, inner


def _row_dimensions(sch: Any, kept: Sequence[Any], result: Any) -> list[int] | None:
    """The result's dimensions that a row spans: those that no sum of a row depends on.

    Returns:
        None when the result takes the sums from places that are computed.
    """
    content = sch.get(result)
    variables = [each.var for each in content.iter_vars]
    written = [access.buffer for block in kept for access in accesses(sch.get(block))[:1]]
    found: list[list[int]] = []
    for region in content.reads:
        if not any(region.source.same_as(buffer) for buffer in written):
            continue
        indices = [span.min for span in region.region]
        if not all(_is_number(each) or _is_among(each, variables) for each in indices):
            return None
        found.append(
            [
                place
                for place, each in enumerate(content.iter_vars)
                if not _is_among(each.var, indices) and not _is_one(each.dom.extent)
            ]
        )
    return max(found, key=len, default=None)


def _leading_loops(sch: Any, places: Sequence[Any], counts: Sequence[int | None]) -> Loops:
    """Rows that are groups of the result's leading dimensions, as in group normalisation."""
    outer: list[Any] = []
    inner = list(places)
    for count in counts:
        length = extent(sch, inner[0])
        if length is None or count is None or length % count:
            break
        if length == count:
            outer.append(inner.pop(0))
            continue
        group, within = sch.split(inner[0], [count, None])
        outer.append(group)
        inner[0] = within
        break
    return outer, inner


def _fuse_reduced(sch: Any, block: Any) -> None:
    """Make one loop of those that are one run of memory."""
    _, reduced = loops_of(sch, block)
    if len(reduced) > 1 and all(extent(sch, loop) is not None for loop in reduced):
        sch.fuse(*reduced)


def _vectorize_last(sch: Any, block: Any, loops: Sequence[Any], isa: InstructionSet) -> None:
    content = sch.get(block)
    run = contiguous(content, [each.dom.extent for each in content.iter_vars])
    count = max(1, min(run, len(loops)))
    if run:
        vectorize_row(sch, sch.fuse(*loops[len(loops) - count :]), isa)


def _column_width(length: int | None, isa: InstructionSet) -> int | None:
    """Columns at a time, None when they do not fill vectors: LLVM then takes all of them."""
    if length is None or length % isa.lanes:
        return None
    registers = _REGISTERS
    while length % (isa.lanes * registers):
        registers //= 2
    return isa.lanes * registers


def _is_reduced(variable: Any) -> bool:
    from tvm import tirx  # noqa: PLC0415

    return bool(variable.iter_type == tirx.IterVar.CommReduce)


def _is_among(index: Any, variables: Sequence[Any]) -> bool:
    return any(index.same_as(variable) for variable in variables)


def _is_number(size: Any) -> bool:
    from tvm import tirx  # noqa: PLC0415

    return isinstance(size, tirx.IntImm)


def _is_one(size: Any) -> bool:
    return _is_number(size) and int(size) == 1
