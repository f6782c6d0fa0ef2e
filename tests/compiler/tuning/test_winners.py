"""The file of measured tiles: round trips, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compiler.tuning.kernels import KERNELS
from tvmplug.compiler.cpu.choices import Choice, choice_of
from tvmplug.compiler.cpu.isa import TABLE, Tile
from tvmplug.compiler.tuning.winners import (
    FILE_NAME,
    Winner,
    read_tuning,
    tiles_of,
    to_text,
    with_winner,
    write_tuning,
)
from tvmplug.errors import FileError

CHOICES = st.builds(
    Choice, st.builds(Tile, st.integers(1, 24), st.integers(1, 8)), st.integers(0, 1)
)
WINNERS = st.builds(
    Winner,
    CHOICES,
    instead_of=st.one_of(st.just(""), CHOICES.map(str)),
    ratio=st.one_of(st.none(), st.floats(0.01, 1)),
    processor=st.text(),
    threads=st.one_of(st.none(), st.integers(1, 4)),
    tvm=st.sampled_from(["", "0.27.0.post1"]),
)
TUNINGS = st.dictionaries(
    st.sampled_from([row.name for row in TABLE]),
    st.dictionaries(KERNELS.map(lambda kernel: kernel.text), WINNERS, min_size=1, max_size=3),
    max_size=3,
)
KERNEL = "matmul (1, a, 96) x weights (96, 192)"


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tuning=TUNINGS)
def test_what_is_written_is_read_again(
    tuning: dict[str, dict[str, Winner]], tmp_path: Path
) -> None:
    write_tuning(tmp_path, tuning)
    assert read_tuning(tmp_path) == tuning
    assert (tmp_path / FILE_NAME).exists() == bool(tuning)


@given(choice=CHOICES)
def test_a_choice_reads_as_it_was_written(choice: Choice) -> None:
    assert choice_of(str(choice)) == choice


def test_lines_are_sorted_and_one_for_each_kernel() -> None:
    winner = Winner(Choice(Tile(6, 2)), "4x3", 0.9, "a processor", 2, "0.27.0.post1")
    tuning = {"NEON": {"b": winner, "a": winner}, "AVX2": {KERNEL: winner}}
    lines = to_text(tuning).splitlines()
    shown = '{"tile": "6x2", "instead_of": "4x3", "ratio": 0.9, "processor": "a processor",'
    shown += ' "threads": 2, "tvm": "0.27.0.post1"}'
    assert [line.strip() for line in lines if shown in line] == [
        f'"{KERNEL}": {shown}',
        f'"a": {shown},',
        f'"b": {shown}',
    ]
    told = json.loads(to_text(tuning))
    assert "author owns this file" in told["owner"]
    assert told["written_by"].startswith("tvmplug tune ")


def test_a_kernel_can_be_changed_and_taken_out() -> None:
    one, other = Winner(Choice(Tile(6, 2))), Winner(Choice(Tile(4, 3)))
    tuning = with_winner(with_winner({}, "AVX2", "a", one), "NEON", "a", other)
    assert tiles_of(tuning) == {"AVX2": {"a": one.choice}, "NEON": {"a": other.choice}}
    assert with_winner(tuning, "AVX2", "a", None) == {"AVX2": {}, "NEON": {"a": other}}


def test_without_tiles_there_is_no_file(tmp_path: Path) -> None:
    write_tuning(tmp_path, {"AVX2": {"a": Winner(Choice(Tile(6, 2)))}})
    write_tuning(tmp_path, {"AVX2": {}})
    assert list(tmp_path.iterdir()) == []
    assert read_tuning(tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "what", "mend"),
    [
        ("{", "is no JSON", "from git"),
        ("<<<<<<< ours\n{}\n", "is no JSON", "from git"),
        (b"\xff\xfe", "is no JSON", "from git"),
        ("[]", 'has no "tiles"', "from git"),
        ('{"format": 1}', 'has no "tiles"', "from git"),
        ('{"format": 2, "tiles": {}}', "has the format 2", "Update tvmplug"),
        ('{"format": 1, "tiles": {"AVX2": 3}}', 'has no tiles under "AVX2"', "from git"),
        ('{"format": 1, "tiles": {"AVX2": {"k": {}}}}', 'for "k"', "Correct that line"),
        ('{"format": 1, "tiles": {"AVX2": {"k": "6x2"}}}', 'for "k"', "Correct that line"),
        ('{"format": 1, "tiles": {"AVX2": {"k": {"tile": "6y2"}}}}', 'for "k"', "Correct"),
        ('{"format": 1, "tiles": {"AVX2": {"k": {"tile": "0x2"}}}}', 'for "k"', "Correct"),
    ],
)
def test_a_damaged_file_is_refused_and_the_mend_is_named(
    content: str | bytes, what: str, mend: str, tmp_path: Path
) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FileError) as caught:
        read_tuning(tmp_path)
    assert str(path) in caught.value.message
    assert what in caught.value.message
    assert mend in (caught.value.mend or "")
