"""A runtime is built from the wheels' sources, is small and whole, and runs a model."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import lief
import pytest

from tools import zig
from tools.cross import Cross
from tvmplug.artifacts.ar import read_archive
from tvmplug.artifacts.symbols import read_object
from tvmplug.errors import ToolError
from tvmplug.runtime import Runtime, RuntimeOptions, build_runtime, find_runtime
from tvmplug.runtime.sources import find_sources
from tvmplug.targets import target_named

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
LINUX_TRIPLE = "aarch64-linux-gnu.2.28"


def members(runtime: Runtime) -> dict[str, bytes]:
    """Every object of a runtime's archives, by `archive(member)`."""
    return {
        f"{archive.name}({member.name})": member.content
        for archive in runtime.archives
        for member in read_archive(archive.read_bytes(), archive.name).members
    }


def exported(library: lief.ELF.Binary) -> set[str]:
    return {str(symbol.name) for symbol in library.exported_symbols}


def test_the_library_exports_the_c_interface_and_nothing_else(linux_arm64: Runtime) -> None:
    library = lief.ELF.parse(str(linux_arm64.shared))
    assert library is not None
    names = exported(library)
    assert {"TVMFFIFunctionGetGlobal", "TVMFFIEnvModRegisterSystemLibSymbol"} <= names
    assert {"TVMBackendParallelLaunch", "TVMBackendAllocWorkspace"} <= names
    assert {name for name in names if not name.startswith(("TVMFFI", "TVMBackend"))} == set()


def test_the_library_has_at_most_a_megabyte_and_a_half(linux_arm64: Runtime) -> None:
    assert linux_arm64.sizes["libtvm_runtime.so"] <= 1_500_000


def test_the_library_needs_the_system_alone_and_no_newer_one_than_pinned(
    linux_arm64: Runtime,
) -> None:
    library = lief.ELF.parse(str(linux_arm64.shared))
    assert library is not None
    assert library.get(lief.ELF.DynamicEntry.TAG.SONAME).name == "libtvm_runtime.so"  # type: ignore[union-attr]
    system = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "ld-linux-aarch64.so.1"}
    assert set(library.libraries) <= system
    needed = [
        version.name
        for requirement in library.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
    ]
    versions = [tuple(map(int, re.findall(r"\d+", name))) for name in needed]
    assert versions
    assert max(versions) <= (2, 28)


def test_every_object_of_the_archives_is_in_the_link_map(linux_arm64: Runtime) -> None:
    assert linux_arm64.link_map is not None
    text = linux_arm64.link_map.read_text()
    assert {name for name in members(linux_arm64) if name not in text} == set()


@pytest.mark.parametrize("name", ["ios", "linux-arm64"])
def test_every_object_is_for_the_target(built: Callable[[str], Runtime], name: str) -> None:
    target = target_named(name)
    for where, content in members(built(name)).items():
        found = read_object(content, where)
        assert (found.format, found.arch) == (target.object_format, target.arch)
        if target.is_apple:
            assert (found.platform, found.minimum_os) == (target.platform, target.minimum_os)


@pytest.mark.parametrize("name", ["ios", "linux-arm64"])
def test_no_object_names_a_folder_of_this_machine(
    built: Callable[[str], Runtime], name: str
) -> None:
    runtime = built(name)
    folders = [HERE.parents[1], find_sources().tvm, runtime.folder.parent, Path.home()]
    for where, content in members(runtime).items():
        assert [folder for folder in folders if f"{folder}/".encode() in content] == [], where


def test_a_model_runs_on_the_library(
    linux_arm64: Runtime,
    model: Callable[[str], list[Path]],
    cross: Cross,
    tmp_path: Path,
) -> None:
    program = tmp_path / "small"
    sources = find_sources()
    arguments = [
        *("-Os", HERE / "small.c", *model("linux-arm64")),
        f"-I{sources.tvm_ffi / 'include'}",
        *(f"-L{linux_arm64.folder}", "-ltvm_runtime", "-o", program),
    ]
    zig.compile_with("cc", LINUX_TRIPLE, arguments)
    done = cross.run([program], libraries=[linux_arm64.folder], env={"TVM_NUM_THREADS": "2"})
    # relu([[1, 2], [3, 4]] @ [[1, 2, -3], [4, 5, 6]])
    assert done.stdout == "9 12 9 19 26 15 error: TypeError\n"


def test_a_runtime_is_built_once(linux_arm64: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    assert build_runtime(target_named("linux-arm64")) == linux_arm64
    assert find_runtime(target_named("linux-arm64")) == linux_arm64
    assert capsys.readouterr().err == ""


def test_a_runtime_with_more_in_it_is_another_one(linux_arm64: Runtime) -> None:
    with_cache = RuntimeOptions(("kv-cache",))
    found = find_runtime(target_named("linux-arm64"), with_cache)
    assert found is None or found.folder != linux_arm64.folder


def test_what_a_missing_cmake_needs_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TVMPLUG_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"CMake is not installed.*pip install cmake ninja"):
        build_runtime(target_named("ios"))
    assert list(tmp_path.rglob("*.a")) == []
