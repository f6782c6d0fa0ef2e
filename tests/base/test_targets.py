"""The table of targets."""

from __future__ import annotations

import pytest

from tvmplug.errors import UsageError
from tvmplug.targets import TARGETS, host_target, target_named


def test_the_table_knows_every_promised_target() -> None:
    assert set(TARGETS) == {
        "ios",
        "ios-simulator",
        "macos",
        "android-arm64",
        "android-x64",
        "linux-x64",
        "linux-arm64",
        "windows-x64",
    }
    assert [name for name, row in TARGETS.items() if row.supported] == ["linux-x64"]


def test_no_two_targets_stage_into_one_folder() -> None:
    folders = [row.library_dir for row in TARGETS.values()]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("row", TARGETS.values(), ids=lambda row: row.name)
def test_the_triples_of_a_row_name_its_own_processor(row) -> None:
    arch = {"arm64": ("aarch64", "arm64"), "x86_64": ("x86_64",)}[row.arch]
    assert row.rust_triple.startswith(arch)
    assert str(row.tvm_target["mtriple"]).startswith(arch)


def test_an_unknown_target_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match="linux-x64"):
        target_named("linux")


def test_this_machine_has_a_row() -> None:
    assert host_target().name in TARGETS
