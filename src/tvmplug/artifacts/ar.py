"""`ar` archives with a symbol index: written byte for byte alike on every host, and read strictly.

Two dialects, as the linkers want them: GNU (`/` index, `//` long names; ELF and COFF, see the
"Archive (Library) File Format" of Microsoft's PE specification and binutils' ar.h) and BSD as on
Darwin (`__.SYMDEF` index, `#1/N` names, members aligned to 8 bytes; ranlib(5), llvm's
ArchiveWriter.cpp).
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tvmplug.errors import ArtifactError

MAGIC = b"!<arch>\n"
_HEADER_SIZE = 60
_BUILD_AGAIN = "Run `tvmplug build` to make it again"


class Dialect(enum.Enum):
    """How an archive spells its index and long names."""

    GNU = "GNU"
    BSD = "BSD"


@dataclass(frozen=True)
class Member:
    """One object in an archive.

    Attributes:
        name: its file name.
        content: its bytes. A BSD archive pads them with newlines to a multiple of 8, and reading
            one back keeps that padding: the format does not tell it from content.
        symbols: the global symbols it defines, as the linker spells them.
    """

    name: str
    content: bytes
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True)
class Archive:
    """What a file held.

    Attributes:
        dialect: GNU or BSD.
        members: the objects in order, without the index; each with the symbols the index lists.
        indexed: whether there is a symbol index at all.
    """

    dialect: Dialect
    members: tuple[Member, ...]
    indexed: bool


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


def read_archive(content: bytes, origin: str) -> Archive:
    """Read an archive, refusing everything that is not exactly whole.

    Args:
        content: the file's bytes.
        origin: the file's name for messages.

    Returns:
        The members and their indexed symbols.

    Raises:
        ArtifactError: it is no archive, truncated, or damaged; says at which byte.
    """
    if not content.startswith(MAGIC):
        what = "is empty" if not content else "is no ar archive"
        raise ArtifactError(f"{origin} {what}", mend=_BUILD_AGAIN)
    return _Reader(content, origin).archive()


def _header(name: str, size: int) -> bytes:
    fields = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{size:<10}`\n".encode()
    if len(fields) != _HEADER_SIZE:
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
    position = len(MAGIC) + _HEADER_SIZE + index_size + len(names_member)
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
    encoded += b"\0" * (-(position + _HEADER_SIZE + len(encoded)) % 8)
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


@dataclass(frozen=True)
class _Raw:
    position: int
    name: str
    content: bytes


class _Reader:
    """One pass over the members, then the index is checked against them."""

    def __init__(self, content: bytes, origin: str) -> None:
        self._content = content
        self._origin = origin
        self._long_names = b""

    def archive(self) -> Archive:
        raws: list[_Raw] = []
        index: list[tuple[int, str]] | None = None
        dialect = Dialect.GNU
        position = len(MAGIC)
        while position < len(self._content):
            raw, position = self._raw(position)
            if self._content[raw.position : raw.position + 3] == b"#1/":
                dialect = Dialect.BSD
            if raw.name == "/" and index is None:
                index = self._gnu_index(raw)
            elif raw.name == "//":
                self._long_names = raw.content
            elif raw.name in ("__.SYMDEF", "__.SYMDEF SORTED") and not raws and index is None:
                dialect = Dialect.BSD
                index = self._bsd_index(raw)
            elif raw.name.startswith("/"):
                raise self._damaged(raw.position, f"has a special member '{raw.name}'")
            else:
                raws.append(raw)
        by_position: dict[int, list[str]] = {raw.position: [] for raw in raws}
        for offset, symbol in index or ():
            if offset not in by_position:
                raise self._damaged(offset, f"has no member for the indexed symbol {symbol}")
            by_position[offset].append(symbol)
        members = tuple(Member(r.name, r.content, tuple(by_position[r.position])) for r in raws)
        return Archive(dialect, members, index is not None)

    def _raw(self, position: int) -> tuple[_Raw, int]:
        header = self._content[position : position + _HEADER_SIZE]
        if len(header) < _HEADER_SIZE:
            raise self._damaged(position, "ends inside a member's header")
        if header[58:] != b"`\n":
            raise self._damaged(position, "has no member header")
        digits = header[48:58].rstrip(b" ")
        if not digits.isdigit():
            raise self._damaged(position, "has a member without a size")
        start, size = position + _HEADER_SIZE, int(digits)
        end = start + size
        if end > len(self._content):
            raise self._damaged(
                start, f"should have {size} more bytes, has {len(self._content) - start}"
            )
        if size % 2 and self._content[end : end + 1] not in (b"\n", b"\0"):
            raise self._damaged(end, "lacks the padding after a member")
        name, content = self._name(position, header, self._content[start:end])
        return _Raw(position, name, content), end + size % 2

    def _name(self, position: int, header: bytes, content: bytes) -> tuple[str, bytes]:
        field = header[:16].rstrip(b" ")
        if not field.isascii() or not field:
            raise self._damaged(position, "has a member without a name")
        if field.startswith(b"#1/"):
            length = int(field[3:]) if field[3:].isdigit() else len(content) + 1
            if length > len(content):
                raise self._damaged(position, "has a member name longer than the member")
            return content[:length].rstrip(b"\0").decode("utf-8", "replace"), content[length:]
        if field[:1] == b"/" and field[1:].isdigit():
            start = int(field[1:])
            end = self._long_names.find(b"/\n", start)
            if end < 0:
                raise self._damaged(position, "has a member whose long name is missing")
            return self._long_names[start:end].decode("utf-8", "replace"), content
        name = field.decode()
        return (name if name in ("/", "//") else name.removesuffix("/")), content

    def _gnu_index(self, raw: _Raw) -> list[tuple[int, str]]:
        count = self._u32(raw, 0, ">")
        offsets = [self._u32(raw, 4 + 4 * i, ">") for i in self._bounded(raw, count, 4)]
        names = raw.content[4 + 4 * count :].split(b"\0")
        if len(names) <= count:
            raise self._damaged(
                raw.position, f"has an index of {count} symbols without their names"
            )
        return [(o, n.decode("utf-8", "replace")) for o, n in zip(offsets, names, strict=False)]

    def _bsd_index(self, raw: _Raw) -> list[tuple[int, str]]:
        count, rest = divmod(self._u32(raw, 0, "<"), 8)
        if rest:
            raise self._damaged(raw.position, "has an index of a broken size")
        pairs = [
            (self._u32(raw, 4 + 8 * i, "<"), self._u32(raw, 8 + 8 * i, "<"))
            for i in self._bounded(raw, count, 8)
        ]
        size = self._u32(raw, 4 + 8 * count, "<")
        strings = raw.content[8 + 8 * count : 8 + 8 * count + size]
        symbols: list[tuple[int, str]] = []
        for start, offset in pairs:
            end = strings.find(b"\0", start)
            if end < 0:
                raise self._damaged(raw.position, "has an indexed symbol without its name")
            symbols.append((offset, strings[start:end].decode("utf-8", "replace")))
        return symbols

    def _bounded(self, raw: _Raw, count: int, size: int) -> range:
        if 4 + count * size > len(raw.content):
            raise self._damaged(raw.position, f"has an index cut off before its {count} symbols")
        return range(count)

    def _u32(self, raw: _Raw, start: int, order: str) -> int:
        if start + 4 > len(raw.content):
            raise self._damaged(raw.position, "has an index that is cut off")
        return int(struct.unpack_from(f"{order}I", raw.content, start)[0])

    def _damaged(self, position: int, problem: str) -> ArtifactError:
        return ArtifactError(
            f"{self._origin} is truncated or damaged: at byte {position} it {problem}",
            mend=_BUILD_AGAIN,
        )
