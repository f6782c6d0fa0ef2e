"""What an `ar` archive is made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass

MAGIC = b"!<arch>\n"
HEADER_SIZE = 60


class Dialect(enum.Enum):
    """How an archive spells its index and long names."""

    GNU = "GNU"
    BSD = "BSD"


@dataclass(frozen=True)
class Member:
    """One object in an archive.

    Attributes:
        name: its file name.
        content: its bytes. A BSD archive pads them with newlines to a multiple of 8, and reading
            one back keeps that padding: the format does not tell it from content.
        symbols: the global symbols it defines, as the linker spells them.
    """

    name: str
    content: bytes
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True)
class Archive:
    """What a file held.

    Attributes:
        dialect: GNU or BSD.
        members: the objects in order, without the index; each with the symbols the index lists.
        indexed: whether there is a symbol index at all.
    """

    dialect: Dialect
    members: tuple[Member, ...]
    indexed: bool
