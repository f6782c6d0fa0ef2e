"""For apps that must be linked statically: a plugin's archives as one object with private parts.

An app that links the archives themselves would need a flag to force every one of them in, and two
Rust libraries in one program collide. One object comes whole or not at all, and shows nothing but
the plugin's own functions.
"""

from __future__ import annotations

import fnmatch
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.apple.link import ImageSpec, check_archive, complaint, exported_by, members
from tvmplug.apple.localise import localise
from tvmplug.artifacts.ar import Dialect, Member, write_archive
from tvmplug.artifacts.symbols import ObjectFile, read_object
from tvmplug.build.image import Image
from tvmplug.errors import ArtifactError, BuildError, ProcessError
from tvmplug.process import run
from tvmplug.toolchains.cxx import CxxToolchain, find_cxx

_TIMEOUT_S = 600


@dataclass(frozen=True)
class _Part:
    """One object of an archive."""

    where: str
    content: bytes
    about: ObjectFile


def prelink(spec: ImageSpec, out: Path) -> Image:
    """Make one static library with one object from a plugin's archives.

    On a Mac Apple's linker merges the objects, elsewhere zig's; such a library proves the link and
    is not shipped.

    Args:
        spec: What goes in, and which functions stay visible.
        out: The archive to write: `lib<name>.a`.

    Returns:
        The library and the archives that are in it whole. It has no link map.

    Raises:
        ArtifactError: An archive is missing or damaged, holds an object for another target, or
            two objects define one symbol.
        ToolError: There is no linker that can merge objects.
        BuildError: The linker refuses.
        FileError: The folder cannot be written.
    """
    for archive in spec.forced:
        check_archive(archive, spec.target)
    parts = chosen(
        [part for archive in spec.forced for part in _parts(archive)],
        [part for archive in spec.on_demand for part in _parts(archive)],
        exported_by(spec.on_demand, spec),
    )
    refuse_doubles(parts)
    toolchain = find_cxx(spec.target)
    merged = _merge(toolchain, spec, parts)

    def is_exported(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in spec.exports)

    whole = localise(merged, is_exported, f"{spec.name}.o")
    symbols = tuple(symbol.raw for symbol in read_object(whole, f"{spec.name}.o").defined)
    member = Member(f"{spec.name}.o", whole, symbols)
    files.write_bytes(out, write_archive([member], Dialect.BSD))
    return Image(
        target=spec.target,
        path=out,
        link_map=None,
        linker=toolchain.version,
        proof_only=toolchain.proof_only,
        archives=spec.forced,
    )


def chosen(
    forced: Sequence[_Part], on_demand: Sequence[_Part], roots: Iterable[str]
) -> list[_Part]:
    """Return the objects that a linker would take, in the order of their archives.

    Args:
        forced: Objects that are taken in any case.
        on_demand: Objects that are taken where one of them defines what another one needs.
        roots: Symbols that are needed in any case, as the linker spells them.
    """
    owners: dict[str, int] = {}
    for index, part in enumerate(on_demand):
        for symbol in part.about.defined:
            owners.setdefault(symbol.name, index)
    defined = {symbol.name for part in forced for symbol in part.about.defined}
    needed = [root.removeprefix("_") for root in roots]
    needed += [name for part in forced for name in part.about.undefined]
    taken: set[int] = set()
    while needed:
        name = needed.pop()
        owner = owners.get(name)
        if name in defined or owner is None or owner in taken:
            continue
        taken.add(owner)
        defined |= {symbol.name for symbol in on_demand[owner].about.defined}
        needed += on_demand[owner].about.undefined
    return [*forced, *(part for index, part in enumerate(on_demand) if index in taken)]


def refuse_doubles(parts: Sequence[_Part]) -> None:
    """Refuse two definitions of one symbol: zig's linker would take the first without a word.

    Raises:
        ArtifactError: Names the symbol and both objects.
    """
    owners: dict[str, str] = {}
    for part in parts:
        for symbol in part.about.defined:
            if symbol.weak:
                continue
            first = owners.setdefault(symbol.name, part.where)
            if first != part.where:
                raise ArtifactError(
                    f"{first} and {part.where} both define {symbol.name}",
                    mend="Link each archive once, and TVM's runtime only in the runtime plugin",
                )


def _parts(archive: Path) -> list[_Part]:
    return [_Part(where, raw, read_object(raw, where)) for where, raw in members(archive)]


def _merge(toolchain: CxxToolchain, spec: ImageSpec, parts: Sequence[_Part]) -> bytes:
    if not parts:
        raise ArtifactError(
            f"{spec.name} for {spec.target.name} would be empty", mend="Run `tvmplug build`"
        )
    with tempfile.TemporaryDirectory(prefix="tvmplug-prelink-") as work:
        folder = Path(work)
        out = folder / "merged.o"
        objects: list[str | Path] = []
        for index, part in enumerate(parts):
            path = folder / f"{index}.o"
            with files.file_errors(path):
                path.write_bytes(part.content)
            objects.append(path)
        options = _options(toolchain, spec, folder)
        command = [*toolchain.driver, "-r", *options, *objects, "-o", out]
        try:
            run(command, env=toolchain.environment, timeout_s=_TIMEOUT_S, echo=False)
        except ProcessError as error:
            raise BuildError(
                f"the objects of {spec.name} cannot be merged for {spec.target.name}:"
                f" {complaint(error.output)}",
                mend="Use `apple_linkage: framework`, or build on a Mac",
            ) from error
        with files.file_errors(out):
            return out.read_bytes()


def _options(toolchain: CxxToolchain, spec: ImageSpec, folder: Path) -> list[str]:
    if toolchain.name != "xcode":
        return []
    exports = folder / "exports.txt"
    files.write_text(exports, "".join(f"_{pattern}\n" for pattern in spec.exports))
    return ["-nostdlib", "-Xlinker", "-exported_symbols_list", "-Xlinker", str(exports)]
