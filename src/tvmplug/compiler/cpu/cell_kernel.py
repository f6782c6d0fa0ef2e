"""Writes a cell as one function of loops.

For so many units at a time, a pass over each tensor that is multiplied sums up the columns of all
products in registers, the weights of a unit's gates side by side. The sums go to scratch memory,
and when all are there comes what follows on them, in vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tvmplug.compiler.cpu.cell_layout import packed, sums, tile_for
from tvmplug.compiler.cpu.cell_parts import Cell, Columns, Inner, Tensor
from tvmplug.compiler.cpu.cell_stage import Plan, StageWriter
from tvmplug.compiler.cpu.dataflow import Array, known_shape
from tvmplug.compiler.cpu.isa import InstructionSet
from tvmplug.compiler.cpu.tiling import PARALLEL_WORK

Expr = Any
Buffer = Any
CELL = "tvmplug.cell"
"""Marks a function that is a cell, and came with its loops laid out."""


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
    plans: list[Plan] = []
    for stage in cell.stages:
        found = sums(stage)
        tile = tile_for(isa, cell.rows, found.most, cell.units)
        if tile is None:
            return None
        made = packed(found, cell.units, tile.vectors * isa.lanes, weight_dtype)
        if made is None:
            return None
        columns = [part for part in stage.parts() if isinstance(part, Columns)]
        plans.append(Plan(stage, found, made, tile, columns))
    constants = tuple(array for plan in plans for array in plan.constants())
    return Kernel(Writer(cell, isa, plans, constants).function(), constants)


class Writer:
    """Writes one function with TVM's builder of scripts."""

    def __init__(
        self, cell: Cell, isa: InstructionSet, plans: Sequence[Plan], constants: Sequence[Array]
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

    def _stage(self, T: Any, plan: Plan) -> None:  # noqa: N803
        """All rows and units of a stage."""
        rows, units = self.cell.rows, self.cell.units
        width = plan.tile.vectors * self.isa.lanes
        for var in plan.stage.results:
            if var not in self.outputs:
                self.inner[var] = T.sblock_alloc_buffer((rows, units))
        block = StageWriter(self, T, plan)
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


def _index(tensor: Expr, row: Expr, column: Expr) -> tuple[Expr, ...]:
    """Where a number of a tensor lies whose leading dimensions are counted through as rows."""
    sizes = (known_shape(tensor) or ())[:-1]
    many = [axis for axis, size in enumerate(sizes) if size > 1]
    index: list[Expr] = [0] * len(sizes)
    for axis in reversed(many):
        index[axis] = row if axis == many[0] else row % sizes[axis]
        row = row // sizes[axis]
    return (*index, column)
