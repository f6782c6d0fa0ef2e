"""Universal files: the same as lipo makes, and refused where lipo would refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tvmplug.apple.universal import join, split
from tvmplug.errors import ArtifactError
from tvmplug.process import run

from .conftest import Linked

_LIPOS = ("lipo", "llvm-lipo", *(f"llvm-lipo-{number}" for number in range(30, 13, -1)))
LIPO = next((path for name in _LIPOS if (path := shutil.which(name))), None)


def _macs(linked: Linked) -> list[Path]:
    return [image.path for image in linked.runtime if image.target.platform == "macos"]


def test_both_processors_come_out_as_they_went_in(linked: Linked) -> None:
    arm, intel = (path.read_bytes() for path in _macs(linked))
    parts = {part.arch: part.content for part in split(join([arm, intel], "both"), "both")}
    assert parts == {"arm64": arm, "x86_64": intel}


def test_the_order_of_the_parts_does_not_matter(linked: Linked) -> None:
    arm, intel = (path.read_bytes() for path in _macs(linked))
    assert join([arm, intel], "both") == join([intel, arm], "both")


def test_one_part_stays_as_it_is(linked: Linked) -> None:
    arm, _ = (path.read_bytes() for path in _macs(linked))
    assert join([arm], "one") == arm
    assert [part.content for part in split(arm, "one")] == [arm]


@pytest.mark.skipif(LIPO is None, reason="neither Xcode's lipo nor LLVM's is installed")
def test_lipo_makes_the_same_bytes(linked: Linked, tmp_path: Path) -> None:
    assert LIPO is not None
    made = tmp_path / "made"
    run([LIPO, "-create", *_macs(linked), "-output", made], echo=False)
    assert made.read_bytes() == join([path.read_bytes() for path in _macs(linked)], "both")


def test_two_files_for_one_processor_are_refused(linked: Linked) -> None:
    arm, _ = (path.read_bytes() for path in _macs(linked))
    with pytest.raises(ArtifactError, match=r"two files for one processor \(arm64, arm64\)"):
        join([arm, arm], "tvm_runtime")


@pytest.mark.parametrize("size", [6, 20, 60, 30_000])
def test_a_universal_file_that_is_cut_off_is_refused(linked: Linked, size: int) -> None:
    whole = join([path.read_bytes() for path in _macs(linked)], "both")
    with pytest.raises(ArtifactError, match=r"both is truncated or damaged|both is no"):
        split(whole[:size], "both")


def test_what_is_no_mach_o_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="app is no 64-bit Mach-O file"):
        join([b"\x7fELF" + bytes(60)], "app")
