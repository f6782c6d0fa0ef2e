"""Writes one stage of a cell: its products, and what follows on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tvmplug.compiler.cpu.cell_layout import Packed, Pass, Sums
from tvmplug.compiler.cpu.cell_parts import (
    OPERATORS,
    Columns,
    Inner,
    Number,
    Part,
    Stage,
    Step,
    Tensor,
)
from tvmplug.compiler.cpu.dataflow import Array
from tvmplug.compiler.cpu.isa import Tile

if TYPE_CHECKING:
    from tvmplug.compiler.cpu.cell_kernel import Writer

Expr = Any
Buffer = Any
_Start = tuple[Expr, Expr]  # a block of units, and the first row


@dataclass(frozen=True)
class Plan:
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


class StageWriter:
    """Writes the products of a stage and what follows on them.

    The two have loops of their own: what the vector functions need in registers would push the
    sums out of them.
    """

    def __init__(self, writer: Writer, T: Any, plan: Plan) -> None:  # noqa: N803
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
