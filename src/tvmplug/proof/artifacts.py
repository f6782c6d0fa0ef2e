"""What is in a plugin's built files: processor, platform, alignment, needs, paths of a machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tvmplug import files
from tvmplug.apple.macho import MachO, read_macho
from tvmplug.apple.universal import split
from tvmplug.artifacts.ar import members_of
from tvmplug.artifacts.audit import check_object, version_of
from tvmplug.artifacts.symbols import read_object
from tvmplug.bootstrap import PACKAGE_DIR
from tvmplug.build.image import Image
from tvmplug.build.library import machine_paths
from tvmplug.errors import ArtifactError
from tvmplug.proof.elf import ElfImage, read_elf_image
from tvmplug.proof.system import is_system_library, is_system_symbol
from tvmplug.targets import Target, host_target

# https://developer.android.com/guide/practices/page-sizes
ANDROID_PAGE = 16384
_RUNTIME_NAMES = ("libtvm_runtime.so", "libtvm_ffi.so")
_RUNTIME_FRAMEWORK = "@rpath/tvm_runtime.framework/tvm_runtime"
_APPLE_SYSTEM = ("/usr/lib/", "/System/Library/Frameworks/")
_TBD_SYMBOL = re.compile(r"\b_([A-Za-z_$][\w$.]*)")


@dataclass(frozen=True)
class Contents:
    """What one linked file has, whatever its format.

    Attributes:
        size: In bytes.
        needed: The libraries that it needs.
        defined: The symbols that others may use, as C spells them.
        undefined: The symbols that it cannot do without, likewise.
        problems: What keeps it from being shipped; one line each.
    """

    size: int
    needed: tuple[str, ...]
    defined: tuple[str, ...]
    undefined: tuple[str, ...]
    problems: tuple[str, ...]


def audit_image(image: Image, root: Path) -> Contents:
    """Audit a linked library and the archives that were forced into it.

    Args:
        image: The library.
        root: The folder of the plugin that it belongs to.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    content = read_file(image.path)
    if image.target.is_apple:
        macho = _read_macho(content, image)
        needed, defined, undefined = macho.needed, macho.exported, macho.undefined
        problems = [*_macho_problems(macho, image.target)]
    else:
        elf = read_elf_image(content, str(image.path))
        needed, defined = elf.needed, elf.defined
        undefined = tuple(symbol.name for symbol in elf.undefined if not symbol.weak)
        problems = [*_elf_problems(elf, image.target)]
    problems += machine_paths(content, root)
    problems += [problem for path in image.archives for problem in _objects(path, image.target)]
    return Contents(
        size=len(content),
        needed=needed,
        defined=defined,
        undefined=undefined,
        problems=tuple(f"{image.path.name}: {problem}" for problem in problems),
    )


def missing_from_system(
    contents: Contents, target: Target, others: Collection[str]
) -> tuple[str, ...]:
    """Return the symbols of a library that neither another one nor the system has.

    Args:
        contents: The library.
        target: What it is for.
        others: What the app's other libraries define.
    """
    return tuple(
        name
        for name in contents.undefined
        if name not in others and not _is_system_symbol(name, target)
    )


def staged_strays(folder: Path, own: Collection[str]) -> list[str]:
    """Say what lies among a plugin's staged libraries and is none of its own.

    Args:
        folder: An ABI's folder in `jniLibs`, or a processor's in `linux/lib`.
        own: The names of the libraries that the plugin brings to an app.
    """
    problems = []
    for path in sorted(folder.glob("*.so")):
        if path.name in own:
            continue
        if path.name in _RUNTIME_NAMES:
            problems.append(f"{path} is a TVM runtime: only tvm_runtime_flutter has one")
        else:
            problems.append(f"{path} is not the plugin's: an app would hold it too")
    return problems


def read_file(path: Path) -> bytes:
    """Return the content of a built file.

    Raises:
        ArtifactError: There is none.
        FileError: It cannot be read.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing", mend="Run `tvmplug build`")
    with files.file_errors(path):
        return path.read_bytes()


def _read_macho(content: bytes, image: Image) -> MachO:
    """The part of a library, which may be universal, that is for the target's processor."""
    parts = split(content, str(image.path))
    for part in parts:
        if part.arch == image.target.arch or len(parts) == 1:
            return read_macho(part.content, str(image.path))
    raise ArtifactError(
        f"{image.path} is not for {image.target.arch}",
        mend=f"Run `tvmplug build --target {image.target.name}`",
    )


def _objects(archive: Path, target: Target) -> Iterator[str]:
    for name, content in members_of(archive):
        try:
            where = f"{archive.name}({name})"
            check_object(read_object(content, where), target, where)
        except ArtifactError as error:
            yield error.message


def _elf_problems(elf: ElfImage, target: Target) -> Iterator[str]:
    if elf.arch != target.arch:
        yield f"it is for {elf.arch}, {target.name} is for {target.arch}"
    if target.os == "android":
        if elf.alignment < ANDROID_PAGE:
            yield (
                f"its segments are aligned to {elf.alignment} bytes, pages of Android are "
                f"{ANDROID_PAGE}: link with -z max-page-size={ANDROID_PAGE}"
            )
        if elf.android_api is not None and elf.android_api > int(target.minimum_os):
            yield f"it needs Android API {elf.android_api}, wanted is {target.minimum_os}"
    elif target != host_target() and version_of(elf.glibc or "0") > version_of(target.minimum_os):
        # On the machine itself the author has chosen its glibc by building there.
        yield f"it needs glibc {elf.glibc}, wanted is {target.minimum_os.removeprefix('glibc ')}"
    for path in elf.runpaths:
        if path != "$ORIGIN":
            yield f"it looks for libraries in {path}, not beside itself"
    for name in elf.needed:
        if name not in _RUNTIME_NAMES and not is_system_library(name, target):
            yield f"it needs {name}, which an app does not have"


def _macho_problems(macho: MachO, target: Target) -> Iterator[str]:
    got, wanted = (macho.platform, macho.arch), (target.platform, target.arch)
    if got != wanted:
        yield f"it is for {' '.join(map(str, got))}, {target.name} is for {' '.join(wanted)}"
    if macho.minimum_os and version_of(macho.minimum_os) > version_of(target.minimum_os):
        yield f"it needs {macho.platform} {macho.minimum_os}, wanted is {target.minimum_os}"
    for name in macho.needed:
        if name != _RUNTIME_FRAMEWORK and not name.startswith(_APPLE_SYSTEM):
            yield f"it needs {name}, which an app does not have"


# What every image has of itself: an object asks for it, and the linker makes it.
_MADE_BY_LINKER = frozenset({"__dso_handle", "dyld_stub_binder"})


def _is_system_symbol(name: str, target: Target) -> bool:
    if target.is_apple:
        return name in _apple_symbols() or name in _MADE_BY_LINKER
    return is_system_symbol(name, target)


@cache
def _apple_symbols() -> frozenset[str]:
    """The allow-list that lld links with, off a Mac."""
    found: set[str] = set()
    for path in sorted((PACKAGE_DIR / "apple" / "stubs").glob("*.tbd")):
        found |= set(_TBD_SYMBOL.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)
