"""What an object file is (format, processor, platform) and which global symbols it has.

Own readers of the three symbol tables rather than lief: lief 1.0 loses the name of a COFF symbol
that TVM emits, and prints to stderr instead of refusing a truncated file.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvmplug.artifacts import _coff, _elf, _macho
from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._symbol import Symbol
from tvmplug.errors import ArtifactError
from tvmplug.targets import ObjectFormat

__all__ = ["ObjectFile", "Symbol", "read_object"]


@dataclass(frozen=True)
class ObjectFile:
    """One relocatable object.

    Attributes:
        format: ELF, Mach-O or COFF.
        arch: the processor as the table of targets names it, or the raw machine number.
        platform: `ios`, `ios-simulator`, `macos`, ... from a Mach-O load command; None where the
            object does not say (ELF, COFF, and Mach-O objects that hold data only).
        minimum_os: the oldest OS version from the same load command, `13.0`; None likewise.
        defined: the global symbols it defines, weak ones included, in the table's order.
        undefined: the global symbols it needs, as C spells them.
    """

    format: ObjectFormat
    arch: str
    platform: str | None
    minimum_os: str | None
    defined: tuple[Symbol, ...]
    undefined: tuple[str, ...]


def read_object(content: bytes, origin: str) -> ObjectFile:
    """Read one object file's symbol table.

    Args:
        content: the object's bytes (padding after its end does no harm).
        origin: its name for messages.

    Returns:
        What it is and its global symbols.

    Raises:
        ArtifactError: it is no 64-bit little-endian object of a known format, or is damaged.
    """
    data = Bytes(content, origin)
    platform: str | None = None
    minimum_os: str | None = None
    if content.startswith(_elf.MAGIC):
        object_format = ObjectFormat.ELF
        arch, symbols = _elf.read(data)
    elif content.startswith(_macho.MAGIC):
        object_format = ObjectFormat.MACHO
        arch, platform, minimum_os, symbols = _macho.read(data)
    elif content[:2] in _coff.MACHINES:
        object_format = ObjectFormat.COFF
        arch, symbols = _coff.read(data)
    else:
        raise ArtifactError(
            f"{origin} is no 64-bit object file (ELF, Mach-O or COFF)",
            mend="Run `tvmplug build` to make it again",
        )
    return ObjectFile(
        format=object_format,
        arch=arch,
        platform=platform,
        minimum_os=minimum_os,
        defined=tuple(symbol for symbol in symbols if symbol.defined),
        undefined=tuple(symbol.name for symbol in symbols if not symbol.defined),
    )
