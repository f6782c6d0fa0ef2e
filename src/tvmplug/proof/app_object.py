"""Objects that no compiler wrote: the code of an app that calls its plugins, for the linker alone.

Such an object says which functions an app calls, so that a real linker must find each of them. It
is never run. The same writer makes the stand-ins of the system's libraries.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tvmplug.targets import ObjectFormat, Target

# What a function of such an object holds: the processor's own "this must not be reached".
_CODE = {"x86_64": b"\x0f\x0b\x90\x90", "arm64": b"\x00\x00\x00\x00"}


def app_object(target: Target, defines: Sequence[str], calls: Sequence[str]) -> bytes:
    """Write an object file.

    Args:
        target: What it is for.
        defines: The functions that it has, as C spells them.
        calls: The functions that it needs, likewise.

    Returns:
        The object's bytes: the same for the same names.
    """
    write = _macho if target.object_format is ObjectFormat.MACHO else _elf
    return write(target, defines, calls)


class _Strings:
    """A string table that is being filled."""

    def __init__(self) -> None:
        self.content = b"\0"

    def add(self, text: str) -> int:
        at = len(self.content)
        self.content += text.encode() + b"\0"
        return at


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)


_ELF_MACHINE = {"x86_64": 62, "arm64": 183}
# R_X86_64_64 and R_AARCH64_ABS64: the address of a symbol.
_ELF_ADDRESS = {"x86_64": 1, "arm64": 257}


def _elf(target: Target, defines: Sequence[str], calls: Sequence[str]) -> bytes:
    code = _CODE[target.arch]
    text, data = code * len(defines), bytes(8 * len(calls))
    strings, names = _Strings(), _Strings()
    # Fields: name, binding and type, visibility, section, value, size.
    symbols = bytes(24)
    for index, name in enumerate(defines):
        at = index * len(code)
        symbols += struct.pack("<IBBHQQ", strings.add(name), 0x12, 0, 1, at, len(code))
    relocations = b""
    for index, name in enumerate(calls):
        symbols += struct.pack("<IBBHQQ", strings.add(name), 0x10, 0, 0, 0, 0)
        symbol = 1 + len(defines) + index
        relocations += struct.pack("<QQq", 8 * index, symbol << 32 | _ELF_ADDRESS[target.arch], 0)
    # Name, type, flags, content, linked section, information, alignment, size of an entry. The
    # last one has the names of all.
    rows = [
        (".text", 1, 0x6, text, 0, 0, 4, 0),
        (".data.rel", 1, 0x3, data, 0, 0, 8, 0),
        (".rela.data.rel", 4, 0x40, relocations, 4, 2, 8, 24),
        (".symtab", 2, 0, symbols, 5, 1, 8, 24),
        (".strtab", 3, 0, strings.content, 0, 0, 1, 0),
        (".note.GNU-stack", 1, 0, b"", 0, 0, 1, 0),
    ]
    starts = [names.add(row[0]) for row in rows]
    rows.append((".shstrtab", 3, 0, b"", 0, 0, 1, 0))
    starts.append(names.add(".shstrtab"))
    rows[-1] = (*rows[-1][:3], names.content, *rows[-1][4:])
    body, headers = b"", bytes(64)
    for start, (_, kind, flags, content, link, info, align, entry) in zip(
        starts, rows, strict=True
    ):
        headers += struct.pack(
            "<IIQQQQIIQQ",
            *(start, kind, flags, 0, 64 + len(body), len(content), link, info, align, entry),
        )
        body += _padded(content)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH",
        *(1, _ELF_MACHINE[target.arch], 1, 0, 0, 64 + len(body), 0),
        *(64, 0, 0, 64, len(rows) + 1, len(rows)),
    )
    return header + body + headers


_MACHO_CPU = {"x86_64": (0x01000007, 3), "arm64": (0x0100000C, 0)}
_MACHO_PLATFORM = {"macos": 1, "ios": 2, "ios-simulator": 7}
_SUBSECTIONS_VIA_SYMBOLS = 0x2000


def _macho(target: Target, defines: Sequence[str], calls: Sequence[str]) -> bytes:
    code = _CODE[target.arch]
    text, data = _padded(code * len(defines)), bytes(8 * len(calls))
    strings = _Strings()
    symbols, relocations = b"", b""
    for index, name in enumerate(defines):
        at = index * len(code)
        symbols += struct.pack("<IBBHQ", strings.add(f"_{name}"), 0x0F, 1, 0, at)
    for index, name in enumerate(calls):
        symbols += struct.pack("<IBBHQ", strings.add(f"_{name}"), 0x01, 0, 0, 0)
        # An external symbol (bit 27), eight bytes (bits 25-26), its plain address (type 0).
        number = len(defines) + index
        relocations += struct.pack("<iI", 8 * index, number | 1 << 27 | 3 << 25)
    commands_size = 72 + 2 * 80 + 24 + 24 + 80
    start = 32 + commands_size
    ends = [start]
    for part in (text, data, relocations, symbols):
        ends.append(ends[-1] + len(part))
    text_at, data_at, relocations_at, symbols_at, strings_at = ends
    size = len(text) + len(data)
    segment = struct.pack(
        "<II16sQQQQIIII", 0x19, 72 + 2 * 80, b"", 0, size, text_at, size, 7, 7, 2, 0
    )
    segment += _macho_section(b"__text", b"__TEXT", 0, text, text_at, flags=0x80000400)
    segment += _macho_section(
        b"__data", b"__DATA", len(text), data, data_at, relocations=(relocations_at, len(calls))
    )
    major, _, minor = target.minimum_os.partition(".")
    version = int(major) << 16 | int(minor or 0) << 8
    build = struct.pack("<6I", 0x32, 24, _MACHO_PLATFORM[target.platform], version, version, 0)
    count = len(defines) + len(calls)
    table = struct.pack("<6I", 0x2, 24, symbols_at, count, strings_at, len(strings.content))
    # No local symbol, then those that are defined, then the others; Apple's linker wants to know.
    order = (0, 0, 0, len(defines), len(defines), len(calls), *(0,) * 12)
    dynamic = struct.pack("<20I", 0xB, 80, *order)
    header = struct.pack(
        "<8I", 0xFEEDFACF, *_MACHO_CPU[target.arch], 1, 4, commands_size,
        _SUBSECTIONS_VIA_SYMBOLS, 0,
    )  # fmt: skip
    body = text + data + relocations + symbols + strings.content
    return header + segment + build + table + dynamic + body


def _macho_section(
    name: bytes,
    segment: bytes,
    address: int,
    content: bytes,
    at: int,
    *,
    relocations: tuple[int, int] = (0, 0),
    flags: int = 0,
) -> bytes:
    return struct.pack(
        "<16s16sQQIIIIIIII", name, segment, address, len(content), at, 3, *relocations, flags,
        0, 0, 0,
    )  # fmt: skip
