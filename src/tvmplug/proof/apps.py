"""The questions of `tvmplug check --app`: which TVM plugins an app has, and whether they agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug.errors import ArtifactError, ProjectError, RegistryError, TvmplugError
from tvmplug.findings import Finding, ask
from tvmplug.manifest import MANIFEST_NAME, read_manifest
from tvmplug.project import Project
from tvmplug.proof.check import check_link
from tvmplug.proof.once import prove_prefixes
from tvmplug.targets import TARGETS, Target

# What `flutter pub get` writes: the plugins with their folders, and pub's own two files.
PLUGINS = ".flutter-plugins-dependencies"
LOCK, PACKAGES = "pubspec.lock", ".dart_tool/package_config.json"
_PUB_GET = "Run `flutter pub get` in {root}"


@dataclass(frozen=True)
class App:
    """A Flutter app's folder and the TVM plugins that it has.

    Attributes:
        root: The folder.
        source: The file that named the plugins.
        plugins: Those with a tvmplug manifest, sorted by name.
    """

    root: Path
    source: str
    plugins: tuple[Project, ...]

    @property
    def models(self) -> tuple[Project, ...]:
        """Its model plugins."""
        return tuple(plugin for plugin in self.plugins if plugin.is_model)

    @property
    def runtimes(self) -> tuple[Project, ...]:
        """Its runtime plugins: one, when it is right."""
        return tuple(plugin for plugin in self.plugins if not plugin.is_model)

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that it is for: those whose folder it has."""
        found = dict.fromkeys(target.os for target in TARGETS.values() if target.supported)
        return tuple(name for name in found if (self.root / name).is_dir())


def find_app(root: Path) -> App:
    """Find the TVM plugins of a Flutter app.

    Args:
        root: The app's folder, after `flutter pub get`.

    Raises:
        ProjectError: It is no Flutter app, pub has not run in it, or one of its files or of its
            plugins' manifests cannot be read.
    """
    root = root.absolute()
    if not (root / "pubspec.yaml").is_file():
        raise ProjectError(
            f"{root} is no Flutter app: it has no pubspec.yaml", mend="Name an app's folder"
        )
    if (root / PLUGINS).is_file():
        source, folders = PLUGINS, dict(_plugins(root))
    elif (root / PACKAGES).is_file():
        locked = (root / LOCK).is_file()
        source, folders = LOCK if locked else PACKAGES, dict(_packages(root, locked=locked))
    else:
        raise ProjectError(
            f"{root} has neither {PLUGINS} nor {PACKAGES}",
            mend=_PUB_GET.format(root=root),
        )
    missing = [f"{name} ({folder})" for name, folder in folders.items() if not folder.is_dir()]
    if missing:
        raise ProjectError(
            f"{source} names plugins that are not there: {', '.join(missing)}",
            mend=_PUB_GET.format(root=root),
        )
    with_manifest = sorted(
        folder for folder in set(folders.values()) if (folder / MANIFEST_NAME).is_file()
    )
    plugins = sorted((Project(read_manifest(f)) for f in with_manifest), key=lambda p: p.name)
    return App(root, source, tuple(plugins))


def check_app(root: Path, targets: Sequence[Target] | None = None) -> list[Finding]:
    """Ask whether an app's TVM plugins agree, and prove that they link once.

    Args:
        root: The app's folder, after `flutter pub get`.
        targets: What to prove the link for; None for those of the platforms that the app has.
    """
    try:
        app = find_app(root)
    except TvmplugError as error:
        return [ask("plugins", partial(_raise, error))]
    questions: dict[str, Callable[[], str]] = {
        "plugins": partial(_named, app),
        "one runtime": partial(_one_runtime, app),
        "prefixes": partial(_prefixes, app),
        "pins": partial(_pins, app),
        "platforms": partial(_platforms, app),
        "linkage": partial(_linkage, app),
    }
    found = [ask(name, question) for name, question in questions.items()]
    if not app.models or len(app.runtimes) != 1:
        return found
    if targets is None:
        targets = [t for t in TARGETS.values() if t.supported and t.os in app.platforms]
    return [*found, *check_link(app.plugins, targets)]


def _raise(error: TvmplugError) -> str:
    raise error


def _plugins(root: Path) -> Iterator[tuple[str, Path]]:
    """Names and folders of the plugins: `{"plugins": {"ios": [{"name": ..., "path": ...}]}}`."""
    document = _json(root, PLUGINS)
    by_platform = document.get("plugins")
    if not isinstance(by_platform, Mapping):
        raise _unreadable(root, PLUGINS, "it has no plugins")
    for rows in by_platform.values():
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, Mapping) or not {"name", "path"} <= row.keys():
                raise _unreadable(root, PLUGINS, "a plugin has no name or no path")
            yield str(row["name"]), root / str(row["path"])


def _packages(root: Path, *, locked: bool) -> Iterator[tuple[str, Path]]:
    """Names and folders of the packages that pub chose: of those in its lock, where it has one."""
    chosen = _locked(root) if locked else None
    rows = _json(root, PACKAGES).get("packages")
    if not isinstance(rows, list):
        raise _unreadable(root, PACKAGES, "it has no packages")
    base = (root / PACKAGES).as_uri()
    for row in rows:
        if not isinstance(row, Mapping) or not {"name", "rootUri"} <= row.keys():
            raise _unreadable(root, PACKAGES, "a package has no name or no folder")
        # The app itself is among the packages, and not in the lock.
        if chosen is None or row["name"] in chosen:
            uri = urlsplit(urljoin(base, str(row["rootUri"])))
            yield str(row["name"]), Path(url2pathname(uri.path))


def _locked(root: Path) -> Mapping[str, Any]:
    try:
        lock = YAML(typ="safe").load((root / LOCK).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise _unreadable(root, LOCK, str(error).splitlines()[0]) from error
    packages = lock.get("packages") if isinstance(lock, Mapping) else None
    if not isinstance(packages, Mapping):
        raise _unreadable(root, LOCK, "it has no packages")
    return packages


def _json(root: Path, name: str) -> Mapping[str, Any]:
    try:
        document = json.loads((root / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(root, name, str(error)) from error
    if not isinstance(document, Mapping):
        raise _unreadable(root, name, "it is no JSON object")
    return document


def _unreadable(root: Path, name: str, why: str) -> ProjectError:
    return ProjectError(
        f"{root / name} cannot be read: {why}",
        mend=f"Delete it, then run `flutter pub get` in {root}",
    )


def _named(app: App) -> str:
    if not app.models:
        raise ProjectError(
            f"{app.root} has no TVM model plugin: none in {app.source} has a {MANIFEST_NAME}",
            mend="Add one to its pubspec.yaml, then run `flutter pub get`",
        )
    return f"{', '.join(model.name for model in app.models)} (from {app.source})"


def _one_runtime(app: App) -> str:
    if not app.runtimes:
        raise ProjectError(
            "the app has no runtime plugin: its models have nothing to run on",
            mend="See that the models' pubspecs name tvm_runtime_flutter (`tvmplug sync`), then "
            "run `flutter pub get`",
        )
    if len(app.runtimes) > 1:
        told = " and ".join(f"{plugin.name} ({plugin.root})" for plugin in app.runtimes)
        raise ProjectError(
            f"the app has {len(app.runtimes)} TVM runtimes: {told}",
            mend="Make all model plugins depend on one of them",
        )
    return f"{app.runtimes[0].name} ({app.runtimes[0].root})"


def _prefixes(app: App) -> str:
    problems = prove_prefixes({plugin.name: plugin.model.prefix for plugin in app.models})
    if problems:
        raise RegistryError("; ".join(problem.what for problem in problems), mend=problems[0].mend)
    return ", ".join(plugin.model.prefix for plugin in app.models) or "no model"


def _pins(app: App) -> str:
    versions: dict[tuple[str, str], list[str]] = {}
    for plugin in app.plugins:
        pins = (plugin.manifest.tvm, plugin.manifest.tvm_ffi)
        versions.setdefault(pins, []).append(plugin.name)
    told = [f"TVM {tvm} with tvm-ffi {ffi}" for tvm, ffi in versions]
    if len(versions) > 1:
        parts = (
            f"{' and '.join(plugins)} {'is' if len(plugins) == 1 else 'are'} made for {version}"
            for version, plugins in zip(told, versions.values(), strict=True)
        )
        raise ArtifactError(
            ", ".join(parts),
            mend="Run `copier update`, then `tvmplug build`, in the older ones",
        )
    return told[0] if told else "no plugin"


def _platforms(app: App) -> str:
    """A model that runs where the runtime does not would fail at its first call."""
    for runtime in app.runtimes:
        for plugin in app.models:
            extra = set(plugin.manifest.platforms) - set(runtime.manifest.platforms)
            if extra:
                raise ProjectError(
                    f"{plugin.name} is for {', '.join(sorted(extra))}, {runtime.name} is not",
                    mend=f"Add the platform in {runtime.name}: `copier update --data "
                    "platforms=...`, then `tvmplug build`",
                )
    told = [", ".join(app.platforms) or "the app has no platform's folder yet"]
    for plugin in app.plugins:
        lacking = [name for name in app.platforms if name not in plugin.manifest.platforms]
        if lacking:
            told.append(f"{plugin.name} is not for {', '.join(lacking)}")
    return "; ".join(told)


def _linkage(app: App) -> str:
    """A dynamic model needs the runtime as a framework, a static one as a library."""
    apple = [p for p in app.plugins if {"ios", "macos"} & set(p.manifest.platforms)]
    kinds = {plugin.name: plugin.manifest.apple_linkage.value for plugin in apple}
    if len(set(kinds.values())) > 1:
        raise ProjectError(
            "the plugins' linkage on Apple's platforms differs: "
            + ", ".join(f"{name} is {kind}" for name, kind in kinds.items()),
            mend="Give all plugins the same one: `copier update --data apple_linkage=...`, then "
            "`tvmplug build`",
        )
    return next(iter(kinds.values()), "not for Apple's platforms")
