"""Which plugins `tvmplug check --link` puts into one app when no app is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tvmplug import registry
from tvmplug.build.image import read_image
from tvmplug.errors import ProjectError
from tvmplug.manifest import MANIFEST_NAME, read_manifest
from tvmplug.project import Project
from tvmplug.targets import TARGETS, Target


def family_of(project: Project, others: Sequence[Path]) -> tuple[Project, ...]:
    """Return the plugins that an app with this one may hold.

    Args:
        project: The plugin that the command was given.
        others: Folders of more model plugins; none takes those that the registry names and that
            lie beside the runtime plugin.

    Returns:
        The runtime plugin first, then the models by name.

    Raises:
        ProjectError: The runtime plugin is not on this machine, or a folder is no plugin.
    """
    root = project.manifest.runtime_root
    if root is None or not (root / MANIFEST_NAME).is_file():
        raise ProjectError(
            f"the runtime plugin of {project.name} is not on this machine",
            mend="Use --app with an app that depends on both, after `flutter pub get`",
        )
    runtime = Project(read_manifest(root))
    found = [project, *(Project(read_manifest(folder.absolute())) for folder in others)]
    if not others:
        found += _neighbours(runtime)
    models = {other.root: other for other in found if other.is_model}
    return (runtime, *sorted(models.values(), key=lambda model: model.name))


def _neighbours(runtime: Project) -> Iterator[Project]:
    for plugin in registry.read_registry(runtime.root / registry.REGISTRY_NAME):
        folder = runtime.root.parent / plugin
        if (folder / MANIFEST_NAME).is_file():
            yield Project(read_manifest(folder))


def linked_targets(plugins: Sequence[Project]) -> tuple[Target, ...]:
    """The targets that at least one of the plugins is linked for."""
    return tuple(
        target
        for target in TARGETS.values()
        if any(read_image(plugin.image_dir(target)) is not None for plugin in plugins)
    )
