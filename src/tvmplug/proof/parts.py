"""A plugin as a part of an app for one target: what its build left, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tvmplug import environment
from tvmplug.apple.universal import split
from tvmplug.build.image import Image, read_image
from tvmplug.findings import Skipped
from tvmplug.project import Project
from tvmplug.proof.artifacts import Contents, audit_image, read_file, staged_strays
from tvmplug.proof.frameworks import slice_for, staged_frameworks
from tvmplug.targets import Target


@dataclass(frozen=True)
class Part:
    """A plugin of an app, built for one target.

    Attributes:
        project: The plugin.
        image: Its linked library; for static linkage on Apple's platforms its one object.
        libraries: The files that an app loads: the image, and on Linux, where the runtime is that
            of TVM's wheels, the second one beside it.
    """

    project: Project
    image: Image
    libraries: tuple[Path, ...]

    @property
    def is_static(self) -> bool:
        """Whether an app is linked with it, instead of loading it."""
        return self.image.path.suffix == ".a"

    @cached_property
    def contents(self) -> tuple[Contents, ...]:
        """What its libraries have."""
        first = audit_image(self.image, self.project.root)
        others = (
            audit_image(Image(self.image.target, path, None, "", False, ()), self.project.root)
            for path in self.libraries[1:]
        )
        return (first, *others)

    @property
    def defined(self) -> set[str]:
        """The symbols that it defines for others."""
        return {name for contents in self.contents for name in contents.defined}

    @property
    def undefined(self) -> set[str]:
        """The symbols that it needs from others than itself."""
        needed = {name for contents in self.contents for name in contents.undefined}
        return needed - self.defined


def part_of(project: Project, target: Target) -> Part:
    """Return a plugin's part of an app.

    Raises:
        Skipped: It is not built for the target.
        ArtifactError: The record of its image is damaged.
    """
    image = read_image(project.image_dir(target)) or _staged_image(project, target)
    if image is None or not image.path.is_file():
        raise Skipped(
            f"{project.name} is not built for {target.name}",
            mend=f"Run `tvmplug build --target {target.name}` in {project.name}",
        )
    libraries = [image.path]
    if not project.is_model:
        others = environment.runtime_libraries_of(target)
        folder = project.staged_dir(target)
        libraries += [folder / name for name in others if name != image.path.name]
    return Part(project, image, tuple(libraries))


def staged_problems(part: Part) -> list[str]:
    """Say what is wrong with what a plugin has staged for an app: nothing where nothing is staged.

    Raises:
        ArtifactError: A framework is damaged.
    """
    project, target = part.project, part.image.target
    if target.is_apple:
        problems = staged_frameworks(project.root)
        staged = slice_for(project.root, target)
    else:
        folder = project.staged_dir(target)
        problems = staged_strays(folder, own_libraries(project, target))
        staged = folder / part.image.path.name
    if staged is not None and staged.is_file() and not _holds(staged, part.image):
        problems.append(f"{staged} is not the library that was linked last")
    return problems


def own_libraries(project: Project, target: Target) -> tuple[str, ...]:
    """The names of the libraries that a plugin brings to an app for an ELF target."""
    if project.is_model:
        return (target.library_name.format(project.name),)
    return environment.runtime_libraries_of(target)


def _holds(staged: Path, image: Image) -> bool:
    content = read_file(image.path)
    if staged == image.path or read_file(staged) == content:
        return True
    return image.target.is_apple and any(
        part.content == content for part in split(read_file(staged), str(staged))
    )


def _staged_image(project: Project, target: Target) -> Image | None:
    """What a plugin from a registry has: the library alone, for an app."""
    if target.is_apple:
        framework = slice_for(project.root, target)
        return None if framework is None else Image(target, framework, None, "", False, ())
    path = project.staged_dir(target) / own_libraries(project, target)[0]
    return Image(target, path, None, "", False, ()) if path.is_file() else None
