"""A plugin's manifest, `tvm_plugin.yaml`: what the toolkit needs to know about a plugin.

The templates write it from the answers; nothing else does. The toolkit reads
it in place of the answers file, whose shape belongs to Copier.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tvmplug import names
from tvmplug.errors import NamingError, ProjectError

MANIFEST_NAME = "tvm_plugin.yaml"
_RENDER_AGAIN = "Restore it with `git checkout tvm_plugin.yaml` or `copier update`"


class Kind(enum.Enum):
    """Which template a plugin comes from."""

    RUNTIME = "runtime"
    MODEL = "model"


class Source(enum.Enum):
    """What a model's export script hands over."""

    TORCH = "torch"
    ONNX = "onnx"
    RELAX = "relax"


class AppleLinkage(enum.Enum):
    """How an app on iOS and macOS gets a plugin's compiled code."""

    FRAMEWORK = "framework"
    STATIC = "static"


@dataclass(frozen=True)
class RuntimePath:
    """The runtime plugin is a folder beside this one."""

    path: str


@dataclass(frozen=True)
class RuntimeGit:
    """The runtime plugin is a git repository."""

    url: str
    ref: str


@dataclass(frozen=True)
class RuntimeHosted:
    """The runtime plugin comes from pub.dev and crates.io."""

    version: str


RuntimeSource = RuntimePath | RuntimeGit | RuntimeHosted


@dataclass(frozen=True)
class Model:
    """What only a model plugin has.

    Attributes:
        prefix: The plugin's symbol prefix, such as `g2p_`.
        components: Names of the compiled function sets, in order.
        source: What the export script hands over.
        runtime: Where the runtime plugin is found.
    """

    prefix: str
    components: tuple[str, ...]
    source: Source
    runtime: RuntimeSource


@dataclass(frozen=True)
class Manifest:
    """One plugin's manifest.

    Attributes:
        root: The plugin's folder.
        kind: Which template it comes from.
        name: The package's name, such as `g2p_flutter`.
        platforms: The Flutter platforms that it supports.
        organisation: The author's domain, reversed: what identifiers of its artifacts begin with.
        apple_linkage: What its iOS and macOS artifacts are: dynamic frameworks or static libraries.
        runtime_parts: Of the runtime plugin: what its runtime holds beyond what every model needs.
        tvm: Version of apache-tvm that its template pins.
        tvm_ffi: Version of apache-tvm-ffi that its template pins.
        model: What only a model plugin has; None for the runtime plugin.
    """

    root: Path
    kind: Kind
    name: str
    platforms: tuple[str, ...]
    organisation: str
    apple_linkage: AppleLinkage
    runtime_parts: tuple[str, ...]
    tvm: str
    tvm_ffi: str
    model: Model | None

    @property
    def runtime_root(self) -> Path | None:
        """The runtime plugin's folder when it is on this machine: itself, or found by path."""
        if self.model is None:
            return self.root
        if isinstance(self.model.runtime, RuntimePath):
            return (self.root / self.model.runtime.path).resolve()
        return None


def read_manifest(root: Path) -> Manifest:
    """Read the manifest of a plugin.

    Args:
        root: The plugin's folder.

    Raises:
        ProjectError: There is none, it is no YAML, or a value is missing or wrong.
    """
    path = root / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise ProjectError(
            f"{root} is no tvmplug plugin: it has no {MANIFEST_NAME}",
            mend="Name a plugin's folder with --project, or make one with `tvmplug new`",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return parse_manifest(text, root)


def parse_manifest(text: bytes, root: Path) -> Manifest:
    """Read a manifest's text, which need not be that of the file now: git has others.

    Args:
        text: The file's content.
        root: The plugin's folder.

    Raises:
        ProjectError: It is no YAML, or a value is missing or wrong.
    """
    path = root / MANIFEST_NAME
    try:
        content = YAML(typ="safe").load(text.decode())
    except (ValueError, RecursionError, YAMLError) as error:  # a 13th month is a ValueError
        raise _unreadable(path, error) from error
    if not isinstance(content, dict):
        raise ProjectError(f"{path} holds no mapping", mend=_RENDER_AGAIN)
    return _Reader(path, content).manifest()


def _unreadable(path: Path, error: Exception) -> ProjectError:
    reason = str(error).splitlines()[0]
    return ProjectError(f"{path} cannot be read: {reason}", mend=_RENDER_AGAIN)


class _Reader:
    """Takes typed values out of a parsed manifest, or says which one is wrong."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self._path = path
        self._content = content

    def manifest(self) -> Manifest:
        kind = Kind(self._choice("kind", [kind.value for kind in Kind]))
        try:
            return Manifest(
                root=self._path.parent.resolve(),
                kind=kind,
                name=self._name(),
                platforms=self._strings("platforms"),
                organisation=self._organisation(),
                apple_linkage=self._apple_linkage(),
                runtime_parts=self._runtime_parts(),
                tvm=self._text("tvm"),
                tvm_ffi=self._text("tvm_ffi"),
                model=self._model() if kind is Kind.MODEL else None,
            )
        except NamingError as error:
            raise ProjectError(f"{self._path}: {error.message}", mend=error.mend) from error

    def _name(self) -> str:
        name = self._text("name")
        names.check_plugin_name(name)
        return name

    def _organisation(self) -> str:
        # Manifests of earlier templates have none.
        return self._text("organisation") if "organisation" in self._content else "com.example"

    def _runtime_parts(self) -> tuple[str, ...]:
        return self._strings("runtime_parts") if "runtime_parts" in self._content else ()

    def _apple_linkage(self) -> AppleLinkage:
        if "apple_linkage" not in self._content:  # rendered only for iOS and macOS
            return AppleLinkage.FRAMEWORK
        return AppleLinkage(self._choice("apple_linkage", [each.value for each in AppleLinkage]))

    def _model(self) -> Model:
        prefix = self._text("prefix")
        names.check_prefix(prefix)
        components = self._strings("components")
        if not components:
            raise self._wrong("components", "lists no component")
        for component in components:
            names.check_component(component)
        if len(set(components)) != len(components):
            raise self._wrong("components", "lists a component twice")
        return Model(
            prefix=prefix,
            components=components,
            source=Source(self._choice("source", [source.value for source in Source])),
            runtime=self._runtime(),
        )

    def _runtime(self) -> RuntimeSource:
        value = self._content.get("runtime")
        if not isinstance(value, dict):
            raise self._wrong("runtime", "is no mapping")
        inner = _Reader(self._path, value)
        match inner._choice("from", ["path", "git", "hosted"]):
            case "path":
                return RuntimePath(inner._text("path"))
            case "git":
                return RuntimeGit(inner._text("url"), inner._text("ref"))
            case _:
                return RuntimeHosted(inner._text("version"))

    def _choice(self, key: str, choices: list[str]) -> str:
        value = self._text(key)
        if value not in choices:
            raise self._wrong(key, f"is '{value}', not one of {', '.join(choices)}")
        return value

    def _text(self, key: str) -> str:
        value = self._content.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "is missing or no text")
        return value

    def _strings(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "is no list of names")
        return tuple(value)

    def _wrong(self, key: str, problem: str) -> ProjectError:
        return ProjectError(f"{self._path}: '{key}' {problem}", mend=_RENDER_AGAIN)
