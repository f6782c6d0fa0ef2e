"""Reads what the variables of a cell are made of, column by column."""

from __future__ import annotations

from typing import Any

from tvmplug.compiler.cpu import columns
from tvmplug.compiler.cpu.cell_parts import Columns, Inner, Number, Part, Piece, Step, Tensor
from tvmplug.compiler.cpu.columns import View
from tvmplug.compiler.cpu.dataflow import Expr, Graph, Var, op_name


class NoCell(Exception):  # noqa: N818  says what it is, and is always caught
    """What was looked at cannot be one kernel."""


class Reader:
    """From variables to parts; what two parts share is one object."""

    def __init__(
        self,
        graph: Graph,
        *,
        inside: set[Var],
        steps: set[Var],
        known: set[Var],
        size: tuple[int, int],
    ) -> None:
        """Begin a stage.

        Args:
            graph: The block.
            inside: What the cell computes.
            steps: The variables of element-wise operators.
            known: What earlier stages hand on.
            size: Rows and units of the cell.
        """
        self.graph = graph
        self.inside = inside
        self.steps = steps
        self.known = known
        self.rows, self.units = size
        self.found: dict[tuple[Any, int], Part] = {}

    def part(self, view: View) -> Part:
        """What some columns of a variable are.

        Raises:
            NoCell: they cannot be computed unit by unit.
        """
        key = (view.expr, view.start)
        if key not in self.found:
            self.found[key] = self._part(view)
        return self.found[key]

    def _part(self, view: View) -> Part:
        graph = self.graph
        if view.expr in self.known:
            return self._inner(view)
        spread = self._spread(view)
        if spread is not None:
            return spread
        if columns.rows(view.expr) != self.rows:
            raise NoCell
        behind = columns.behind(graph, view)
        if behind is not None:
            return self.part(behind)
        if view.expr not in self.inside:
            return Tensor(view.expr, view.start)
        product = columns.dense(graph, view.expr)
        if product is not None:
            return Piece(self._rows_of(product.source), product.weights, view.start)
        if view.expr not in self.steps:
            raise NoCell
        arguments = [View(each, view.start) for each in graph.arguments(view.expr)]
        return Step(op_name(graph.value(view.expr)), tuple(self.part(each) for each in arguments))

    def _spread(self, view: View) -> Part | None:
        numbers = columns.constant(self.graph, view.expr)
        if numbers is None:
            return None
        if numbers.size == 1:
            return Number(float(numbers.reshape(-1)[0]))
        if numbers.size != numbers.shape[-1]:
            return None
        return Columns(numbers.reshape(-1)[view.start : view.start + self.units])

    def _rows_of(self, expr: Expr) -> Tensor | Inner:
        origin = columns.source(self.graph, expr)
        if origin.expr in self.known:
            return self._inner(origin)
        if origin.expr in self.inside:
            raise NoCell
        if origin.start == 0 and columns.width(origin.expr) == columns.width(expr):
            return Tensor(origin.expr, 0)
        return Tensor(expr, 0)

    def _inner(self, view: View) -> Inner:
        if view.start != 0 or columns.width(view.expr) != self.units:
            raise NoCell
        return Inner(view.expr)
