"""Makes one kernel of each recurrent cell: its products, its gates and the update of its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvmplug.compiler.cpu import dataflow
from tvmplug.compiler.cpu.cell_find import cells
from tvmplug.compiler.cpu.cell_kernel import CELL, kernel
from tvmplug.compiler.cpu.cell_parts import Cell
from tvmplug.compiler.cpu.dataflow import Array, Graph, content
from tvmplug.compiler.cpu.isa import InstructionSet

IRModule = Any


def rewrite(module: IRModule, isa: InstructionSet, weight_dtype: str) -> IRModule:
    """Replace cells by calls of kernels; equal steps of a sequence share one.

    Args:
        module: An IRModule of operators, its weights constants.
        isa: What is compiled for.
        weight_dtype: The type that weights are stored in.
    """
    constants: dict[Any, Any] = {}

    def constant(array: Array) -> Any:
        """The same object for equal arrays: the steps of a sequence hold their weights once."""
        from tvm import relax  # noqa: PLC0415  takes a second

        key = content(array)
        if key not in constants:
            constants[key] = relax.const(array)
        return constants[key]

    def change(builder: Any, graph: Graph) -> Sequence[Any] | None:
        from tvm import relax  # noqa: PLC0415

        calls: dict[Any, list[Any]] = {}
        replaced = {}
        for cell in cells(graph):
            found = kernel(cell, isa, weight_dtype)
            if found is None:
                continue
            tensors = cell.tensors()
            arguments = [*tensors, *(constant(array) for array in found.constants)]
            types = [var.ty for var in cell.outputs]
            call = relax.call_tir(builder.add_func(found.function, "cell"), arguments, types)
            made = _bindings(cell, call)
            calls[cell.outputs[0]] = made
            calls.update({var: [] for var in cell.outputs[1:]})
            reads = [each for each in tensors if isinstance(each, relax.Var)]
            replaced.update(dict.fromkeys(cell.outputs, reads))
        if not calls:
            return None
        # The finder asked for this order already.
        order = graph.order(replaced) or []
        return [binding for var in order for binding in calls.get(var, [graph.bindings[var]])]

    return dataflow.with_blocks(module, change)


def schedule_cell(sch: Any, _: InstructionSet) -> bool:
    """Take a cell: it came with its loops laid out."""
    return CELL in (sch.mod["main"].attrs or {})


def _bindings(cell: Cell, call: Any) -> list[Any]:
    """The call, and the results by the names that they had."""
    from tvm import ir, relax  # noqa: PLC0415

    first, *more = cell.outputs
    if not more:
        return [relax.VarBinding(first, call)]
    types = [var.ty for var in cell.outputs]
    both = relax.DataflowVar(f"{first.name}_cell", ir.TupleType(types))
    return [
        relax.VarBinding(both, call),
        *(
            relax.VarBinding(var, relax.TupleGetItem(both, number))
            for number, var in enumerate(cell.outputs)
        ),
    ]
