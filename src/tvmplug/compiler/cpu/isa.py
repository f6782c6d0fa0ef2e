"""Instruction sets, and the register tiles that suit them.

A tile is a block of a product's result that stays in registers while the reduction runs:
`rows` rows by `vectors` vector registers of columns. Each step of the reduction loads one vector
of weights for each column register and broadcasts one number for each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tile:
    """Result registers of one kernel.

    Attributes:
        rows: How many rows of the result.
        vectors: How many vector registers of columns a row has.
    """

    rows: int
    vectors: int


@dataclass(frozen=True)
class InstructionSet:
    """What a kernel's shape depends on.

    Attributes:
        name: How reports call it.
        features: What LLVM calls the features that a processor must have.
        lanes: float32 numbers in a vector register.
        multiply_adds: Vector multiply-adds that a core of this kind begins in a cycle.
        latency: Cycles from a multiply-add to the use of its result.
        unroll: Steps of the reduction in one round of the innermost loop.
        tiles: The tiles to choose from; all fit the registers.
    """

    name: str
    features: tuple[str, ...]
    lanes: int
    multiply_adds: int
    latency: int
    unroll: int
    tiles: tuple[Tile, ...]

    def ranked(self, rows: int | None, columns: int | None) -> tuple[Tile, ...]:
        """Sort the tiles: those first that waste the least.

        Args:
            rows: Rows of the product, None when dynamic.
            columns: Columns of the product, None when dynamic.
        """
        return tuple(sorted(self.tiles, key=lambda tile: self._cost(tile, rows, columns)))

    def _cost(self, tile: Tile, rows: int | None, columns: int | None) -> float:
        """Cycles of one step of the reduction, for all tiles or, where unknown, for one number."""
        products = tile.rows * tile.vectors
        loads = (tile.rows + tile.vectors) / 2  # both x86-64 and AArch64 load twice in a cycle
        cycles = max(products / self.multiply_adds, loads, self.latency)
        width = tile.vectors * self.lanes
        down = 1 / tile.rows if rows is None else -(-rows // tile.rows)
        across = 1 / width if columns is None else -(-columns // width)
        return cycles * down * across


# The first of equals is taken: one that is good where sizes are dynamic stands first.
_SIXTEEN_REGISTERS = (
    Tile(6, 2),
    Tile(4, 3),
    Tile(2, 4),
    Tile(1, 8),
    Tile(12, 1),
)
_THIRTY_TWO_REGISTERS = (
    Tile(8, 3),
    Tile(6, 4),
    Tile(4, 6),
    Tile(4, 4),
    Tile(3, 6),
    Tile(2, 8),
    Tile(1, 8),
    Tile(12, 2),
    Tile(24, 1),
)

# The first that a target has. The last one has no vector features to ask for.
#
# On AArch64 a feature stands for the cores that have it; kernels use none of its instructions.
# Multiply-adds (FMLA of four numbers) and latencies are those of the oldest such cores in Arm's
# Software Optimization Guides: Cortex-A710 (2022) for i8mm and Cortex-A76 (2018) for dotprod have
# two vector pipes, and a latency of 4. Apple's cores have four pipes, whatever else they have;
# LLVM gives this feature, for moves that cost nothing, to none but them.
TABLE = (
    InstructionSet("AVX-512", ("avx512f",), 16, 2, 4, unroll=2, tiles=_THIRTY_TWO_REGISTERS),
    InstructionSet("AVX2", ("avx2", "fma"), 8, 2, 4, unroll=1, tiles=_SIXTEEN_REGISTERS),
    InstructionSet(
        "Apple NEON", ("neon", "zcm-gpr64"), 4, 4, 4, unroll=4, tiles=_THIRTY_TWO_REGISTERS
    ),
    InstructionSet("NEON+i8mm", ("neon", "i8mm"), 4, 2, 4, unroll=4, tiles=_THIRTY_TWO_REGISTERS),
    InstructionSet(
        "NEON+dotprod", ("neon", "dotprod"), 4, 2, 4, unroll=4, tiles=_THIRTY_TWO_REGISTERS
    ),
    InstructionSet("NEON", ("neon",), 4, 4, 4, unroll=4, tiles=_THIRTY_TWO_REGISTERS),
    InstructionSet("SSE", (), 4, 1, 4, unroll=1, tiles=_SIXTEEN_REGISTERS),
)


def instruction_set(target: Mapping[str, object] | Any) -> InstructionSet:
    """Find out what a target's processor has.

    Args:
        target: TVM's target for LLVM, or its attributes.
    """
    import tvm  # noqa: PLC0415  takes a second
    from tvm.target import codegen  # noqa: PLC0415

    asked = target if isinstance(target, tvm.target.Target) else tvm.target.Target(dict(target))
    for row in TABLE:
        if all(codegen.llvm_cpu_has_features(feature, asked) for feature in row.features):
            return row
    return TABLE[-1]
