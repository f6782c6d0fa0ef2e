"""The runtimes that the user's cache keeps: what one is, and where it lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.errors import ArtifactError, UsageError
from tvmplug.pinned_env import cache_dir
from tvmplug.pins import PINS
from tvmplug.targets import Target
from tvmplug.toolchains import cxx

RECORD = "runtime.json"
LIBRARY = "libtvm_runtime.so"
LINK_MAP = "link.map"
# In the order of a link: what needs stands before what serves it.
ARCHIVES = ("libtvm_runtime.a", "libtvm_ffi_static.a")
CMAKE_DIR = Path(__file__).with_name("cmake")
# The module that knows the compilers' flags.
_FLAGS = Path(cxx.__file__)
# Whose build is taken when several lie in the cache: the platform's own compiler first.
_TOOLCHAINS = ("xcode", "ndk", "gcc", "zig")

# What a runtime may hold beyond what every model needs.
PARTS: Mapping[str, str] = {
    "byoc": "constants of modules that another code generator made (BYOC)",
    "kv-cache": "paged KV cache, attention and RNN state, sampling: for language models",
    "reflection": "structural equality, copying and serialization of tvm-ffi's objects",
    "rpc": "remote calls over TCP, in both directions",
    "timer": "timers, with which a device measures functions",
}


# RPC offers its clients to measure functions.
_NEEDS: Mapping[str, tuple[str, ...]] = {"rpc": ("timer",)}


@dataclass(frozen=True)
class RuntimeOptions:
    """What is built into a runtime.

    Attributes:
        parts: Names from `PARTS`; kept sorted, and with the parts that they need.
    """

    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needed = {need for part in self.parts for need in _NEEDS.get(part, ())}
        object.__setattr__(self, "parts", tuple(sorted({*self.parts, *needed})))


DEFAULT = RuntimeOptions()


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """TVM's runtime for one target: tvm-ffi and the runtime proper.

    Attributes:
        target: What it is for.
        folder: Where its files lie.
        archives: The static archives that a link must force in, in the order of the link.
        shared: The library that they make; None for Apple, where they become a framework.
        link_map: What the linker says it put into `shared`.
        origin: `built` from the wheels' sources, or `imported`.
        toolchain: Name and version of the compiler, for people.
        proof_only: Made without the platform's own tools: it proves a build, it is not published.
        parts: What it holds beyond what every model needs.
        sizes: Bytes of each file, by name.
    """

    target: Target
    folder: Path
    archives: tuple[Path, ...]
    shared: Path | None
    link_map: Path | None
    origin: str
    toolchain: str
    proof_only: bool
    parts: tuple[str, ...]
    sizes: Mapping[str, int]


def options_named(text: str) -> RuntimeOptions:
    """Return the options that a list of parts stands for: `kv-cache,rpc`.

    Raises:
        UsageError: There is no such part.
    """
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"there is no part '{part}'", mend=f"Use one of: {', '.join(PARTS)}")
    return RuntimeOptions(parts)


def store_dir() -> Path:
    """Where the cache keeps the runtimes of the pinned TVM."""
    return cache_dir() / "runtime" / f"{PINS.tvm}-{PINS.tvm_ffi}"


def built_dir(target: Target, options: RuntimeOptions, toolchain: str) -> Path:
    """Where a built runtime lies: the name holds all that decides what is in it."""
    parts = ",".join(options.parts)
    recipe = f"{files.sha256_tree(CMAKE_DIR)}\n{files.sha256_file(_FLAGS)}\n{parts}\n"
    key = files.sha256_bytes(recipe.encode())[:16]
    return store_dir() / "built" / target.name / f"{key}-{toolchain}"


def imported_dir(target: Target) -> Path:
    """Where the author's own runtime for a target lies."""
    return store_dir() / "imported" / target.name


def find_runtime(target: Target, options: RuntimeOptions = DEFAULT) -> Runtime | None:
    """Return the runtime that the cache holds for a target; None when it must be built first.

    An imported one wins over a built one, whatever the options.

    Raises:
        ArtifactError: Its record is damaged.
    """
    if imported := read_runtime(imported_dir(target), target):
        return imported
    for toolchain in _TOOLCHAINS:
        if built := read_runtime(built_dir(target, options, toolchain), target):
            return built
    return None


def all_runtimes(targets: Iterable[Target]) -> Iterator[Runtime]:
    """Every runtime that is used for some targets; of each, the imported one first."""
    for runtime in _kept(targets):
        wanted = imported_dir(runtime.target)
        if runtime.origin == "built":
            toolchain = runtime.folder.name.rpartition("-")[2]
            wanted = built_dir(runtime.target, RuntimeOptions(runtime.parts), toolchain)
        if runtime.folder == wanted:
            yield runtime


def _kept(targets: Iterable[Target]) -> Iterator[Runtime]:
    """Everything in the cache, also what other versions of tvmplug built."""
    for target in targets:
        built = sorted((store_dir() / "built" / target.name).glob("[!.]*"))
        for folder in (imported_dir(target), *built):
            if runtime := read_runtime(folder, target):
                yield runtime


def remove_runtimes(targets: Iterable[Target], *, built: bool) -> list[Path]:
    """Take the imported runtimes of some targets out of the cache.

    Args:
        targets: Whose runtimes.
        built: Take those that were built out as well.

    Returns:
        The folders that are gone.

    Raises:
        FileError: One cannot be deleted.
    """
    removed: list[Path] = []
    for runtime in _kept(targets):
        if built or runtime.origin == "imported":
            with files.file_errors(runtime.folder):
                shutil.rmtree(runtime.folder)
            removed.append(runtime.folder)
    return removed


def write_record(
    folder: Path,
    *,
    origin: str,
    toolchain: str,
    proof_only: bool,
    archives: Iterable[str],
    parts: Iterable[str] = (),
) -> None:
    """Say in a folder what it holds; the last step before the folder is moved into place.

    Args:
        folder: Holds the archives and, for ELF, the shared library with its map.
        origin: `built` or `imported`.
        toolchain: Name and version of the compiler.
        proof_only: Made without the platform's own tools.
        archives: File names of the static archives, in the order of a link.
        parts: The parts that were built in.

    Raises:
        FileError: It cannot be written.
    """
    document = {
        "origin": origin,
        "toolchain": toolchain,
        "proof_only": proof_only,
        "archives": list(archives),
        "parts": list(parts),
    }
    files.write_text(folder / RECORD, json.dumps(document, indent=2) + "\n")


def read_runtime(folder: Path, target: Target) -> Runtime | None:
    """Return the runtime in a folder; None when there is none.

    Raises:
        ArtifactError: Its record is damaged.
    """
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        document = json.loads(text)
        archives = tuple(folder / name for name in document["archives"])
        shared = folder / LIBRARY
        linked = (shared, folder / LINK_MAP) if shared.is_file() else ()
        return Runtime(
            target=target,
            folder=folder,
            archives=archives,
            shared=shared if linked else None,
            link_map=linked[1] if linked else None,
            origin=document["origin"],
            toolchain=document["toolchain"],
            proof_only=document["proof_only"],
            parts=tuple(document["parts"]),
            sizes={path.name: path.stat().st_size for path in (*archives, *linked[:1])},
        )
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ArtifactError(
            f"{folder / RECORD} is damaged: {error}",
            mend=f"Delete {folder} and run the command again",
        ) from error
