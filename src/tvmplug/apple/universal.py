"""Universal files: what `lipo -create` makes of one file for each processor, on any host."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tvmplug.apple.macho import read_macho
from tvmplug.artifacts._bytes import Bytes
from tvmplug.errors import ArtifactError

_MAGIC = b"\xca\xfe\xba\xbe"  # fat_header of mach-o/fat.h; every number is big-endian
_AR_MAGIC = b"!<arch>\n"
_MAXIMUM = 0xFFFFFFFF
# As lipo aligns: an image on its processor's page, an archive on eight bytes.
_PAGE = {"arm64": 14, "x86_64": 12}
_ARCHIVE = 3


@dataclass(frozen=True)
class Part:
    """The file for one processor inside a universal one.

    Attributes:
        arch: The processor as the table of targets names it.
        content: The bytes of the file.
    """

    arch: str
    content: bytes


def join(parts: Sequence[bytes], origin: str) -> bytes:
    """Put files for different processors into one.

    Args:
        parts: Mach-O libraries, or archives of Mach-O objects; a single one stays as it is.
        origin: The file's name for messages.

    Returns:
        The universal file: same parts, same bytes, whatever their order.

    Raises:
        ArtifactError: A part is no Mach-O file, two are for one processor, or all are too large.
    """
    found = sorted(((read_macho(part, origin), part) for part in parts), key=lambda it: it[0].cpu)
    arches = [macho.arch for macho, _ in found]
    if len(set(arches)) != len(arches):
        raise ArtifactError(
            f"{origin} would hold two files for one processor ({', '.join(arches)})",
            mend="Run `tvmplug build` to make it again",
        )
    if len(found) == 1:
        return found[0][1]
    header = _MAGIC + struct.pack(">I", len(found))
    position = len(header) + 20 * len(found)
    body = b""
    for macho, part in found:
        align = _ARCHIVE if part.startswith(_AR_MAGIC) else _PAGE.get(macho.arch, 14)
        start = -(-position // (1 << align)) << align
        if start + len(part) > _MAXIMUM:
            raise ArtifactError(
                f"{origin} would be larger than 4 GiB, more than a universal file can address",
                mend="Split the model into two plugins or use smaller weights",
            )
        header += struct.pack(">5I", *macho.cpu, start, len(part), align)
        body += bytes(start - position) + part
        position = start + len(part)
    return header + body


def split(content: bytes, origin: str) -> tuple[Part, ...]:
    """Return the files inside a universal one; of any other Mach-O file, itself.

    Raises:
        ArtifactError: It is no Mach-O file, or is damaged.
    """
    if not content.startswith(_MAGIC):
        return (Part(read_macho(content, origin).arch, content),)
    data = Bytes(content, origin)
    if len(content) < 8:
        raise data.damaged("it ends inside its header")
    (count,) = struct.unpack_from(">I", content, 4)
    parts = []
    for index in range(count):
        if 8 + 20 * (index + 1) > len(content):
            raise data.damaged("it ends inside its header")
        _, _, start, size, _ = struct.unpack_from(">5I", content, 8 + 20 * index)
        if not size or start + size > len(content):
            raise data.damaged(f"it ends before byte {start + size}")
        part = content[start : start + size]
        parts.append(Part(read_macho(part, origin).arch, part))
    return tuple(parts)
