"""The table of targets."""

from __future__ import annotations

import pytest

from tvmplug.errors import UsageError
from tvmplug.targets import GROUPS, TARGETS, host_target, target_named, targets_named


def test_the_table_knows_every_promised_target() -> None:
    assert set(TARGETS) == {
        "ios",
        "ios-simulator-arm64",
        "ios-simulator-x64",
        "macos-arm64",
        "macos-x64",
        "android-arm64",
        "android-x64",
        "linux-x64",
        "linux-arm64",
        "windows-x64",
    }
    assert [name for name, row in TARGETS.items() if not row.supported] == ["windows-x64"]


def test_a_group_stands_for_the_processors_of_one_slice() -> None:
    assert [row.name for row in targets_named("macos")] == ["macos-arm64", "macos-x64"]
    for group, rows in GROUPS.items():
        assert group not in TARGETS
        assert len({row.library_dir for row in rows}) == 1
        assert len({row.arch for row in rows}) == len(rows)


def test_a_list_of_targets_holds_each_once_and_keeps_its_order() -> None:
    rows = targets_named("macos-x64, ios,macos")
    assert [row.name for row in rows] == ["macos-x64", "ios", "macos-arm64"]


@pytest.mark.parametrize("text", ["", "ios,", "ios,,macos", "ios macos", "phone"])
def test_a_list_with_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there is no target"):
        targets_named(text)


def test_only_rows_of_one_slice_share_a_folder() -> None:
    places = [(row.library_dir, row.group or row.name) for row in TARGETS.values()]
    assert len({folder for folder, _ in places}) == len(set(places))


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
