"""The objects of a static archive, and what of them runs when their image is loaded."""

from __future__ import annotations

from pathlib import Path

from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts._macho import LC_SEGMENT_64, MAGIC, load_commands
from tvmplug.artifacts.ar import members_of
from tvmplug.errors import ArtifactError
from tvmplug.proof.once import Forced, Member

_ELF = b"\x7fELF\x02\x01"
_SHT_INIT_ARRAY = 14
_CONSTRUCTORS = (".ctors", ".init_array")
# S_MOD_INIT_FUNC_POINTERS of mach-o/loader.h.
_MOD_INIT = 0x9
_POINTER = 8


def forced_archive(path: Path, *, complete: bool) -> Forced:
    """Read an archive that was forced into an image.

    Args:
        path: The archive.
        complete: Whether all of its objects must be there, see `Forced`.

    Raises:
        ArtifactError: It is missing or damaged.
    """
    return Forced(
        name=path.name,
        members=tuple(
            Member(name, registers=constructors(content, f"{path}({name})") > 0)
            for name, content in members_of(path)
        ),
        complete=complete,
    )


def constructors(content: bytes, origin: str) -> int:
    """How many functions of an object run when its image is loaded.

    Args:
        content: The object's bytes: ELF or Mach-O.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is neither, or is damaged.
    """
    data = Bytes(content, origin)
    if content.startswith(_ELF):
        return _elf_constructors(data) // _POINTER
    if content.startswith(MAGIC):
        return _macho_constructors(data) // _POINTER
    raise ArtifactError(
        f"{origin} is no 64-bit ELF or Mach-O object", mend="Run `tvmplug build` to make it again"
    )


def _elf_constructors(data: Bytes) -> int:
    (table,) = data.unpack("Q", 40)
    _, count, names = data.unpack("HHH", 58)
    if count == 0:  # more than 65279 sections: the number stands in the first header's sh_size
        (count,) = data.unpack("Q", table + 32)
    if names == 0xFFFF:  # likewise, in its sh_link
        (names,) = data.unpack("I", table + 40)
    (strings,) = data.unpack("Q", table + 64 * names + 24) if count else (0,)
    size = 0
    for index in range(count):
        name_at, kind = data.unpack("II", table + 64 * index)
        # Older compilers write `.ctors`, and some `.init_array` as plain data.
        if kind == _SHT_INIT_ARRAY or data.string(strings + name_at).startswith(_CONSTRUCTORS):
            size += data.unpack("Q", table + 64 * index + 32)[0]
    return size


def _macho_constructors(data: Bytes) -> int:
    total = 0
    for command, position, _ in load_commands(data):
        if command == LC_SEGMENT_64:
            (count,) = data.unpack("I", position + 64)
            for index in range(count):
                section = position + 72 + 80 * index
                if data.unpack("I", section + 64)[0] & 0xFF == _MOD_INIT:
                    total += data.unpack("Q", section + 40)[0]
    return total
