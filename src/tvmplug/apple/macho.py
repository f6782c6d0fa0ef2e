"""What a linked Mach-O image or object says of itself (mach-o/loader.h, mach-o/nlist.h)."""

from __future__ import annotations

from dataclasses import dataclass

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._macho import LC_SYMTAB, MAGIC, arch_of, load_commands, platform_in
from tvmplug.artifacts.ar import read_archive
from tvmplug.artifacts.audit import version_of
from tvmplug.artifacts.symbols import read_object
from tvmplug.errors import ArtifactError

_AR_MAGIC = b"!<arch>\n"
_ID_DYLIB = 0xD
# LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
_NEEDED = (0xC, 0x80000018, 0x8000001F)
_STAB, _TYPE, _EXTERNAL = 0xE0, 0x0E, 0x01


@dataclass(frozen=True)
class MachO:
    """A Mach-O file for one processor.

    Attributes:
        cpu: The processor's number and variant, as the file header has them.
        arch: The processor as the table of targets names it, or its number.
        platform: `ios`, `ios-simulator`, `macos`, ...; None where the file does not say.
        minimum_os: The oldest system that it runs on, `13.0`; None likewise.
        install_name: What other libraries call it; None for what is no dynamic library.
        needed: Install names of the libraries that it needs.
        exported: The symbols that others may use, as C spells them.
        undefined: The symbols that it needs, as C spells them.
    """

    cpu: tuple[int, int]
    arch: str
    platform: str | None
    minimum_os: str | None
    install_name: str | None
    needed: tuple[str, ...]
    exported: tuple[str, ...]
    undefined: tuple[str, ...]


def read_macho(content: bytes, origin: str) -> MachO:
    """Read a Mach-O file: a dynamic library, an object, or an archive of objects.

    An archive is described by its objects together: they have one processor and one platform.

    Args:
        content: The file's bytes.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is no 64-bit Mach-O file for one processor, or is damaged.
    """
    if content.startswith(_AR_MAGIC):
        return _read_archive(content, origin)
    if not content.startswith(MAGIC):
        raise ArtifactError(
            f"{origin} is no 64-bit Mach-O file", mend="Run `tvmplug build` to make it again"
        )
    return _read_image(Bytes(content, origin))


def _read_archive(content: bytes, origin: str) -> MachO:
    parts = [
        (member.name, read_object(member.content, f"{origin}({member.name})"), member.content)
        for member in read_archive(content, origin).members
    ]
    cpus = {Bytes(raw, f"{origin}({name})").unpack("II", 4) for name, _, raw in parts}
    platforms = {part.platform for _, part, _ in parts if part.platform}
    if len(cpus) != 1 or len(platforms) > 1:
        raise ArtifactError(
            f"{origin} holds objects for several processors or platforms",
            mend="Run `tvmplug build` to make it again",
        )
    cpu, variant = cpus.pop()
    defined = {symbol.name for _, part, _ in parts for symbol in part.defined}
    versions = [part.minimum_os for _, part, _ in parts if part.minimum_os]
    return MachO(
        cpu=(cpu, variant),
        arch=arch_of(cpu),
        platform=platforms.pop() if platforms else None,
        minimum_os=max(versions, key=version_of) if versions else None,
        install_name=None,
        needed=(),
        exported=tuple(sorted(defined)),
        undefined=tuple(sorted({name for _, part, _ in parts for name in part.undefined})),
    )


def _read_image(data: Bytes) -> MachO:
    cpu, variant = data.unpack("II", 4)
    platform: str | None = None
    minimum_os: str | None = None
    install_name: str | None = None
    needed: list[str] = []
    exported: list[str] = []
    undefined: list[str] = []
    for command, position, size in load_commands(data):
        if command == LC_SYMTAB:
            exported, undefined = _symbols(data, *data.unpack("III", position + 8))
        elif command == _ID_DYLIB:
            install_name = _text(data, position, size)
        elif command in _NEEDED:
            needed.append(_text(data, position, size))
        elif (found := platform_in(data, command, position)) is not None:
            platform, minimum_os = found
    return MachO(
        cpu=(cpu, variant),
        arch=arch_of(cpu),
        platform=platform,
        minimum_os=minimum_os,
        install_name=install_name,
        needed=tuple(needed),
        exported=tuple(exported),
        undefined=tuple(undefined),
    )


def _text(data: Bytes, command: int, size: int) -> str:
    (offset,) = data.unpack("I", command + 8)
    return data.string(command + offset, command + size)


def _symbols(data: Bytes, table: int, count: int, strings: int) -> tuple[list[str], list[str]]:
    exported: list[str] = []
    undefined: list[str] = []
    for index in range(count):
        name_at, kind, _, _, value = data.unpack("IBBHQ", table + 16 * index)
        if kind & _STAB or not kind & _EXTERNAL:
            continue
        name = data.string(strings + name_at).removeprefix("_")
        # An undefined symbol with a value is a common symbol: a definition.
        (exported if kind & _TYPE or value else undefined).append(name)
    return exported, undefined
