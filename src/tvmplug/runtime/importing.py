"""Takes in a runtime that the author built: by TVM's own CMake, with another compiler, for Metal.

`read_folder` decides, `import_runtime` copies. What is taken in counts as if it were built here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts import symbols
from tvmplug.artifacts.ar import read_archive
from tvmplug.artifacts.audit import check_object
from tvmplug.errors import ArtifactError, FileError
from tvmplug.runtime.build import link_shared
from tvmplug.runtime.sources import Sources, find_sources
from tvmplug.runtime.store import Runtime, imported_dir, read_runtime, write_record
from tvmplug.targets import TARGETS, Target
from tvmplug.toolchains.cxx import find_cxx

_FAT_MAGIC = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
# What the NDK's clang writes into the comment of its objects; ELF itself does not name Android.
_ANDROID = b"Android ("
# Only tvm-ffi's testing library defines these.
_TESTING = "TVMFFITesting"
_MEND = "Build the pinned TVM with one tvm-ffi and without tests, then import it again"

# The archives do not name their version, TVM's headers do: package, header, and the numbers in it.
_VERSIONS = (
    ("tvm", "tvm/runtime/base.h", re.compile(r'#define TVM_VERSION "([^"]+)"')),
    ("tvm_ffi", "tvm/ffi/c_api.h", re.compile(r"#define TVM_FFI_VERSION_[A-Z]+ (\d+)")),
)
# The headers whose C functions are the interface of a runtime.
_INTERFACE = (
    ("tvm", "tvm/runtime/c_backend_api.h"),
    ("tvm_ffi", "tvm/ffi/c_api.h"),
    ("tvm_ffi", "tvm/ffi/extra/c_env_api.h"),
)
_DECLARED = re.compile(r"^TVM_(?:FFI|RUNTIME)_DLL [\w* ]*?(TVM\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """The archives of one target.

    Attributes:
        target: What their objects are for.
        archives: In the order of a link: what needs stands before what serves it.
    """

    target: Target
    archives: tuple[Path, ...]


def import_runtime(folder: Path) -> list[Runtime]:
    """Check the author's own runtimes and copy them into the cache.

    Args:
        folder: Holds the static archives of one target at any depth, or one folder a target; and
            the `include` folders of TVM and tvm-ffi, which tell the version.

    Returns:
        One runtime a target; each is used from now on, until it is removed.

    Raises:
        ArtifactError: The archives are not what they must be; nothing is imported then.
        ToolError: The pinned TVM's sources, or a compiler that links, are missing.
        BuildError: A library cannot be linked from them.
        FileError: The folder cannot be read, or the cache cannot be written.
    """
    found = read_folder(folder, find_sources())
    return [_store(one) for one in found]


def read_folder(folder: Path, sources: Sources) -> list[Found]:
    """Say what a folder holds; copies nothing.

    Args:
        folder: As `import_runtime` takes it.
        sources: The pinned TVM, which the archives must be made from.

    Raises:
        ArtifactError: The archives are not what they must be.
        FileError: The folder cannot be read.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is no folder", mend="Name the folder with the static archives")
    groups = list(_archives_by_target(folder))
    if not groups:
        raise ArtifactError(
            f"{folder} holds no static archive (*.a)",
            mend="Build TVM's runtime as static libraries, then import the build's folder",
        )
    _check_version(folder, sources)
    interface = _interface(sources)
    found: dict[str, Found] = {}
    for archives in groups:
        one = _read_target(archives, interface)
        if one.target.name in found:
            raise ArtifactError(
                f"{folder} holds two runtimes for {one.target.name}",
                mend="Import the folder of the one that you mean",
            )
        found[one.target.name] = one
    return list(found.values())


def _archives_by_target(folder: Path) -> Iterator[list[Path]]:
    """The archives of each target: the folder's own, or those of each folder in it."""
    if any(folder.glob("*.a")):
        yield sorted(folder.rglob("*.a"))
        return
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        if archives := sorted(inner.rglob("*.a")):
            yield archives


def _check_version(folder: Path, sources: Sources) -> None:
    """Refuse the headers of another TVM than the pinned one, and a folder without headers."""
    for package, header, pattern in _VERSIONS:
        pinned = _numbers(_package(sources, package) / "include" / header, pattern)
        found = {_numbers(path, pattern) for path in folder.rglob(header)}
        if not found:
            raise ArtifactError(
                f"{folder} holds no {header}, so its version of {package} is unknown",
                mend=f"Copy the `include` folder of that {package} into it",
            )
        if found != {pinned}:
            others = " and ".join(sorted(found - {pinned}))
            raise ArtifactError(
                f"{folder} was made from {package} {others}, the pinned one is {pinned}", mend=_MEND
            )


def _numbers(header: Path, pattern: re.Pattern[str]) -> str:
    return ".".join(pattern.findall(_text(header)))


def _interface(sources: Sources) -> frozenset[str]:
    """The C functions that the pinned TVM declares: another version lacks some of them."""
    texts = (_text(_package(sources, package) / "include" / name) for package, name in _INTERFACE)
    return frozenset(name for text in texts for name in _DECLARED.findall(text))


def _package(sources: Sources, name: str) -> Path:
    return {"tvm": sources.tvm, "tvm_ffi": sources.tvm_ffi}[name]


def _text(header: Path) -> str:
    with files.file_errors(header):
        return header.read_text(encoding="utf-8", errors="replace")


def _read_target(archives: Sequence[Path], interface: frozenset[str]) -> Found:
    """Check the archives of one target."""
    target: Target | None = None
    owners: dict[str, str] = {}
    for archive in archives:
        for where, content in _objects(archive):
            with _mended():
                found = symbols.read_object(content, where)
                target = target or _target_of(found, content, where)
                check_object(found, target, where)
            _enter(found, where, owners)
    if target is None:
        raise ArtifactError(f"{archives[0].parent} holds empty archives", mend=_MEND)
    if lacking := sorted(interface - owners.keys()):
        raise ArtifactError(
            f"the runtime for {target.name} lacks {lacking[0]} ({len(lacking)} functions in all): "
            "a part of it is missing, or is of another version",
            mend=_MEND,
        )
    return Found(target, tuple(sorted(archives, key=_place_in_link)))


def _objects(archive: Path) -> Iterator[tuple[str, bytes]]:
    with files.file_errors(archive):
        content = archive.read_bytes()
    if content.startswith(_FAT_MAGIC):
        raise ArtifactError(
            f"{archive} holds several processors",
            mend=f"Split it: `lipo {archive.name} -thin arm64 -output ...`, one folder each",
        )
    with _mended():
        read = read_archive(content, archive.name)
    for member in read.members:
        yield f"{archive.name}({member.name})", member.content


def _target_of(found: symbols.ObjectFile, content: bytes, where: str) -> Target:
    """The row of the table that an object is for."""
    platform = found.platform or ("android" if _ANDROID in content else "linux")
    for target in TARGETS.values():
        same_machine = (target.object_format, target.arch) == (found.format, found.arch)
        if same_machine and target.platform == platform:
            return target
    raise ArtifactError(f"{where} is for {platform} on {found.arch}, which is no target")


@contextlib.contextmanager
def _mended() -> Iterator[None]:
    """What reads and checks objects advises a build; here the author's own is at fault."""
    try:
        yield
    except ArtifactError as error:
        raise ArtifactError(error.message, mend=_MEND) from error


def _enter(found: symbols.ObjectFile, where: str, owners: dict[str, str]) -> None:
    """Note what an object defines; everything is linked in, so that nothing may come twice."""
    for symbol in found.defined:
        if symbol.name.startswith(_TESTING):
            raise ArtifactError(f"{where} is tvm-ffi's testing library", mend=_MEND)
        if symbol.weak:
            continue
        if symbol.name in owners:
            raise ArtifactError(
                f"{symbol.name} is defined in {owners[symbol.name]} and again in {where}",
                mend=_MEND,
            )
        owners[symbol.name] = where


def _place_in_link(archive: Path) -> tuple[bool, bool, str]:
    """Before the others what needs them: the runtime, what extends it, tvm-ffi."""
    return "ffi" in archive.name, archive.name != "libtvm_runtime.a", archive.name


def _store(found: Found) -> Runtime:
    """Copy a runtime into the cache; for ELF the library is linked there."""
    folder = imported_dir(found.target)
    names = [archive.name for archive in found.archives]
    with files.locked(folder, timeout_s=600), files.file_errors(folder):
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            for archive in found.archives:
                shutil.copyfile(archive, work / archive.name)
            if not found.target.is_apple:
                link_shared(work, names, find_cxx(found.target))
            write_record(
                work,
                origin="imported",
                toolchain="the author's own",
                proof_only=False,
                archives=names,
            )
            work.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        stored = read_runtime(folder, found.target)
    if stored is None:
        raise FileError(f"{folder} is gone again", mend="Run the command again")
    return stored
