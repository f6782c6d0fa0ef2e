"""The checks of `tvmplug check`: each looks at one thing and says how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug import environment, files, registry, sync
from tvmplug.build import images, library, steps
from tvmplug.build.image import read_image
from tvmplug.errors import ArtifactError, ProjectError, RegistryError
from tvmplug.findings import Finding, Skipped, ask
from tvmplug.manifest import Manifest, read_manifest
from tvmplug.metadata import METADATA_NAME, Metadata, read_metadata
from tvmplug.pins import PINS
from tvmplug.project import Project
from tvmplug.proof.check import check_artifacts
from tvmplug.runtime.store import find_runtime
from tvmplug.targets import Target, host_target

ANSWERS = ".copier-answers.yml"
# A plugin with a runtime of its own would ship these.
_RUNTIME_FILES = ("libtvm_runtime.so", "libtvm_ffi.so")


def check_project(project: Project, target: Target, registry_path: Path | None) -> list[Finding]:
    """Ask every question that a plugin's kind gives rise to.

    Args:
        project: The plugin.
        target: The target whose artifacts are looked at.
        registry_path: What `--registry` says.
    """
    questions = {
        "answers": partial(_answers, project),
        "pubspec": partial(_pubspec, project),
        "pins": partial(_pins, project),
        "registry": partial(_registry, project, registry_path),
    }
    if project.is_model:
        questions |= {
            "requirements": partial(_requirements, project),
            "metadata": partial(_metadata, project, target),
            "symbols": partial(_symbols, project, target),
            "library": partial(_library, project, target),
        }
    else:
        questions |= {"libraries": partial(_runtime_libraries, project, target)}
    questions["artifacts"] = partial(check_artifacts, project, target)
    return [ask(name, question) for name, question in questions.items()]


def _answers(project: Project) -> str:
    """The manifest is rendered from the answers: where they differ, one was edited by hand."""
    answers = _yaml(project.root / ANSWERS)
    manifest = project.manifest
    expected: dict[str, object] = {"kind": manifest.kind.value, "plugin_name": manifest.name}
    if manifest.model is not None:
        expected |= {
            "prefix": manifest.model.prefix,
            "source": manifest.model.source.value,
            "components": list(manifest.model.components),
        }
    for key, value in expected.items():
        # A template may not record what it can compute; what it does record must agree.
        if key in answers and answers[key] != value:
            raise ProjectError(
                f"tvm_plugin.yaml says {key} {value}, the answers say {answers[key]}",
                mend="Restore both (git checkout), then change an answer with `copier update`",
            )
    return f"{manifest.kind.value} {manifest.name}"


def _pubspec(project: Project) -> str:
    pubspec = _yaml(project.root / sync.PUBSPEC)
    if pubspec.get("name") != project.name:
        raise ProjectError(
            f"pubspec.yaml names the package {pubspec.get('name')}, the manifest {project.name}",
            mend=f"Set `name: {project.name}` in pubspec.yaml",
        )
    platforms = ((pubspec.get("flutter") or {}).get("plugin") or {}).get("platforms") or {}
    if missing := sorted(set(project.manifest.platforms) - set(platforms)):
        raise ProjectError(
            f"pubspec.yaml lacks {' and '.join(missing)} under flutter.plugin.platforms, so no app"
            " gets the plugin there",
            mend="Add what a new plugin of this template has there, or take the platform out with "
            "`copier update --data platforms=...`",
        )
    version = str(pubspec.get("version"))
    if not project.is_model and version.partition("+")[0] != PINS.runtime_version:
        raise ProjectError(
            f"pubspec.yaml has version {version}; with TVM {PINS.tvm} it must be "
            f"{PINS.runtime_version}",
            mend=f"Set `version: {PINS.runtime_version}`, or run `copier update`",
        )
    return f"{project.name} {version}"


def _requirements(project: Project) -> str:
    changed = sync.out_of_step(project)
    if changed:
        raise ProjectError(
            f"{' and '.join(changed)} name another runtime plugin than the manifest",
            mend="Run `tvmplug sync`",
        )
    return f"{sync.PUBSPEC} and {sync.CARGO} name the runtime plugin of the manifest"


def _pins(project: Project) -> str:
    """A plugin against this toolkit first, and then against the runtime plugin that it runs on."""
    own = project.manifest
    for name, found, pin in (
        ("TVM", own.tvm, PINS.tvm),
        ("tvm-ffi", own.tvm_ffi, PINS.tvm_ffi),
    ):
        if found != pin:
            raise ArtifactError(
                f"{own.name} is made for {name} {found}, this tvmplug for {pin}",
                mend=f"Run `copier update` in {own.name}, or use the tvmplug of its template",
            )
    runtime = _runtime_manifest(project)
    if runtime is not None and (runtime.tvm, runtime.tvm_ffi) != (own.tvm, own.tvm_ffi):
        raise ArtifactError(
            f"{own.name} is made for TVM {own.tvm} with tvm-ffi {own.tvm_ffi}, "
            f"{runtime.name} holds {runtime.tvm} with {runtime.tvm_ffi}",
            mend=_side(own.name, own.tvm, own.tvm_ffi, runtime),
        )
    return f"TVM {own.tvm}, tvm-ffi {own.tvm_ffi}"


def _registry(project: Project, explicit: Path | None) -> str:
    path = registry.locate_registry(project.manifest, explicit)
    if path is None:
        raise Skipped(
            "the registry is not on this machine",
            mend="Name the runtime plugin's folder with --registry or TVMPLUG_REGISTRY",
        )
    entries = registry.read_registry(path)
    if not project.is_model:
        return f"{len(entries)} plugins, no collision"
    prefix = project.model.prefix
    taken = registry.collision(entries.values(), project.name, prefix)
    if taken is not None:
        raise RegistryError(
            f"{prefix} collides with {taken.prefix} of {taken.plugin} ({path}:{taken.line})",
            mend="Make the plugin anew with another prefix: two plugins cannot share one",
        )
    own = entries.get(project.name)
    if own is None or own.prefix != prefix:
        raise RegistryError(
            f"{project.name} does not hold {prefix} in {path}", mend="Run `tvmplug registry add`"
        )
    return f"{prefix} is held by {project.name} alone"


def _metadata(project: Project, target: Target) -> str:
    metadata = _compiled(project, target)
    expected = {
        "plugin": (metadata.plugin, project.name),
        "prefix": (metadata.prefix, project.model.prefix),
        "target": (metadata.target, target.name),
        "components": (
            ", ".join(component.name for component in metadata.components),
            ", ".join(project.model.components),
        ),
    }
    for what, (found, wanted) in expected.items():
        if found != wanted:
            raise ArtifactError(
                f"the compiled model has {what} {found}, the manifest says {wanted}",
                mend=_build(target),
            )
    # The runtime plugin decides when it is here; the pins, which _pins holds it to, otherwise.
    runtime = _runtime_manifest(project) or project.manifest
    if (metadata.tvm, metadata.tvm_ffi) != (runtime.tvm, runtime.tvm_ffi):
        raise ArtifactError(
            f"the model was compiled by TVM {metadata.tvm} with tvm-ffi {metadata.tvm_ffi}, "
            f"{runtime.name} holds {runtime.tvm} with {runtime.tvm_ffi}",
            mend=_side(project.name, metadata.tvm, metadata.tvm_ffi, runtime),
        )
    return f"compiled by TVM {metadata.tvm}: {', '.join(c.name for c in metadata.components)}"


def _side(name: str, tvm: str, tvm_ffi: str, runtime: Manifest) -> str:
    """Which of the two sides is the older one: that one has to be updated."""
    if (runtime.tvm, runtime.tvm_ffi) == (PINS.tvm, PINS.tvm_ffi):
        return f"Update {name}: `copier update`, then `tvmplug build`"
    if (tvm, tvm_ffi) == (PINS.tvm, PINS.tvm_ffi):
        return f"Update {runtime.name}: `copier update` in {runtime.root}, then `tvmplug build`"
    return f"Update both {runtime.name} and {name}: `copier update`, then `tvmplug build`"


def _symbols(project: Project, target: Target) -> str:
    _compiled(project, target)
    metadata = steps.audit_compiled(project, target)
    return f"{metadata.archive}: all symbols carry {metadata.prefix}"


def _library(project: Project, target: Target) -> str:
    path = _linked(project, target)
    if target.is_apple:
        problems = library.machine_paths(path.read_bytes(), project.root)
    else:
        problems = library.audit_library(path, project, target)
    if problems:
        raise ArtifactError(f"{path.name}: {'; '.join(problems)}", mend=_build(target))
    bundled = [name for name in _RUNTIME_FILES if (path.parent / name).exists()]
    if bundled:
        raise ArtifactError(
            f"{path.parent} holds {' and '.join(bundled)}, which only the runtime plugin may ship",
            mend=f"Delete {' and '.join(bundled)} there",
        )
    return f"{path.name} exports {project.model.prefix}* alone, needs the one runtime"


def _linked(project: Project, target: Target) -> Path:
    """What an app would load: the staged library; for Apple's targets what is packed for it."""
    if target.is_apple:
        image = read_image(project.image_dir(target))
        path = project.image_dir(target) if image is None else image.path
    else:
        path = project.staged_dir(target) / images.image_name(project, target)
    if not path.is_file():
        raise Skipped("not built yet", mend=_build(target))
    return path


def _runtime_libraries(project: Project, target: Target) -> str:
    if target.is_apple:
        return f"{_linked(project, target).name} of TVM {PINS.tvm}"
    staged = project.staged_dir(target)
    names = environment.runtime_libraries_of(target)
    missing = [name for name in names if not (staged / name).is_file()]
    if missing:
        raise Skipped(f"{' and '.join(missing)} not staged yet", mend=_build(target))
    kept = _kept_runtime(project, target)
    for name in names if kept is not None else ():
        if kept and files.sha256_file(staged / name) != files.sha256_file(kept / name):
            raise ArtifactError(
                f"{staged / name} is not the one of TVM {PINS.tvm}", mend=_build(target)
            )
    return f"{' and '.join(names)} of TVM {PINS.tvm}"


def _kept_runtime(project: Project, target: Target) -> Path | None:
    """The folder of the cache that the libraries were staged from, when it is there."""
    if environment.has_wheel(target):
        folder = environment.runtime_dir(target)
        return folder if folder.is_dir() else None
    runtime = find_runtime(target, images.runtime_options(project))
    return runtime.folder if runtime is not None else None


def _build(target: Target) -> str:
    named = "" if target == host_target() else f" --target {target.name}"
    return f"Run `tvmplug build{named}`"


def _compiled(project: Project, target: Target) -> Metadata:
    path = project.compiled_dir(target) / METADATA_NAME
    if not path.exists():
        raise Skipped("not compiled yet", mend=_build(target))
    return read_metadata(path)


def _runtime_manifest(project: Project) -> Manifest | None:
    """The runtime plugin's manifest when its folder is on this machine."""
    root = project.manifest.runtime_root
    return read_manifest(root) if root is not None and root.is_dir() else None


def _yaml(path: Path) -> Mapping[str, Any]:
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ProjectError(
            f"{path.name} cannot be read: {reason}", mend=f"Restore it: git checkout {path.name}"
        ) from error
    if not isinstance(content, dict):
        raise ProjectError(f"{path.name} holds no mapping", mend=f"git checkout {path.name}")
    return content
