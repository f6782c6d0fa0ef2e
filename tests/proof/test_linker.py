"""The linker for ELF is found wherever a machine has one, and a machine without one is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tvmplug.errors import ToolError
from tvmplug.proof.linker import find_elf_linker
from tvmplug.toolchains import cxx

# An NDK would be found by these.
NDK = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "ANDROID_NDK_LATEST_HOME", "ANDROID_HOME",
       "ANDROID_SDK_ROOT")  # fmt: skip


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine with an empty PATH and no NDK; the folder is on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in NDK:
        monkeypatch.delenv(name, raising=False)
    find_elf_linker.cache_clear()
    yield tmp_path
    find_elf_linker.cache_clear()


def test_the_linker_in_rusts_toolchain_serves() -> None:
    find_elf_linker.cache_clear()
    assert find_elf_linker().version.startswith("LLD ")


@pytest.mark.slow
def test_zig_serves_where_there_is_nothing_else(bare: Path) -> None:
    assert find_elf_linker().command[-1] == "ld.lld"
    assert find_elf_linker().version.startswith("LLD ")


def test_a_linker_on_the_path_comes_first(bare: Path) -> None:
    program = bare / "ld.lld"
    program.write_text("#!/bin/sh\necho 'LLD 99.1 (compatible with GNU linkers)'\n")
    program.chmod(0o755)
    assert find_elf_linker().command == (str(program),)
    assert find_elf_linker().version == "LLD 99.1"


def test_a_machine_without_any_is_told_what_to_install(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cxx.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="no linker for every processor") as refused:
        find_elf_linker()
    assert "pip install ziglang" in str(refused.value)
