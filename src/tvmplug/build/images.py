"""Links what an app loads: the one TVM runtime of a target, and a model plugin's library."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tvmplug import environment, files
from tvmplug.apple.link import ImageSpec, link_image, system_needed
from tvmplug.apple.prelink import prelink
from tvmplug.build import bridge, cargo, library
from tvmplug.build.image import LINK_MAP, Image, forget_image, read_image, write_image
from tvmplug.errors import ArtifactError
from tvmplug.manifest import MANIFEST_NAME, AppleLinkage, read_manifest
from tvmplug.metadata import METADATA_NAME, Metadata, read_metadata
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.runtime.build import build_runtime
from tvmplug.runtime.store import DEFAULT, Runtime, RuntimeOptions, options_named
from tvmplug.targets import Target
from tvmplug.toolchains import rust

RUNTIME_NAME = "tvm_runtime"
# The C interface alone: see the headers of tvm-ffi and of TVM's runtime.
RUNTIME_EXPORTS = ("TVMFFI*", "TVMBackend*")


def image_name(project: Project, target: Target) -> str:
    """The file name of a plugin's dynamic library, without folders.

    On Apple's platforms a model's framework is not called like the plugin: that is the name of the
    module with the plugin's Swift code.
    """
    if target.is_apple:
        return f"{project.name}_model" if project.is_model else RUNTIME_NAME
    return target.library_name.format(project.name if project.is_model else RUNTIME_NAME)


def runtime_image(project: Project | None, target: Target) -> Image:
    """Return the one TVM runtime of a target as a dynamic library; made once, kept in the cache.

    Args:
        project: The plugin whose compile environment has TVM's wheels; None for the bare one.
        target: What the runtime is for.

    Raises:
        ToolError: The wheels, a C++ compiler or a linker is missing.
        BuildError: It does not build.
    """
    if environment.has_wheel(target):
        path = environment.runtime_libraries(project, target)
        path /= target.library_name.format(RUNTIME_NAME)
        return Image(target, path, None, "TVM's own wheel", False, ())
    runtime = build_runtime(target, runtime_options(project))
    if target.is_apple:
        return _apple_runtime(runtime, AppleLinkage.FRAMEWORK)
    if runtime.shared is None:
        raise ArtifactError(
            f"the runtime for {target.name} in {runtime.folder} has no shared library",
            mend=f"Run `tvmplug runtime build --target {target.name}`",
        )
    return Image(
        target=target,
        path=runtime.shared,
        link_map=runtime.link_map,
        linker=runtime.toolchain,
        proof_only=runtime.proof_only,
        archives=runtime.archives,
    )


def runtime_options(project: Project | None) -> RuntimeOptions:
    """What the runtime plugin asks to have in its runtime.

    Args:
        project: A plugin; where its runtime plugin is not on this machine, the default is taken.

    Raises:
        UsageError: Its manifest names a part that there is not.
    """
    root = project.manifest.runtime_root if project is not None else None
    if root is None or not (root / MANIFEST_NAME).is_file():
        return DEFAULT
    return options_named(",".join(read_manifest(root).runtime_parts))


def _apple_runtime(runtime: Runtime, linkage: AppleLinkage) -> Image:
    folder = runtime.folder / linkage.value
    with files.locked(folder):
        if (kept := read_image(folder)) is not None:
            return kept
        spec = ImageSpec(
            target=runtime.target,
            name=RUNTIME_NAME,
            forced=runtime.archives,
            exports=RUNTIME_EXPORTS,
            system=system_needed(runtime.archives),
        )
        made = _link(spec, linkage, folder / f"{RUNTIME_NAME}.framework")
        image = replace(made, proof_only=made.proof_only or runtime.proof_only)
        write_image(folder, image)
    return image


def _link(spec: ImageSpec, linkage: AppleLinkage, folder: Path) -> Image:
    if linkage is AppleLinkage.STATIC:
        return prelink(spec, folder / f"lib{spec.name}.a")
    return link_image(spec, folder / spec.name)


def take_runtime(project: Project, target: Target) -> Image:
    """Put the runtime's library, its link map and its record into the runtime plugin.

    Raises:
        TvmplugError: What `runtime_image` raises.
    """
    if target.is_apple and project.manifest.apple_linkage is AppleLinkage.STATIC:
        image = _apple_runtime(build_runtime(target, runtime_options(project)), AppleLinkage.STATIC)
    else:
        image = runtime_image(project, target)
    return _keep(image, project.image_dir(target))


def library_variables(project: Project, target: Target) -> dict[str, str]:
    """The variables that tell the crates' build scripts where the libraries are.

    Raises:
        ToolError: The runtime of the target cannot be had; names what is missing.
    """
    folder = runtime_image(project, target).path.parent
    if target.is_apple:
        folder = folder.parent  # of the framework
    variables = {"TVMPLUG_RUNTIME_LIB_DIR": str(folder)}
    if project.is_model:
        variables["TVMPLUG_SYSTEM_LIB_DIR"] = str(project.compiled_dir(target))
    return variables


def link_model(project: Project, target: Target, work: Path) -> Image:
    """Build a model plugin's crate and link it with its compiled model.

    Args:
        project: A model plugin whose model is compiled for the target.
        target: What to link for.
        work: A scratch folder.

    Returns:
        The library in the plugin's image folder, with its link map and its record.

    Raises:
        ToolError: cargo, a standard library, a compiler or a linker is missing.
        BuildError: The crate does not build, or the library does not link.
        ArtifactError: The library is not one that an app can load.
    """
    metadata = read_metadata(project.compiled_dir(target) / METADATA_NAME)
    archive = project.compiled_dir(target) / metadata.archive
    runtime = runtime_image(project, target)
    check_calls(metadata, target, runtime)
    crate = cargo.build_library(project, target, library_variables(project, target))
    if target.is_apple:
        image = _linked_for_apple(project, target, archive, crate.path, work=work, runtime=runtime)
    else:
        built = work / image_name(project, target)
        image = _audited_library(project, target, archive, crate, out=built, runtime=runtime)
    return _keep(image, project.image_dir(target))


def check_calls(metadata: Metadata, target: Target, runtime: Image) -> None:
    """Refuse a model that calls a part of TVM which this runtime was built without.

    TVM registers its functions by name, so a name that is not in the runtime's archives is no
    function of it.

    Args:
        metadata: Of the compiled model.
        target: What it is for.
        runtime: The runtime that it would run on.

    Raises:
        ArtifactError: Names the first function that is missing.
    """
    if not runtime.archives:
        return  # the wheels' own, which has every part: the compiler has compared with it
    with files.file_errors(runtime.archives[0]):
        content = b"".join(path.read_bytes() for path in runtime.archives)
    for component in metadata.components:
        for name in component.calls:
            if name.encode() + b"\0" not in content:
                raise ArtifactError(
                    f"the component '{component.name}' calls {name}, which the runtime for"
                    f" {target.name} was built without",
                    mend="Choose the part that has it in the runtime plugin (`copier update --data"
                    " runtime_parts=...`), or import a runtime: `tvmplug runtime import DIR`",
                )


def _linked_for_apple(
    project: Project, target: Target, archive: Path, crate: Path, *, work: Path, runtime: Image
) -> Image:
    spec = ImageSpec(
        target=target,
        name=image_name(project, target),
        forced=(archive,),
        on_demand=(crate,),
        exports=bridge.exports(project),
        frameworks=(runtime.path,),
        system=(),
    )
    linked = _link(spec, project.manifest.apple_linkage, work)
    with files.file_errors(linked.path):
        _refuse(linked.path, library.machine_paths(linked.path.read_bytes(), project.root))
    return replace(linked, proof_only=linked.proof_only or runtime.proof_only)


def _audited_library(
    project: Project,
    target: Target,
    archive: Path,
    crate: cargo.Crate,
    *,
    out: Path,
    runtime: Image,
) -> Image:
    with files.file_errors(out):
        shutil.copy2(crate.path, out)
    if rust.is_native(target):
        run(["strip", "--strip-unneeded", out], echo=False)
    _refuse(out, library.audit_library(out, project, target))
    return Image(target, out, crate.link_map, crate.linker, runtime.proof_only, (archive,))


def _refuse(path: Path, problems: Sequence[str]) -> None:
    if problems:
        raise ArtifactError(f"{path.name} cannot be shipped: {'; '.join(problems)}")


def _keep(image: Image, folder: Path) -> Image:
    """Put an image and its map into a plugin's image folder; the record is written last."""
    forget_image(folder)
    kept = replace(
        image,
        path=folder / image.path.name,
        link_map=None if image.link_map is None else folder / LINK_MAP,
    )
    with files.file_errors(image.path):
        files.write_bytes(kept.path, image.path.read_bytes())
        if image.link_map is not None and kept.link_map is not None:
            files.write_bytes(kept.link_map, image.link_map.read_bytes())
    write_image(folder, kept)
    return kept
