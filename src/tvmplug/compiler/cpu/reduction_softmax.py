"""Softmax of rows whose length is dynamic or fills no vectors, as a kernel of its own.

TVM's has nothing for the end of such a row but one number at a time. Here a row is copied to
scratch memory that holds whole vectors, filled up with minus infinity, which changes neither the
maximum nor the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tvmplug.compiler.cpu.blocks import annotation, extent, only_later
from tvmplug.compiler.cpu.contraction import OUT_FUSABLE, ceil_div
from tvmplug.compiler.cpu.elementwise import parallel
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.operands import size
from tvmplug.compiler.cpu.reduction_lanes import PARTITION, is_large, loops_of

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.rewrite import Context

Expr = Any
ROWS = "tvmplug.rows"
"""Marks what is computed for a row at a time; its value is the number of dimensions of rows."""


def rewrite(context: Context, call: Any, axes: tuple[int, ...] | None) -> Expr | None:
    """Replace a `relax.nn.softmax` or `relax.nn.log_softmax`.

    Args:
        context: What is compiled for.
        call: The operator.
        axes: The order of dimensions that the result shall have.

    Returns:
        A call of a kernel, or None where TVM's own has vectors: along another dimension than the
        last, or where the length fills vectors.
    """
    from tvm import relax  # noqa: PLC0415  takes a second

    source = call.args[0]
    shape = source.ty.shape
    if axes is not None or str(source.ty.dtype) != "float32":
        return None
    if not isinstance(shape, relax.ShapeExpr) or not shape.values:
        return None
    rank = len(shape.values)
    length = size(shape.values[-1])
    width = context.isa.lanes
    if int(call.attrs.axis) % rank != rank - 1:
        return None
    if isinstance(length, int) and (length % width == 0 or length < width // 2):
        return None
    logarithm = call.op.name == "relax.nn.log_softmax"

    def softmax(tensor: Any) -> Any:
        return _softmax(tensor, width, logarithm=logarithm)

    return context.builder.call_te(softmax, source, primfunc_attrs=OUT_FUSABLE)


def schedule_softmax(sch: Any, isa: InstructionSet) -> bool:
    """Lay out the kernel that `rewrite` made.

    Args:
        sch: TVM's schedule of the kernel.
        isa: What is compiled for.

    Returns:
        False when it is another kernel.
    """
    blocks = sch.get_child_blocks(sch.get_sblock("root"))
    marked = [block for block in blocks if annotation(sch, block, ROWS) is not None]
    if not marked:
        return False
    result = only_later(sch, blocks, marked[-1])
    if result is None:
        return False
    large = is_large(sch, blocks[:1])
    *rows, column = sch.get_loops(result)
    row = sch.fuse(*rows) if rows else sch.add_unit_loop(column)
    for block in reversed(marked):
        sch.compute_at(block, row, preserve_unit_loops=True)
    started = []
    for block in marked:
        places, reduced = loops_of(sch, block)
        lanes = places[-1]
        if reduced:
            sch.reorder(reduced[0], lanes)
            started.append((block, reduced[0]))
        elif block is marked[0]:
            sch.annotate(places[-2], PARTITION, 1)
        if (extent(sch, lanes) or 1) > 1 and not _is_number(sch, block):
            sch.vectorize(lanes)
    vectors, lanes = sch.split(column, [None, isa.lanes])
    sch.vectorize(lanes)
    sch.annotate(vectors, PARTITION, 1)
    if large and rows:
        parallel(sch, [row])
    for block, loop in started:
        sch.decompose_reduction(block, loop)
    return True


def _is_number(sch: Any, block: Any) -> bool:
    """Whether a block computes one number for a row."""
    return len(sch.get(block).iter_vars) == int(annotation(sch, block, ROWS))


def _softmax(tensor: Any, width: int, *, logarithm: bool) -> Any:
    from tvm import te, tirx  # noqa: PLC0415

    *rows, length = (size(each) for each in tensor.shape)
    vectors = ceil_div(length, width)
    marked = {ROWS: len(rows)}

    def filled(*index: Expr) -> Expr:
        *row, vector, lane = index
        column = vector * width + lane
        at = (*row, column)
        return te.if_then_else(column < length, tensor[at], tirx.const(float("-inf"), "float32"))

    scratch = te.compute((*rows, vectors, width), filled, name="row", attrs=marked)
    top = _over_vectors(scratch, te.max, "top")
    powers = te.compute(
        (*rows, vectors, width),
        lambda *index: te.exp(scratch[index] - top[tuple(index[:-2])]),
        name="exp",
        attrs=marked,
    )
    total = _over_vectors(powers, te.sum, "total")

    def result(*index: Expr) -> Expr:
        *row, column = index
        if logarithm:
            return tensor[index] - top[tuple(row)] - te.log(total[tuple(row)])
        at = (*row, column // width, column % width)
        return powers[at] / total[tuple(row)]

    return te.compute((*rows, length), result, name="softmax")


def _over_vectors(tensor: Any, reduce: Any, name: str) -> Any:
    """Reduce the last two dimensions: vectors to one, then its halves until one number is left."""
    from tvm import te  # noqa: PLC0415

    *rows, vectors, width = (size(each) for each in tensor.shape)
    step = te.reduce_axis((0, vectors), "vector")
    marked = {ROWS: len(rows)}

    def lane(*index: Expr) -> Expr:
        at = (*index[:-1], step, index[-1])
        return reduce(tensor[at], axis=step)

    def first(*row: Expr) -> Expr:
        at = (*row, 0)
        return found[at]

    found = te.compute((*rows, width), lane, name=name, attrs=marked)
    while width > 1:
        width //= 2
        found = _halves(found, (*rows, width), reduce, name)
    return te.compute(tuple(rows), first, name=f"{name}_row", attrs=marked)


def _halves(tensor: Any, shape: Sequence[Expr], reduce: Any, name: str) -> Any:
    from tvm import te  # noqa: PLC0415

    width = shape[-1]

    def joined(*index: Expr) -> Expr:
        at = (*index[:-1], index[-1] + width)
        one, other = tensor[index], tensor[at]
        return one + other if reduce is te.sum else te.max(one, other)

    marked = {ROWS: len(shape) - 1}
    return te.compute(tuple(shape), joined, name=f"{name}_{width}", attrs=marked)
