"""The symbol table of a 32-bit ELF file (gABI, chapter 4): older phones' `armeabi-v7a` and `x86`.

Nothing of ours is built for these; an existing plugin may well bundle a runtime for them.
"""

from __future__ import annotations

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._elf import global_symbol
from tvmplug.artifacts._symbol import Symbol

MAGIC = b"\x7fELF\x01\x01"
_MACHINES = {3: "x86", 40: "arm"}
_SYMBOL_TABLES = (2, 11)  # SHT_SYMTAB of objects, SHT_DYNSYM of libraries


def read_elf32(content: bytes, origin: str) -> tuple[str, tuple[Symbol, ...]]:
    """Return the processor and the global symbols of an object or a library.

    Args:
        content: The file's bytes.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is damaged.
    """
    data = Bytes(content, origin)
    (machine,) = data.unpack("H", 18)
    (sections,) = data.unpack("I", 32)
    size, count = data.unpack("HH", 46)
    if size != 40:
        raise data.damaged("its section headers have a wrong size")
    headers = [data.unpack("10I", sections + 40 * index) for index in range(count)]
    symbols: dict[str, Symbol] = {}
    for _, kind, _, _, offset, length, link, _, _, _ in headers:
        if kind not in _SYMBOL_TABLES:
            continue
        if link >= count:
            raise data.damaged("its symbol table is broken")
        for index in range(1, length // 16):
            name_at, _, _, info, _, section = data.unpack("IIIBBH", offset + 16 * index)
            symbol = global_symbol(data, headers[link][4] + name_at, info, section)
            if symbol is not None:
                symbols[symbol.name] = symbol
    return _MACHINES.get(machine, f"ELF machine {machine}"), tuple(symbols.values())
