"""Finds cells: products of few rows whose columns meet again in element-wise steps.

Nothing here knows an LSTM or a GRU. Their gates are columns of products, the update of their
state is element-wise, and all of it can be computed unit by unit; so it can for any other cell of
that kind, whatever the order of its gates and the way that its update is written down.

Two facts draw a cell's borders. The *level* of a variable counts the products before it, so that
one step of a sequence ends where the next one's products begin. And a cell is only taken when the
rest of the model can be computed before and after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tvmplug.compiler.cpu import columns
from tvmplug.compiler.cpu.cell_parts import (
    ACTIVATIONS,
    OPERATORS,
    Cell,
    Piece,
    Stage,
    Step,
)
from tvmplug.compiler.cpu.cell_read import NoCell, Reader
from tvmplug.compiler.cpu.columns import View
from tvmplug.compiler.cpu.dataflow import Expr, Graph, Var, op_name

MOST_ROWS = 8
"""With more rows products gain little from being one, and tensors outgrow the scratch memory."""


@dataclass
class Finding:
    """A graph and what is known of its variables.

    Attributes:
        graph: The block.
        steps: The variables of element-wise operators on few rows.
        levels: How many products lie before each variable.
        members: The variables of steps that belong together, for each of these groups.
    """

    graph: Graph
    steps: set[Var] = field(default_factory=set)
    levels: dict[Var, int] = field(default_factory=dict)
    members: list[list[Var]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look at all variables once."""
        self.steps = {var for var in self.graph.bindings if _is_step(self.graph, var)}
        for var in self.graph.bindings:
            before = max((self.levels.get(each, 0) for each in self.graph.inputs[var]), default=0)
            self.levels[var] = before + (0 if self._stays(var) else 1)
        self.members = self._groups()

    def _stays(self, var: Var) -> bool:
        return var in self.steps or _is_part(self.graph, var)

    def sources(self, var: Var) -> list[Expr]:
        """What a step computes with, where it really lies."""
        return [columns.source(self.graph, each).expr for each in self.graph.arguments(var)]

    def _groups(self) -> list[list[Var]]:
        """Steps of one level that read each other."""
        group = {var: var for var in self.steps}

        def first(var: Var) -> Var:
            while group[var] != var:
                group[var] = group[group[var]]
                var = group[var]
            return var

        for var in self.graph.bindings:
            if var in self.steps:
                for each in self.sources(var):
                    if each in self.steps and self.levels[each] == self.levels[var]:
                        group[first(each)] = first(var)
        found: dict[Var, list[Var]] = {}
        for var in self.graph.bindings:
            if var in self.steps:
                found.setdefault(first(var), []).append(var)
        return list(found.values())


def cells(graph: Graph) -> list[Cell]:
    """Find the cells of a dataflow block.

    Args:
        graph: The block.

    Returns:
        Cells that can all be kernels at the same time, in no certain order.
    """
    finding = Finding(graph)
    taken: list[Cell] = []
    replaced: dict[Var, list[Var]] = {}
    covered: set[Var] = set()
    # A later group takes earlier ones in, not the other way round.
    for members in sorted(finding.members, key=lambda each: -finding.levels[each[0]]):
        if covered.intersection(members):
            continue
        for stages in (_stages(finding, members), [members]):
            found = _cell(finding, stages)
            if found is None:
                continue
            wanted = {**replaced, **dict.fromkeys(found.outputs, found.tensors())}
            if graph.order(wanted) is not None:
                taken.append(found)
                replaced = wanted
                covered.update(var for stage in stages for var in stage)
                break
    return taken


def _is_step(graph: Graph, var: Var) -> bool:
    """Whether a variable is computed row by row and column by column."""
    value = graph.value(var)
    if value is None or op_name(value) not in OPERATORS:
        return False
    rows, width = columns.rows(var), columns.width(var)
    if rows is None or rows > MOST_ROWS:
        return False
    return all(
        (columns.rows(each), columns.width(each)) == (rows, width) or _is_spread(graph, each, width)
        for each in value.args
    )


def _is_spread(graph: Graph, expr: Expr, width: int | None) -> bool:
    """Whether a constant is the same for all rows."""
    numbers = columns.constant(graph, expr)
    return numbers is not None and (
        numbers.size == 1 or (numbers.size == width == numbers.shape[-1])
    )


def _stages(finding: Finding, members: list[Var]) -> list[list[Var]]:
    """A group, after the one that computes what it multiplies.

    That is a GRU whose reset gate scales the state before the product: a gate times the state,
    multiplied again.
    """
    graph, level = finding.graph, finding.levels[members[0]]
    inside = _inside(finding, members)
    gated = {_multiplied(finding, var) for var in inside} & finding.steps
    if not any(_scales_state(finding, var, level - 1) for var in gated):
        return [members]
    before: list[Var] = []
    for group in finding.members:
        if finding.levels[group[0]] == level - 1:
            whole = _inside(finding, group)
            if all(
                user in whole or user in inside for var in group for user in _readers(graph, var)
            ):
                before += group
    return [before, members] if gated.intersection(before) else [members]


def _multiplied(finding: Finding, var: Var) -> Expr | None:
    """What a product multiplies with a constant, None for another variable."""
    found = columns.dense(finding.graph, var)
    return None if found is None else columns.source(finding.graph, found.source).expr


def _scales_state(finding: Finding, var: Var, level: int) -> bool:
    """Whether a variable is a gate times a tensor that the gate's own product multiplies."""
    graph = finding.graph
    if op_name(graph.value(var)) != "relax.multiply":
        return False
    return any(
        _multiplied(finding, user) == each and finding.levels[user] == level
        for each in finding.sources(var)
        for user in _readers(graph, each)
        if user is not None
    )


def _readers(graph: Graph, var: Var) -> Iterator[Var | None]:
    """Who computes with a variable or with a part of it; None stands for what is outside."""
    if var in graph.kept:
        yield None
    for user in graph.users.get(var, ()):
        if _is_part(graph, user):
            yield from _readers(graph, user)
        else:
            yield user


def _is_part(graph: Graph, var: Var) -> bool:
    """Whether a variable only stands for columns of another one."""
    split = op_name(graph.value(var)) == "relax.split"
    return split or columns.behind(graph, View(var, 0)) is not None


def _inside(finding: Finding, members: Iterable[Var]) -> set[Var]:
    """A group, and the sums of products before it that nothing else reads."""
    graph = finding.graph
    inside = set(members)
    waiting = list(inside)
    while waiting:
        for var in graph.inputs[waiting.pop()]:
            if var in inside or var not in graph.bindings or var in graph.kept:
                continue
            if (_is_part(graph, var) or _is_linear(finding, var)) and inside.issuperset(
                graph.users[var]
            ):
                inside.add(var)
                waiting.append(var)
    return inside


def _is_linear(finding: Finding, expr: Expr) -> bool:
    """Whether a tensor is a product, or a sum of products and constants."""
    graph = finding.graph
    origin = columns.source(graph, expr).expr
    if columns.dense(graph, origin) is not None:
        return columns.rows(origin) is not None
    if origin not in finding.steps or op_name(graph.value(origin)) != "relax.add":
        return False
    return all(
        columns.constant(graph, each) is not None or _is_linear(finding, each)
        for each in graph.arguments(origin)
    )


def _cell(finding: Finding, stages: list[list[Var]]) -> Cell | None:
    """Say what groups of steps compute, None when that is not worth a kernel or cannot be one."""
    graph = finding.graph
    every = {var for stage in stages for var in stage}
    whole = _inside(finding, every)
    outputs = [
        var
        for var in graph.bindings
        if var in every and (var in graph.kept or not whole.issuperset(graph.users[var]))
    ]
    units = columns.width(outputs[-1]) if outputs else None
    rows = columns.rows(outputs[-1]) if outputs else None
    if units is None or rows is None:
        return None
    try:
        made: list[Stage] = []
        known: set[Var] = set()
        for number, stage in enumerate(stages):
            reader = Reader(
                graph, inside=whole, steps=finding.steps, known=known, size=(rows, units)
            )
            later = [each for group in stages[number + 1 :] for each in group]
            wanted = [var for var in stage if var in outputs]
            wanted += [var for var in _handed_on(finding, stage, later) if var not in wanted]
            if any((columns.rows(var), columns.width(var)) != (rows, units) for var in wanted):
                return None
            made.append(Stage({var: reader.part(View(var, 0)) for var in wanted}))
            known.update(wanted)
    except NoCell:
        return None
    found = Cell(rows, units, tuple(made), tuple(outputs))
    return found if _is_worth(found) else None


def _handed_on(finding: Finding, stage: list[Var], later: list[Var]) -> list[Var]:
    """What a later stage reads of a stage; sums of products it computes itself."""
    graph = finding.graph
    readers = {
        var
        for var in _inside(finding, later)
        if var in finding.steps or columns.dense(graph, var) is not None
    }
    return [
        var
        for var in graph.bindings
        if readers.intersection(graph.users[var])
        and columns.source(graph, var).expr in stage
        and not _is_linear(finding, var)
    ]


def _is_worth(cell: Cell) -> bool:
    """Whether several products meet, and a gate or a squashed sum is among what is made of them."""
    parts = [part for stage in cell.stages for part in stage.parts()]
    pieces = [part for part in parts if isinstance(part, Piece)]
    squashed = any(isinstance(part, Step) and part.operator in ACTIVATIONS for part in parts)
    return len(pieces) > 1 and squashed
