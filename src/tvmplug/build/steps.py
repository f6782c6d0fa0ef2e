"""The steps of making a plugin, each of which does nothing when nothing changed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tvmplug import environment, files, registry
from tvmplug.artifacts.audit import audit_folder
from tvmplug.bootstrap import PACKAGE_DIR
from tvmplug.build import cargo, library
from tvmplug.build.staging import Staged, stage
from tvmplug.build.stamp import STAMP_NAME, Stamp, is_current, write_stamp
from tvmplug.compiler.freshness import is_fresh
from tvmplug.errors import ArtifactError
from tvmplug.manifest import MANIFEST_NAME
from tvmplug.metadata import METADATA_NAME, Metadata, read_metadata
from tvmplug.pins import PINS
from tvmplug.process import run
from tvmplug.project import Project
from tvmplug.targets import Target

# One build at a time in a plugin; a first one, with its environment, takes minutes.
LOCK_TIMEOUT_S = 1800
_CARGO_LEFTOVERS = frozenset({"target", "Cargo.lock"})


@dataclass(frozen=True)
class Built:
    """What a build left.

    Attributes:
        changed: False when everything was up to date.
        staged: The libraries in their places.
    """

    changed: bool
    staged: tuple[Staged, ...]


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
        TvmplugError: What `environment.run_compiler` raises.
    """
    _ = project.model
    out = project.compiled_dir(target)
    if not update_golden and is_fresh(project.root, target, out):
        return False
    with files.locked(out, timeout_s=LOCK_TIMEOUT_S):
        if not update_golden and is_fresh(project.root, target, out):
            return False
        environment.run_compiler(project, target, update_golden=update_golden)
    return True


def build_plugin(project: Project, target: Target) -> Built:
    """Compile the model, build the crate, audit both, and stage the libraries.

    Args:
        project: Either kind of plugin.
        target: What to build for.

    Raises:
        TvmplugError: Of the family of the step that failed; staged files are the old or the new.
    """
    if project.is_model:
        compile_model(project, target)
    stamp_path = project.compiled_dir(target) / STAMP_NAME
    inputs = _inputs(project, target)
    if is_current(project.root, stamp_path, inputs):
        return Built(False, tuple(_staged_now(project, target)))
    with files.locked(project.compiled_dir(target), timeout_s=LOCK_TIMEOUT_S):
        if is_current(project.root, stamp_path, inputs):  # another process built it meanwhile
            return Built(False, tuple(_staged_now(project, target)))
        _remove_leftovers(project.compiled_dir(target), project.staged_dir(target))
        sources = _model_libraries if project.is_model else _runtime_libraries
        with _scratch(project.compiled_dir(target)) as work:
            staged = stage(project.root, project.staged_dir(target), sources(project, target, work))
        write_stamp(stamp_path, Stamp(inputs, {file.path: file.sha256 for file in staged}))
    return Built(True, tuple(staged))


def run_tests(project: Project, target: Target) -> int:
    """Build a plugin and run its crate's tests, the golden test of a model among them.

    Returns:
        How many tests passed.

    Raises:
        GoldenError: The compiled model differs from its reference.
        TvmplugError: What `build_plugin` raises.
    """
    build_plugin(project, target)
    return cargo.run_tests(project, library_variables(project, target))


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


def library_variables(project: Project, target: Target) -> dict[str, str]:
    """The variables that tell the crates' build scripts where the libraries are."""
    variables = {"TVMPLUG_RUNTIME_LIB_DIR": str(environment.runtime_libraries(project, target))}
    if project.is_model:
        variables["TVMPLUG_SYSTEM_LIB_DIR"] = str(project.compiled_dir(target))
    return variables


def _runtime_libraries(project: Project, target: Target, _work: Path) -> list[Path]:
    """Stage first: the wheels' libraries are of use even where there is no cargo."""
    variables = library_variables(project, target)
    folder = Path(variables["TVMPLUG_RUNTIME_LIB_DIR"])
    libraries = [folder / name for name in environment.RUNTIME_LIBRARIES]
    stage(project.root, project.staged_dir(target), libraries)
    cargo.build_library(project, target, variables)
    return libraries


def _model_libraries(project: Project, target: Target, work: Path) -> list[Path]:
    """Build, strip and audit in a scratch folder, so that only what passed is staged."""
    audit_compiled(project, target)
    built = cargo.build_library(project, target, library_variables(project, target))
    if built is None:
        return []
    stripped = work / built.name
    with files.file_errors(stripped):
        shutil.copy2(built, stripped)
    run(["strip", "--strip-unneeded", stripped], echo=False)
    problems = library.audit_library(stripped, project)
    if problems:
        raise ArtifactError(f"{built.name} cannot be shipped: {'; '.join(problems)}")
    return [stripped]


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
    if project.is_model:
        folder = project.compiled_dir(target)
        metadata = read_metadata(folder / METADATA_NAME)
        inputs["metadata"] = files.sha256_file(folder / METADATA_NAME)
        inputs["archive"] = metadata.archive_sha256
        if runtime := project.manifest.runtime_root:
            inputs["runtime crate"] = _crate_sha256(runtime / "rust")
    return inputs


def _crate_sha256(folder: Path) -> str:
    return files.sha256_tree(folder, ignore=_is_leftover)


def _is_leftover(path: Path) -> bool:
    return path.parts[0] in _CARGO_LEFTOVERS or "__pycache__" in path.parts


def _staged_now(project: Project, target: Target) -> list[Staged]:
    names = (
        [target.library_name.format(project.name)]
        if project.is_model
        else environment.RUNTIME_LIBRARIES
    )
    folder = project.staged_dir(target)
    return stage(project.root, folder, [folder / name for name in names])
