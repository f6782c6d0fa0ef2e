"""Objects that no compiler wrote, and what is read of those that one did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmplug.artifacts.symbols import read_object
from tvmplug.errors import ArtifactError
from tvmplug.proof.app_object import app_object
from tvmplug.proof.archives import constructors, forced_archive
from tvmplug.proof.once import Member
from tvmplug.targets import TARGETS

from .conftest import Workbench
from .plugins import TRIPLES


@pytest.mark.parametrize("target", sorted(TRIPLES))
def test_an_apps_object_is_for_its_target_and_names_what_it_calls(target: str) -> None:
    row = TARGETS[target]
    found = read_object(app_object(row, ["main", "other"], ["g2p_model_open", "memcpy"]), "app.o")
    assert (found.format, found.arch) == (row.object_format, row.arch)
    assert [symbol.name for symbol in found.defined] == ["main", "other"]
    assert found.undefined == ("g2p_model_open", "memcpy")
    if row.is_apple:
        assert (found.platform, found.minimum_os) == (row.platform, row.minimum_os)


def test_the_same_names_make_the_same_object() -> None:
    target = TARGETS["ios"]
    assert app_object(target, ["main"], ["a"]) == app_object(target, ["main"], ["a"])
    assert app_object(target, ["main"], ["a"]) != app_object(target, ["main"], ["b"])


def test_constructors_of_real_objects_are_counted(bench: Workbench) -> None:
    one = "__attribute__((constructor)) static void {name}(void) {{ keep_n++; }}\n"
    two = "extern int keep_n;\n" + one.format(name="first") + one.format(name="second")
    registers = bench.compile("registers", two)
    plain = bench.compile("plain", "int keep_n;")
    assert constructors(registers.read_bytes(), "registers.o") == 2
    assert constructors(plain.read_bytes(), "plain.o") == 0
    archive = bench.archive("libboth.a", [registers, plain])
    assert forced_archive(archive, complete=True).members == (
        Member("registers.o", registers=True),
        Member("plain.o", registers=False),
    )


def test_what_is_no_object_or_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"a\.o is no 64-bit ELF or Mach-O object"):
        constructors(b"MZ" + bytes(100), "a.o")
    with pytest.raises(ArtifactError, match="is missing"):
        forced_archive(tmp_path / "liba.a", complete=True)
