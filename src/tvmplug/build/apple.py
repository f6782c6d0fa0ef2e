"""Puts the linked libraries of Apple's targets together: one XCFramework for a plugin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug import files, sync
from tvmplug.apple import staging
from tvmplug.build.image import read_image
from tvmplug.errors import ProjectError
from tvmplug.project import Project
from tvmplug.targets import TARGETS, Target

_HEADER = Path("include") / staging.PLUGIN_HEADER


@dataclass(frozen=True)
class Packed:
    """An XCFramework.

    Attributes:
        path: Its folder.
        targets: What is in it.
        missing: What the plugin's platforms need and is not in it.
        proof_only: It was linked without Xcode: it proves the link, and no app is built with it.
    """

    path: Path
    targets: tuple[Target, ...]
    missing: tuple[Target, ...]
    proof_only: bool


def targets_of(project: Project) -> tuple[Target, ...]:
    """The Apple targets that a plugin's platforms need."""
    return tuple(
        row for row in TARGETS.values() if row.is_apple and row.os in project.manifest.platforms
    )


def pack(project: Project) -> Packed | None:
    """Write the XCFramework of a plugin from all images that lie in its build folder.

    What Xcode linked goes where the podspec and the Swift package look for it. What another linker
    linked stays in the build folder, so that no app is built with it by mistake.

    Returns:
        What was packed; None where nothing is linked.

    Raises:
        ArtifactError: An image is not what its record says.
        ProjectError: pubspec.yaml has no version.
        FileError: The folder cannot be written.
    """
    wanted = targets_of(project)
    linked = [image for row in wanted if (image := read_image(project.image_dir(row))) is not None]
    shipped = [image for image in linked if not image.proof_only]
    images = shipped or linked
    if not images:
        return None
    proof_only = not shipped
    folder = project.root / "build" / "tvmplug" / "proof"
    if not proof_only:
        folder = project.root / "darwin" / project.name / "Frameworks"
    with files.locked(folder):
        path = staging.pack(_package(project), images, folder)
    return Packed(
        path=path,
        targets=tuple(image.target for image in images),
        missing=tuple(staging.missing_targets(images, wanted)),
        proof_only=proof_only,
    )


def _package(project: Project) -> staging.Package:
    header = ""
    if not project.is_model:
        with files.file_errors(project.root / _HEADER):
            header = (project.root / _HEADER).read_text(encoding="utf-8")
    return staging.Package(
        plugin=project.name,
        prefix=project.model.prefix if project.is_model else "",
        linkage=project.manifest.apple_linkage,
        version=_version(project),
        organisation=project.manifest.organisation,
        plugin_header=header,
    )


def _version(project: Project) -> str:
    path = project.root / sync.PUBSPEC
    try:
        found = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["version"]
    except (OSError, YAMLError, KeyError, TypeError) as error:
        raise ProjectError(
            f"{path} has no version", mend="Write one, such as `version: 0.1.0`"
        ) from error
    return str(found)
