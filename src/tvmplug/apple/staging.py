"""A plugin's linked libraries, packed into the XCFramework that its podspec and manifest name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import files
from tvmplug.apple.macho import MachO, read_macho
from tvmplug.apple.tree import write_tree
from tvmplug.apple.universal import join
from tvmplug.apple.xcframework import Contents, Slice, xcframework
from tvmplug.build.image import Image
from tvmplug.errors import ArtifactError
from tvmplug.manifest import AppleLinkage
from tvmplug.targets import Target

RUNTIME_MODULE = "tvm_runtime"
PLUGIN_HEADER = "tvm_plugin.h"
_BUILD_AGAIN = "Run `tvmplug build --target ios,ios-simulator,macos` to make it again"

_RUNTIME_HEADER = """\
/* The one TVM runtime of an app.
 *
 * Models register their functions with it when they are loaded; an app calls models through their
 * plugins. The whole C interface is tvm/ffi/c_api.h of apache-tvm-ffi.
 */
#ifndef TVM_RUNTIME_H_
#define TVM_RUNTIME_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* tvm/ffi/c_api.h has these too: include it first where both are needed. */
#ifndef TVM_FFI_C_API_H_
typedef struct TVMFFIVersion {
  uint32_t major;
  uint32_t minor;
  uint32_t patch;
} TVMFFIVersion;

/* Writes the version of tvm-ffi that this runtime holds. */
void TVMFFIGetVersion(TVMFFIVersion *out);
#endif

#ifdef __cplusplus
}
#endif

#endif /* TVM_RUNTIME_H_ */
"""

_MODEL_HEADER = """\
/* The functions of {plugin}, which all begin with {prefix}. */
#ifndef {guard}_H_
#define {guard}_H_

#include <tvm_runtime/tvm_plugin.h>

TVM_PLUGIN_DECLARE({prefix})

#endif /* {guard}_H_ */
"""


@dataclass(frozen=True, kw_only=True)
class Package:
    """The plugin whose libraries are packed.

    Attributes:
        plugin: The plugin's name, such as `kokoro_flutter`.
        prefix: The prefix of its functions; empty for the runtime plugin.
        linkage: Dynamic frameworks, or static libraries.
        version: The plugin's version.
        organisation: The author's domain, reversed: what the frameworks' identifiers begin with.
        plugin_header: Text of the runtime plugin's `include/tvm_plugin.h`; only its framework has
            it, so that all plugins of an app share one definition of its types.
    """

    plugin: str
    prefix: str
    linkage: AppleLinkage = AppleLinkage.FRAMEWORK
    version: str = "1.0.0"
    organisation: str = "com.example"
    plugin_header: str = ""

    @property
    def is_model(self) -> bool:
        """False for the runtime plugin."""
        return bool(self.prefix)

    @property
    def module(self) -> str:
        """The framework's name. The plugin's own name belongs to the module of its Swift code."""
        return f"{self.plugin}_model" if self.is_model else RUNTIME_MODULE

    @property
    def headers(self) -> dict[str, str]:
        """The framework's C headers by their name."""
        name = f"{self.module}.h"
        if not self.is_model:
            return {name: _RUNTIME_HEADER, PLUGIN_HEADER: self.plugin_header}
        guard = self.module.upper()
        text = _MODEL_HEADER.format(plugin=self.plugin, prefix=self.prefix, guard=guard)
        return {name: text}


def pack(package: Package, images: Sequence[Image], folder: Path) -> Path:
    """Write the XCFramework of a plugin, whole and in the place of an older one.

    Args:
        package: The plugin.
        images: Its linked libraries (or, for static linkage, its prelinked archives), one for each
            target; those of one platform become one universal file.
        folder: Where to put it: the plugin's `Frameworks` folder.

    Returns:
        The XCFramework, `<folder>/<module>.xcframework`.

    Raises:
        ArtifactError: A library is missing, is for another target than its record says, or brings
            a TVM runtime of its own; or two are for one target.
        FileError: The folder cannot be written.
    """
    contents = Contents(
        name=package.module,
        identifier=f"{package.organisation}.{package.module}".replace("_", "-"),
        version=package.version.partition("+")[0].partition("-")[0],
        headers=package.headers,
        linkage=package.linkage,
    )
    platforms: dict[str, list[Image]] = {}
    for image in images:
        platforms.setdefault(image.target.platform, []).append(image)
    slices = [_slice(package, group) for group in platforms.values()]
    place = folder / f"{package.module}.xcframework"
    write_tree(place, xcframework(contents, slices))
    return place


def missing_targets(images: Sequence[Image], wanted: Sequence[Target]) -> list[Target]:
    """Return the targets that a complete XCFramework still lacks."""
    found = {image.target.name for image in images}
    return [target for target in wanted if target.name not in found]


def _slice(package: Package, images: Sequence[Image]) -> Slice:
    parts: list[bytes] = []
    undefined: set[str] = set()
    for image in images:
        if not image.path.is_file():
            raise ArtifactError(f"{image.path} is missing", mend=_BUILD_AGAIN)
        with files.file_errors(image.path):
            content = image.path.read_bytes()
        macho = read_macho(content, str(image.path))
        _check(package, image, macho)
        parts.append(content)
        undefined |= set(macho.undefined)
    return Slice(
        targets=tuple(image.target for image in images),
        binary=join(parts, f"{package.module} for {images[0].target.platform}"),
        undefined=frozenset(undefined),
    )


def _check(package: Package, image: Image, macho: MachO) -> None:
    target = image.target
    got = (macho.platform, macho.arch, macho.minimum_os)
    if got != (target.platform, target.arch, target.minimum_os):
        raise ArtifactError(
            f"{image.path} is for {macho.platform} {macho.minimum_os} ({macho.arch}), wanted is"
            f" {target.platform} {target.minimum_os} ({target.arch})",
            mend=_BUILD_AGAIN,
        )
    own = [name for name in macho.exported if name.startswith("TVMFFI")]
    if package.is_model and own:
        raise ArtifactError(
            f"{image.path} brings a TVM runtime of its own: it defines {own[0]}",
            mend="Link it to the runtime plugin's framework",
        )
    if not package.is_model and not own:
        raise ArtifactError(f"{image.path} holds no TVM runtime", mend=_BUILD_AGAIN)
