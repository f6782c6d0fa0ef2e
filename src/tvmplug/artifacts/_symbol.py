"""One global symbol of an object file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Symbol:
    """One global symbol.

    Attributes:
        name: as C spells it (Mach-O's leading underscore removed).
        raw: as the linker spells it; what an archive's index lists.
        defined: whether this object defines it; otherwise it needs it.
        weak: whether several definitions may meet in one link (weak, COMDAT): the linker keeps one.
    """

    name: str
    raw: str
    defined: bool
    weak: bool
