"""A dataflow block as a graph: what uses what, and in which order it can be computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvmplug.compiler.cpu.operands import size

Array = np.ndarray[Any, Any]
Expr = Any
Var = Any
IRModule = Any


@dataclass(frozen=True)
class Graph:
    """The bindings of a dataflow block.

    Attributes:
        bindings: All of them, in order, by the variable that each binds.
        inputs: The variables that each binding reads; those from outside the block as well.
        users: The variables whose bindings read a variable.
        kept: Variables that may be read outside the block.
    """

    bindings: Mapping[Var, Any]
    inputs: Mapping[Var, Sequence[Var]]
    users: Mapping[Var, Sequence[Var]]
    kept: frozenset[Var]

    def value(self, expr: Expr) -> Expr | None:
        """What a variable is bound to in this block; None for all other expressions."""
        from tvm import relax  # noqa: PLC0415  takes a second

        binding = self.bindings.get(expr) if isinstance(expr, relax.Var) else None
        return binding.value if isinstance(binding, relax.VarBinding) else None

    def arguments(self, var: Var) -> list[Expr]:
        """What the operator that a variable is bound to takes."""
        return list(getattr(self.value(var), "args", ()))

    def order(self, replaced: Mapping[Var, Sequence[Var]]) -> list[Var] | None:
        """The bindings' variables so that each comes after what it reads.

        Args:
            replaced: What some variables read instead of what their bindings do.

        Returns:
            As close to the order of the block as can be; None when something would depend on
            itself.
        """
        done: set[Var] = set()
        begun: set[Var] = set()
        found: list[Var] = []
        for first in self.bindings:
            stack = [first]
            while stack:
                var = stack[-1]
                if var in done:
                    stack.pop()
                    continue
                reads = replaced.get(var, self.inputs[var])
                waits = [each for each in reads if each in self.bindings and each not in done]
                if not waits:
                    done.add(var)
                    found.append(stack.pop())
                elif var in begun:
                    return None
                else:
                    begun.add(var)
                    stack += reversed(waits)
        return found


def content(array: Array) -> tuple[tuple[int, ...], str, bytes]:
    """What equal arrays have in common."""
    return array.shape, str(array.dtype), hashlib.sha256(array.tobytes()).digest()


def graph(block: Any) -> Graph:
    """Look at a dataflow block.

    Args:
        block: A `relax.DataflowBlock`.
    """
    from tvm import relax  # noqa: PLC0415

    bindings = {binding.var: binding for binding in block.bindings}
    inputs: dict[Var, tuple[Var, ...]] = {}
    users: dict[Var, list[Var]] = {var: [] for var in bindings}
    for var, binding in bindings.items():
        inputs[var] = tuple(relax.analysis.free_vars(binding.value))
        for each in inputs[var]:
            users.setdefault(each, []).append(var)
    kept = frozenset(var for var in bindings if not isinstance(var, relax.DataflowVar))
    return Graph(bindings, inputs, users, kept)


def with_blocks(module: IRModule, change: Callable[[Any, Any], Sequence[Any] | None]) -> IRModule:
    """Change the dataflow blocks of a module's functions.

    Args:
        module: An IRModule.
        change: From a block builder, which takes new functions, and a block's graph to its new
            bindings; None leaves the block as it is.

    Returns:
        The module, without bindings that nothing reads any more.
    """
    from tvm import relax  # noqa: PLC0415

    builder = relax.BlockBuilder(module)
    changed: list[str] = []
    for name, function in module.functions.items():
        if not isinstance(function, relax.Function) or not isinstance(function.body, relax.SeqExpr):
            continue
        if "Primitive" in (function.attrs or {}):
            continue
        found = [
            change(builder, graph(block)) if isinstance(block, relax.DataflowBlock) else None
            for block in function.body.blocks
        ]
        if all(each is None for each in found):
            continue
        blocks = [
            block if bindings is None else relax.DataflowBlock(list(bindings))
            for block, bindings in zip(function.body.blocks, found, strict=True)
        ]
        new = relax.Function(
            function.params,
            relax.SeqExpr(blocks, function.body.body),
            function.ret_ty,
            function.is_pure,
            function.attrs,
        )
        builder.update_func(name, new)
        changed.append(name.name_hint)
    if not changed:
        return module
    return relax.transform.DeadCodeElimination()(builder.finalize())


def op_name(expr: Expr) -> str:
    """The name of the operator that an expression calls, empty when it is no such call."""
    from tvm import relax  # noqa: PLC0415
    from tvm.ir import Op  # noqa: PLC0415

    return str(expr.op.name) if isinstance(expr, relax.Call) and isinstance(expr.op, Op) else ""


def known_shape(expr: Expr) -> tuple[int, ...] | None:
    """The sizes of a float32 tensor; None where one is dynamic, or for something else."""
    from tvm import relax  # noqa: PLC0415

    type_ = expr.ty
    if not isinstance(type_, relax.TensorType) or not isinstance(type_.shape, relax.ShapeExpr):
        return None
    sizes = tuple(size(value) for value in type_.shape.values)
    if str(type_.dtype) != "float32" or not all(isinstance(each, int) for each in sizes):
        return None
    return sizes
