"""Links an app over its plugins' images with a real linker: Apple's, or LLVM's.

The app is an object that calls every function of the plugins. The system's libraries are stand-ins
that hold an allow-list, so the linker itself refuses whatever no device has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts.ar import members_of
from tvmplug.artifacts.symbols import read_object
from tvmplug.bootstrap import PACKAGE_DIR
from tvmplug.errors import BuildError, ProcessError
from tvmplug.process import run
from tvmplug.proof.app_object import app_object
from tvmplug.proof.elf import ElfImage, Needed, read_elf_image
from tvmplug.proof.linker import find_elf_linker
from tvmplug.proof.linkmap import LinkMap, read_link_map
from tvmplug.proof.system import is_system_library, is_system_symbol
from tvmplug.targets import Target
from tvmplug.toolchains.darwin import DarwinLinker, find_linker, sdk_of

ENTRY = "main"
_APP, _MAP, _OBJECT = "app", "app.map", "app.o"
_APPLE_STUBS = ("libSystem.tbd", "libc++.tbd")
_EMULATION = {"x86_64": "elf_x86_64", "arm64": "aarch64linux"}
_TIMEOUT_S = 600
_BUILD_ALL = "Build every plugin of the app with the same tvmplug, and the runtime first"
_TWICE = "Give each model plugin a prefix of its own, and TVM's runtime to the runtime plugin alone"
_COMPLAINT = re.compile(
    r"(?:error: |ld: )?((?:undefined (?:symbol|reference)|duplicate symbol|unable to find).*)"
)


@dataclass(frozen=True)
class AppLink:
    """An app that was linked.

    Attributes:
        target: What it is for.
        path: The executable; it is proof alone, and never run.
        link_map: What is in it.
        linker: Name and version of the linker, for people.
    """

    target: Target
    path: Path
    link_map: LinkMap
    linker: str


def link_app(
    target: Target, libraries: Sequence[Path], functions: Sequence[str], work: Path
) -> AppLink:
    """Link an app that loads its plugins' libraries, as Flutter's apps do.

    Args:
        target: What it is for: Apple's, Android or Linux.
        libraries: The images: the runtime's and every model's. On Apple's platforms the libraries
            in their frameworks.
        functions: What the app calls, as C spells it: the plugins' own functions.
        work: A folder for what is made on the way.

    Raises:
        BuildError: The linker refuses: a function is missing, or an image needs something that
            neither another image nor the system has.
        ToolError: There is no linker.
        ArtifactError: An image is damaged.
    """
    _write_app(target, functions, work)
    if target.is_apple:
        return _link_apple(target, [str(path) for path in libraries], work)
    images = {path.name: read_elf_image(_content(path), str(path)) for path in libraries}
    _check_needed(target, images)
    stand_ins = _stand_ins(target, list(images.values()), work)
    inputs = [str(path) for path in (*libraries, *stand_ins)]
    return _link_elf(target, ["--no-allow-shlib-undefined", *inputs], work)


def link_static_app(
    target: Target, archives: Sequence[Path], functions: Sequence[str], work: Path
) -> AppLink:
    """Link an app that holds all of its plugins' code itself: every object of every archive.

    Here nothing is hidden in an image: a symbol that two plugins define is refused.

    Args:
        target: What it is for.
        archives: The static archives: the runtime's and every model's.
        functions: What the app calls, as C spells it.
        work: A folder for what is made on the way.

    Raises:
        BuildError: The linker refuses: a duplicate or an undefined symbol.
        ToolError: There is no linker.
        ArtifactError: An archive is missing or damaged.
    """
    _write_app(target, functions, work)
    if target.is_apple:
        forced = [part for path in archives for part in ("-force_load", str(path))]
        return _link_apple(target, forced, work)
    stand_in = _write_stand_in(target, "libsystem.so", _needs(archives, target), work)
    inputs = ["--whole-archive", *map(str, archives), "--no-whole-archive", str(stand_in)]
    return _link_elf(target, inputs, work)


def _write_app(target: Target, functions: Sequence[str], work: Path) -> None:
    files.write_bytes(work / _OBJECT, app_object(target, [ENTRY], list(dict.fromkeys(functions))))


def _content(path: Path) -> bytes:
    with files.file_errors(path):
        return path.read_bytes()


def _link_apple(target: Target, inputs: Sequence[str], work: Path) -> AppLink:
    linker = find_linker()
    inputs = [*inputs, "-map", str(work / _MAP)]
    command = _xcode(linker, target) if linker.kind == "xcode" else _lld(linker, target)
    if linker.kind == "xcode":
        inputs = [part for argument in inputs for part in ("-Xlinker", argument)]
    _run(target, [*command, "-o", work / _APP, work / _OBJECT, *inputs])
    return AppLink(target, work / _APP, read_link_map(work / _MAP), linker.version)


def _xcode(linker: DarwinLinker, target: Target) -> list[str | Path]:
    triple = str(target.tvm_target["mtriple"])
    return [linker.program, "--sdk", sdk_of(target), "clang", "-target", triple, "-lc++"]


def _lld(linker: DarwinLinker, target: Target) -> list[str | Path]:
    version = target.minimum_os
    command: list[str | Path] = [linker.program, "-execute", "-arch", target.arch]
    command += ["-e", f"_{ENTRY}", "-platform_version", target.platform, version, version]
    return [*command, *(PACKAGE_DIR / "apple" / "stubs" / name for name in _APPLE_STUBS)]


def _link_elf(target: Target, inputs: Sequence[str], work: Path) -> AppLink:
    linker = find_elf_linker()
    command: list[str | Path] = [
        *linker.command,
        "-m",
        _EMULATION[target.arch],
        "-pie",
        "-e",
        ENTRY,
    ]
    command += [
        "--no-undefined",
        "--no-demangle",
        f"-Map={work / _MAP}",
        "-o",
        work / _APP,
        work / _OBJECT,
    ]
    _run(target, [*command, *inputs])
    return AppLink(target, work / _APP, read_link_map(work / _MAP), linker.version)


def _run(target: Target, command: Sequence[str | Path]) -> None:
    try:
        run(command, timeout_s=_TIMEOUT_S, echo=False)
    except ProcessError as error:
        told = _complaint(error.output)
        twice = told.startswith("duplicate symbol")
        raise BuildError(
            f"an app does not link for {target.name}: {told}",
            mend=_TWICE if twice else _BUILD_ALL,
        ) from error


def _complaint(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = list(dict.fromkeys(match[1] for line in lines if (match := _COMPLAINT.search(line))))
    told = "; ".join(named[:3]) or (lines[-1] if lines else "the linker said nothing")
    return f"{told} and {len(named) - 3} more" if named[3:] else told


def _check_needed(target: Target, images: Mapping[str, ElfImage]) -> None:
    """Refuse a library that nobody brings: then the linker does not look at what an image lacks."""
    for name, image in images.items():
        for needed in image.needed:
            if needed not in images and not is_system_library(needed, target):
                raise BuildError(
                    f"an app does not link for {target.name}: {name} needs {needed}, which neither "
                    "a plugin nor the system brings",
                    mend=f"Link what is in {needed} into {name}, or take it out",
                )


def _stand_ins(target: Target, images: Sequence[ElfImage], work: Path) -> list[Path]:
    """Stand-ins of the system's libraries that the images need, with what of theirs is allowed."""
    own = {name for image in images for name in image.defined}
    libraries = dict.fromkeys(
        name for image in images for name in image.needed if is_system_library(name, target)
    )
    # Without a library that is needed, the linker would not look for what the image lacks.
    by_library: dict[str, list[Needed]] = {name: [] for name in libraries} or {"libc": []}
    anywhere = next(iter(by_library))
    for image in images:
        for symbol in image.undefined:
            # A version says that it is the system's, even where an image has one of that name.
            if symbol.name in own and not symbol.version:
                continue
            if is_system_symbol(symbol.name, target):
                library = symbol.library if symbol.library in by_library else anywhere
                by_library[library].append(symbol)
    return [_write_stand_in(target, name, needs, work) for name, needs in by_library.items()]


def _needs(archives: Sequence[Path], target: Target) -> list[Needed]:
    """What the objects of archives may take from the system, themselves and each other aside."""
    defined: set[str] = set()
    undefined: dict[str, None] = {}
    for archive in archives:
        for name, content in members_of(archive):
            found = read_object(content, f"{archive}({name})")
            defined |= {symbol.name for symbol in found.defined}
            undefined |= dict.fromkeys(found.undefined)
    return [
        Needed(name, version="", library="", weak=False)
        for name in undefined
        if name not in defined and is_system_symbol(name, target, static=True)
    ]


def _write_stand_in(target: Target, soname: str, needs: Iterable[Needed], work: Path) -> Path:
    """Link a library that has some functions, in the versions that are asked for, and no code."""
    wanted = {(need.name, need.version) for need in needs}
    plain = {name for name, version in wanted if not version}
    # A version that is marked as the default one would also serve who asks for none.
    names = sorted(plain) + sorted(f"{name}@{version}" for name, version in wanted if version)
    made = work / soname
    source = work / f"{soname}.o"
    files.write_bytes(source, app_object(target, names, []))
    command: list[str | Path] = [*find_elf_linker().command, "-m", _EMULATION[target.arch]]
    command += ["-shared", "-soname", soname, "-o", made, source]
    if versions := sorted({version for _, version in wanted if version}):
        script = work / f"{soname}.version"
        files.write_text(script, "".join(f"{version} {{}};\n" for version in versions))
        command.append(f"--version-script={script}")
    _run(target, command)
    return made
