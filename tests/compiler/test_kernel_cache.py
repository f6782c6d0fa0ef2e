"""The cache of compiled kernels, without a compiler."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmplug.errors import UsageError
from tvmplug.kernel_cache import KernelCache
from tvmplug.machine import JOBS_VARIABLE, available_memory, jobs, processors


@pytest.fixture
def cache(tmp_path: Path) -> KernelCache:
    return KernelCache(tmp_path / "kernels", limit=1000)


def key(number: int) -> str:
    return f"{number:064x}"


def entries(cache: KernelCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def test_what_was_put_is_found_and_nothing_else(cache: KernelCache) -> None:
    assert cache.get(key(1)) is None
    cache.put(key(1), b"object")
    assert cache.get(key(1)) == b"object"
    assert cache.get(key(2)) is None


def cut(content: bytes) -> bytes:
    return content[:-1]


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def empty(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [cut, flip, empty])
def test_a_damaged_entry_is_none_and_can_be_put_again(
    cache: KernelCache, damage: Callable[[bytes], bytes]
) -> None:
    cache.put(key(1), b"object")
    (path,) = entries(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(key(1)) is None
    cache.put(key(1), b"object")
    assert cache.get(key(1)) == b"object"


def test_what_was_used_longest_ago_goes_first(cache: KernelCache) -> None:
    for number in range(10):
        cache.put(key(number), bytes(100))
    for number, path in enumerate(sorted(entries(cache))):
        os.utime(path, (number, number))
    cache.get(key(0))
    cache.trim()
    left = {number for number in range(10) if cache.get(key(number)) is not None}
    assert left == {0, 7, 8, 9}


def test_below_the_limit_nothing_goes(cache: KernelCache) -> None:
    for number in range(5):
        cache.put(key(number), bytes(100))
    cache.trim()
    assert len(entries(cache)) == 5


def test_what_a_kill_left_half_written_counts_and_goes(cache: KernelCache) -> None:
    cache.put(key(1), b"object")
    left = entries(cache)[0].with_name(".0001.abcd")
    left.write_bytes(bytes(2000))
    os.utime(left, (1, 1))
    cache.trim()
    assert not left.exists()
    assert cache.get(key(1)) == b"object"


def test_the_variable_says_how_many_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "7")
    assert jobs() == 7


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_variable_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, value)
    with pytest.raises(UsageError, match=f"{JOBS_VARIABLE} is '{value}'"):
        jobs()


def test_without_it_there_is_a_job_for_each_processor_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(JOBS_VARIABLE, raising=False)
    assert 1 <= jobs() <= processors()


def test_available_memory_is_read_from_the_systems_table(tmp_path: Path) -> None:
    table = tmp_path / "meminfo"
    table.write_text("MemTotal:  2048 kB\nMemFree:  1 kB\nMemAvailable:   1024 kB\n")
    assert available_memory(table) == 1 << 20
    assert available_memory(tmp_path / "none") is None
