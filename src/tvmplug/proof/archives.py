"""The objects of a static archive, and which of them run code when their image is loaded."""

from __future__ import annotations

from pathlib import Path

from tvmplug import files
from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts.ar import read_archive
from tvmplug.errors import ArtifactError
from tvmplug.proof.once import Forced, Member

_ELF, _MACHO = b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe"
_SHT_INIT_ARRAY = 14
# S_MOD_INIT_FUNC_POINTERS and S_INIT_FUNC_OFFSETS of mach-o/loader.h.
_MOD_INIT = (0x9, 0x16)
_LC_SEGMENT_64 = 0x19


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
            Member(name, registers=has_constructor(content, f"{path}({name})"))
            for name, content in members_of(path)
        ),
        complete=complete,
    )


def members_of(path: Path) -> list[tuple[str, bytes]]:
    """Name and content of each object in an archive.

    Raises:
        ArtifactError: It is missing or damaged.
    """
    if not path.is_file():
        raise ArtifactError(f"the archive {path} is missing", mend="Run `tvmplug build`")
    with files.file_errors(path):
        content = path.read_bytes()
    return [(member.name, member.content) for member in read_archive(content, str(path)).members]


def has_constructor(content: bytes, origin: str) -> bool:
    """Whether an object has code that runs when its image is loaded.

    Args:
        content: The object's bytes: ELF or Mach-O.
        origin: Its name for messages.

    Raises:
        ArtifactError: It is neither, or is damaged.
    """
    data = Bytes(content, origin)
    if content.startswith(_ELF):
        return _elf_has_constructor(data)
    if content.startswith(_MACHO):
        return _macho_has_constructor(data)
    raise ArtifactError(
        f"{origin} is no 64-bit ELF or Mach-O object", mend="Run `tvmplug build` to make it again"
    )


def _elf_has_constructor(data: Bytes) -> bool:
    (table,) = data.unpack("Q", 40)
    _, count, names = data.unpack("HHH", 58)
    if count == 0:  # more than 65279 sections: the number stands in the first header's sh_size
        (count,) = data.unpack("Q", table + 32)
    if names == 0xFFFF:  # likewise, in its sh_link
        (names,) = data.unpack("I", table + 40)
    (strings,) = data.unpack("Q", table + 64 * names + 24) if count else (0,)
    for index in range(count):
        name_at, kind = data.unpack("II", table + 64 * index)
        # Older compilers write `.ctors`, and some `.init_array` as plain data.
        if kind == _SHT_INIT_ARRAY or data.string(strings + name_at).startswith(
            (".ctors", ".init_array")
        ):
            return True
    return False


def _macho_has_constructor(data: Bytes) -> bool:
    (commands,) = data.unpack("I", 16)
    position = 32
    for _ in range(commands):
        command, size = data.unpack("II", position)
        if size < 8:
            raise data.damaged(f"it has a broken load command at byte {position}")
        if command == _LC_SEGMENT_64:
            (count,) = data.unpack("I", position + 64)
            for index in range(count):
                (flags,) = data.unpack("I", position + 72 + 80 * index + 64)
                if flags & 0xFF in _MOD_INIT:
                    return True
        position += size
    return False
