"""Reads `ar` archives strictly; see `ar`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts._archive import HEADER_SIZE, MAGIC, Archive, Dialect, Member
from tvmplug.errors import ArtifactError

_BUILD_AGAIN = "Run `tvmplug build` to make it again"


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


def members_of(path: Path) -> list[tuple[str, bytes]]:
    """Return name and content of each object in an archive.

    Raises:
        ArtifactError: it is missing or damaged.
        FileError: it cannot be read.
    """
    if not path.is_file():
        raise ArtifactError(f"the archive {path} is missing", mend="Run `tvmplug build`")
    with files.file_errors(path):
        content = path.read_bytes()
    return [(member.name, member.content) for member in read_archive(content, str(path)).members]


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
        if position == len(self._content):
            raise self._damaged(position, "ends without a member")
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
        header = self._content[position : position + HEADER_SIZE]
        if len(header) < HEADER_SIZE:
            raise self._damaged(position, "ends inside a member's header")
        if header[58:] != b"`\n":
            raise self._damaged(position, "has no member header")
        digits = header[48:58].rstrip(b" ")
        if not digits.isdigit():
            raise self._damaged(position, "has a member without a size")
        start, size = position + HEADER_SIZE, int(digits)
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
