"""The symbol audit: is this archive what its metadata says, and can it live beside other plugins?

Pure but for `audit_folder`. Called after every compile, by `tvmplug build` and by `tvmplug check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tvmplug import files, names
from tvmplug.artifacts._allowed import COFF_CONSTANT, MATH, RUNTIME, SHARED_WEAK, TOOLCHAIN
from tvmplug.artifacts.ar import Dialect, read_archive
from tvmplug.artifacts.symbols import ObjectFile, Symbol, read_object
from tvmplug.errors import ArtifactError
from tvmplug.metadata import METADATA_NAME, Metadata, read_metadata
from tvmplug.targets import ObjectFormat, Target

_BUILD_AGAIN = "Run `tvmplug build` to make it again"
_COFF_WEAK_DEFAULT = re.compile(r"\.weak\.(?P<name>.+?)\.default\.(?P<owner>.+)")


def dialect_of(target: Target) -> Dialect:
    """The dialect of archive that a target's linker reads."""
    return Dialect.BSD if target.object_format is ObjectFormat.MACHO else Dialect.GNU


def audit_folder(
    folder: Path, target: Target, registered: Mapping[str, str] | None = None
) -> Metadata:
    """Read `system_lib.json` and the archive beside it, and audit them.

    Args:
        folder: the compiler's output folder.
        target: what they must be for.
        registered: prefix of every plugin in the registry by the plugin's name, when it is known.

    Returns:
        The metadata.

    Raises:
        ArtifactError: as `audit`, or a file is missing.
        FileError: a file cannot be read.
    """
    metadata = read_metadata(folder / METADATA_NAME)
    path = folder / metadata.archive
    if Path(metadata.archive).name != metadata.archive or not path.is_file():
        raise ArtifactError(f"the archive {path} is missing", mend=_BUILD_AGAIN)
    with files.file_errors(path):
        content = path.read_bytes()
    audit(content, metadata, target, registered, origin=str(path))
    return metadata


def audit(
    content: bytes,
    metadata: Metadata,
    target: Target,
    registered: Mapping[str, str] | None = None,
    *,
    origin: str,
) -> None:
    """Check an archive against its metadata, its target and the registry.

    Args:
        content: the archive's bytes.
        metadata: the metadata beside it.
        target: what it must be for.
        registered: prefix of every plugin in the registry by the plugin's name, when it is known.
        origin: the archive's name for messages.

    Raises:
        ArtifactError: it is truncated; its hash, target, format, processor or platform is not the
            one expected; a global symbol lacks the plugin's prefix or has another plugin's; a
            component's library is missing; it needs a symbol that no runtime offers.
    """
    if metadata.target != target.name:
        raise ArtifactError(
            f"{origin} was compiled for {metadata.target}, wanted is {target.name}",
            mend=f"Run `tvmplug compile --target {target.name}`",
        )
    check_owner(metadata.plugin, metadata.prefix, registered or {})
    archive = read_archive(content, origin)
    if files.sha256_bytes(content) != metadata.archive_sha256:
        raise ArtifactError(
            f"{origin} is not the archive that its metadata describes (another hash)",
            mend=_BUILD_AGAIN,
        )
    if not archive.members or not archive.indexed:
        raise ArtifactError(f"{origin} holds no indexed objects", mend=_BUILD_AGAIN)
    if archive.dialect is not dialect_of(target):
        raise ArtifactError(
            f"{origin} is a {archive.dialect.value} archive, {target.name} needs"
            f" {dialect_of(target).value}",
            mend=_BUILD_AGAIN,
        )
    owners = {component.prefix: component.name for component in metadata.components}
    strong: dict[str, str] = {}
    for member in archive.members:
        where = f"{origin}({member.name})"
        found = read_object(member.content, where)
        check_object(found, target, where)
        for symbol in found.defined:
            check_symbol(symbol, found.format, metadata.prefix, tuple(owners), where)
            if not symbol.weak and strong.setdefault(symbol.name, member.name) != member.name:
                raise ArtifactError(
                    f"{where} defines {symbol.name} again", mend="Rename one of the components"
                )
        check_needs(found, where)
        if sorted(member.symbols) != sorted(symbol.raw for symbol in found.defined):
            raise ArtifactError(
                f"{origin}: its index is wrong for {member.name}", mend=_BUILD_AGAIN
            )
    for prefix, component in owners.items():
        if f"{prefix}__tvm_ffi__library_bin" not in strong:
            raise ArtifactError(
                f"{origin} lacks the component '{component}': no {prefix}__tvm_ffi__library_bin",
                mend=_BUILD_AGAIN,
            )


def check_owner(plugin: str, prefix: str, registered: Mapping[str, str]) -> None:
    """Refuse a prefix that belongs to, or collides with, another plugin of the registry.

    Args:
        plugin: whose archive it is.
        prefix: its prefix.
        registered: prefix of every registered plugin by its name.

    Raises:
        ArtifactError: another plugin's prefix, or the plugin has another one in the registry.
    """
    own = registered.get(plugin)
    if own is not None and own != prefix:
        raise ArtifactError(
            f"{plugin} was compiled with the prefix {prefix}, the registry gives it {own}",
            mend="Run `tvmplug build`, or correct the registry",
        )
    for other, taken in registered.items():
        if other != plugin and names.conflicts(prefix, taken):
            raise ArtifactError(
                f"the prefix {prefix} of {plugin} collides with {taken} of {other}",
                mend="Give the plugin a prefix of its own: `copier update --data prefix=...`",
            )


def check_object(found: ObjectFile, target: Target, where: str) -> None:
    """Refuse an object of another format, processor or platform than the target's.

    Raises:
        ArtifactError: says what it is and what was wanted.
    """
    got, wanted = (
        f"{found.format.value} {found.arch}",
        f"{target.object_format.value} {target.arch}",
    )
    if got != wanted:
        raise ArtifactError(f"{where} is {got}, {target.name} needs {wanted}", mend=_BUILD_AGAIN)
    platform = target.platform
    if found.platform not in (None, platform):
        raise ArtifactError(
            f"{where} is for {found.platform}, {target.name} needs {platform}", mend=_BUILD_AGAIN
        )
    if found.minimum_os and version_of(found.minimum_os) > version_of(target.minimum_os):
        raise ArtifactError(
            f"{where} needs {found.platform} {found.minimum_os}, wanted is {target.minimum_os}",
            mend=_BUILD_AGAIN,
        )


def version_of(text: str) -> tuple[int, ...]:
    """Return the numbers of a system's version, as they compare: `13.0`, `glibc 2.28`, `24`."""
    parts = [int(part) for part in re.findall(r"\d+", text)]
    return tuple(parts + [0] * (3 - len(parts)))


def check_symbol(
    symbol: Symbol,
    object_format: ObjectFormat,
    prefix: str,
    component_prefixes: tuple[str, ...],
    where: str,
) -> None:
    """Refuse a defined global symbol that could meet another plugin's.

    Own symbols carry a component's prefix: `__tvm_ffi_g2p_encoder_main` (functions) and
    `g2p_encoder___tvm_ffi__library_bin`. TVM adds half-precision conversions to every object,
    without a prefix but weak, and on COFF constants named by their value: a linker keeps one.

    Args:
        symbol: the symbol.
        object_format: of the object that defines it.
        prefix: the plugin's prefix, for the message.
        component_prefixes: the prefixes of its components.
        where: the object's name for messages.

    Raises:
        ArtifactError: the symbol has no component's prefix and is not one of those exceptions.
    """
    name = symbol.name
    if object_format is ObjectFormat.COFF:
        if symbol.weak and COFF_CONSTANT.fullmatch(name):
            return
        if (weak := _COFF_WEAK_DEFAULT.fullmatch(name)) and weak["name"] in SHARED_WEAK:
            name = weak["owner"]  # the linker's own spelling: unique through its owner's name
    if symbol.weak and name in SHARED_WEAK:
        return
    if name.removeprefix("__tvm_ffi_").startswith(component_prefixes):
        return
    raise ArtifactError(
        f"{where} defines the global symbol {name}, which lacks the prefix {prefix} of its plugin",
        mend="Compile it with `tvmplug compile`, which sets the prefix",
    )


def check_needs(found: ObjectFile, where: str) -> None:
    """Refuse an object that needs a function which neither the runtime nor the system has.

    Raises:
        ArtifactError: names the symbol.
    """
    for name in found.undefined:
        known = name in RUNTIME or name in MATH or name in TOOLCHAIN or name in SHARED_WEAK
        own = name.startswith("__tvm_ffi_") or name.endswith("__tvm_ffi__library_ctx")
        if not known and not own:
            raise ArtifactError(
                f"{where} needs {name}, which the shared runtime does not offer",
                mend="Rewrite the operation that calls it",
            )
