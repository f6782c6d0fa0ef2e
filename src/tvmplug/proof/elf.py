"""What a linked ELF image says of itself (gABI, chapters 4 and 5; versions; Android's note)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tvmplug.artifacts._bytes import Bytes
from tvmplug.errors import ArtifactError

_MAGIC = b"\x7fELF\x02\x01"
_MACHINES = {62: "x86_64", 183: "arm64"}
_SHARED, _EXECUTABLE = 3, 2
_PT_LOAD, _PT_DYNAMIC, _PT_NOTE = 1, 2, 4
_SHT_DYNSYM, _SHT_VERSYM, _SHT_VERNEED = 11, 0x6FFFFFFF, 0x6FFFFFFE
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29
_STB_LOCAL, _STB_WEAK = 0, 2
_ANDROID_IDENT = (b"Android\0", 1)
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.(\d+))?")
_BUILD_AGAIN = "Run `tvmplug build` to make it again"


@dataclass(frozen=True)
class Needed:
    """A symbol that an image takes from another one.

    Attributes:
        name: The symbol.
        version: The version that it asks for, such as `GLIBC_2.17`; empty for any.
        library: The library that has this version; empty when it asks for none.
        weak: Whether it can do without.
    """

    name: str
    version: str
    library: str
    weak: bool


@dataclass(frozen=True)
class ElfImage:
    """A shared library or an executable.

    Attributes:
        arch: The processor as the table of targets names it, or the machine's number.
        soname: What others call it; None where it does not say.
        needed: The libraries that it needs.
        runpaths: Where they are looked for.
        defined: The symbols that others may use.
        undefined: The symbols that it takes from others.
        alignment: The smallest alignment of its loaded segments, in bytes.
        android_api: The API level that it was linked for; None where it does not say.
    """

    arch: str
    soname: str | None
    needed: tuple[str, ...]
    runpaths: tuple[str, ...]
    defined: tuple[str, ...]
    undefined: tuple[Needed, ...]
    alignment: int
    android_api: int | None

    @property
    def glibc(self) -> str | None:
        """The newest version of glibc that one of its symbols needs; None for none."""
        found = [m for symbol in self.undefined if (m := _GLIBC.fullmatch(symbol.version))]
        newest = max(((int(m[1]), int(m[2])) for m in found), default=None)
        return None if newest is None else f"{newest[0]}.{newest[1]}"


def read_elf_image(content: bytes, origin: str) -> ElfImage:
    """Read a linked ELF image.

    Args:
        content: The file's bytes.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is no 64-bit little-endian ELF library or executable, or is damaged.
    """
    if not content.startswith(_MAGIC):
        raise ArtifactError(f"{origin} is no 64-bit ELF file", mend=_BUILD_AGAIN)
    return _Reader(Bytes(content, origin), content).image()


class _Reader:
    """Takes the parts out of one file."""

    def __init__(self, data: Bytes, content: bytes) -> None:
        self._data = data
        self._content = content

    def image(self) -> ElfImage:
        kind, machine = self._data.unpack("HH", 16)
        if kind not in (_SHARED, _EXECUTABLE):
            raise self._data.damaged("it is no linked image")
        segments = self._segments()
        tags = list(self._dynamic(segments))
        strings = next((value for tag, value in tags if tag == _DT_STRTAB), None)

        def named(*wanted: int) -> tuple[str, ...]:
            if strings is None:
                return ()
            at = self._offset(segments, strings)
            return tuple(self._data.string(at + value) for tag, value in tags if tag in wanted)

        defined, undefined = self._symbols()
        runpaths = (path for text in named(_DT_RPATH, _DT_RUNPATH) for path in text.split(":"))
        return ElfImage(
            arch=_MACHINES.get(machine, f"ELF machine {machine}"),
            soname=next(iter(named(_DT_SONAME)), None),
            needed=named(_DT_NEEDED),
            runpaths=tuple(runpaths),
            defined=tuple(defined),
            undefined=tuple(undefined),
            alignment=min((part[7] for part in segments if part[0] == _PT_LOAD), default=0),
            android_api=self._android_api(segments),
        )

    def _segments(self) -> list[tuple[int, ...]]:
        (table,) = self._data.unpack("Q", 32)
        _, count = self._data.unpack("HH", 54)
        # type, flags, offset, address, physical address, size in the file, in memory, alignment
        found = [self._data.unpack("IIQQQQQQ", table + 56 * index) for index in range(count)]
        for part in found:
            # Content of every segment must be inside the file, or the image was cut off.
            if part[0] == _PT_LOAD and part[5]:
                self._data.unpack("B", part[2] + part[5] - 1)
        return found

    def _offset(self, segments: Sequence[tuple[int, ...]], address: int) -> int:
        for part in segments:
            if part[0] == _PT_LOAD and part[3] <= address < part[3] + part[5]:
                return part[2] + address - part[3]
        raise self._data.damaged(f"nothing of it is loaded at address {address:#x}")

    def _dynamic(self, segments: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
        for part in segments:
            if part[0] == _PT_DYNAMIC:
                for index in range(part[5] // 16):
                    tag, value = self._data.unpack("QQ", part[2] + 16 * index)
                    if tag == 0:
                        return
                    yield tag, value

    def _sections(self) -> list[tuple[int, ...]]:
        (table,) = self._data.unpack("Q", 40)
        _, count = self._data.unpack("HH", 58)
        return [self._data.unpack("IIQQQQIIQQ", table + 64 * index) for index in range(count)]

    def _strings(self, sections: Sequence[tuple[int, ...]], section: tuple[int, ...]) -> int:
        """Where the names of a table of symbols or versions are."""
        if section[6] >= len(sections):
            raise self._data.damaged("a table's names lie in no section")
        return sections[section[6]][4]

    def _symbols(self) -> tuple[list[str], list[Needed]]:
        sections = self._sections()
        defined: list[str] = []
        undefined: list[Needed] = []
        versions = self._versions(sections)
        numbers = next((s[4] for s in sections if s[1] == _SHT_VERSYM), None)
        for section in sections:
            if section[1] != _SHT_DYNSYM:
                continue
            strings = self._strings(sections, section)
            for index in range(1, section[5] // 24):
                name_at, info, _, place = self._data.unpack("IBBH", section[4] + 24 * index)
                if info >> 4 == _STB_LOCAL:
                    continue
                name = self._data.string(strings + name_at)
                if place:
                    defined.append(name)
                    continue
                number = self._data.unpack("H", numbers + 2 * index)[0] if numbers else 0
                version, library = versions.get(number & 0x7FFF, ("", ""))
                undefined.append(Needed(name, version, library, weak=info >> 4 == _STB_WEAK))
        return defined, undefined

    def _versions(self, sections: Sequence[tuple[int, ...]]) -> dict[int, tuple[str, str]]:
        """Name and library of each version that is needed, by the number that symbols use."""
        found: dict[int, tuple[str, str]] = {}
        for section in sections:
            if section[1] != _SHT_VERNEED:
                continue
            strings, at = self._strings(sections, section), section[4]
            for _ in range(section[7]):  # sh_info: how many libraries
                _, count, file, entry, step = self._data.unpack("HHIII", at)
                entry += at
                for _ in range(count):
                    _, _, number, name, entry_step = self._data.unpack("IHHII", entry)
                    found[number] = (
                        self._data.string(strings + name),
                        self._data.string(strings + file),
                    )
                    if not entry_step:
                        break
                    entry += entry_step
                if not step:
                    break
                at += step
        return found

    def _android_api(self, segments: Sequence[tuple[int, ...]]) -> int | None:
        for part in segments:
            if part[0] != _PT_NOTE:
                continue
            at, end = part[2], part[2] + part[5]
            while at + 12 <= end:
                name_size, size, kind = self._data.unpack("III", at)
                name = self._content[at + 12 : at + 12 + name_size]
                content = at + 12 + -(-name_size // 4) * 4
                if (name, kind) == _ANDROID_IDENT and size >= 4:
                    return self._data.unpack("I", content)[0]
                at = content + -(-size // 4) * 4
        return None
