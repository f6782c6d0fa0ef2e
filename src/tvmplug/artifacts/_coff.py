"""The symbol table of a 64-bit COFF object (Microsoft's PE specification, chapters 3 to 5)."""

from __future__ import annotations

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._symbol import Symbol

MACHINES = {b"\x64\x86": "x86_64", b"\x64\xaa": "arm64"}
_EXTERNAL, _WEAK_EXTERNAL = 2, 105
_COMDAT = 0x1000
_UNINITIALISED = 0x80


def read(data: Bytes) -> tuple[str, tuple[Symbol, ...]]:
    """Return the processor and the global symbols.

    A weak external is listed as defined and weak: it stands for its default in this object.

    Raises:
        ArtifactError: the object is damaged.
    """
    machine, sections = data.unpack("HH", 0)
    table, count = data.unpack("II", 8)
    strings = table + 18 * count
    (strings_size,) = data.unpack("I", strings)
    data.unpack("B", strings + max(strings_size, 4) - 1)
    comdat: set[int] = set()
    for number in range(1, sections + 1):
        header = 20 + 40 * (number - 1)
        size, offset = data.unpack("II", header + 16)
        (flags,) = data.unpack("I", header + 36)
        if size and offset and not flags & _UNINITIALISED:
            data.unpack("B", offset + size - 1)
        if flags & _COMDAT:
            comdat.add(number)
    symbols: list[Symbol] = []
    index = 0
    while index < count:
        at = table + 18 * index
        value, section, _, storage, auxiliary = data.unpack("IhHBB", at + 8)
        if storage in (_EXTERNAL, _WEAK_EXTERNAL):
            name = _name(data, at, strings)
            common = section == 0 and value != 0
            weak = storage == _WEAK_EXTERNAL or common or section in comdat
            defined = section != 0 or common or storage == _WEAK_EXTERNAL
            symbols.append(Symbol(name=name, raw=name, defined=defined, weak=weak))
        index += 1 + auxiliary
    arch = MACHINES[machine.to_bytes(2, "little")]
    return arch, tuple(symbols)


def _name(data: Bytes, at: int, strings: int) -> str:
    zeroes, offset = data.unpack("II", at)
    return data.string(strings + offset) if zeroes == 0 else data.string(at, at + 8)
