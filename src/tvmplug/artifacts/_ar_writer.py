"""Writes `ar` archives; see `ar`."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tvmplug.artifacts._archive import HEADER_SIZE, MAGIC, Dialect, Member
from tvmplug.errors import ArtifactError


def write_archive(members: Sequence[Member], dialect: Dialect) -> bytes:
    """Pack members into an archive: same members, same bytes (no dates, owners or host facts).

    Args:
        members: the objects in order, their names distinct.
        dialect: GNU for ELF and COFF, BSD for Mach-O.

    Returns:
        The file's content.

    Raises:
        ArtifactError: a name that the format cannot hold, a repeated name, or over 4 GiB.
    """
    for member in members:
        if not member.name or any(c in member.name for c in "/\n\0") or not member.name.isascii():
            raise ArtifactError(f"'{member.name}' cannot be a member's name in an archive")
    if len({member.name for member in members}) != len(members):
        raise ArtifactError("two members of an archive have the same name")
    content = _write_gnu(members) if dialect is Dialect.GNU else _write_bsd(members)
    if len(content) > 0xFFFFFFFF:
        raise ArtifactError(
            "the archive would be larger than 4 GiB, more than its index can address",
            mend="Split the model into two plugins or use smaller weights",
        )
    return content


def _header(name: str, size: int) -> bytes:
    fields = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{size:<10}`\n".encode()
    if len(fields) != HEADER_SIZE:
        raise ArtifactError(f"a member of {size} bytes is too large for an archive")
    return fields


def _padded(content: bytes, alignment: int, filler: bytes = b"\n") -> bytes:
    return content + filler * (-len(content) % alignment)


def _write_gnu(members: Sequence[Member]) -> bytes:
    long_names = b""
    short: list[str] = []
    for member in members:
        if len(member.name) < 16:
            short.append(member.name + "/")
        else:
            short.append(f"/{len(long_names)}")
            long_names += member.name.encode() + b"/\n"
    names_member = _header("//", len(long_names)) + _padded(long_names, 2) if long_names else b""
    strings = b"".join(name.encode() + b"\0" for m in members for name in m.symbols)
    count = sum(len(member.symbols) for member in members)
    # The index is padded inside its size, as llvm-ar does, so that readers need no special case.
    index_size = 4 + 4 * count + len(strings)
    index_size += index_size % 2
    position = len(MAGIC) + HEADER_SIZE + index_size + len(names_member)
    offsets: list[int] = []
    bodies: list[bytes] = []
    for name, member in zip(short, members, strict=True):
        offsets += [position] * len(member.symbols)
        body = _header(name, len(member.content)) + _padded(member.content, 2)
        bodies.append(body)
        position += len(body)
    if position > 0xFFFFFFFF:
        offsets = [0] * count  # too large in any case: write_archive refuses it
    index = struct.pack(f">{1 + count}I", count, *offsets) + strings
    return b"".join(
        (MAGIC, _header("/", index_size), index.ljust(index_size, b"\0"), names_member, *bodies)
    )


def _bsd_member(name: str, content: bytes, position: int) -> bytes:
    # ld64 wants both the content's start and its size divisible by 8.
    encoded = name.encode() + b"\0"
    encoded += b"\0" * (-(position + HEADER_SIZE + len(encoded)) % 8)
    content = _padded(content, 8)
    return _header(f"#1/{len(encoded)}", len(encoded) + len(content)) + encoded + content


def _write_bsd(members: Sequence[Member]) -> bytes:
    strings = b""
    starts: list[int] = []
    for member in members:
        for symbol in member.symbols:
            starts.append(len(strings))
            strings += symbol.encode() + b"\0"
    strings = _padded(strings, 8, b"\0")

    def index(offsets: Sequence[int]) -> bytes:
        pairs = [value for pair in zip(starts, offsets, strict=True) for value in pair]
        table = struct.pack(f"<I{len(pairs)}I", 4 * len(pairs), *pairs)
        # Two length words and eight bytes a symbol: always a multiple of 8.
        body = table + struct.pack("<I", len(strings)) + strings
        return _bsd_member("__.SYMDEF", body, len(MAGIC))

    position = len(MAGIC) + len(index([0] * len(starts)))
    offsets: list[int] = []
    bodies: list[bytes] = []
    for member in members:
        offsets += [position] * len(member.symbols)
        body = _bsd_member(member.name, member.content, position)
        bodies.append(body)
        position += len(body)
    if position > 0xFFFFFFFF:
        offsets = [0] * len(starts)  # too large in any case: write_archive refuses it
    return b"".join((MAGIC, index(offsets), *bodies))
