"""Minimal object files of the three formats, built byte by byte: no compiler needed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest

# (name, defined, weak)
Spec = tuple[str, bool, bool]
Build = Callable[[Sequence[Spec]], bytes]


def elf_object(symbols: Sequence[Spec], machine: int = 62) -> bytes:
    strings, names = b"\0", []
    for name, _, _ in symbols:
        names.append(len(strings))
        strings += name.encode() + b"\0"
    table = bytes(24)
    for (_, defined, weak), at in zip(symbols, names, strict=True):
        table += struct.pack("<IBBHQQ", at, (2 if weak else 1) << 4, 0, 1 if defined else 0, 0, 0)
    text = b"\xc3" * 16
    offset = 64
    text_at, offset = offset, offset + len(text)
    table_at, offset = offset, offset + len(table)
    strings_at, offset = offset, offset + len(strings)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 1, machine, 1, 0, 0, offset, 0, 64, 0, 0, 64, 4, 3)
    sections = bytes(64)
    sections += struct.pack("<IIQQQQIIQQ", 0, 1, 6, 0, text_at, len(text), 0, 0, 1, 0)
    sections += struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, table_at, len(table), 3, 1, 8, 24)
    sections += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, strings_at, len(strings), 0, 0, 1, 0)
    return header + text + table + strings + sections


def macho_object(
    symbols: Sequence[Spec], platform: int = 2, version: int = 13 << 16, cpu: int = 0x0100000C
) -> bytes:
    strings, names = b"\0", []
    for name, _, _ in symbols:
        names.append(len(strings))
        strings += b"_" + name.encode() + b"\0"
    table = b""
    for (_, defined, weak), at in zip(symbols, names, strict=True):
        kind, section = (0x0F, 1) if defined else (0x01, 0)
        table += struct.pack("<IBBHQ", at, kind, section, 0x80 if weak else 0, 0)
    text = b"\xc0\x03\x5f\xd6" * 4
    commands_size = 152 + 24 + 24
    text_at = 32 + commands_size
    table_at = text_at + len(text)
    segment = struct.pack("<II16sQQQQIIII", 0x19, 152, b"", 0, 16, text_at, 16, 7, 7, 1, 0)
    segment += struct.pack(
        "<16s16sQQIIIIIIII", b"__text", b"__TEXT", 0, 16, text_at, 2, 0, 0, 0, 0, 0, 0
    )
    build = struct.pack("<IIIIII", 0x32, 24, platform, version, 0, 0)
    table_end = table_at + len(table)
    symtab = struct.pack("<IIIIII", 0x2, 24, table_at, len(symbols), table_end, len(strings))
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, cpu, 0, 1, 3, commands_size, 0, 0)
    return header + segment + build + symtab + text + table + strings


def coff_object(symbols: Sequence[Spec], machine: int = 0x8664) -> bytes:
    strings, table = b"", b""
    for name, defined, weak in symbols:
        if len(name) <= 8:
            field = name.encode().ljust(8, b"\0")
        else:
            field = struct.pack("<II", 0, 4 + len(strings))
            strings += name.encode() + b"\0"
        section = (2 if weak else 1) if defined else 0
        table += field + struct.pack("<IhHBB", 0, section, 0, 2, 0)
    text = b"\xc3" * 16
    text_at = 20 + 2 * 40
    header = struct.pack("<HHIIIHH", machine, 2, 0, text_at + 32, len(symbols), 0, 0)
    section = struct.pack("<8sIIIIIIHHI", b".text", 0, 0, 16, text_at, 0, 0, 0, 0, 0x60000020)
    comdat = struct.pack("<8sIIIIIIHHI", b".rdata", 0, 0, 16, text_at + 16, 0, 0, 0, 0, 0x40001040)
    strings = struct.pack("<I", 4 + len(strings)) + strings
    return header + section + comdat + text + text + table + strings


@pytest.fixture
def elf() -> Callable[..., bytes]:
    return elf_object


@pytest.fixture
def macho() -> Callable[..., bytes]:
    return macho_object


@pytest.fixture
def coff() -> Callable[..., bytes]:
    return coff_object


@pytest.fixture(params=[elf_object, macho_object, coff_object], ids=["ELF", "Mach-O", "COFF"])
def any_object(request: pytest.FixtureRequest) -> Build:
    build: Build = request.param
    return build
