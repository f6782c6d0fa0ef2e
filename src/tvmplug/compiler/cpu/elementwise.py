"""The schedule of kernels that reduce nothing: arithmetic on each number, and moving numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvmplug.compiler.cpu.blocks import extent, is_spatial
from tvmplug.compiler.cpu.elementwise_access import accesses, contiguous, unconditional
from tvmplug.compiler.cpu.isa import InstructionSet

# Waking a sleeping thread takes about 25 microseconds; one thread writes about this many numbers
# in that time.
PARALLEL_NUMBERS = 1 << 16
# Numbers that one thread takes at a time where a kernel has a single run of memory.
_CHUNK = 1 << 14
# Fewer numbers than this stay in the core's own caches while they change places.
_FAR_APART = 1 << 18
# A cache line holds 16 float32 numbers: blocks of this size read and write whole lines.
_LINE = 16
# Parts for threads: more than there are cores, so that a slow one does not hold up the others.
_SHARES = 16


def schedule_view(sch: Any, _: InstructionSet) -> bool:
    """Leave reshapes alone: TVM turns them into views of the same memory, if it sees them."""
    from tvm import relax  # noqa: PLC0415  takes a second

    return bool(relax.analysis.has_reshape_pattern(sch.mod["main"]))


def schedule_elementwise(sch: Any, isa: InstructionSet) -> bool:
    """Make one loop nest for each result, with vectors along what lies side by side.

    Args:
        sch: TVM's schedule of the kernel.
        isa: What is compiled for.

    Returns:
        False when something is reduced.
    """
    root = sch.get_sblock("root")
    blocks = sch.get_child_blocks(root)
    if not blocks or not all(is_spatial(sch, block) for block in blocks):
        return False
    results = sch.get_output_blocks(root)
    names = {sch.get(block).name_hint for block in results}
    for block in blocks:
        if sch.get(block).name_hint not in names:
            sch.compute_inline(block)
    for block in results:
        _lay_out(sch, block, isa)
    return True


def vectorize(sch: Any, loop: Any, isa: InstructionSet) -> Any:
    """Run a loop in vectors where its length fills them.

    Other lengths are left to LLVM, which makes vectors, too, and a good end of such a loop; TVM
    would do what is left over one by one.

    Returns:
        The loop over vectors, or the loop itself.
    """
    length = extent(sch, loop)
    if length is None or length % isa.lanes:
        return loop
    outer, lanes = sch.split(loop, [None, isa.lanes])
    sch.vectorize(lanes)
    return outer


def parallel(sch: Any, loops: Sequence[Any]) -> None:
    """Share the outermost loops among threads, no more of them than it takes to keep all busy."""
    shared: list[Any] = []
    count = 1
    for loop in loops:
        shared.append(loop)
        count *= extent(sch, loop) or _SHARES
        if count >= _SHARES:
            break
    if count > 1:
        sch.parallel(sch.fuse(*shared))


def _lay_out(sch: Any, block: Any, isa: InstructionSet) -> None:
    content = sch.get(block)
    loops = sch.get_loops(block)
    if not loops or len(loops) != len(content.iter_vars):
        return
    numbers = _known_numbers(sch, loops)
    large = numbers >= PARALLEL_NUMBERS
    run = contiguous(content, [each.dom.extent for each in content.iter_vars])
    # Concatenation and padding: a condition that holds for a whole row stays outside its loop.
    free = unconditional(content)
    if run == 0 and free and numbers >= _FAR_APART:
        *loops, _ = _blocked(sch, content, loops)
    elif run and free:
        run = min(run, free)
        loops, last = loops[:-run], sch.fuse(*loops[-run:])
        # Truth values are bits to TVM's vectors; LLVM's own vectors of them are better.
        if not any(str(access.buffer.dtype) == "bool" for access in accesses(content)):
            last = vectorize(sch, last, isa)
        if large and all(extent(sch, loop) == 1 for loop in loops):
            loops = [*loops, *_chunks(sch, last, isa)]
    if large:
        parallel(sch, loops)


def _known_numbers(sch: Any, loops: Sequence[Any]) -> int:
    """How many numbers there are at least: a dynamic dimension may be one."""
    total = 1
    for loop in loops:
        total *= extent(sch, loop) or 1
    return total


def _chunks(sch: Any, loop: Any, isa: InstructionSet) -> list[Any]:
    """Cut a single run into equal parts."""
    length = extent(sch, loop)
    if length is None:
        return []
    parts = min(length, -(-length * isa.lanes // _CHUNK))
    while length % parts:
        parts -= 1
    return [sch.split(loop, [parts, None])[0]] if parts > 1 else []


def _blocked(sch: Any, content: Any, loops: Sequence[Any]) -> list[Any]:
    """Where what is written side by side is read from far apart: a square of cache lines a time.

    The squares are along the result's last dimension and the one whose neighbours lie side by
    side in what is read.
    """
    place = _read_along(content)
    if place is None:
        return list(loops)
    rows, row = sch.split(loops[place], [None, _LINE])
    columns, column = sch.split(loops[-1], [None, _LINE])
    others = [loop for index, loop in enumerate(loops[:-1]) if index != place]
    sch.reorder(*others, rows, columns, row, column)
    return [*others, rows, columns]


def _read_along(block: Any) -> int | None:
    """The dimension along which a tensor is read that is not read along the last one."""
    from tvm.sym import Analyzer  # noqa: PLC0415

    analyzer = Analyzer()
    variables = [each.var for each in block.iter_vars]
    for access in accesses(block)[len(block.writes) :]:
        steps = access.steps(variables)
        for place, step in enumerate((steps or [])[:-1]):
            if analyzer.can_prove_equal(step, 1):
                return place
    return None
