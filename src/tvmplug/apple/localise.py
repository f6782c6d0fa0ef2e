"""Makes symbols of a relocatable Mach-O object private to it (mach-o/nlist.h, mach-o/reloc.h)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._macho import (
    LC_DYSYMTAB,
    LC_SEGMENT_64,
    LC_SYMTAB,
    MAGIC,
    load_commands,
)
from tvmplug.errors import ArtifactError

_OBJECT = 1
_NLIST, _SECTION, _RELOCATION = 16, 80, 8
# nlist_64's fields: where the name is, kind, section, description, value.
_FIELDS = struct.Struct("<IBBHQ")
_STAB, _PRIVATE, _TYPE, _EXTERNAL = 0xE0, 0x10, 0x0E, 0x01
_NO_DEAD_STRIP, _WEAK = 0x20, 0x80
_SYMBOL_NUMBER, _IS_EXTERNAL = 0x00FFFFFF, 1 << 27
# An entry of the indirect table that stands for no symbol.
_NO_SYMBOL = 0xC0000000


@dataclass(frozen=True)
class _Symbol:
    index: int
    name: str
    kind: int
    section: int
    description: int
    place: tuple[int, int]  # of the name among the strings, and the value


def localise(content: bytes, is_kept: Callable[[str], bool], origin: str) -> bytes:
    """Return an object with only some of its definitions global.

    What `ld -r -exported_symbols_list` does, for objects that another linker made. The global ones
    that remain are also marked to be kept when an app is linked without what nothing in it calls:
    they are looked up by name while it runs.

    Args:
        content: The object's bytes.
        is_kept: Told a defined global symbol as C spells it; true keeps it global.
        origin: The object's name for messages.

    Raises:
        ArtifactError: It is no 64-bit relocatable Mach-O object, or is damaged.
    """
    data = Bytes(content, origin)
    if not content.startswith(MAGIC) or data.unpack("I", 12) != (_OBJECT,):
        raise ArtifactError(
            f"{origin} is no relocatable Mach-O object",
            mend="Run `tvmplug build` to make it again",
        )
    commands = _commands(data)
    if LC_SYMTAB not in commands:
        return content
    table, count, strings, _ = data.unpack("IIII", commands[LC_SYMTAB][0] + 8)
    symbols = [_symbol(data, table, strings, index) for index in range(count)]
    local, defined, undefined = _sorted_out(symbols, is_kept)
    order = [*local, *defined, *undefined]
    renumbered = {symbol.index: number for number, symbol in enumerate(order)}

    result = bytearray(content)
    for number, symbol in enumerate(order):
        name_at, value = symbol.place
        fields = (name_at, symbol.kind, symbol.section, symbol.description, value)
        _FIELDS.pack_into(result, table + _NLIST * number, *fields)
    for position in _relocations(data, commands.get(LC_SEGMENT_64, [])):
        (word,) = data.unpack("I", position + 4)
        if word & _IS_EXTERNAL:
            word = word & ~_SYMBOL_NUMBER | renumbered[word & _SYMBOL_NUMBER]
            struct.pack_into("<I", result, position + 4, word)
    for command in commands.get(LC_DYSYMTAB, []):
        first = len(local) + len(defined)
        counts = (0, len(local), len(local), len(defined), first, len(undefined))
        struct.pack_into("<6I", result, command + 8, *counts)
        start, entries = data.unpack("II", command + 56)
        for position in range(start, start + 4 * entries, 4):
            (index,) = data.unpack("I", position)
            if not index & _NO_SYMBOL:
                struct.pack_into("<I", result, position, renumbered[index])
    return bytes(result)


def _commands(data: Bytes) -> dict[int, list[int]]:
    """The positions of the load commands, by their number."""
    found: dict[int, list[int]] = {}
    for command, position, _ in load_commands(data):
        found.setdefault(command, []).append(position)
    return found


def _symbol(data: Bytes, table: int, strings: int, index: int) -> _Symbol:
    at = table + _NLIST * index
    name_at, kind, section, description, value = data.unpack("IBBHQ", at)
    name = data.string(strings + name_at).removeprefix("_")
    return _Symbol(index, name, kind, section, description, (name_at, value))


def _sorted_out(
    symbols: list[_Symbol], is_kept: Callable[[str], bool]
) -> tuple[list[_Symbol], list[_Symbol], list[_Symbol]]:
    """The three parts of a symbol table in their order: local, defined and undefined symbols."""
    local: list[_Symbol] = []
    defined: list[_Symbol] = []
    undefined: list[_Symbol] = []
    for symbol in symbols:
        if symbol.kind & _STAB or not symbol.kind & _EXTERNAL:
            local.append(symbol)
        elif not symbol.kind & _TYPE:
            undefined.append(symbol)
        elif is_kept(symbol.name) and not symbol.kind & _PRIVATE:
            description = symbol.description | _NO_DEAD_STRIP
            defined.append(_changed(symbol, symbol.kind, description))
        else:
            kind = symbol.kind & ~(_EXTERNAL | _PRIVATE)
            local.append(_changed(symbol, kind, symbol.description & ~_WEAK))
    return local, sorted(defined, key=lambda each: each.name), undefined


def _changed(symbol: _Symbol, kind: int, description: int) -> _Symbol:
    return _Symbol(symbol.index, symbol.name, kind, symbol.section, description, symbol.place)


def _relocations(data: Bytes, segments: list[int]) -> list[int]:
    positions: list[int] = []
    for segment in segments:
        (sections,) = data.unpack("I", segment + 64)
        for index in range(sections):
            at = segment + 72 + _SECTION * index
            start, count = data.unpack("II", at + 56)
            positions += range(start, start + _RELOCATION * count, _RELOCATION)
    return positions
