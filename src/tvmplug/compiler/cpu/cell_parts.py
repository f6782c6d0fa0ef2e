"""What a cell computes: columns of products, of tensors and of constants, and steps on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tvmplug.compiler.cpu.dataflow import Array, Expr

ACTIVATIONS = frozenset({"relax.sigmoid", "relax.tanh", "relax.nn.silu", "relax.nn.gelu"})
"""What makes a cell of products: without one of these, it is some other sum."""
_READING_TWICE = frozenset({"relax.square", "relax.nn.silu", "relax.nn.gelu"})


@dataclass(frozen=True, eq=False)
class Number:
    """The same number everywhere."""

    value: float


@dataclass(frozen=True, eq=False)
class Columns:
    """A number for each unit, the same for all rows."""

    numbers: Array


@dataclass(frozen=True, eq=False)
class Tensor:
    """Columns of a tensor that is there before the cell.

    Attributes:
        expr: The tensor.
        start: Its column of the first unit.
    """

    expr: Expr
    start: int


@dataclass(frozen=True, eq=False)
class Inner:
    """What an earlier stage of the cell has computed.

    Attributes:
        var: The variable that it was bound to.
    """

    var: Expr


@dataclass(frozen=True, eq=False)
class Piece:
    """Columns of a product.

    Attributes:
        source: The product's rows: a `Tensor` from its column 0 on, or an `Inner`.
        weights: The product's constant, [depth, columns].
        start: The column of the first unit.
    """

    source: Tensor | Inner
    weights: Array
    start: int


@dataclass(frozen=True, eq=False)
class Step:
    """An element-wise operator.

    Attributes:
        operator: Relax's name of it.
        arguments: What it is computed of.
    """

    operator: str
    arguments: tuple[Part, ...]


Part = Number | Columns | Tensor | Inner | Piece | Step


@dataclass(frozen=True)
class Stage:
    """What is computed unit by unit: no unit needs another one of the same stage.

    Attributes:
        results: The variables that later stages and the rest of the model read, and their values.
    """

    results: Mapping[Any, Part]

    def parts(self) -> list[Part]:
        """All parts, each once, and after what it is computed of."""
        found: dict[int, Part] = {}
        for part in self.results.values():
            for each in _within(part, found):
                found[id(each)] = each
        return list(found.values())

    def readers(self) -> Mapping[int, int]:
        """How often each part is read, as a result as well, by `id`."""
        found = {id(part): 0 for part in self.parts()}
        for part in self.results.values():
            found[id(part)] += 1
        for part in self.parts():
            if isinstance(part, Step):
                for each in part.arguments:
                    found[id(each)] += 2 if part.operator in _READING_TWICE else 1
        return found


@dataclass(frozen=True)
class Cell:
    """Products and everything that is done with their columns.

    Attributes:
        rows: How many rows all tensors have.
        units: How many columns all results have.
        stages: In order; a later one may multiply what an earlier one computed.
        outputs: The variables that the rest of the model reads, in order.
    """

    rows: int
    units: int
    stages: tuple[Stage, ...]
    outputs: tuple[Any, ...]

    def tensors(self) -> list[Expr]:
        """What is there before the cell and is read by it, each once."""
        found: dict[Any, None] = {}
        for stage in self.stages:
            for part in stage.parts():
                read = part.source if isinstance(part, Piece) else part
                if isinstance(read, Tensor):
                    found[read.expr] = None
        return list(found)


def _within(part: Part, seen: Mapping[int, Part]) -> Iterator[Part]:
    if id(part) in seen:
        return
    if isinstance(part, Step):
        for argument in part.arguments:
            yield from _within(argument, seen)
    yield part


def _gelu(x: Expr) -> Expr:
    from tvm import tirx  # noqa: PLC0415

    return x * 0.5 * (1.0 + tirx.erf(x * 0.5**0.5))


def _tirx(name: str) -> Callable[..., Expr]:
    def call(*arguments: Expr) -> Expr:
        from tvm import tirx  # noqa: PLC0415  takes a second

        return getattr(tirx, name)(*arguments)

    return call


OPERATORS: Mapping[str, Callable[..., Expr]] = MappingProxyType(
    {
        "relax.add": lambda x, y: x + y,
        "relax.subtract": lambda x, y: x - y,
        "relax.multiply": lambda x, y: x * y,
        "relax.divide": lambda x, y: x / y,
        "relax.maximum": _tirx("max"),
        "relax.minimum": _tirx("min"),
        "relax.negative": lambda x: -x,
        "relax.square": lambda x: x * x,
        "relax.abs": _tirx("abs"),
        "relax.exp": _tirx("exp"),
        "relax.sigmoid": _tirx("sigmoid"),
        "relax.tanh": _tirx("tanh"),
        "relax.nn.silu": lambda x: x * _tirx("sigmoid")(x),
        "relax.nn.gelu": _gelu,
        "relax.nn.relu": lambda x: _tirx("max")(x, 0.0),
    }
)
"""The operators that a cell may hold, and what they are for one number."""
