"""The schedule of convolutions whose loops are tiles already."""

from __future__ import annotations

import math
from typing import Any

from tvmplug.compiler.cpu.blocks import annotation, extent, only_later, times
from tvmplug.compiler.cpu.conv_kernels import CONVOLUTION, DEPTHWISE, PAD, PHASES
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.tiling import PARALLEL_WORK

# What a chunk of the input may hold so that it stays in a core's second cache while all channels
# of the result pass over it. Phones' second caches begin at 256 KB.
_CHUNK_BYTES = 128 << 10
# An input that is no larger stays whole: chunks would read all weights again and again.
_WHOLE_BYTES = 512 << 10
# So many chunks let two to four cores share a kernel evenly.
_CHUNKS = 8
# A reduction this short is laid out without a loop.
_SHORT = 4
# Convolutions of each channel by itself do a fourth of others' multiplications in a time: each
# number that they load takes part in few.
_DEPTHWISE_PACE = 4
_LONGEST_WINDOW = 32


def schedule_convolution(sch: Any, isa: InstructionSet) -> bool:
    """Lay out a kernel that holds one convolution; what follows is done on each tile.

    Args:
        sch: TVM's schedule of the kernel.
        isa: What is compiled for.

    Returns:
        False when it is no such kernel.
    """
    blocks = sch.get_child_blocks(sch.get_sblock("root"))
    found = [each for each in blocks if _mark(sch, each) is not None]
    if len(found) != 1:
        return False
    acc = found[0]
    pads = [each for each in blocks if annotation(sch, each, PAD) is not None]
    last = only_later(sch, blocks, acc)
    if last is None:
        return False
    loops = sch.get_loops(acc)
    count = int(_mark(sch, acc))
    (image, *others), inner = loops[:count], loops[count:]
    row_tile, column_tile, row, column, *steps = inner
    work = times(sch, loops)
    parallel = work is None or work >= _parallel_work(sch, acc)
    count = int(annotation(sch, acc, PHASES))
    phases, others = others[:count], others[count:]
    positions = [*others, row_tile]
    chunked = next((loop for loop in others if extent(sch, loop) != 1), row_tile)
    total = _input_bytes(sch, acc)
    whole = total is not None and total <= _WHOLE_BYTES
    outer, within = _chunks(sch, chunked, total, parallel=parallel)
    rest = [*phases, *(within if loop is chunked else loop for loop in positions)]
    shared = [image, column_tile, outer] if whole else [image, outer, column_tile]
    sch.reorder(*shared, *rest, *steps, row, column)
    for pad in pads:
        if not whole:
            sch.compute_at(pad, outer, preserve_unit_loops=True)
        _vectorize_last(sch, pad, isa)
    sch.reverse_compute_at(last, rest[-1], preserve_unit_loops=True)
    _lay_out_result(sch, last, isa)
    sch.set_scope(acc, 0, "local")
    parts, lanes = sch.split(column, [None, isa.lanes])
    first = _lay_out_steps(sch, acc, steps, isa)
    sch.vectorize(lanes)
    sch.unroll(parts)
    sch.unroll(row)
    if parallel:
        sch.parallel(sch.fuse(*(shared[:2] if pads and not whole else shared)))
    sch.decompose_reduction(acc, first)
    return True


def _mark(sch: Any, block: Any) -> Any:
    dense = annotation(sch, block, CONVOLUTION)
    return annotation(sch, block, DEPTHWISE) if dense is None else dense


def _parallel_work(sch: Any, acc: Any) -> int:
    """The multiplications from which on threads are worth waking."""
    return PARALLEL_WORK // (1 if annotation(sch, acc, DEPTHWISE) is None else _DEPTHWISE_PACE)


def _input_bytes(sch: Any, acc: Any) -> int | None:
    """What an image of the input holds, None when that is dynamic."""
    sizes = sch.get(acc).reads[0].source.shape[1:]
    return 4 * math.prod(map(int, sizes)) if all(hasattr(each, "value") for each in sizes) else None


def _chunks(sch: Any, loop: Any, total: int | None, *, parallel: bool) -> tuple[Any, Any]:
    """Split a loop over positions into chunks whose part of the input fits a cache."""
    length = extent(sch, loop)
    if length is None or total is None:
        return tuple(sch.split(loop, [None, 1]))
    most = length if total <= _WHOLE_BYTES else length * _CHUNK_BYTES // total
    if parallel:
        most = min(most, length // _CHUNKS)
    size = max(each for each in range(1, length + 1) if length % each == 0 and each <= max(most, 1))
    return tuple(sch.split(loop, [None, size]))


def _lay_out_steps(sch: Any, acc: Any, steps: list[Any], isa: InstructionSet) -> Any:
    """Unroll the reduction as far as it pays; returns its first loop."""
    if annotation(sch, acc, DEPTHWISE) is not None:
        # Without a loop, positions that share an input share its load.
        if (times(sch, steps) or 0) <= _LONGEST_WINDOW:
            for loop in steps:
                sch.unroll(loop)
        return steps[0]
    *window, depth = steps
    length = extent(sch, depth)
    if length is not None and length <= _SHORT:
        sch.unroll(depth)
        if (extent(sch, window[-1]) or 0) <= _SHORT:
            sch.unroll(window[-1])
    elif length is not None and length % isa.unroll == 0 and isa.unroll > 1:
        sch.unroll(sch.split(depth, [None, isa.unroll])[1])
    return steps[0]


def _lay_out_result(sch: Any, last: Any, isa: InstructionSet) -> None:
    """What follows on a tile: in vectors of as many channels as leave no condition."""
    *others, column = sch.get_loops(last)[-len(sch.get(last).iter_vars) :]
    _vectorize(sch, last, column, isa)
    for loop in others:
        if extent(sch, loop) is not None:
            sch.unroll(loop)


def _vectorize_last(sch: Any, block: Any, isa: InstructionSet) -> None:
    _vectorize(sch, block, sch.get_loops(block)[-1], isa)


def _vectorize(sch: Any, block: Any, loop: Any, isa: InstructionSet) -> None:
    """Split a loop so that vectors end where the dimension ends."""
    length = extent(sch, loop)
    size = sch.get(block).writes[0].source.shape[-1]
    if length is None or not hasattr(size, "value"):
        return
    lanes = math.gcd(math.gcd(length, int(size)), isa.lanes)
    if lanes > 1:
        parts, vector = sch.split(loop, [None, lanes])
        sch.vectorize(vector)
        if (extent(sch, parts) or 0) <= isa.lanes:
            sch.unroll(parts)
