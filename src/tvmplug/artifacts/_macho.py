"""The symbol table and platform of a 64-bit Mach-O object (mach-o/loader.h, mach-o/nlist.h)."""

from __future__ import annotations

from collections.abc import Iterator

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._symbol import Symbol

MAGIC = b"\xcf\xfa\xed\xfe"
LC_SEGMENT_64, LC_SYMTAB, LC_DYSYMTAB = 0x19, 0x2, 0xB
_CPUS = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_LC_BUILD_VERSION = 0x32
_LC_VERSION_MIN = {0x24: "macos", 0x25: "ios"}
_PLATFORMS = {1: "macos", 2: "ios", 6: "maccatalyst", 7: "ios-simulator"}
_N_STAB, _N_TYPE, _N_EXT = 0xE0, 0x0E, 0x01
_N_UNDF = 0x0
_N_WEAK_DEF = 0x80
_ZEROFILL = (0x1, 0xC, 0x12)


def read(data: Bytes) -> tuple[str, str | None, str | None, tuple[Symbol, ...]]:
    """Return the processor, the platform, its minimum OS version, and the global symbols.

    Raises:
        ArtifactError: the object is damaged.
    """
    cpu, _, kind = data.unpack("III", 4)
    if kind != 1:
        raise data.damaged("it is no relocatable object")
    platform: str | None = None
    minimum_os: str | None = None
    symbols: list[Symbol] = []
    for command, position, _ in load_commands(data):
        if command == LC_SEGMENT_64:
            _check_sections(data, position)
        elif command == LC_SYMTAB:
            table, count, strings, strings_size = data.unpack("IIII", position + 8)
            if strings_size:
                data.unpack("B", strings + strings_size - 1)
            symbols += _symbols(data, table, count, strings)
        elif (found := platform_in(data, command, position)) is not None:
            platform, minimum_os = found
    return arch_of(cpu), platform, minimum_os, tuple(symbols)


def load_commands(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """Yield number, position and size of each load command of an object or image.

    Raises:
        ArtifactError: one is broken.
    """
    (count,) = data.unpack("I", 16)
    position = 32
    for _ in range(count):
        command, size = data.unpack("II", position)
        if size < 8:
            raise data.damaged(f"it has a broken load command at byte {position}")
        yield command, position, size
        position += size


def arch_of(cpu: int) -> str:
    """Return a processor as the table of targets names it, or its number."""
    return _CPUS.get(cpu, f"Mach-O CPU {cpu:#x}")


def platform_in(data: Bytes, command: int, position: int) -> tuple[str, str] | None:
    """Return the platform and its minimum OS version, if a load command says them.

    Args:
        data: the object or image.
        command: the load command's number.
        position: where it is.
    """
    if command == _LC_BUILD_VERSION:
        number, version = data.unpack("II", position + 8)
        return _PLATFORMS.get(number, f"platform {number}"), _version(version)
    if command not in _LC_VERSION_MIN:
        return None
    platform = _LC_VERSION_MIN[command]
    (cpu,) = data.unpack("I", 4)
    # No phone has such a processor: what older compilers mark so is for the simulator.
    if platform == "ios" and _CPUS.get(cpu) == "x86_64":
        platform = "ios-simulator"
    return platform, _version(data.unpack("I", position + 8)[0])


def _version(packed: int) -> str:
    return f"{packed >> 16}.{packed >> 8 & 0xFF}"


def _check_sections(data: Bytes, position: int) -> None:
    # Content of every section must be inside the file, or the object was cut off.
    (count,) = data.unpack("I", position + 64)
    for index in range(count):
        at = position + 72 + 80 * index
        (size,) = data.unpack("Q", at + 40)
        (offset,) = data.unpack("I", at + 48)
        (flags,) = data.unpack("I", at + 64)
        if size and flags & 0xFF not in _ZEROFILL:
            data.unpack("B", offset + size - 1)


def _symbols(data: Bytes, table: int, count: int, strings: int) -> list[Symbol]:
    symbols: list[Symbol] = []
    for index in range(count):
        name_at, kind, _, description, value = data.unpack("IBBHQ", table + 16 * index)
        if kind & _N_STAB or not kind & _N_EXT:
            continue
        raw = data.string(strings + name_at)
        # An undefined symbol with a value is a common symbol: a definition.
        common = kind & _N_TYPE == _N_UNDF and value != 0
        symbols.append(
            Symbol(
                name=raw.removeprefix("_"),
                raw=raw,
                defined=common or kind & _N_TYPE != _N_UNDF,
                weak=common or bool(description & _N_WEAK_DEF),
            )
        )
    return symbols
