from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tvmplug.artifacts.symbols import read_object
from tvmplug.errors import ArtifactError
from tvmplug.targets import ObjectFormat

Build = Callable[[Sequence[tuple[str, bool, bool]]], bytes]
SPECS = [
    ("g2p_a", True, False),
    ("a_name_longer_than_eight_bytes", True, True),
    ("TVMFFIFunctionCall", False, False),
]


def test_global_symbols_are_read(any_object: Build) -> None:
    found = read_object(any_object(SPECS), "x.o")

    assert [(s.name, s.weak) for s in found.defined] == [
        ("g2p_a", False),
        ("a_name_longer_than_eight_bytes", True),
    ]
    assert found.undefined == ("TVMFFIFunctionCall",)


def test_format_and_processor_are_read(
    elf: Callable[..., bytes], macho: Callable[..., bytes], coff: Callable[..., bytes]
) -> None:
    read = [
        read_object(content, "x.o")
        for content in (elf(SPECS), elf(SPECS, machine=183), macho(SPECS), coff(SPECS))
    ]
    assert [(found.format, found.arch) for found in read] == [
        (ObjectFormat.ELF, "x86_64"),
        (ObjectFormat.ELF, "arm64"),
        (ObjectFormat.MACHO, "arm64"),
        (ObjectFormat.COFF, "x86_64"),
    ]


@pytest.mark.parametrize(
    ("platform", "version", "expected"),
    [(2, 13 << 16, ("ios", "13.0")), (7, 14 << 16, ("ios-simulator", "14.0"))],
)
def test_platform_and_minimum_os_of_a_macho_object_are_read(
    macho: Callable[..., bytes], platform: int, version: int, expected: tuple[str, str]
) -> None:
    found = read_object(macho(SPECS, platform=platform, version=version), "x.o")
    assert (found.platform, found.minimum_os) == expected


def test_truncation_at_any_byte_is_refused(any_object: Build) -> None:
    content = any_object(SPECS)
    for end in range(len(content)):
        with pytest.raises(ArtifactError, match=r"x\.o"):
            read_object(content[:end], "x.o")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_never_gives_anything_but_an_artifact_error(
    any_object: Build, data: st.DataObject
) -> None:
    content = bytearray(any_object(SPECS))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ArtifactError):
        read_object(bytes(content), "x.o")


@pytest.mark.parametrize("content", [b"", b"\xca\xfe\xba\xbe", b"int main;", b"\x7fELF\x01\x01"])
def test_a_file_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match="no 64-bit object file"):
        read_object(content, "x.o")


@pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("nm") is None, reason="gcc is not installed"
)
def test_a_compilers_object_reads_as_nm_reads_it(tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text(
        "extern int outside(void); static int hidden(void){return 1;}"
        "int strong(void){return outside()+hidden();}"
        "__attribute__((weak)) int weak(void){return 2;}"
        "int data = 3; int zero;"
    )
    path = tmp_path / "x.o"
    subprocess.run(["gcc", "-c", "-fno-common", source, "-o", path], check=True)
    lines = subprocess.run(["nm", "-g", path], check=True, capture_output=True, text=True).stdout
    listed = [line.split()[-2:] for line in lines.splitlines()]

    found = read_object(path.read_bytes(), "x.o")

    assert sorted(s.name for s in found.defined) == sorted(n for k, n in listed if k not in "Uw")
    assert {s.name for s in found.defined if s.weak} == {n for k, n in listed if k in "WV"}
    assert sorted(found.undefined) == sorted(n for k, n in listed if k in "Uw")
