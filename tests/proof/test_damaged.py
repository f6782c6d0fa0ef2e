"""Damaged files end in one clear error, whatever is wrong with them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tvmplug.errors import ArtifactError
from tvmplug.proof.app_object import app_object
from tvmplug.proof.archives import constructors
from tvmplug.proof.elf import read_elf_image
from tvmplug.proof.linkmap import parse_link_map
from tvmplug.targets import TARGETS

from .plugins import Workshop

FEW = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# The headers are at the beginning and at the end: a change there hits something.
PLACES = st.one_of(st.integers(0, 700), st.integers(-1000, -1))
CHANGES = st.lists(st.tuples(PLACES, st.integers(0, 255)), max_size=6)


def _damaged(content: bytes, changes: list[tuple[int, int]], keep: int) -> bytes:
    copy = bytearray(content)
    for at, value in changes:
        copy[at % len(copy)] = value
    return bytes(copy[: keep % (len(copy) + 1)])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A linked library, small enough that a change hits something."""
    workshop = Workshop(TARGETS["linux-arm64"], tmp_path_factory.mktemp("image"))
    return workshop.image(workshop.runtime()).path.read_bytes()


@pytest.mark.slow
@FEW
@given(CHANGES)
def test_a_damaged_elf_image(image: bytes, changes: list[tuple[int, int]]) -> None:
    with contextlib.suppress(ArtifactError):
        read_elf_image(_damaged(image, changes, len(image)), "libx.so")


@pytest.mark.slow
def test_an_elf_image_that_ends_early_is_always_refused(image: bytes) -> None:
    for size in range(0, len(image), 97):
        with pytest.raises(ArtifactError, match=r"libx\.so"):
            read_elf_image(image[:size], "libx.so")


@pytest.mark.parametrize("target", ["linux-x64", "ios"])
@FEW
@given(changes=CHANGES, keep=st.integers(0))
def test_a_damaged_object(target: str, changes: list[tuple[int, int]], keep: int) -> None:
    whole = app_object(TARGETS[target], ["main", "g2p_model_open"], ["TVMFFIFunctionCall"])
    assert constructors(whole, "app.o") == 0
    with contextlib.suppress(ArtifactError):
        constructors(_damaged(whole, changes, keep), "app.o")


MAPS = (
    "# Path: a\n# Object files:\n[  0] linker synthesized\n[  1] liba.a(x.o)\n# Symbols:\n"
    "0x00000001\t0x00000004\t[  1] _x\n",
    "             VMA              LMA     Size Align Out     In      Symbol\n"
    "             200              200       78     8 .text\n"
    "             200              200       78     8         liba.a(x.o):(.text)\n",
    "Linker script and memory map\n\n.text           0x0000000000001000       0x10\n"
    " .text          0x0000000000001000       0x10 liba.a(x.o)\n",
)


@pytest.mark.parametrize("text", MAPS)
@FEW
@given(changes=CHANGES, keep=st.integers(0))
def test_a_damaged_link_map(text: str, changes: list[tuple[int, int]], keep: int) -> None:
    assert [str(item) for item in parse_link_map(text, "link.map").objects] == ["liba.a(x.o)"]
    with contextlib.suppress(ArtifactError):
        parse_link_map(
            _damaged(text.encode(), changes, keep).decode("utf-8", "replace"), "link.map"
        )
