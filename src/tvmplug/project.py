"""Where a plugin's own files lie: found from the folder a command runs in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ProjectError, UsageError
from tvmplug.manifest import MANIFEST_NAME, Kind, Manifest, Model, read_manifest
from tvmplug.targets import Target, host_target, target_named


@dataclass(frozen=True)
class Project:
    """A plugin's folder and its manifest.

    Attributes:
        manifest: What the plugin is.
    """

    manifest: Manifest

    @property
    def root(self) -> Path:
        """The plugin's folder, absolute."""
        return self.manifest.root

    @property
    def name(self) -> str:
        """The package's name."""
        return self.manifest.name

    @property
    def is_model(self) -> bool:
        """False for the runtime plugin."""
        return self.manifest.kind is Kind.MODEL

    @property
    def model(self) -> Model:
        """What only a model plugin has.

        Raises:
            ProjectError: This is the runtime plugin.
        """
        if self.manifest.model is None:
            raise ProjectError(
                f"{self.name} is the runtime plugin, not a model",
                mend="Name a model plugin's folder with --project",
            )
        return self.manifest.model

    @property
    def rust_dir(self) -> Path:
        """The folder of the plugin's crate."""
        return self.root / "rust"

    def compiled_dir(self, target: Target) -> Path:
        """The folder of the compiled model: archive, metadata and the stamp of the build."""
        return self.root / "build" / "tvmplug" / target.name

    def image_dir(self, target: Target) -> Path:
        """The folder of the linked library, its link map and its record."""
        return self.compiled_dir(target) / "image"

    def staged_dir(self, target: Target) -> Path:
        """Where the plugin's package expects its libraries."""
        return self.root / target.library_dir


def find_project(folder: Path | None) -> Project:
    """Return the plugin that a command works on.

    Args:
        folder: What `--project` says; None takes the nearest folder upwards with a manifest.

    Raises:
        ProjectError: There is no plugin, or its manifest is wrong.
    """
    if folder is not None:
        return Project(read_manifest(folder.absolute()))
    here = Path.cwd()
    for candidate in (here, *here.parents):
        if (candidate / MANIFEST_NAME).is_file():
            return Project(read_manifest(candidate))
    raise ProjectError(
        f"neither {here} nor a folder above it is a tvmplug plugin: no {MANIFEST_NAME}",
        mend="Go into a plugin's folder, or name it with --project",
    )


def chosen_target(name: str | None) -> Target:
    """Return the target of `--target NAME`, or this machine's own when none was named.

    Raises:
        UsageError: There is no such target, or it cannot be built yet.
    """
    target = host_target() if name is None else target_named(name)
    if not target.supported:
        raise UsageError(
            f"target {target.name} cannot be built yet",
            mend="Use --target linux-x64, on a Linux x86-64 machine",
        )
    return target
