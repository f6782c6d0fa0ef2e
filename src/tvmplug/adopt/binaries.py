"""What a library in a plugin is, by its symbols: a TVM runtime, a compiled model, or neither. Pure.

File names decide nothing: `libkokoro.so` may hold a runtime, and `libtvm_runtime.so` need not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tvmplug import files
from tvmplug.adopt import elf32
from tvmplug.apple import macho, universal
from tvmplug.artifacts import symbols
from tvmplug.artifacts._bytes import Bytes
from tvmplug.artifacts.ar import read_archive
from tvmplug.errors import ArtifactError
from tvmplug.proof.elf import read_elf_image

_AR, _ELF, _ELF64, _MACHO, _FAT = (
    b"!<arch>\n", b"\x7fELF", b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe",
)  # fmt: skip
START = 512  # bytes of a file that tell what it is
_LFS = b"version https://git-lfs.github.com/spec/"
_MOST_PROCESSORS = 30  # Java's class files begin like universal ones, with a version from 45 on
_RELOCATABLE = 1

# TVM's C functions of today (`TVMFFI`, `TVMBackend`) and of before tvm-ffi.
_C_FUNCTION = re.compile(r"TVM(?:FFI|Backend)[A-Z]\w*|TVMFuncCall|TVMModLoadFromFile|TVMArrayAlloc")
# Its C++: `tvm::runtime::...` and `tvm::ffi::...` as the Itanium ABI spells them. Weak ones do not
# count: every library that includes tvm-ffi's headers has some.
_CPP_FUNCTION = re.compile(r"_ZNK?3tvm(?:7runtime|3ffi)\d")
# A compiled component: its bytecode, which has the prefix in front, and its functions.
_BYTECODE = re.compile(r"(?P<prefix>\w*?)__tvm_ffi__library_bin")
_MODEL_FUNCTION = re.compile(r"__tvm_ffi_\w+|__tvm_main__")


@dataclass(frozen=True)
class Binary:
    """A library, an object or an archive.

    Attributes:
        what: In a person's words: `iOS arm64 archive`.
        runtime: TVM's own functions that it defines, sorted; empty when it is no runtime.
        components: Symbol prefixes of the compiled components that it defines, in order.
        has_model: Whether it defines functions that TVM compiled.
        contents: SHA-256 of processor, platform and defined symbols: the same for two builds of
            one library.
        problem: Why its symbols cannot be read; None when they can.
    """

    what: str
    runtime: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    has_model: bool = False
    contents: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class _Part:
    """What one object or image says of itself."""

    machine: str
    defined: tuple[tuple[str, bool], ...]  # name, whether it is weak


def is_binary(start: bytes) -> bool:
    """Tell by a file's first bytes whether `read_binary` has something to say about it."""
    if start.startswith(_FAT):
        return 0 < int.from_bytes(start[4:8], "big") < _MOST_PROCESSORS
    return start.startswith((_AR, _ELF, _MACHO))


def is_lfs_pointer(start: bytes) -> bool:
    """Tell whether git keeps the file elsewhere, and only its address is here."""
    return start.startswith(_LFS)


def read_binary(content: bytes, origin: str) -> Binary:
    """Say what a library is.

    Args:
        content: The file's bytes.
        origin: Its name for messages.

    Returns:
        What it is; where it is damaged or of an unknown kind, `problem` says so.
    """
    kind = "archive" if content.startswith(_AR) else "library"
    try:
        parts = list(_parts(content, origin))
    except ArtifactError as error:
        return Binary(kind, problem=error.message.removeprefix(origin).strip())
    machines = sorted({part.machine for part in parts})
    defined = [symbol for part in parts for symbol in part.defined]
    prefixes = (_BYTECODE.fullmatch(name) for name, _ in defined)
    return Binary(
        what=f"{', '.join(machines) or 'empty'} {kind}",
        runtime=_runtime(defined),
        components=tuple(dict.fromkeys(found["prefix"] for found in prefixes if found)),
        has_model=any(_MODEL_FUNCTION.fullmatch(name) for name, _ in defined),
        contents=files.sha256_bytes(
            "\n".join([*machines, *sorted({name for name, _ in defined})]).encode()
        ),
    )


def _runtime(defined: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
    strong = {name for name, weak in defined if not weak}
    functions = sorted(name for name in strong if _C_FUNCTION.fullmatch(name))
    return tuple(functions or sorted(name for name in strong if _CPP_FUNCTION.match(name)))


def _parts(content: bytes, origin: str) -> Iterator[_Part]:
    if content.startswith(_FAT):
        for part in universal.split(content, origin):
            yield from _parts(part.content, origin)
    elif content.startswith(_AR):
        for member in read_archive(content, origin).members:
            # Besides objects there may be indexes of other dialects, bitcode and notes.
            if is_binary(member.content[:8]):
                yield from _parts(member.content, f"{origin}({member.name})")
    elif content.startswith(elf32.MAGIC):
        arch, found = elf32.read_elf32(content, origin)
        yield _Part(f"ELF {arch}", tuple((s.name, s.weak) for s in found if s.defined))
    elif content.startswith(_ELF64) and Bytes(content, origin).unpack("H", 16)[0] != _RELOCATABLE:
        image = read_elf_image(content, origin)
        yield _Part(f"ELF {image.arch}", tuple((name, _is_inline(name)) for name in image.defined))
    elif content.startswith(_MACHO) and Bytes(content, origin).unpack("I", 12)[0] != _RELOCATABLE:
        linked = macho.read_macho(content, origin)
        machine = f"{linked.platform or 'Mach-O'} {linked.arch}"
        yield _Part(machine, tuple((name, _is_inline(name)) for name in linked.exported))
    else:
        found_object = symbols.read_object(content, origin)
        system = found_object.platform or found_object.format.value
        names = tuple((symbol.name, symbol.weak) for symbol in found_object.defined)
        yield _Part(f"{system} {found_object.arch}", names)


def _is_inline(name: str) -> bool:
    """The readers of linked images do not tell what is weak; of C++, most of tvm-ffi is."""
    return name.startswith(("_ZN3tvm3ffi", "_ZNK3tvm3ffi"))
