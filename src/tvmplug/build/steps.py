"""The steps of making a plugin, each of which does nothing when nothing changed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvmplug import environment, files, registry
from tvmplug.artifacts.audit import audit_folder
from tvmplug.bootstrap import PACKAGE_DIR
from tvmplug.build import bridge, cargo, images
from tvmplug.build.image import Image, read_image
from tvmplug.build.staging import Staged, stage
from tvmplug.build.stamp import STAMP_NAME, Stamp, is_current, write_stamp
from tvmplug.compiler.freshness import is_fresh
from tvmplug.errors import TvmplugError
from tvmplug.manifest import MANIFEST_NAME
from tvmplug.metadata import METADATA_NAME, Metadata, read_metadata
from tvmplug.pins import PINS
from tvmplug.project import Project
from tvmplug.runtime.store import find_runtime
from tvmplug.targets import Target
from tvmplug.toolchains.rust import is_native

# One build at a time in a plugin; a first one, with its environment, takes minutes.
LOCK_TIMEOUT_S = 1800
_CARGO_LEFTOVERS = frozenset({"target", "Cargo.lock"})


@dataclass(frozen=True)
class Built:
    """What a build left.

    Attributes:
        changed: False when everything was up to date.
        staged: The libraries in their places; none for Apple's targets, whose frameworks are packed
            together (`tvmplug.build.apple`).
        image: What was linked.
    """

    changed: bool
    staged: tuple[Staged, ...]
    image: Image


def compile_model(project: Project, target: Target, *, update_golden: bool = False) -> bool:
    """Compile a plugin's model into its system library, unless that is up to date.

    Args:
        project: A model plugin.
        target: What to compile for.
        update_golden: Record the golden cases anew, and so compile in any case.

    Returns:
        True when something was compiled.

    Raises:
        ProjectError: This is the runtime plugin.
        TvmplugError: What `environment.run_compiler_for` raises.
    """
    (outcome,) = compile_models(project, [target], update_golden=update_golden)
    if isinstance(outcome, TvmplugError):
        raise outcome
    return outcome


def compile_models(
    project: Project, targets: Sequence[Target], *, update_golden: bool = False
) -> list[bool | TvmplugError]:
    """Compile a plugin's model for several targets in one run of the compiler.

    Args:
        project: A model plugin.
        targets: What to compile for, each once.
        update_golden: Record the golden cases anew, and so compile in any case.

    Returns:
        Of each target whether something was compiled, or what went wrong.

    Raises:
        ProjectError: This is the runtime plugin.
    """
    _ = project.model
    outs = {target.name: project.compiled_dir(target) for target in targets}

    def stale() -> list[Target]:
        return [
            each
            for each in targets
            if update_golden or not is_fresh(project.root, each, outs[each.name])
        ]

    outcomes: dict[str, bool | TvmplugError] = {target.name: False for target in targets}
    wanted: list[Target] = []
    try:
        wanted = stale()
        with contextlib.ExitStack() as locks:
            for out in sorted(outs[each.name] for each in wanted):
                locks.enter_context(files.locked(out, timeout_s=LOCK_TIMEOUT_S))
            if wanted:
                # Another process may have compiled meanwhile what was stale before.
                wanted = [each for each in stale() if each in wanted]
            if wanted:
                found = environment.run_compiler_for(project, wanted, update_golden=update_golden)
                for each, result in zip(wanted, found, strict=True):
                    outcomes[each.name] = result if isinstance(result, TvmplugError) else True
    except TvmplugError as error:
        outcomes |= {target.name: error for target in wanted or targets}
    return [outcomes[target.name] for target in targets]


def build_plugin(project: Project, target: Target) -> Built:
    """Compile the model, build the crate, link and audit the library, and stage it.

    Args:
        project: Either kind of plugin.
        target: What to build for.

    Raises:
        TvmplugError: Of the family of the step that failed; staged files are the old or the new.
    """
    if project.is_model:
        compile_model(project, target)
        bridge.generate(project)
    stamp_path = project.compiled_dir(target) / STAMP_NAME
    inputs = _inputs(project, target)
    if (built := _built_before(project, target, inputs)) is not None:
        return built
    with files.locked(project.compiled_dir(target), timeout_s=LOCK_TIMEOUT_S):
        if (built := _built_before(project, target, inputs)) is not None:
            return built  # another process built it meanwhile
        _remove_leftovers(project.compiled_dir(target), project.staged_dir(target))
        if project.is_model:
            audit_compiled(project, target)
            with _scratch(project.compiled_dir(target)) as work:
                image = images.link_model(project, target, work)
            staged = stage_image(project, target, image)
        else:
            # Staged first: the libraries are of use even where there is no cargo.
            image = images.take_runtime(project, target)
            staged = stage_image(project, target, image)
            if is_native(target):
                cargo.check_crate(project, images.library_variables(project, target))
        # What went in, with the runtime that a first build made meanwhile.
        inputs = _inputs(project, target)
        outputs = {file.path: file.sha256 for file in staged}
        kept = image.path.relative_to(project.root).as_posix()
        write_stamp(stamp_path, Stamp(inputs, {kept: files.sha256_file(image.path), **outputs}))
    return Built(True, staged, image)


def stage_image(project: Project, target: Target, image: Image) -> tuple[Staged, ...]:
    """Put a library where the plugin's package expects it; Apple's frameworks are packed later."""
    if target.is_apple:
        return ()
    sources = [image.path]
    if not project.is_model and environment.has_wheel(target):
        folder = environment.runtime_libraries(project, target)
        sources = [folder / name for name in environment.runtime_libraries_of(target)]
    return tuple(stage(project.root, project.staged_dir(target), sources))


def _built_before(project: Project, target: Target, inputs: Mapping[str, str]) -> Built | None:
    """What lies there when nothing changed since; None when there is something to do."""
    if not is_current(project.root, project.compiled_dir(target) / STAMP_NAME, inputs):
        return None
    image = read_image(project.image_dir(target))
    return None if image is None else Built(False, stage_image(project, target, image), image)


def run_tests(project: Project, target: Target) -> int:
    """Build a plugin and run its crate's tests, the golden test of a model among them.

    Returns:
        How many tests passed.

    Raises:
        GoldenError: The compiled model differs from its reference.
        TvmplugError: What `build_plugin` raises.
    """
    build_plugin(project, target)
    return cargo.run_tests(project, target, images.library_variables(project, target))


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    with files.file_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=parent, prefix=".new-"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _remove_leftovers(*folders: Path) -> None:
    """Remove what a killed build left: scratch folders and temporary copies of libraries.

    Only a build writes names with a leading dot there, and only one runs at a time.
    """
    for folder in folders:
        for path in (*folder.glob(".new-*"), *folder.glob(".lib*")):
            with files.file_errors(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def audit_compiled(project: Project, target: Target) -> Metadata:
    """Audit a plugin's system library archive, against the registry too when that is here.

    Returns:
        Its metadata.

    Raises:
        ArtifactError: A symbol without the plugin's prefix, another target, a damaged archive, ...
    """
    path = registry.locate_registry(project.manifest)
    registered = None
    if path is not None:
        registered = {e.plugin: e.prefix for e in registry.read_registry(path).values()}
    return audit_folder(project.compiled_dir(target), target, registered)


def _inputs(project: Project, target: Target) -> Mapping[str, str]:
    inputs = {
        "crate": _crate_sha256(project.rust_dir),
        "manifest": files.sha256_file(project.root / MANIFEST_NAME),
        "tvm": PINS.tvm,
        "tvm_ffi": PINS.tvm_ffi,
        "tvmplug": files.sha256_tree(PACKAGE_DIR / "build", ignore=_is_leftover),
    }
    if not environment.has_wheel(target):
        inputs["runtime"] = _runtime_sha256(project, target)
    if project.is_model:
        folder = project.compiled_dir(target)
        metadata = read_metadata(folder / METADATA_NAME)
        inputs["metadata"] = files.sha256_file(folder / METADATA_NAME)
        inputs["archive"] = metadata.archive_sha256
        if runtime := project.manifest.runtime_root:
            inputs["runtime crate"] = _crate_sha256(runtime / "rust")
    return inputs


def _runtime_sha256(project: Project, target: Target) -> str:
    """Of the runtime in the cache; empty where there is none yet."""
    runtime = find_runtime(target, images.runtime_options(project))
    if runtime is None:
        return ""
    return "-".join(files.sha256_file(path)[:16] for path in runtime.archives)


def _crate_sha256(folder: Path) -> str:
    return files.sha256_tree(folder, ignore=_is_leftover)


def _is_leftover(path: Path) -> bool:
    return path.parts[0] in _CARGO_LEFTOVERS or "__pycache__" in path.parts
