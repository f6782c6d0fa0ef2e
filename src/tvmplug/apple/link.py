"""The one forced link of a plugin for an Apple target: archives in, a framework's library out."""

from __future__ import annotations

import fnmatch
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.artifacts.ar import members_of
from tvmplug.artifacts.audit import check_object
from tvmplug.artifacts.symbols import read_object
from tvmplug.build.image import LINK_MAP, Image
from tvmplug.errors import BuildError, ProcessError
from tvmplug.process import run
from tvmplug.targets import Target
from tvmplug.toolchains.darwin import DarwinLinker, find_linker, sdk_of

_STUBS = Path(__file__).with_name("stubs")
_EXPORTS = "exports.txt"
_CXX = "libc++"
_METAL = ("libobjc", "CoreFoundation", "Foundation", "Metal")
_TIMEOUT_S = 600
_COMPLAINT = re.compile(r"(?:error: |ld: )?((?:undefined|duplicate) symbol.*)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """What a framework's library is linked from, and what it shows to others.

    Attributes:
        target: What it is for.
        name: The framework's name, and the library's: `tvm_runtime`.
        forced: Static archives whose objects are all linked, needed or not.
        on_demand: Static archives whose objects are linked where something needs them, or where
            they define what is exported.
        exports: The functions that others may call, as C spells them, with `*` for any text.
        frameworks: The linked libraries of the frameworks that it needs.
        system: What it may need of the system beside libSystem: `libc++`, `Metal`, ...: the names
            of the text stubs beside this module.
    """

    target: Target
    name: str
    forced: tuple[Path, ...]
    on_demand: tuple[Path, ...] = ()
    exports: tuple[str, ...]
    frameworks: tuple[Path, ...] = ()
    system: tuple[str, ...] = (_CXX,)

    @property
    def install_name(self) -> str:
        """How an app's libraries find it."""
        return f"@rpath/{self.name}.framework/{self.name}"


def link_image(spec: ImageSpec, out: Path) -> Image:
    """Link a framework's library.

    Off a Mac the linker is lld, and the system's libraries are text stubs with an allow-list of
    symbols; such an image proves the link and is not shipped.

    Args:
        spec: What is linked.
        out: The file to write; the link map `link.map` is put beside it.

    Returns:
        The image: `out`, its map, and the archives that were forced into it.

    Raises:
        ArtifactError: An archive is missing or damaged, or holds an object for another processor,
            platform or newer system than the target's.
        ToolError: There is no linker.
        BuildError: The linker refuses: an undefined or a duplicate symbol, ...
        FileError: The folder cannot be written.
    """
    roots = exported_by(spec.on_demand, spec)
    for archive in spec.forced:
        check_archive(archive, spec.target)
    linker = find_linker()
    with files.file_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        # Under its final name, which goes into the code signature, in a folder of its own.
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".link.") as work:
            made, link_map, exports = (Path(work) / name for name in (out.name, LINK_MAP, _EXPORTS))
            files.write_text(exports, "".join(f"_{pattern}\n" for pattern in spec.exports))
            arguments = [
                *_arguments(spec, roots),
                *("-exported_symbols_list", str(exports), "-map", str(link_map), "-o", str(made)),
            ]
            _run_linker(linker, spec, arguments)
            link_map.replace(out.with_name(LINK_MAP))
            made.replace(out)
    return Image(
        target=spec.target,
        path=out,
        link_map=out.with_name(LINK_MAP),
        linker=linker.version,
        proof_only=linker.proof_only,
        archives=spec.forced,
    )


def check_archive(path: Path, target: Target) -> None:
    """Refuse an archive that holds an object for another target.

    lld links a simulator's object into a device's library without a word.

    Raises:
        ArtifactError: Names the object, what it is for and what was wanted.
        FileError: The archive cannot be read.
    """
    for where, content in members(path):
        check_object(read_object(content, where), target, where)


def exported_by(archives: Sequence[Path], spec: ImageSpec) -> tuple[str, ...]:
    """Return the exported symbols that archives define, as the linker spells them.

    The linker takes an object out of an archive for a symbol that it is told by name, and not for
    a pattern of exports.

    Raises:
        ArtifactError: An archive is missing or damaged, or holds an object for another target.
    """
    found: set[str] = set()
    for archive in archives:
        for where, content in members(archive):
            item = read_object(content, where)
            check_object(item, spec.target, where)
            found |= {
                symbol.raw
                for symbol in item.defined
                if any(fnmatch.fnmatchcase(symbol.name, pattern) for pattern in spec.exports)
            }
    return tuple(sorted(found))


def system_needed(archives: Sequence[Path]) -> tuple[str, ...]:
    """Return what TVM's runtime needs of the system beside libSystem, for `ImageSpec.system`.

    Raises:
        ArtifactError: An archive is missing or damaged.
    """
    for archive in archives:
        for where, content in members(archive):
            if any(name.startswith("MTL") for name in read_object(content, where).undefined):
                return (_CXX, *_METAL)
    return (_CXX,)


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the objects of an archive: what messages call each, and its bytes.

    Raises:
        ArtifactError: The archive is missing or damaged.
        FileError: It cannot be read.
    """
    for name, content in members_of(path):
        yield f"{path}({name})", content


def _arguments(spec: ImageSpec, roots: Sequence[str]) -> list[str]:
    """The linker's own arguments, those that Apple's and LLVM's understand alike."""
    arguments = ["-install_name", spec.install_name]
    arguments += ["-current_version", "1.0.0", "-compatibility_version", "1.0.0"]
    # Without what nobody calls, without local symbols and the paths of debug information.
    arguments += ["-dead_strip", "-S", "-x"]
    # Signing an app rewrites load commands; an extension of an app may use the library too.
    arguments += ["-headerpad_max_install_names", "-application_extension"]
    for root in roots:
        arguments += ["-u", root]
    for archive in spec.forced:
        arguments += ["-force_load", str(archive)]
    arguments += [str(path) for path in (*spec.on_demand, *spec.frameworks)]
    return arguments


def _run_linker(linker: DarwinLinker, spec: ImageSpec, arguments: Sequence[str]) -> None:
    command = _xcode(linker, spec) if linker.kind == "xcode" else _lld(linker, spec)
    if linker.kind == "xcode":
        arguments = [part for argument in arguments for part in ("-Xlinker", argument)]
    try:
        run([*command, *arguments], timeout_s=_TIMEOUT_S, echo=False)
    except ProcessError as error:
        raise BuildError(
            f"{spec.name} does not link for {spec.target.name}: {complaint(error.output)}",
            mend="Build every plugin of the app with the same tvmplug, and the runtime first",
        ) from error


def _xcode(linker: DarwinLinker, spec: ImageSpec) -> list[str]:
    target = spec.target
    system = {"ios": "ios", "ios-simulator": "ios", "macos": "macos"}[target.platform]
    suffix = "-simulator" if target.platform == "ios-simulator" else ""
    command = [str(linker.program), "--sdk", sdk_of(target), "clang", "-dynamiclib"]
    command += ["-target", f"{target.arch}-apple-{system}{target.minimum_os}{suffix}"]
    for name in spec.system:
        command += [f"-l{name[3:]}"] if name.startswith("lib") else ["-framework", name]
    return command


def _lld(linker: DarwinLinker, spec: ImageSpec) -> list[str]:
    target = spec.target
    version = target.minimum_os
    command = [str(linker.program), "-dylib", "-arch", target.arch]
    command += ["-platform_version", target.platform, version, version]
    command += [str(_STUBS / f"{name}.tbd") for name in ("libSystem", *spec.system)]
    return command


def complaint(output: str) -> str:
    """Return what a linker complains about first, in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [match[1] for line in lines if (match := _COMPLAINT.search(line))]
    # Apple's linker puts the symbol on the line below.
    if named and named[0].endswith(":"):
        return next((line for line in lines if line.startswith(('"', "_"))), named[0])
    return named[0] if named else (lines[-1] if lines else "the linker said nothing")
