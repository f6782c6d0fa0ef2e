"""Writes a cell as one function of loops.

For so many units at a time, a pass over each tensor that is multiplied sums up the columns of all
products in registers, the weights of a unit's gates side by side. The sums go to scratch memory,
and when all are there comes what follows on them, in vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.cell_layout import Packed, Pass, Sums, packed, sums, tile_for
from tvmplug.compiler.cpu.cell_parts import (
    OPERATORS,
    Cell,
    Columns,
    Inner,
    Number,
    Part,
    Stage,
    Step,
    Tensor,
)
from tvmplug.compiler.cpu.dataflow import Array, known_shape
from tvmplug.compiler.cpu.isa import InstructionSet, Tile
from tvmplug.compiler.cpu.tiling import PARALLEL_WORK

Expr = Any
Buffer = Any
CELL = "tvmplug.cell"
"""Marks a function that is a cell, and came with its loops laid out."""
_Start = tuple[Expr, Expr]  # a block of units, and the first row


@dataclass(frozen=True)
class Kernel:
    """A cell's function and what it takes.

    Attributes:
        function: The PrimFunc: of the cell's tensors, the constants and the results.
        constants: The arrays.
    """

    function: Any
    constants: tuple[Array, ...]


def kernel(cell: Cell, isa: InstructionSet, weight_dtype: str) -> Kernel | None:
    """Write a cell.

    Args:
        cell: What is computed.
        isa: What is compiled for.
        weight_dtype: The type that weights are stored in.

    Returns:
        None when its products are too many for the registers.
    """
    plans: list[_Plan] = []
    for stage in cell.stages:
        found = sums(stage)
        tile = tile_for(isa, cell.rows, found.most, cell.units)
        if tile is None:
            return None
        made = packed(found, cell.units, tile.vectors * isa.lanes, weight_dtype)
        if made is None:
            return None
        columns = [part for part in stage.parts() if isinstance(part, Columns)]
        plans.append(_Plan(stage, found, made, tile, columns))
    constants = tuple(array for plan in plans for array in plan.constants())
    return Kernel(_Writer(cell, isa, plans, constants).function(), constants)


@dataclass(frozen=True)
class _Plan:
    """A stage, its products, their weights, and its columns of constants."""

    stage: Stage
    sums: Sums
    packed: Packed
    tile: Tile
    columns: Sequence[Columns]

    def constants(self) -> Iterator[Array]:
        """What the kernel takes for the stage, in the order in which `_Block` takes it."""
        for each in self.packed.passes:
            yield each.weights.stored(each.weights.numbers)
            if each.changes is not None:
                yield each.changes
        if self.packed.scales is not None:
            yield self.packed.scales
        if self.columns:
            yield np.stack([part.numbers for part in self.columns]).astype("float32")

    @property
    def work(self) -> int:
        """Multiplications of a row."""
        return sum(int(each.weights.numbers.size) for each in self.packed.passes)


class _Writer:
    """Writes one function with TVM's builder of scripts."""

    def __init__(
        self, cell: Cell, isa: InstructionSet, plans: Sequence[_Plan], constants: Sequence[Array]
    ) -> None:
        self.cell = cell
        self.isa = isa
        self.plans = plans
        self.constants = constants
        self.tensors: dict[Any, Buffer] = {}
        self.inner: dict[Any, Buffer] = {}
        self.outputs: dict[Any, Buffer] = {}
        self.given: list[Buffer] = []

    def function(self) -> Any:
        """The PrimFunc."""
        from tvm.script.ir_builder import IRBuilder  # noqa: PLC0415  takes a second
        from tvm.tirx.script import builder as T  # noqa: N812, PLC0415  TVM's name for it

        with IRBuilder() as builder:  # noqa: SIM117  the function is complete when the inner ends
            with T.prim_func(private=True, s_tir=True):
                T.func_attr({CELL: True, "tirx.noalias": True, "op_pattern": 8})  # kOpaque
                for number, expr in enumerate(self.cell.tensors()):
                    self.tensors[expr] = T.arg(f"x{number}", T.buffer(known_shape(expr)))
                for number, array in enumerate(self.constants):
                    buffer = T.buffer(array.shape, str(array.dtype))
                    self.given.append(T.arg(f"w{number}", buffer))
                for number, var in enumerate(self.cell.outputs):
                    self.outputs[var] = T.arg(f"y{number}", T.buffer(known_shape(var)))
                with T.sblock("root"):
                    for plan in self.plans:
                        self._stage(T, plan)
        return builder.get()

    def _stage(self, T: Any, plan: _Plan) -> None:  # noqa: N803
        """All rows and units of a stage."""
        rows, units = self.cell.rows, self.cell.units
        width = plan.tile.vectors * self.isa.lanes
        for var in plan.stage.results:
            if var not in self.outputs:
                self.inner[var] = T.sblock_alloc_buffer((rows, units))
        block = _Stage(self, T, plan)
        blocks = -(-units // width)
        if plan.packed.passes:
            large = plan.work * rows >= PARALLEL_WORK
            with (T.parallel if large else T.serial)(blocks) as number:
                block.sum_up(number)
        block.follow()

    def read(self, source: Tensor | Inner, row: Expr, column: Expr) -> Expr:
        """A number of a tensor or of an earlier stage."""
        if isinstance(source, Tensor):
            buffer = self.tensors[source.expr]
            return buffer[_index(source.expr, row, column + source.start)]
        if source.var in self.inner:
            return self.inner[source.var][row, column]
        return self.outputs[source.var][_index(source.var, row, column)]

    def target(self, var: Any, row: Expr, column: Expr) -> tuple[Buffer, list[Expr]]:
        """Where a result's number is written."""
        if var in self.inner:
            return self.inner[var], [row, column]
        return self.outputs[var], list(_index(var, row, column))


class _Stage:
    """Writes the products of a stage and what follows on them.

    The two have loops of their own: what the vector functions need in registers would push the
    sums out of them.
    """

    def __init__(self, writer: _Writer, T: Any, plan: _Plan) -> None:  # noqa: N803
        self.writer = writer
        self.T = T
        self.plan = plan
        self.lanes = writer.isa.lanes
        self.width = plan.tile.vectors * self.lanes
        used = plan.stage.readers()
        # TVM writes an expression again wherever it is read: what is read twice gets a name.
        self.shared = [
            part for part in plan.stage.parts() if isinstance(part, Step) and used[id(part)] > 1
        ]
        self.buffers = {
            id(part): T.sblock_alloc_buffer((self.lanes,), scope="local") for part in self.shared
        }
        self.names: dict[int, Buffer] = {}
        self.places: Mapping[int, int] = {id(part): i for i, part in enumerate(plan.columns)}
        take, each = writer.given.pop, plan.packed
        self.passes = [
            (one, take(0), None if one.changes is None else take(0)) for one in each.passes
        ]
        self.scales = None if each.scales is None else take(0)
        self.columns: Buffer = take(0) if plan.columns else None
        size = plan.sums.most * plan.tile.rows * self.width
        self.acc = T.sblock_alloc_buffer((size,), scope="local")
        blocks = -(-writer.cell.units // self.width)
        shape = (len(plan.sums.pieces) or 1, writer.cell.rows, blocks * self.width)
        self.total = T.sblock_alloc_buffer(shape)

    def sum_up(self, block: Expr) -> None:
        """Write the products of a block of units."""
        rows, height = self.writer.cell.rows, self.plan.tile.rows
        whole, rest = divmod(rows, height)
        if whole:
            with self.T.serial(whole) as number:
                self._rows(block, number * height, height)
        if rest:
            self._rows(block, whole * height, rest)

    def _rows(self, block: Expr, row: Expr, height: int) -> None:
        begun: set[int] = set()
        for each, weights, changes in self.passes:
            self._begin(each, changes, begun, (block, row), height)
            self._multiply(each, weights, (block, row), height)
            for place, slot in enumerate(each.slots):
                for down, first in self._vectors(height):
                    with self.T.vectorized(self.lanes) as lane:
                        at = self._at(place, height, down, first + lane)
                        index = self._index(slot, (block, row), down, first + lane)
                        self.T.buffer_store(self.total, self.acc[at], index)
            begun.update(each.slots)

    def _begin(
        self, each: Pass, changes: Buffer | None, begun: set[int], start: _Start, height: int
    ) -> None:
        """Put into the registers what the sums have so far."""
        for place, slot in enumerate(each.slots):
            for down, first in self._vectors(height):
                with self.T.vectorized(self.lanes) as lane:
                    index = self._index(slot, start, down, first + lane)
                    number = self.total[tuple(index)] if slot in begun else _zero()
                    if slot in begun and changes is not None:
                        number = number * changes[place, index[-1]]
                    at = self._at(place, height, down, first + lane)
                    self.T.buffer_store(self.acc, number, [at])

    def _multiply(self, each: Pass, weights: Buffer, start: _Start, height: int) -> None:
        """Multiply some rows with the weights of a block."""
        T = self.T  # noqa: N806
        block, row = start
        unroll = self.writer.isa.unroll
        unroll = unroll if each.depth % unroll == 0 else 1
        with T.serial(each.depth // unroll) as round_, T.unroll(unroll) as within:
            step = round_ * unroll + within
            for down in range(height):
                factor = self.writer.read(each.source, row + down, step)
                for place in range(len(each.slots)):
                    for _, first in self._vectors(1):
                        with T.vectorized(self.lanes) as lane:
                            column = place * self.width + first + lane
                            number = each.weights.at(weights, (block, step, column))
                            at = self._at(place, height, down, first + lane)
                            T.buffer_store(self.acc, self.acc[at] + factor * number, [at])

    def _vectors(self, height: int) -> list[tuple[int, int]]:
        """Row and first unit of all vectors of a tile."""
        return [
            (down, first) for down in range(height) for first in range(0, self.width, self.lanes)
        ]

    def _at(self, place: int, height: int, down: int, unit: Expr) -> Expr:
        """Where a register's number lies."""
        return (place * height + down) * self.width + unit

    def _index(self, slot: int, start: _Start, down: int, unit: Expr) -> list[Expr]:
        """Where a sum lies in scratch memory."""
        block, row = start
        return [slot, row + down, block * self.width + unit]

    def follow(self) -> None:
        """Write what is computed of the sums."""
        whole, rest = divmod(self.writer.cell.units, self.lanes)
        with self.T.serial(self.writer.cell.rows) as row:
            if whole:
                with self.T.serial(whole) as number:
                    self._results(row, number * self.lanes, self.T.vectorized, self.lanes)
            if rest:
                self._results(row, whole * self.lanes, self.T.serial, rest)

    def _results(self, row: Expr, unit: Expr, loop: Callable[[int], Any], count: int) -> None:
        """Compute the results of some units of one row."""
        T = self.T  # noqa: N806
        self.names = {}
        for part in self.shared:
            name = self.buffers[id(part)]
            with loop(count) as lane:
                T.buffer_store(name, self._value(part, row, unit, lane), [lane])
            self.names[id(part)] = name
        for var, result in self.plan.stage.results.items():
            with loop(count) as lane:
                buffer, index = self.writer.target(var, row, unit + lane)
                T.buffer_store(buffer, self._value(result, row, unit, lane), index)

    def _value(self, part: Part, row: Expr, first: Expr, lane: Expr) -> Expr:
        """A part's number for one unit of one row."""
        from tvm import tirx  # noqa: PLC0415

        unit = first + lane
        if id(part) in self.names:
            return self.names[id(part)][lane]
        held = self.plan.sums.held.get(id(part))
        if held is not None:
            value = self.total[held.slot, row, unit]
            if self.scales is not None:
                value = value * self.scales[held.slot, unit]
            for each in held.others:
                value = value + self._value(each, row, first, lane)
            return value
        if isinstance(part, Step):
            arguments = [self._value(each, row, first, lane) for each in part.arguments]
            return OPERATORS[part.operator](*arguments)
        if isinstance(part, Tensor | Inner):
            return self.writer.read(part, row, unit)
        if isinstance(part, Number):
            return tirx.const(part.value, "float32")
        return self.columns[self.places[id(part)], unit]


def _zero() -> Expr:
    from tvm import tirx  # noqa: PLC0415

    return tirx.const(0.0, "float32")


def _index(tensor: Expr, row: Expr, column: Expr) -> tuple[Expr, ...]:
    """Where a number of a tensor lies whose leading dimensions are counted through as rows."""
    sizes = (known_shape(tensor) or ())[:-1]
    many = [axis for axis, size in enumerate(sizes) if size > 1]
    index: list[Expr] = [0] * len(sizes)
    for axis in reversed(many):
        index[axis] = row if axis == many[0] else row % sizes[axis]
        row = row // sizes[axis]
    return (*index, column)
