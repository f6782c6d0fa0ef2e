from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmplug.artifacts.ar import Archive, Dialect, Member, read_archive, write_archive
from tvmplug.errors import ArtifactError

needs_ar = pytest.mark.skipif(shutil.which("ar") is None, reason="binutils is not installed")
needs_llvm = pytest.mark.skipif(shutil.which("llvm-ar") is None, reason="llvm is not installed")
both = pytest.mark.parametrize("dialect", list(Dialect))

names = st.from_regex(r"[a-z0-9_][a-z0-9_.]{0,30}", fullmatch=True)
symbols = st.lists(st.from_regex(r"[A-Za-z_.$@][A-Za-z0-9_.$@]{0,20}", fullmatch=True), max_size=4)
members = st.lists(
    st.builds(
        lambda name, content, found: Member(name, content, tuple(found)),
        names,
        st.binary(max_size=40),
        symbols,
    ),
    max_size=5,
    unique_by=lambda member: member.name,
)


def unpadded(archive: Archive) -> list[tuple[str, bytes, tuple[str, ...]]]:
    """Contents without the newlines that a BSD archive appends, for comparison."""
    return [(m.name, m.content.rstrip(b"\n"), m.symbols) for m in archive.members]


@given(members, st.sampled_from(list(Dialect)))
def test_what_is_written_is_read_back(given_members: list[Member], dialect: Dialect) -> None:
    archive = read_archive(write_archive(given_members, dialect), "x.a")

    assert archive.dialect is dialect
    assert archive.indexed
    assert unpadded(archive) == unpadded(Archive(dialect, tuple(given_members), True))
    if dialect is Dialect.GNU:
        assert archive.members == tuple(given_members)


@given(members)
def test_bsd_members_are_aligned_for_apples_linker(given_members: list[Member]) -> None:
    content = write_archive(given_members, Dialect.BSD)
    for member in read_archive(content, "x.a").members:
        assert len(member.content) % 8 == 0
        if member.content:
            assert any(
                content[at : at + len(member.content)] == member.content
                for at in range(8, len(content), 8)
            )


@both
def test_archives_hold_no_dates_owners_or_paths(dialect: Dialect) -> None:
    content = write_archive([Member("a.o", b"xyz", ("a",))], dialect)
    at = content.rindex(b"`\n")

    assert content[at - 42 : at - 10] == b"0           0     0     644     "
    assert content == write_archive([Member("a.o", b"xyz", ("a",))], dialect)


SAMPLE = [
    Member("short.o", b"odd", ("g2p_one", "g2p_two")),
    Member("a_rather_long_member_name.o", b"even", ("g2p_three",)),
    Member("last.o", b"12345678", ()),
]


@both
def test_truncation_at_any_byte_is_refused(dialect: Dialect) -> None:
    # The last object has an indexed symbol, so that even a cut between two members shows.
    content = write_archive([*SAMPLE[::-1]], dialect)
    for end in range(len(content)):
        with pytest.raises(ArtifactError):
            read_archive(content[:end], "x.a")


@given(st.data(), st.sampled_from(list(Dialect)))
def test_damage_never_gives_anything_but_an_artifact_error(
    data: st.DataObject, dialect: Dialect
) -> None:
    content = bytearray(write_archive(SAMPLE, dialect))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ArtifactError):
        read_archive(bytes(content), "x.a")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "x.a is empty"),
        (b"!<arch>\n", "x.a is truncated or damaged: at byte 8 it ends without a member"),
        (b"\x7fELF", "x.a is no ar archive"),
        (b"!<thin>\n", "x.a is no ar archive"),
    ],
)
def test_another_file_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        read_archive(content, "x.a")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ([Member("a/b.o", b"")], "cannot be a member's name"),
        ([Member("", b"")], "cannot be a member's name"),
        ([Member("a.o", b""), Member("a.o", b"")], "same name"),
    ],
)
def test_members_that_no_archive_can_hold_are_refused(wrong: Sequence[Member], reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        write_archive(wrong, Dialect.GNU)


def tool(*argv: str | Path) -> bytes:
    return subprocess.run([str(arg) for arg in argv], check=True, capture_output=True).stdout


@needs_ar
def test_binutils_reads_what_we_write(tmp_path: Path) -> None:
    path = tmp_path / "x.a"
    path.write_bytes(write_archive(SAMPLE, Dialect.GNU))

    assert tool("ar", "t", path).decode().split() == [member.name for member in SAMPLE]
    for member in SAMPLE:
        assert tool("ar", "p", path, member.name) == member.content


@needs_llvm
@both
def test_llvm_reads_what_we_write(tmp_path: Path, dialect: Dialect) -> None:
    path = tmp_path / "x.a"
    path.write_bytes(write_archive(SAMPLE, dialect))

    assert tool("llvm-ar", "t", path).decode().split() == [member.name for member in SAMPLE]
    for member in SAMPLE:
        assert tool("llvm-ar", "p", path, member.name).rstrip(b"\n") == member.content


@needs_ar
def test_we_read_what_binutils_writes(tmp_path: Path) -> None:
    for member in SAMPLE:
        (tmp_path / member.name).write_bytes(member.content)
    tool("ar", "qcD", tmp_path / "x.a", *(tmp_path / member.name for member in SAMPLE))

    archive = read_archive((tmp_path / "x.a").read_bytes(), "x.a")

    assert [(m.name, m.content) for m in archive.members] == [(m.name, m.content) for m in SAMPLE]
    assert not archive.indexed  # ar found no objects in it


@needs_ar
def test_our_index_is_the_one_that_binutils_makes(tmp_path: Path, elf: object) -> None:
    assert callable(elf)
    objects = {"a.o": "g2p_first", "a_rather_long_member_name.o": "g2p_second"}
    for name, symbol in objects.items():
        (tmp_path / name).write_bytes(elf([(symbol, True, False), ("needed", False, False)]))
    tool("ar", "rcsD", tmp_path / "theirs.a", *(tmp_path / name for name in objects))
    ours = [
        Member(name, (tmp_path / name).read_bytes(), (symbol,)) for name, symbol in objects.items()
    ]
    (tmp_path / "ours.a").write_bytes(write_archive(ours, Dialect.GNU))

    assert read_archive((tmp_path / "theirs.a").read_bytes(), "theirs.a").members == tuple(ours)
    listed = [tool("nm", "-s", tmp_path / name) for name in ("ours.a", "theirs.a")]
    assert listed[0] == listed[1]
    assert b"g2p_second in a_rather_long_member_name.o" in listed[0]
