"""The table of tiles: what fits the registers, and which row a processor has."""

from __future__ import annotations

import pytest

from tvmplug.compiler.cpu.isa import TABLE, InstructionSet, instruction_set
from tvmplug.targets import target_named, with_choices

# Vector registers by the number of the architecture manuals.
REGISTERS = {
    "AVX-512": 32,
    "AVX2": 16,
    "Apple NEON": 32,
    "NEON+i8mm": 32,
    "NEON+dotprod": 32,
    "NEON": 32,
    "SSE": 16,
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_tile_leaves_registers_for_what_is_multiplied(row: InstructionSet) -> None:
    for tile in row.tiles:
        # The shorter side stays in registers during a step; the other one passes through one.
        needed = tile.rows * tile.vectors + min(tile.rows, tile.vectors) + 1
        assert needed <= REGISTERS[row.name], tile


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_the_ranking_holds_every_tile_once(row: InstructionSet) -> None:
    for rows, columns in ((None, None), (1, 7), (128, 384), (None, 100)):
        ranked = row.ranked(rows, columns)
        assert len(ranked) == len(row.tiles)
        assert set(ranked) == set(row.tiles)


@pytest.mark.parametrize(
    ("target", "cpu", "row"),
    [
        ("linux-x64", None, "AVX2"),
        ("linux-x64", "x86-64-v4", "AVX-512"),
        ("macos-x64", None, "SSE"),
        ("android-arm64", None, "NEON"),
        ("linux-arm64", "cortex-a72", "NEON"),
        ("linux-arm64", "cortex-a76", "NEON+dotprod"),
        ("android-arm64", "cortex-x1", "NEON+dotprod"),
        ("android-arm64", "cortex-a710", "NEON+i8mm"),
        ("linux-arm64", "neoverse-v1", "NEON+i8mm"),
        ("ios", None, "Apple NEON"),
        ("macos-arm64", None, "Apple NEON"),
        ("macos-arm64", "apple-m4", "Apple NEON"),
    ],
)
def test_a_processor_has_the_row_of_its_features(target: str, cpu: str | None, row: str) -> None:
    chosen = with_choices(target_named(target), cpu=cpu, plain=False)
    assert instruction_set(chosen.tvm_target).name == row
