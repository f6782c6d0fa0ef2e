"""The symbol table of a 64-bit little-endian ELF object (System V gABI, chapter 4)."""

from __future__ import annotations

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._symbol import Symbol

MAGIC = b"\x7fELF\x02\x01"
_MACHINES = {62: "x86_64", 183: "arm64"}
_SHT_SYMTAB = 2
_STB_LOCAL, _STB_WEAK, _STB_GNU_UNIQUE = 0, 2, 10


def read(data: Bytes) -> tuple[str, tuple[Symbol, ...]]:
    """Return the processor and the global symbols.

    Raises:
        ArtifactError: the object is damaged.
    """
    kind, machine = data.unpack("HH", 16)
    if kind != 1:
        raise data.damaged("it is no relocatable object")
    (sections,) = data.unpack("Q", 40)
    entry_size, count = data.unpack("HH", 58)
    if entry_size != 64:
        raise data.damaged("its section headers have a wrong size")
    if count == 0:  # more than 65279 sections: the number stands in the first header's sh_size
        (count,) = data.unpack("Q", sections + 32)
    headers = [data.unpack("IIQQQQIIQQ", sections + index * 64) for index in range(count)]
    symbols: list[Symbol] = []
    for header in headers:
        _, section_type, _, _, offset, size, link, _, _, entry = header
        # Content of every section must be inside the file, or the object was cut off.
        if section_type not in (0, 8) and size:
            data.unpack("B", offset + size - 1)
        if section_type == _SHT_SYMTAB:
            if link >= count or entry != 24:
                raise data.damaged("its symbol table is broken")
            symbols += _symbols(data, offset, size // 24, headers[link][4])
    return _MACHINES.get(machine, f"ELF machine {machine}"), tuple(symbols)


def _symbols(data: Bytes, table: int, count: int, strings: int) -> list[Symbol]:
    symbols: list[Symbol] = []
    for index in range(count):
        name_at, info, _, section = data.unpack("IBBH", table + 24 * index)
        symbol = global_symbol(data, strings + name_at, info, section)
        if symbol is not None:
            symbols.append(symbol)
    return symbols


def global_symbol(data: Bytes, name_at: int, info: int, section: int) -> Symbol | None:
    """One entry of a symbol table, which 32-bit files order otherwise; None for a local one.

    Args:
        data: The file.
        name_at: Where the name stands in it.
        info: The entry's `st_info`.
        section: Its `st_shndx`, 0 where the symbol is not defined.
    """
    binding = info >> 4
    if binding == _STB_LOCAL:
        return None
    name = data.string(name_at)
    weak = binding in (_STB_WEAK, _STB_GNU_UNIQUE)
    return Symbol(name=name, raw=name, defined=section != 0, weak=weak)
