"""Where a plugin's own files lie: found from the folder a command runs in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvmplug.errors import ProjectError, UsageError
from tvmplug.manifest import MANIFEST_NAME, Kind, Manifest, Model, read_manifest
from tvmplug.targets import TARGETS, Target, host_target, targets_named


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


def chosen_target(name: str | None, *, to_compile: bool = False) -> Target:
    """Return the target of `--target NAME`, or this machine's own when none was named.

    Args:
        name: What the command line says.
        to_compile: Only the model is compiled: the GPU's targets are good too.

    Raises:
        UsageError: There is no such target, it stands for several, or it cannot be built yet.
    """
    targets = chosen_targets(name) if not to_compile or name is None else targets_named(name)
    if len(targets) > 1:
        names = ", ".join(target.name for target in targets)
        raise UsageError(f"'{name}' stands for several targets", mend=f"Name one of: {names}")
    return targets[0]


def chosen_targets(names: str | None) -> tuple[Target, ...]:
    """Return the targets of `--target LIST`, or this machine's own when none was named.

    Raises:
        UsageError: There is no such target, or one cannot be built yet.
    """
    targets = (host_target(),) if names is None else targets_named(names)
    return tuple(_buildable(target) for target in targets)


def _buildable(target: Target) -> Target:
    if target.device != "cpu":
        raise UsageError(
            f"target {target.name} is compiled, not linked: the crates call models on the CPU",
            mend=f"Use `tvmplug compile --target {target.name}`",
        )
    if not target.supported:
        raise UsageError(
            f"target {target.name} cannot be built yet",
            mend=f"Use one of: {', '.join(row.name for row in TARGETS.values() if row.supported)}",
        )
    return target
