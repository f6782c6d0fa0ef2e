"""Which objects are in a linked image: what the linkers' maps say. Pure; `once` judges it.

Three forms are read: GNU ld's (`-Map`), that of LLVM's `ld.lld` (`-Map`), and that of Apple's
linker, which `ld64.lld` writes too (`-map`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.errors import ArtifactError


@dataclass(frozen=True, order=True)
class LinkedObject:
    """One object file.

    Attributes:
        archive: Path of the static archive that it came from, as the linker was given it; empty
            for an object that was given itself.
        member: Its name in the archive, or its path.
    """

    archive: str
    member: str

    @property
    def archive_name(self) -> str:
        """The archive's file name."""
        return self.archive.replace("\\", "/").rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.archive_name}({self.member})" if self.archive else self.member


@dataclass(frozen=True)
class LinkMap:
    """What a linker put into an image.

    Attributes:
        objects: The objects that are in it, in the map's order.
        dropped: Those that were read, and of which the collection of dead code left nothing. Only
            Apple's form has them; the others do not name them at all.
        counts: Whether an object that is in the image twice stands in `objects` twice. ELF maps
            name sections, so there it stands once; their linkers refuse a second definition.
    """

    objects: tuple[LinkedObject, ...]
    dropped: tuple[LinkedObject, ...] = ()
    counts: bool = False


def read_link_map(path: Path) -> LinkMap:
    """Read a link map from a file.

    Raises:
        FileError: It cannot be read.
        ArtifactError: As `parse_link_map`.
    """
    with files.file_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    return parse_link_map(text, str(path))


def parse_link_map(text: str, origin: str) -> LinkMap:
    """Parse a link map of any of the three forms.

    Args:
        text: Its content.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is in none of the forms, or names no object at all.
    """
    lines = text.splitlines()
    if text.startswith("# Path:"):
        found = _apple(lines)
    elif _LLD_HEADER.match(text):
        found = LinkMap(tuple(dict.fromkeys(_lld(lines))))
    elif _GNU_START in lines:
        memory_map = lines[lines.index(_GNU_START) + 1 :]
        found = LinkMap(tuple(dict.fromkeys(_gnu(memory_map))))
    else:
        raise ArtifactError(f"{origin} is no link map of a known linker", mend=_BUILD_AGAIN)
    if not found.objects:
        raise ArtifactError(f"the link map {origin} names no object", mend=_BUILD_AGAIN)
    return found


_BUILD_AGAIN = "Run `tvmplug build` to make it again"

_MEMBER = re.compile(
    # Apple's newer linker counts the members of an archive: `libx.a[3](x.o)`.
    r"(?P<archive>.+?)(?:\[[^\[\]]*\])*\((?P<member>[^()]+)\)"
)


def _object(text: str) -> LinkedObject:
    found = _MEMBER.fullmatch(text)
    return LinkedObject(found["archive"], found["member"]) if found else LinkedObject("", text)


# Sections of an image that are not loaded (debug information, comments) have the address 0. They
# stay where all code of an object was collected, so they do not count.

# `VMA LMA Size Align`, one column further an output section, and nine a file with its section.
_LLD_HEADER = re.compile(r"\s*VMA\s+LMA\s+Size\s+Align\s+Out\s+In\s+Symbol\n")
_LLD_LINE = re.compile(
    r"\s*(?P<address>[0-9a-f]+)\s+[0-9a-f]+\s+(?P<size>[0-9a-f]+)\s+\d+"
    r"(?: (?P<section>\S.*)| {9}(?P<file>\S.*):\(.*\))"
)
_LLD_OWN = "<internal>"


def _lld(lines: Iterable[str]) -> Iterator[LinkedObject]:
    loaded = False
    for line in lines:
        found = _LLD_LINE.fullmatch(line)
        if found is None:
            continue
        if found["section"]:
            loaded = int(found["address"], 16) != 0
        elif loaded and int(found["size"], 16) and found["file"] != _LLD_OWN:
            yield _object(found["file"])


_GNU_START = "Linker script and memory map"
# `.text  0xADDRESS 0xSIZE`, and below it ` .text.x  0xADDRESS 0xSIZE FILE`; a long name of either
# kind has a line of its own.
_GNU_SECTION = re.compile(r"(?:[^\s0]\S*)?\s+0x(?P<address>[0-9a-f]+)\s+0x[0-9a-f]+(?: load .*)?")
_GNU_INPUT = re.compile(r" \S*\s+0x[0-9a-f]+\s+0x(?P<size>[0-9a-f]+) (?P<file>\S.*)")
_GNU_PADDING = " *fill*"


def _gnu(lines: Iterable[str]) -> Iterator[LinkedObject]:
    loaded = False
    for line in lines:
        if section := _GNU_SECTION.fullmatch(line):
            loaded = int(section["address"], 16) != 0
        elif loaded and not line.startswith(_GNU_PADDING):
            found = _GNU_INPUT.fullmatch(line)
            if found and int(found["size"], 16):
                yield _object(found["file"])


_APPLE_ENTRY = re.compile(r"\[\s*(?P<number>\d+)\] (?P<file>.+)")
_APPLE_SYMBOL = re.compile(r"0x[0-9A-Fa-f]+\s+0x(?P<size>[0-9A-Fa-f]+)\s+\[\s*(?P<number>\d+)\] .*")
# What is named among the objects, and is none: shared libraries and their text stubs.
_APPLE_LIBRARIES = (".dylib", ".tbd")


def _apple(lines: Iterable[str]) -> LinkMap:
    entries: dict[str, str] = {}
    alive: set[str] = set()
    part = ""
    for line in lines:
        if line.startswith("# ") and line.endswith(":"):
            part = line
        elif part == "# Object files:" and (entry := _APPLE_ENTRY.fullmatch(line)):
            entries[entry["number"]] = entry["file"]
        elif (
            part == "# Symbols:"
            and (symbol := _APPLE_SYMBOL.fullmatch(line))
            and int(symbol["size"], 16)
        ):
            alive.add(symbol["number"])
    named = {
        number: _object(file)
        for number, file in entries.items()
        if number != "0" and not file.endswith(_APPLE_LIBRARIES)
    }
    return LinkMap(
        objects=tuple(found for number, found in named.items() if number in alive),
        dropped=tuple(found for number, found in named.items() if number not in alive),
        counts=True,
    )
