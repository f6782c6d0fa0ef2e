"""The record of a linked library, read where it was written and where its folder was moved to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tvmplug.build.image import RECORD, Image, read_image, write_image
from tvmplug.errors import ArtifactError
from tvmplug.targets import target_named


def linked(root: Path, *elsewhere: Path) -> Image:
    """An image as a build leaves it: its folder in the target's, which holds the archive."""
    folder = root / "ios" / "image"
    folder.mkdir(parents=True)
    image = Image(
        target=target_named("ios"),
        path=folder / "a_model",
        link_map=folder / "link.map",
        linker="LLD 22",
        proof_only=True,
        archives=(folder.parent / "liba_system_lib.a", *elsewhere),
    )
    image.path.write_bytes(b"linked")
    write_image(folder, image)
    return image


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    image = linked(tmp_path / "plugin", tmp_path / "cache" / "libtvm_runtime.a")
    assert read_image(image.path.parent) == image


def test_what_lies_with_a_record_is_found_after_a_move_and_the_rest_where_it_was(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "cache" / "libtvm_runtime.a"
    linked(tmp_path / "plugin", elsewhere)
    (tmp_path / "plugin").rename(tmp_path / "moved")
    folder = tmp_path / "moved" / "ios" / "image"
    found = read_image(folder)
    assert found is not None
    assert (found.path, found.link_map) == (folder / "a_model", folder / "link.map")
    assert found.archives == (folder.parent / "liba_system_lib.a", elsewhere)


def test_a_record_of_a_library_that_is_gone_counts_as_none(tmp_path: Path) -> None:
    image = linked(tmp_path / "plugin")
    image.path.unlink()
    assert read_image(image.path.parent) is None


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"target": "ios"})])
def test_a_damaged_record_is_refused_with_the_mend(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ArtifactError, match="damaged") as caught:
        read_image(tmp_path)
    assert "tvmplug build" in str(caught.value.mend)
